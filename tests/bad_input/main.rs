//! Whatever an author, a template, a run or a status says, the operator does not panic, writes little, and takes nothing
//! for passed that did not. The fuzz targets in `fuzz/` check the same properties.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by a panic")]

#[path = "../common"]
mod common {
    pub mod chance;
    pub mod forge;
    pub mod variables;
}
mod damage;
#[path = "../strategic/generate.rs"]
mod generate;
mod options;
mod properties;
#[path = "../scenarios/specs.rs"]
mod specs;

use std::path::PathBuf;
use std::sync::LazyLock;

use chaostoolkit_operator::experiment::decide::templates::Template;
use chaostoolkit_operator::yaml;
use proptest::prelude::*;
use serde_json::{Value, json};
use strum::VariantArray;

use common::chance::Chance;
use common::forge::{self, World};
use common::variables::{number, text};
use damage::{JOURNALS, damaged, mutated};
use properties::{NAMESPACE, experiments, frames, journals, messages, schedules, statuses, templates};

/// How many objects of each kind are tried, unless `BAD_INPUT` is set.
const CASES: u64 = 150;

/// Tries so many objects that a generator makes, and returns how many of them were understood.
fn each(mut holds: impl FnMut(&mut Chance) -> bool) -> [u64; 2] {
    let cases = number("BAD_INPUT", CASES);
    let mut understood = 0;
    for seed in 1..=cases {
        // The panic does not tell which case it was.
        let mut chance = Chance::new(seed);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| holds(&mut chance)));
        understood += u64::from(result.unwrap_or_else(|_| panic!("the case with seed {seed}")));
    }
    [understood, cases]
}

/// Checks that a generator makes both what is understood and what is not.
fn both(what: &str, [understood, cases]: [u64; 2]) {
    assert!(understood > cases / 50 && understood < cases, "{understood} of {cases} {what} were understood");
}

fn world() -> World {
    World {
        operator: NAMESPACE.to_owned(),
        run: "chaostoolkit-run".to_owned(),
        other: "shop".to_owned(),
        uid: "123e4567-e89b-12d3-a456-426614174000".to_owned(),
        suffix: "a235f4ad3e".to_owned(),
    }
}

#[test]
fn odd_specs_become_valid_objects_or_a_reason() {
    let schema = specs::schema();
    let tried = each(|chance| experiments::of(json!({"spec": specs::spoilt(&schema, chance, 2)})));
    both("specs", tried);
}

#[test]
fn specs_that_name_foreign_objects_become_valid_objects_or_a_reason() {
    let tried = each(|chance| experiments::of(json!({"spec": forge::spec(&world(), chance)})));
    both("specs", tried);
}

#[test]
fn odd_patches_and_options_of_the_pod_become_valid_objects_or_a_reason() {
    let tried = each(|chance| experiments::of(json!({"spec": options::spec(chance)})));
    both("specs", tried);
}

#[test]
fn odd_templates_become_valid_objects_or_a_reason() {
    let shipped: Value = yaml::parse(include_str!("../../kustomize/base/templates.yaml")).unwrap();
    let tried = each(|chance| {
        let template = *chance.of(Template::VARIANTS);
        let text = shipped["data"][template.key()].as_str().unwrap();
        let text = if chance.below(2) == 0 {
            yaml::write(&damaged(&yaml::parse(text).unwrap(), chance))
        } else {
            String::from_utf8_lossy(&mutated(text.as_bytes(), chance)).into_owned()
        };
        templates::of(template, &text)
    });
    both("templates", tried);
}

#[test]
fn a_damaged_journal_never_makes_a_run_pass_that_did_not_complete() {
    let tried = each(|chance| {
        let journal = match chance.below(3) {
            0 => forge::journal(chance),
            1 => damaged(chance.of(&JOURNALS), chance).to_string().into_bytes(),
            _ => mutated(chance.of(&JOURNALS).to_string().as_bytes(), chance),
        };
        journals::of(&journal).is_some()
    });
    both("journals", tried);
}

#[test]
fn a_forged_message_makes_no_run_pass_without_the_exit_code_that_belongs_to_it() {
    let tried = each(|chance| {
        let message = forge::message(chance);
        let message =
            if chance.below(2) == 0 { mutated(message.as_bytes(), chance) } else { message.into_bytes() };
        let message = String::from_utf8_lossy(&message).into_owned();
        messages::of(&message)
    });
    both("messages", tried);
}

#[test]
fn journals_come_out_of_a_log_as_they_went_in_or_not_at_all() {
    let tried = each(|chance| {
        let mut log = Vec::new();
        for _ in 0..chance.below(3) {
            let journal = chance.of(&JOURNALS).to_string().into_bytes();
            chaostoolkit_journal::frame::write(&mut std::io::Cursor::new(journal), &mut log).unwrap();
        }
        let log = if chance.below(2) == 0 { mutated(&log, chance) } else { log };
        frames::hold(&log);
        frames::of(&log) > 0
    });
    both("logs", tried);
}

