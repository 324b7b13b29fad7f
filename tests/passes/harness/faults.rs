//! Plays stories with one fault at each call.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Ends, Hangs, Operator, Pace, Story, check_protocol, nothing_is_left, pods_created, small_cluster,
};
use crate::fake_api::Fault;
use crate::variables;

/// Plays a story with a fault at the call with this number. Compares the ends with those of the same story without a
/// fault.
pub async fn compare(story: Story, pace: Pace, number: usize, fault: Fault, hangs: Hangs, expected: &Ends) {
    let what = format!("{story:?}, {pace:?}, {fault:?} at call {number}, {hangs:?}");
    println!("{what}");
    let fake = small_cluster();
    fake.fail(number, fault);
    let mut operators = vec![Operator::new(&fake, hangs)];
    if hangs == Hangs::Sleep {
        operators.push(Operator::new(&fake, hangs));
    }
    let mut ends = story.play(&fake, &mut operators, pace).await;
    let (late, mut is_too_late) = (fake.calls()[number].clone(), false);
    if hangs == Hangs::Sleep && late.method == "POST" && story.takes_away() {
        // A request that arrives after everything was removed leaves an object that nobody can know of
        // (docs/reliability.md).
        for (objects, expected) in [(&mut ends.ran, &expected.ran), (&mut ends.left, &expected.left)] {
            if !expected.contains_key(&late.path) && objects.remove(&late.path).is_some() {
                fake.forget(&late.path);
                is_too_late = true;
            }
        }
    }
    let what = format!("{what}: {} {}", late.method, late.path);
    assert_same(&ends.ran, &expected.ran, &what);
    assert_same(&ends.left, &expected.left, &what);
    assert_eq!(pods_created(&fake), story.pods(), "{what}");
    nothing_is_left(&fake);
    if !is_too_late {
        check_protocol(&fake);
    }
}

pub fn assert_same(found: &BTreeMap<String, Value>, expected: &BTreeMap<String, Value>, what: &str) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{what}");
    for (path, object) in found {
        assert_eq!(object, &expected[path], "{path}: {what}");
    }
}

/// Returns `n` if one of `n` cases is played. All of them take minutes.
pub fn every() -> usize {
    variables::number("PASSES_EVERY", 5)
}

/// Plays each story once for each call and each fault of that call. `PASSES_EVERY` selects a part of these cases, in
/// which calls and faults take turns.
pub async fn try_all<const N: usize>(
    stories: &[(Story, Pace)],
    name: &str,
    hangs: Hangs,
    faults: impl Fn(Story, usize) -> [Option<Fault>; N],
) {
    let mut cases = 0;
    for (story, pace) in stories.iter().copied() {
        let fake = small_cluster();
        let expected = story.play(&fake, &mut [Operator::new(&fake, hangs)], pace).await;
        let calls = fake.calls();
        for (number, call) in calls.iter().enumerate() {
            for (which, fault) in faults(story, number).into_iter().flatten().enumerate() {
                // Three calls in a row take part, since some faults alternate from call to call.
                if (number / 3 + which) % every() != 0 {
                    continue;
                }
                // A read without an answer equals no read, and events are best effort.
                let is_write = call.method != "GET" && !call.path.contains("/events");
                let is_after = matches!(fault, Fault::After(..) | Fault::ResetAfter | Fault::HangAfter);
                if is_write || !is_after {
                    compare(story, pace, number, fault, hangs, &expected).await;
                    cases += 1;
                }
            }
        }
        println!("{name}: {story:?} with a {pace:?} has {} calls", calls.len());
    }
    println!("{name}: {cases} cases");
}

/// The faults of a call that hangs: before it is done, and after.
pub const fn before_and_after(_: Story, _: usize) -> [Option<Fault>; 2] {
    [Some(Fault::HangBefore), Some(Fault::HangAfter)]
}

/// One refusal for each call, in turns.
pub const fn refused_in_turns(_: Story, number: usize) -> [Option<Fault>; 1] {
    let faults = [Fault::Before(409, "Conflict"), Fault::Before(403, "Forbidden"), Fault::ResetBefore];
    [Some(faults[number % faults.len()])]
}
