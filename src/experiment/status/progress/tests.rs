//! The two conditions follow docs/reference.md, and cost no write of their own.

mod objects;
mod table;

use k8s_openapi::jiff::Timestamp;
use strum::VariantArray;

use self::objects::{draft, experiment};
use super::*;
use chaostoolkit_api::condition::{self, find};
use chaostoolkit_api::{Experiment, Phase, Status};

#[test]
fn the_reference_has_the_table_of_the_code() {
    let table = table::read();
    for (phase, reason) in table::all() {
        let row = table::row(&table, phase, reason);
        let condition = progress::of(phase, reason).condition();
        assert_eq!(row.condition, condition.map(Text::as_str), "{phase:?} {reason:?}");
        let kstatus = match (phase, condition) {
            (Phase::Terminating, _) => "Terminating",
            (_, Some(Type::Reconciling)) => "InProgress",
            (_, Some(_)) => "Failed",
            (_, None) => "Current",
        };
        assert_eq!(row.kstatus, kstatus, "{phase:?} {reason:?}");
    }
}

#[test]
fn the_table_names_every_phase_and_has_no_row_that_never_counts() {
    let table = table::read();
    let used: Vec<_> = table::all().map(|(phase, reason)| table::row(&table, phase, reason).number).collect();
    let unused: Vec<_> = table.iter().filter(|row| !used.contains(&row.number)).collect();
    assert!(unused.is_empty(), "{unused:?}");
    assert!(Phase::VARIANTS.len() > 10);
}

#[test]
fn only_one_of_the_conditions_is_there_and_only_while_it_is_true() {
    let mut draft = draft(&Status::default());
    for (phase, reason) in table::all() {
        draft.status.phase = None;
        draft.phase(phase, reason, "m");
        draft.progress();
        let found: Vec<(&str, &str, &str, &str)> = draft
            .status
            .conditions
            .iter()
            .filter(|found| ["Reconciling", "Stalled"].contains(&found.type_.as_str()))
            .map(|found| {
                (found.type_.as_str(), found.status.as_str(), found.reason.as_str(), found.message.as_str())
            })
            .collect();
        let expected = progress::of(phase, reason).condition();
        let expected: Vec<_> =
            expected.iter().map(|type_| (type_.as_str(), "True", reason.as_str(), "m")).collect();
        assert_eq!(found, expected, "{phase:?} {reason:?}");
    }
}

#[test]
fn the_conditions_change_only_when_the_phase_its_reason_or_its_message_does() {
    for (phase, reason) in table::all() {
        let mut first = draft(&Status::default());
        first.phase(phase, reason, "m");
        first.progress();
        let later = Timestamp::from_second(1_800_000_000).unwrap();
        let recorded = Experiment { status: Some(first.status.clone()), ..experiment() };
        let mut second = Draft::of(&recorded, later);
        second.status.phase = None;
        second.phase(phase, reason, "m");
        second.progress();
        condition::keep_times(&mut second.status.conditions, &first.status.conditions);
        assert_eq!(second.status, first.status, "{phase:?} {reason:?}");
    }
}

#[test]
fn a_word_of_a_later_version_leaves_the_conditions_as_they_are() {
    let mut first = draft(&Status::default());
    first.phase(Phase::Running, Reason::Running, "m");
    first.progress();
    let mut second = draft(&first.status);
    second.status.reason = Some("ReasonOfTomorrow".to_owned());
    second.progress();
    assert_eq!(second.status.conditions, first.status.conditions);
}

#[test]
fn an_experiment_that_is_being_deleted_has_neither_condition() {
    let mut draft = draft(&Status::default());
    draft.phase(Phase::Running, Reason::Running, "m");
    draft.progress();
    assert!(find(&draft.status.conditions, Type::Reconciling).is_some());
    draft.terminating("waiting for the pod of the run to go");
    assert!(find(&draft.status.conditions, Type::Reconciling).is_none());
}

#[test]
fn the_stories_have_the_phases_that_their_names_say() {
    let told = objects::stories();
    let phases: Vec<_> = told.iter().filter_map(|(_, story)| story.status.as_ref()?.phase).collect();
    let missing: Vec<_> = Phase::VARIANTS.iter().filter(|phase| !phases.contains(phase)).collect();
    assert!(missing.is_empty(), "no story for {missing:?}");
    assert!(told.len() > 20);
}

#[test]
#[ignore = "writes the objects that hack/gitops/check.sh asks kstatus and Argo CD's scripts about"]
fn objects_are_written_for_other_programs() {
    let directory = std::env::var("GITOPS_OBJECTS").unwrap();
    objects::write(std::path::Path::new(&directory));
}
