//! By how much a run of a schedule is delayed: by chance, but always the same.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use chaostoolkit_api::Experiment;

/// By how much the runs of a schedule are delayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delay {
    uid: String,
    seconds: u32,
}

/// The longest delay in seconds: a day.
pub const LONGEST: i64 = 86_400;

impl Delay {
    /// Reads `spec.schedule.jitterSeconds` alone, so that a mistake elsewhere changes no time. One outside of its range, which the
    /// schema refuses, counts as absent.
    #[must_use]
    pub fn of(experiment: &Experiment) -> Self {
        let seconds =
            experiment.spec.as_ref().and_then(|spec| spec.pointer("/schedule/jitterSeconds")?.as_i64());
        let seconds = seconds.filter(|seconds| (0..=LONGEST).contains(seconds));
        let seconds = seconds.and_then(|seconds| seconds.try_into().ok()).unwrap_or_default();
        Self { uid: experiment.uid().to_owned(), seconds }
    }

    /// Returns when the run starts that is due at a time.
    #[must_use]
    pub fn start(&self, due: Timestamp) -> Timestamp {
        let delay = SignedDuration::try_from(jitter(&self.uid, due, self.seconds)).unwrap_or_default();
        due.saturating_add(delay).unwrap_or(Timestamp::MAX)
    }
}

/// Returns the delay of the run of an experiment that is due at a time. It is below `seconds`, and any delay is as likely as
/// another.
///
/// The delay depends on nothing else, so a restart or another version of the operator finds the same one. It changes only if
/// `seconds` does.
#[must_use]
pub fn jitter(uid: &str, scheduled: Timestamp, seconds: u32) -> Duration {
    let hash = Sha256::new().chain_update(uid).chain_update(scheduled.as_second().to_be_bytes()).finalize();
    let number = hash.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    // The high part of the product. There are far more numbers than delays, so no delay is noticeably more likely.
    let milliseconds = (u128::from(number) * u128::from(seconds) * 1000) >> 64;
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const UID: &str = "123e4567-e89b-12d3-a456-426614174000";

    fn due(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    /// These must not change from one version to the next, or a run that waits for its delay would start at another time.
    #[rstest]
    #[case(UID, 0, 60, 6_890)]
    #[case(UID, 0, 86_400, 9_922_492)]
    #[case(UID, 1, 60, 10_522)]
    #[case("00000000-0000-0000-0000-000000000000", 0, 60, 29_716)]
    fn a_delay_stays_the_same(
        #[case] uid: &str,
        #[case] minute: i64,
        #[case] seconds: u32,
        #[case] milliseconds: u64,
    ) {
        assert_eq!(jitter(uid, due(minute), seconds).as_millis(), u128::from(milliseconds));
    }

    #[test]
    fn delays_are_spread_evenly_over_times_and_over_experiments() {
        let by_time = (0..10_000).map(|minute| jitter(UID, due(minute), 600));
        let by_experiment = (0..10_000).map(|number| jitter(&format!("uid-{number}"), due(0), 600));
        for delays in [by_time.collect::<Vec<_>>(), by_experiment.collect()] {
            let mut minutes = [0; 10];
            for delay in &delays {
                minutes[usize::try_from(delay.as_secs() / 60).unwrap()] += 1;
            }
            // 1,000 are expected in each minute, with a standard deviation of 30.
            assert!(minutes.iter().all(|count| (880..=1_120).contains(count)), "{minutes:?}");
            let mean = delays.iter().sum::<Duration>() / 10_000;
            assert!((290..310).contains(&mean.as_secs()), "{mean:?}");
        }
    }

    #[test]
    fn runs_that_follow_each_other_are_not_delayed_alike() {
        let delays = (0..1_000).map(|minute| jitter(UID, due(minute), 600).as_secs_f64());
        let delays: Vec<f64> = delays.collect();
        let near = delays.windows(2).filter(|pair| (pair[0] - pair[1]).abs() < 30.0).count();
        // About 1 pair in 10 is that near by chance.
        assert!((60..140).contains(&near), "{near}");
    }

    proptest! {
        #[test]
        fn a_delay_is_below_its_limit(uid in "\\PC{0,40}", minute in -1_000_000..1_000_000_i64, seconds: u32) {
            let delay = jitter(&uid, due(minute), seconds);
            prop_assert!(delay < Duration::from_secs(seconds.into()) || (seconds == 0 && delay.is_zero()));
        }
    }
}
