//! Runs while the cluster is in trouble: its control plane, its node, its namespace, or a second operator.

use std::time::Duration;

use chaostoolkit_api::Status;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, EvictParams, Patch, PatchParams};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::common::control_plane::{answers, control};
use crate::common::{self, clock, create};
use crate::life::Life;
use crate::plan::Moment;
use crate::rig::Rig;
use crate::story::Story;

/// The trouble that the cluster is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The API server is killed, and started again after a while.
    ApiServer,
    /// Etcd is killed, and started again after a while.
    Etcd,
    /// The controller manager is killed, and started again after a while. Meanwhile the run goes on.
    Controllers,
    /// Two operators are at work. The first is paused for a while, and goes on with what it knew.
    TwoOperators,
    /// A new operator starts, and the old one is told to stop.
    Replaced,
    /// The operator's clock is ten minutes ahead from now on.
    ClockAhead,
    /// The operator's clock is ten minutes behind from now on.
    ClockBehind,
    /// The definition of the resource is applied again with a change, which ends all watches of it.
    Definition,
    /// The node is gone, so nobody can report how the pod ended.
    NodeLost,
    /// The pod is evicted.
    NodeDrained,
    /// The namespace of the run is deleted.
    Namespace,
}

impl Trouble {
    pub const ALL: [Self; 11] = [
        Self::TwoOperators,
        Self::Replaced,
        Self::ClockAhead,
        Self::ClockBehind,
        Self::Definition,
        Self::NodeLost,
        Self::NodeDrained,
        Self::Namespace,
        Self::ApiServer,
        Self::Etcd,
        Self::Controllers,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiServer => "API server restarted",
            Self::Etcd => "etcd restarted",
            Self::Controllers => "controller manager stopped",
            Self::TwoOperators => "two operators, one asleep",
            Self::Replaced => "operator replaced",
            Self::ClockAhead => "clock ten minutes ahead",
            Self::ClockBehind => "clock ten minutes behind",
            Self::Definition => "definition applied anew",
            Self::NodeLost => "node lost",
            Self::NodeDrained => "pod evicted",
            Self::Namespace => "namespace deleted",
        }
    }

    /// Whether the trouble hits all users of the cluster.
    pub const fn is_everywhere(self) -> bool {
        matches!(self, Self::ApiServer | Self::Etcd | Self::Controllers)
    }

    /// Whether node, pods and namespaces stay, so that another run can follow.
    pub const fn leaves_all_in_place(self) -> bool {
        !matches!(self, Self::NodeLost | Self::NodeDrained | Self::Namespace)
    }

    /// Whether the run ends as if nothing had happened. Otherwise it ends in some other way.
    pub fn is_harmless(self, moment: Moment) -> bool {
        match self {
            Self::NodeLost | Self::NodeDrained => false,
            Self::Namespace => moment == Moment::Before,
            _ => true,
        }
    }

    /// Returns how long Kubernetes needs to do its part.
    pub const fn length(self) -> Duration {
        match self {
            // Pods of lost nodes are collected after 40 seconds, at the next check. There is a check every 20
            // seconds.
            Self::NodeLost => Duration::from_secs(70),
            _ => OUTAGE,
        }
    }
}

/// The length of an outage.
const OUTAGE: Duration = Duration::from_secs(5);

/// Takes a run through the trouble until its pod ends. Returns the status at that time, unless the experiment was
/// deleted. In a schedule the second run is deleted, after a first run without trouble.
pub async fn live(life: &mut Life<'_>, trouble: Trouble, moment: Moment) -> Option<Status> {
    let rig = life.rig;
    if trouble == Trouble::TwoOperators {
        rig.operators.start();
        rig.filled(2).await;
    }
    let (mut is_anchored, mut going_on) = (false, None);
    if moment == Moment::Before {
        (is_anchored, going_on) = strike_before(rig, trouble).await;
    }
    life.create().await;
    if is_anchored {
        life.waits_for("NamespaceTerminating").await;
        rig.install.release_run_namespace().await;
    }
    if (life.story, moment) == (Story::Schedule, Moment::Deleting) {
        let pod = life.starts().await;
        life.runs(&pod).await;
        life.ends(&pod).await;
        life.recorded(&pod).await;
    }
    let pod = life.starts().await;
    if (trouble, moment) == (Trouble::NodeDrained, Moment::Before) {
        // The pod is evicted before it runs, since it cannot be evicted before it is created.
        life.is_bound(&pod).await;
        evict(rig, &pod).await;
        life.is_stopped(&pod).await;
        return Some(life.recorded(&pod).await);
    }
    life.runs(&pod).await;
    if moment == Moment::Deleting {
        life.delete().await;
    }
    if moment != Moment::Before {
        going_on = strike(rig, trouble, &pod).await;
    }
    let is_stopped = moment == Moment::Deleting
        || (moment == Moment::Running && matches!(trouble, Trouble::NodeDrained | Trouble::Namespace));
    if trouble == Trouble::NodeLost {
        // Nobody can report how the pod ended.
    } else if is_stopped {
        life.is_stopped(&pod).await;
    } else {
        life.ends(&pod).await;
    }
    let status = if moment == Moment::Deleting { None } else { Some(life.recorded(&pod).await) };
    if let Some(going_on) = going_on {
        going_on.await.unwrap();
    }
    status
}

