//! The plans: one fault at one place each.

use crate::fault::{StreamFault, Streams, WriteFault, WritePoint};
use crate::plane::Trouble;

/// Where a run is when a fault begins that is not about a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The experiment is not created yet.
    Before,
    /// Its container runs.
    Running,
    /// It is about to be deleted, or just was, while its container runs.
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

/// One fault at one place.
#[derive(Clone, Debug)]
pub enum Plan {
    Write(WritePoint, WriteFault),
    Stream(Streams, StreamFault, Moment),
    /// From this write on the operator sees nothing more; the one after it begins with what was there then.
    Stale(WritePoint),
    /// The cluster is in trouble.
    Plane(Trouble, Moment),
}

impl Plan {
    /// All plans for a run with these writes, of which the first create.
    pub fn all(writes: &[String], creating: usize) -> Vec<Self> {
        let points = WritePoint::all(writes);
        let mut plans = Vec::new();
        for faults in [WriteFault::CRASHES.as_slice(), &WriteFault::ERRORS] {
            for point in &points {
                plans.extend(faults.iter().map(|fault| Self::Write(point.clone(), *fault)));
            }
        }
        for streams in Streams::ALL {
            for fault in StreamFault::ALL {
                plans.extend(Moment::ALL.map(|moment| Self::Stream(streams, fault, moment)));
            }
        }
        plans.extend(points.into_iter().take(creating).map(Self::Stale));
        plans
    }

    /// Trouble with the cluster, at every moment; that which hits all of its users, or that which does not.
    pub fn plane(is_everywhere: bool) -> Vec<Self> {
        let troubles = Trouble::ALL.into_iter().filter(|trouble| trouble.is_everywhere() == is_everywhere);
        troubles.flat_map(|trouble| Moment::ALL.map(|moment| Self::Plane(trouble, moment))).collect()
    }

    /// A part of all plans, from every class: each place and each fault is in it.
    pub fn sample(all: &[Self]) -> Vec<Self> {
        let steps = [("crash", 5), ("write", 9), ("watch", 5), ("stale cache", 4)];
        let mut sample = Vec::new();
        for (class, step) in steps {
            // The steps share no divisor with the number of faults, so that faults and places both take turns.
            sample.extend(all.iter().filter(|plan| plan.class() == class).step_by(step).cloned());
        }
        sample
    }

    pub const fn class(&self) -> &'static str {
        match self {
            Self::Write(_, WriteFault::CrashBefore | WriteFault::CrashAfter) => "crash",
            Self::Write(..) => "write",
            Self::Stream(..) => "watch",
            Self::Stale(_) => "stale cache",
            Self::Plane(..) => "whole plane",
        }
    }

    pub fn name(&self) -> String {
        let class = self.class();
        match self {
            Self::Write(point, fault) => format!("{class}: {}, {}", point.name(), fault.name()),
            Self::Stream(streams, fault, moment) => {
                format!("{class}: {} on {} {}", fault.name(), streams.name(), moment.name())
            }
            Self::Stale(point) => format!("{class}: as at {}", point.name()),
            Self::Plane(trouble, moment) => format!("{class}: {} {}", trouble.name(), moment.name()),
        }
    }

    /// Whether the run is aborted by the deletion of its experiment.
    pub const fn is_aborted(&self) -> bool {
        matches!(self, Self::Stream(_, _, Moment::Deleting) | Self::Plane(_, Moment::Deleting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn all() -> Vec<Plan> {
        let writes: Vec<String> = (0..22).map(|place| format!("create {place}")).collect();
        Plan::all(&writes, 13)
    }

    #[test]
    fn twenty_two_writes_make_the_287_plans_that_leave_the_control_plane_alone() {
        let all = all();
        let count = |class: &str| all.iter().filter(|plan| plan.class() == class).count();
        assert_eq!((count("crash"), count("write"), count("watch"), count("stale cache")), (44, 176, 54, 13));
        let names: BTreeSet<String> = all.iter().map(Plan::name).collect();
        assert_eq!(names.len(), 287, "each plan has a name of its own");
    }

    #[test]
    fn the_sample_has_every_fault_and_every_moment() {
        let all = all();
        let sample = Plan::sample(&all);
        assert!(sample.len() >= 40, "{}", sample.len());
        let faults = |plans: &[Plan]| -> BTreeSet<String> {
            plans
                .iter()
                .map(|plan| match plan {
                    Plan::Write(_, fault) => fault.name(),
                    Plan::Stream(_, fault, _) => fault.name().to_owned(),
                    Plan::Stale(_) | Plan::Plane(..) => plan.class().to_owned(),
                })
                .collect()
        };
        assert_eq!(faults(&sample), faults(&all));
    }
}
