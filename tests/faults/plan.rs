//! The plans. Each has one fault at one place.

use crate::fault::{StreamFault, Streams, WriteFault, WritePoint};
use crate::plane::Trouble;
use crate::story::Story;

/// The stage of a run at which a fault begins that does not hit a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The experiment is not created yet.
    Before,
    /// Its container runs.
    Running,
    /// The experiment is deleted at this time, while its container runs.
    Deleting,
}

impl Moment {
    pub const ALL: [Self; 3] = [Self::Before, Self::Running, Self::Deleting];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Before => "before it is created",
            Self::Running => "while it runs",
            Self::Deleting => "while it is deleted",
        }
    }
}

/// A story with one fault at one place.
#[derive(Clone, Debug)]
pub struct Plan {
    pub story: Story,
    pub fault: Fault,
}

/// One fault at one place.
#[derive(Clone, Debug)]
pub enum Fault {
    Write(WritePoint, WriteFault),
    Stream(Streams, StreamFault, Moment),
    /// From this write on the operator sees no events. The next operator begins with the state of that time.
    Stale(WritePoint),
    /// The cluster is in trouble.
    Plane(Trouble, Moment),
}

impl Plan {
    /// Returns all plans for a story with these writes. The first `creating` writes create objects.
    pub fn all(story: Story, writes: &[String], creating: usize) -> Vec<Self> {
        let points = WritePoint::all(writes);
        let mut all = Vec::new();
        for faults in [WriteFault::CRASHES.as_slice(), &WriteFault::ERRORS] {
            for point in &points {
                all.extend(faults.iter().map(|fault| Fault::Write(point.clone(), *fault)));
            }
        }
        for streams in Streams::ALL {
            for fault in StreamFault::ALL {
                all.extend(Moment::ALL.map(|moment| Fault::Stream(streams, fault, moment)));
            }
        }
        all.extend(points.into_iter().take(creating).map(Fault::Stale));
        all.into_iter().map(|fault| Self { story, fault }).collect()
    }

    /// Returns the plans with trouble in the cluster, at every moment. `is_everywhere` selects the trouble that hits
    /// all users of the cluster.
    pub fn plane(story: Story, is_everywhere: bool) -> Vec<Self> {
        let troubles = Trouble::ALL.into_iter().filter(|trouble| trouble.is_everywhere() == is_everywhere);
        let troubles = troubles.filter(|trouble| story == Story::OneShot || trouble.leaves_all_in_place());
        let of = |trouble| Moment::ALL.map(|moment| Self { story, fault: Fault::Plane(trouble, moment) });
        troubles.flat_map(of).collect()
    }

    /// Returns a sample of the plans from every class. Each fault is in it, and the places take turns.
    pub fn sample(all: &[Self]) -> Vec<Self> {
        // No step shares a divisor with the number of faults, so that faults and places both take turns. A run
        // of a schedule has more writes, and fewer that are its own.
        let steps = [
            ("crash", 5),
            ("write", 9),
            ("watch", 5),
            ("stale cache", 4),
            ("schedule: crash", 23),
            ("schedule: write", 35),
            ("schedule: watch", 7),
            ("schedule: stale cache", 9),
            ("guarded: crash", 9),
            ("guarded: write", 27),
            ("guarded: watch", 7),
            ("guarded: stale cache", 9),
        ];
        let mut sample = Vec::new();
        for (class, step) in steps {
            sample.extend(all.iter().filter(|plan| plan.class() == class).step_by(step).cloned());
        }
        sample
    }

    /// Returns the row of the table that the plan is in.
    pub fn class(&self) -> String {
        format!("{}{}", self.story.prefix(), self.fault.kind())
    }

    pub fn name(&self) -> String {
        let class = self.class();
        match &self.fault {
            Fault::Write(point, fault) => format!("{class}: {}, {}", point.name(), fault.name()),
            Fault::Stream(streams, fault, moment) => {
                format!("{class}: {} on {} {}", fault.name(), streams.name(), moment.name())
            }
            Fault::Stale(point) => format!("{class}: as at {}", point.name()),
            Fault::Plane(trouble, moment) => format!("{class}: {} {}", trouble.name(), moment.name()),
        }
    }

