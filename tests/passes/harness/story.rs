//! What happens to an experiment, from its creation to its deletion.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    EXPERIMENT, Operator, POD, Pace, config_map, drive, experiment, judge_requests, masked, namespace, stamp,
    stamp_requests, status,
};
use crate::fake_api::FakeApi;
use crate::{control, freezes, jobs, release, schedule, targets};

/// The life of an experiment, without the faults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Story {
    /// It runs in a namespace that does not exist yet, and is deleted afterwards.
    Completes,
    /// It fails, and is deleted afterwards.
    Fails,
    /// It waits for the `ConfigMap` with its actions.
    Waits,
    /// It is deleted during its run.
    Aborted,
    /// It is deleted while it waits.
    DeletedWaiting,
    /// Its namespace is changed while it waits.
    Moves,
    /// Its author aborts it during its run.
    Stopped,
    /// It waits for the end of a freeze. Another freeze stops it during its run.
    Frozen,
    /// It has a schedule. Its first run waits for the end of a freeze, and another freeze stops it.
    FrozenScheduled,
    /// It runs once more, and fails then.
    Reruns,
    /// Its toolkit is killed, and another pod plays the rollbacks.
    Rescued,
    /// It is deleted during its run, its toolkit is killed, and another pod plays the rollbacks before it goes.
    RescuedAtLast,
    /// It keeps nothing once its run has ended.
    CleansUp,
    /// It has a schedule. One run has ended, and a second one is in progress.
    Scheduled,
    /// It has a schedule, and one more run is asked for.
    RerunScheduled,
    /// It has a schedule. Its first run never gets a pod and its second one never starts, and both are given up.
    StalledScheduled,
    /// It reaches into another namespace, and the cluster names its author.
    Asked,
    /// The rules of its Role are in the spec, and count in another namespace too.
    WithRules,
    /// Namespaces are found for its run, which has rights there until its end.
    Targets,
    /// It has a schedule. The namespaces that are found for its first run are others than those of its second one.
    TargetsScheduled,
    /// It gets a `ClusterRole`, in another namespace too.
    WithClusterRole,
    /// It has a schedule, and a `ClusterRole` in the whole cluster. An edit replaces that during a run.
    ClusterWide,
    /// It has a schedule. Its first run was due while nobody was there. Of the two that are due after it, the newer one starts.
    SkippedScheduled,
}

/// What a story leaves: the objects once the run has ended, and the objects once the experiment was deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct Ends {
    pub ran: BTreeMap<String, Value>,
    pub left: BTreeMap<String, Value>,
}

pub const STORIES: [Story; 6] =
    [Story::Completes, Story::Fails, Story::Waits, Story::Aborted, Story::DeletedWaiting, Story::Moves];

impl Story {
    pub const fn pods(self) -> usize {
        match self {
            Self::DeletedWaiting
            | Self::Scheduled
            | Self::RerunScheduled
            | Self::StalledScheduled
            | Self::ClusterWide
            | Self::FrozenScheduled
            | Self::TargetsScheduled
            | Self::SkippedScheduled => 0,
            Self::Reruns | Self::Rescued | Self::RescuedAtLast => 2,
            _ => 1,
        }
    }

    /// Whether the experiment needs no pass any more once it comes to rest.
    pub const fn is_over_by_itself(self) -> bool {
        matches!(self, Self::CleansUp | Self::RescuedAtLast)
    }

    /// Whether objects of the experiment go while it stays.
    pub const fn takes_away(self) -> bool {
        self.is_over_by_itself() || matches!(self, Self::Targets | Self::TargetsScheduled)
    }

