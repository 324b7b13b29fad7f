//! A patch of a pod has the effect that it has in Kubernetes.
//!
//! The result of each generated patch is compared with that of `kubectl patch --local`, which has the code of Kubernetes for
//! it. The table of merge keys is compared with what the API server says about pods.
//!
//! `STRATEGIC_CASES` is the number of pairs of a pod and a patch, 200 by default.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests fail by a panic")]

mod common;
#[path = "strategic/generate.rs"]
mod generate;

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use chaostoolkit_operator::strategic::merge;
use common::chance::Chance;
use common::kubectl;
use serde_json::Value;

/// How many programs run at once.
const SIDE_BY_SIDE: usize = 4;

/// How many differences are shown.
const SHOWN: usize = 3;

#[test]
#[ignore = "needs kubectl, which a cluster brings along"]
fn a_patch_has_the_effect_that_it_has_in_kubernetes() {
    let wanted = std::env::var("STRATEGIC_CASES").map_or(200, |text| text.parse().unwrap());
    let mut chance = Chance::new(16);
    let pairs: Vec<(Value, Value)> =
        (0..wanted).map(|_| (generate::pod(&mut chance), generate::patch(&mut chance))).collect();
    let compared: Vec<Compared> = std::thread::scope(|scope| {
        let parts = pairs.chunks(pairs.len().div_ceil(SIDE_BY_SIDE));
        let parts: Vec<_> =
            parts.map(|part| scope.spawn(|| part.iter().map(compare).collect::<Vec<_>>())).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    let different: Vec<&String> = compared
        .iter()
        .filter_map(|one| if let Compared::Different(text) = one { Some(text) } else { None })
        .collect();
    let refused = compared.iter().filter(|one| matches!(one, Compared::BothRefuse)).count();
    let shown: Vec<&str> = different.iter().take(SHOWN).map(|text| text.as_str()).collect();
    eprintln!("{wanted} patches, of which both refuse {refused}");
    assert!(different.is_empty(), "{} of {wanted} differ:\n{}", different.len(), shown.join("\n\n"));
    // Otherwise the patches are too wild to tell anything, or too tame.
    assert!((1..wanted / 4).contains(&refused), "{refused} of {wanted} patches are refused");
}

enum Compared {
    Same,
    BothRefuse,
    Different(String),
}

/// Compares the whole pods, with the order of their lists.
fn compare((pod, patch): &(Value, Value)) -> Compared {
    let arguments = ["patch", "--local", "--type=strategic", "--output=json", "--filename=-", "--patch"];
    let patch_text = patch.to_string();
    let (succeeded, text) = kubectl(&[&arguments[..], &[&patch_text]].concat(), &pod.to_string());
    let ours = merge(pod.clone(), patch.clone());
    let theirs: Option<Value> = succeeded.then(|| serde_json::from_str(&text).unwrap());
    match (ours, theirs) {
        (Ok(ours), Some(theirs)) if ours == theirs => Compared::Same,
        (Err(_), None) => Compared::BothRefuse,
        (ours, _) => Compared::Different(format!("pod {pod}\npatch {patch}\nours {ours:?}\nkubectl {text}")),
    }
}

#[test]
#[ignore = "needs an API server"]
fn the_merge_keys_are_those_of_the_api_server() {
    let [version, document] =
        [&["version", "--output=json"][..], &["get", "--raw", "/openapi/v2"]].map(|arguments| {
            let (succeeded, text) = kubectl(arguments, "");
            assert!(succeeded, "{text}");
            text
        });
    let mut script = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/hack/strategic/merge_keys.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    script.stdin.take().unwrap().write_all(format!("{version}\n{document}").as_bytes()).unwrap();
    let output = script.wait_with_output().unwrap();
    assert!(output.status.success());
    let served: Value = serde_json::from_slice(&output.stdout).unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/strategic/pod.json");
    let known: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let minor = |table: &Value| {
        let version = table["kubernetes"].as_str().unwrap().to_owned();
        version.rsplit_once('.').unwrap().0.to_owned()
    };
    if minor(&served) == minor(&known) {
        assert_eq!(served["types"], known["types"], "run `make merge-keys`");
        return;
    }
    // Another version may know other fields, but never another key of the same field.
    let types = served["types"].as_object().unwrap();
    let fields = types.iter().flat_map(|(name, fields)| {
        fields.as_object().unwrap().iter().map(move |(field, rule)| (name, field, rule))
    });
    let mut both = 0;
    for (name, field, rule) in fields {
        if let Some(known) = known["types"][name].get(field) {
            assert_eq!(known, rule, "{name}.{field}");
            both += 1;
        }
    }
    assert!(both > 20, "only {both} fields are the same");
}