    /// Whether the deletion of the experiment aborts its first run.
    pub fn is_aborted(&self) -> bool {
        let is_deleting =
            matches!(self.fault, Fault::Stream(_, _, Moment::Deleting) | Fault::Plane(_, Moment::Deleting));
        self.story.is_single() && is_deleting
    }
}

impl Fault {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Write(_, WriteFault::CrashBefore | WriteFault::CrashAfter) => "crash",
            Self::Write(..) => "write",
            Self::Stream(..) => "watch",
            Self::Stale(_) => "stale cache",
            Self::Plane(..) => "whole plane",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Returns the plans for as many writes as a story really has.
    fn all_of(story: Story) -> Vec<Plan> {
        let (writes, creating) = match story {
            Story::OneShot => (22, 13),
            Story::Schedule => (35, 15),
            Story::Guarded => (26, 15),
        };
        let writes: Vec<String> = (0..writes).map(|place| format!("create {place}")).collect();
        Plan::all(story, &writes, creating)
    }

    fn all() -> Vec<Plan> {
        Story::ALL.into_iter().flat_map(all_of).collect()
    }

    #[test]
    fn the_writes_of_a_story_make_the_plans_that_leave_the_control_plane_alone() {
        for (story, expected) in [
            (Story::OneShot, [44, 176, 54, 13]),
            (Story::Schedule, [70, 280, 54, 15]),
            (Story::Guarded, [52, 208, 54, 15]),
        ] {
            let all = all_of(story);
            let count = |kind: &str| all.iter().filter(|plan| plan.fault.kind() == kind).count();
            assert_eq!(["crash", "write", "watch", "stale cache"].map(count), expected, "{story:?}");
        }
    }

    #[test]
    fn each_plan_has_a_name_of_its_own_that_begins_with_its_class() {
        let mut all = all();
        for story in Story::ALL {
            all.extend([false, true].into_iter().flat_map(|is_everywhere| Plan::plane(story, is_everywhere)));
        }
        let names: BTreeSet<String> = all.iter().map(Plan::name).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.iter().all(|plan| plan.name().starts_with(&format!("{}: ", plan.class()))));
        let is_scheduled = |plan: &&Plan| plan.name().starts_with("schedule: ");
        let scheduled = all.iter().filter(is_scheduled).count();
        assert_eq!(scheduled, all.iter().filter(|plan| plan.story == Story::Schedule).count());
    }

    #[test]
    fn trouble_that_takes_away_what_a_run_needs_is_for_the_first_story_alone() {
        let count = |story| Plan::plane(story, false).len() + Plan::plane(story, true).len();
        assert_eq!(Story::ALL.map(count), [33, 24, 24]);
    }

    #[test]
    fn only_a_single_run_is_aborted_before_any_has_ended() {
        let aborted: Vec<Plan> = all().into_iter().filter(Plan::is_aborted).collect();
        assert!(!aborted.is_empty() && aborted.iter().all(|plan| plan.story.is_single()));
    }

    #[test]
    fn the_sample_has_every_fault_of_every_class() {
        let all = all();
        let sample = Plan::sample(&all);
        let of = |story| sample.iter().filter(|plan| plan.story == story).count();
        assert!(of(Story::OneShot) >= 40, "{}", of(Story::OneShot));
        for story in [Story::Schedule, Story::Guarded] {
            assert!((15..=25).contains(&of(story)), "{story:?}: {}", of(story));
        }
        let faults = |plans: &[Plan]| -> BTreeSet<(String, String)> {
            let fault = |plan: &Plan| match &plan.fault {
                Fault::Write(_, fault) => fault.name(),
                Fault::Stream(_, fault, _) => fault.name().to_owned(),
                Fault::Stale(_) | Fault::Plane(..) => String::new(),
            };
            plans.iter().map(|plan| (plan.class(), fault(plan))).collect()
        };
        assert_eq!(faults(&sample), faults(&all));
        let moments = |story| -> BTreeSet<&str> {
            let moment = |plan: &Plan| match plan.fault {
                Fault::Stream(_, _, moment) if plan.story == story => Some(moment.name()),
                _ => None,
            };
            sample.iter().filter_map(moment).collect()
        };
        assert!(Story::ALL.into_iter().all(|story| moments(story).len() == Moment::ALL.len()));
    }
}