#[test]
fn odd_statuses_stay_small_and_a_run_that_has_ended_stays_so() {
    let schema = specs::schema_of("status");
    let [possible, cases] = each(|chance| {
        let status = match chance.below(2) {
            0 => forge::status(&world(), chance),
            _ => specs::spoilt(&schema, chance, 3),
        };
        statuses::of(&forge::spec(&world(), chance), &status)
    });
    assert!(possible > cases / 2, "only {possible} of {cases} statuses are possible");
}

/// Writes a corpus for each fuzz target. Checks it first, so that a fuzzer does not begin with a find.
#[test]
#[ignore = "writes files: hack/fuzz.sh runs it"]
fn seeds_for_the_fuzzer_are_handled() {
    let directory = PathBuf::from(text("BAD_INPUT_SEEDS").expect("BAD_INPUT_SEEDS names the directory"));
    let write = |target: &str, name: String, bytes: &[u8], hold: fn(&[u8])| {
        hold(bytes);
        let directory = directory.join(target);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(name), bytes).unwrap();
    };
    let shipped: Value = yaml::parse(include_str!("../../kustomize/base/templates.yaml")).unwrap();
    for (kind, template) in (0_u8..).zip(Template::VARIANTS) {
        let text = shipped["data"][template.key()].as_str().unwrap();
        write("templates", format!("{kind}"), &[&[kind], text.as_bytes()].concat(), templates::hold);
    }
    for (number, journal) in JOURNALS.iter().enumerate() {
        let journal = journal.to_string().into_bytes();
        write("journals", number.to_string(), &journal, journals::hold);
        let mut log = Vec::new();
        chaostoolkit_journal::frame::write(&mut std::io::Cursor::new(&journal), &mut log).unwrap();
        write("frames", number.to_string(), &log, frames::hold);
    }
    let (schema, statuses_schema) = (specs::schema(), specs::schema_of("status"));
    for seed in 1..60 {
        let chance = &mut Chance::new(seed);
        let spec = specs::spoilt(&schema, chance, 0);
        write(
            "experiments",
            seed.to_string(),
            json!({"spec": spec}).to_string().as_bytes(),
            experiments::hold,
        );
        let patched = json!({"spec": options::spec(chance)}).to_string();
        write("experiments", format!("pod-{seed}"), patched.as_bytes(), experiments::hold);
        write("messages", seed.to_string(), forge::message(chance).as_bytes(), messages::hold);
        let status = specs::spoilt(&statuses_schema, chance, 1);
        let object = json!({"spec": spec, "status": status}).to_string();
        write("statuses", seed.to_string(), object.as_bytes(), statuses::hold);
        let fields: Vec<&str> = (0..5).map(|_| *chance.of(&*FIELDS)).collect();
        let text = format!("{}\nEurope/Paris\n{}", fields.join(" "), chance.below(1 << 30));
        write("schedules", seed.to_string(), text.as_bytes(), schedules::hold);
    }
}

/// The fields of schedules: right ones, odd ones and wrong ones.
static FIELDS: LazyLock<[&str; 24]> = LazyLock::new(|| {
    [
        "*",
        "?",
        "0",
        "59",
        "60",
        "*/5",
        "*/0",
        "1-5",
        "5-1",
        "1,2,,3",
        "L",
        "W",
        "#",
        "jan",
        "SUN",
        "sun-fri",
        "31",
        "29",
        "2",
        "*/99999999999",
        "-1",
        "+1",
        "1-",
        "/",
    ]
});

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn a_schedule_is_due_later_than_now_and_soon_or_never(
        fields in prop::collection::vec(prop::sample::select(FIELDS.to_vec()), 4..7),
        zone in prop::sample::select(vec!["", "UTC", "Europe/Paris", "Pacific/Apia", "America/Nuuk", "../etc/passwd", "é"]),
        shift in prop_oneof![any::<i64>(), -1_000_000_i64..1_000_000],
    ) {
        schedules::of(&fields.join(" "), zone, shift);
    }

    #[test]
    fn an_interval_is_due_later_than_now_or_never(text in "@every [-+]?([0-9.]{0,20}(h|m|s|ms|us|µs|ns|d)?){0,4}", shift in any::<i64>()) {
        schedules::of(&text, "", shift);
    }

    #[test]
    fn any_bytes_are_handled(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        experiments::hold(&bytes);
        templates::hold(&bytes);
        journals::hold(&bytes);
        messages::hold(&bytes);
        frames::hold(&bytes);
        statuses::hold(&bytes);
        schedules::hold(&bytes);
    }
}