/// Trouble that continues during the run.
type GoingOn = Option<JoinHandle<()>>;

/// Starts the trouble before there is a run. Returns whether the namespace of the run is held while it goes away.
async fn strike_before(rig: &Rig, trouble: Trouble) -> (bool, GoingOn) {
    match trouble {
        Trouble::NodeDrained => (false, None),
        Trouble::Namespace => {
            let name = rig.install.run_namespace.clone();
            let namespaces = Api::<Namespace>::all(rig.install.client.clone());
            create(&namespaces, json!({"metadata": {"name": name}})).await;
            rig.install.anchor_run_namespace().await;
            common::delete(&namespaces, &name).await;
            (true, None)
        }
        _ => (false, strike(rig, trouble, "").await),
    }
}

async fn strike(rig: &Rig, trouble: Trouble, pod: &str) -> GoingOn {
    match trouble {
        Trouble::ApiServer => restart("apiserver").await,
        Trouble::Etcd => restart("etcd").await,
        Trouble::Controllers => {
            control("stop", "kcm").await;
            // The run does not wait for the controller manager.
            return Some(tokio::spawn(async {
                tokio::time::sleep(OUTAGE).await;
                control("start", "kcm").await;
            }));
        }
        Trouble::TwoOperators => {
            rig.operators.with(0, |operator| operator.signal("-STOP"));
            let operators = rig.operators.clone();
            return Some(tokio::spawn(async move {
                tokio::time::sleep(OUTAGE).await;
                operators.with(0, |operator| operator.signal("-CONT"));
            }));
        }
        Trouble::Replaced => {
            rig.operators.start();
            let old = rig.operators.take(0);
            assert!(old.stop().await.success(), "the old operator stops on SIGTERM");
        }
        Trouble::ClockAhead => set_clock(rig, "+10m"),
        Trouble::ClockBehind => set_clock(rig, "-10m"),
        Trouble::Definition => {
            let definitions = Api::<CustomResourceDefinition>::all(rig.install.client.clone());
            let change = json!({"spec": {"names": {"categories": [format!("c{}", common::unique())]}}});
            let name = "chaosexperiments.chaostoolkit.org";
            definitions.patch(name, &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
        }
        Trouble::NodeLost => {
            let nodes = Api::<Node>::all(rig.install.client.clone());
            nodes.delete(rig.node(), &DeleteParams::default()).await.unwrap();
        }
        Trouble::NodeDrained => evict(rig, pod).await,
        Trouble::Namespace => {
            let namespaces = Api::<Namespace>::all(rig.install.client.clone());
            common::delete(&namespaces, &rig.install.run_namespace).await;
        }
    }
    None
}

/// Restarts the operator with another clock. A process keeps its clock from its start.
fn set_clock(rig: &Rig, offset: &str) {
    let environment = clock::set(offset);
    rig.operators
        .set_environment(environment.expect("libfaketime is installed, from the package of that name"));
    rig.operators.crash();
}

async fn evict(rig: &Rig, pod: &str) {
    let pods: Api<Pod> = rig.install.pods();
    pods.evict(pod, &EvictParams::default()).await.unwrap();
}

async fn restart(part: &'static str) {
    control("stop", part).await;
    tokio::time::sleep(OUTAGE).await;
    control("start", part).await;
    answers().await;
}
