use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn ended(number: usize, exit_code: i32, is_held: bool) -> Observed {
    let end = End { exit_code: Some(exit_code), finished_at: Some(Time(at(60))), ..End::default() };
    Observed {
        name: format!("pod-{number}"),
        uid: format!("uid-{number}"),
        node: None,
        is_held,
        state: PodState::Ended(end),
    }
}

fn next(experiment: &Experiment, now: i64, pods: &[Observed]) -> Experiment {
    let mut draft = Draft::of(experiment, at(now));
    draft.scheduled(ScheduleStatus { cron: "* * * * *".into(), ..ScheduleStatus::default() }, false, pods);
    Experiment { status: Some(draft.status), ..experiment.clone() }
}

#[test]
fn the_same_pass_over_the_same_world_makes_the_same_status() {
    let pods: Vec<Observed> = (0..3).map(|number| ended(number, 1, true)).collect();
    let once = next(&Experiment::default(), 100, &pods);
    assert_eq!(next(&once, 200, &pods).status, once.status);
}

/// Kubernetes may keep more pods than the history does: those that were let go are counted already.
#[test]
fn a_run_is_counted_once_however_many_pods_are_kept() {
    let held: Vec<Observed> = (0..20).map(|number| ended(number, i32::from(number < 5), true)).collect();
    let counted = next(&Experiment::default(), 100, &held);
    let expected = Some(crate::api::Counters { runs: 20, failed: 5 });
    assert_eq!(counted.status.as_ref().unwrap().counters, expected);
    assert_eq!(counted.status.as_ref().unwrap().history.len(), LONGEST_HISTORY);
    let kept: Vec<Observed> = (0..20).map(|number| ended(number, 0, false)).collect();
    assert_eq!(next(&counted, 200, &kept).status, counted.status);
}

#[test]
fn deleting_is_no_edit_of_the_spec() {
    let mut experiment = Experiment::default();
    experiment.metadata.generation = Some(2);
    experiment.status = Some(Status { observed_generation: Some(1), ..Status::default() });
    assert_eq!(Draft::of(&experiment, at(1)).status.observed_generation, Some(2));
    experiment.metadata.deletion_timestamp = Some(Time(at(1)));
    assert_eq!(Draft::of(&experiment, at(1)).status.observed_generation, Some(1));
}