    pub fn spec(self) -> Value {
        match self {
            Self::Completes | Self::Fails | Self::Aborted | Self::Stopped | Self::Frozen | Self::Reruns => {
                json!({"pod": {"experiment": {"asFile": false}}})
            }
            Self::Rescued | Self::RescuedAtLast => control::with_rollbacks(json!({"rescue": true})),
            Self::CleansUp => {
                json!({"pod": {"experiment": {"asFile": false}}, "cleanup": {"onSuccess": "delete"}})
            }
            Self::Scheduled
            | Self::RerunScheduled
            | Self::StalledScheduled
            | Self::FrozenScheduled
            | Self::SkippedScheduled => schedule::spec(),
            Self::Waits | Self::DeletedWaiting => json!({}),
            Self::Moves => json!({"namespace": "old"}),
            Self::Asked => {
                json!({"pod": {"experiment": {"asFile": false}}, "role": {"binds_to_namespaces": ["shop"]}})
            }
            Self::WithRules => {
                let rules =
                    json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]}]);
                json!({"pod": {"experiment": {"asFile": false}}, "role": {"rules": rules, "binds_to_namespaces": ["shop"]}})
            }
            Self::Targets => targets::spec(&json!({})),
            Self::TargetsScheduled => targets::spec(&json!({"schedule": schedule::spec()["schedule"]})),
            Self::WithClusterRole => {
                let role = json!({"clusterRole": "view", "binds_to_namespaces": ["shop"]});
                json!({"pod": {"experiment": {"asFile": false}}, "role": role})
            }
            Self::ClusterWide => {
                let mut spec = schedule::spec();
                spec["role"] = json!({"clusterRole": "view", "clusterWide": true});
                spec
            }
        }
    }

    /// Puts what the story begins with into the cluster.
    fn begin(self, fake: &FakeApi) {
        match self {
            Self::Moves => {
                judge_requests(fake);
                // Only the policy that names authors lets a run create its namespace.
                fake.put(namespace("old"));
            }
            Self::Asked => stamp_requests(fake),
            Self::Targets | Self::TargetsScheduled => targets::prepare(fake),
            Self::WithRules | Self::WithClusterRole | Self::ClusterWide => {
                judge_requests(fake);
                fake.put(namespace("shop"));
            }
            _ => {}
        }
        fake.put(experiment(&self.spec()));
    }

    pub async fn play(self, fake: &FakeApi, operators: &mut [Operator], pace: Pace) -> Ends {
        self.begin(fake);
        match self {
            Self::Asked => {
                fake.put(namespace("shop"));
                stamp(fake, "author");
                drive(fake, operators, pace, Some(0)).await;
                assert_eq!(status(fake)["run"]["requestedBy"], "author");
            }
            Self::ClusterWide => {
                drive(fake, operators, pace, None).await;
                schedule::tick_with(fake, operators, pace).await;
                drive(fake, operators, pace, None).await;
                let role = json!({"clusterRole": "nodes", "clusterWide": true});
                fake.edit(EXPERIMENT, |experiment| experiment["spec"]["role"] = role);
                drive(fake, operators, pace, None).await;
            }
            Self::Completes
            | Self::DeletedWaiting
            | Self::CleansUp
            | Self::WithRules
            | Self::WithClusterRole => {
                drive(fake, operators, pace, Some(0)).await;
            }
            Self::Stopped => {
                drive(fake, operators, pace, None).await;
                fake.edit(EXPERIMENT, |experiment| experiment["spec"]["abort"] = json!(true));
                drive(fake, operators, pace, None).await;
            }
            Self::Targets => {
                stamp(fake, "author");
                drive(fake, operators, pace, Some(0)).await;
            }
            Self::TargetsScheduled => targets::play_scheduled(fake, operators, pace).await,
            Self::Frozen => freezes::play(fake, operators, pace).await,
            Self::FrozenScheduled => freezes::play_scheduled(fake, operators, pace).await,
            Self::Reruns => {
                drive(fake, operators, pace, Some(0)).await;
                control::rerun(fake, "1");
                drive(fake, operators, pace, Some(1)).await;
            }
            Self::Rescued => {
                drive(fake, operators, pace, None).await;
                fake.end(POD, 137, None);
                drive(fake, operators, pace, Some(0)).await;
            }
            // The deletion of the experiment and the kill of its pod come together.
            Self::RescuedAtLast => {
                drive(fake, operators, pace, None).await;
                fake.delete(EXPERIMENT);
                fake.end(POD, 137, None);
            }
            Self::Scheduled => {
                drive(fake, operators, pace, None).await;
                schedule::tick_with(fake, operators, pace).await;
                drive(fake, operators, pace, Some(0)).await;
                schedule::tick_with(fake, operators, pace).await;
                drive(fake, operators, pace, None).await;
            }
            Self::RerunScheduled => {
                drive(fake, operators, pace, None).await;
                control::rerun(fake, "1");
                drive(fake, operators, pace, None).await;
                jobs::start_all(fake);
                drive(fake, operators, pace, Some(0)).await;
            }
            Self::StalledScheduled => jobs::play_stalled(fake, operators, pace).await,
            Self::SkippedScheduled => {
                drive(fake, operators, pace, None).await;
                release::miss(fake);
                drive(fake, operators, pace, None).await;
                let newer = release::two_are_due(fake);
                drive(fake, operators, pace, None).await;
                fake.start_job(&newer);
                drive(fake, operators, pace, Some(0)).await;
            }
            Self::Fails => drive(fake, operators, pace, Some(1)).await,
            Self::Aborted => drive(fake, operators, pace, None).await,
            Self::Waits => {
                drive(fake, operators, pace, Some(0)).await;
                assert_eq!(status(fake)["reason"], "ConfigMapMissing");
                fake.put(config_map("chaostoolkit-run"));
                drive(fake, operators, pace, Some(0)).await;
            }
            Self::Moves => {
                drive(fake, operators, pace, Some(0)).await;
                fake.put(namespace("chaostoolkit-run"));
                fake.put(config_map("chaostoolkit-run"));
                fake.edit(EXPERIMENT, |experiment| experiment["spec"] = json!({}));
                drive(fake, operators, pace, Some(0)).await;
            }
        }
        let ran = masked(fake);
        if self == Self::RescuedAtLast {
            drive(fake, operators, pace, Some(0)).await;
        } else {
            fake.delete(EXPERIMENT);
            drive(fake, operators, pace, None).await;
        }
        Ends { ran, left: masked(fake) }
    }
}
