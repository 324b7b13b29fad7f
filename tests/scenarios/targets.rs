//! Namespaces that are found for a run, at a real API server.

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Phase, names};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::{
    condition_of, create, delete, delete_and_wait, eventually, pod_of, report_container, running, set_up,
    start_scheduled_run, status, status_of, terminated, wait, wait_for_phase, wait_for_reason,
};

/// Two namespaces of an installation, of which none has opted in.
struct Teams {
    namespaces: Api<Namespace>,
    names: [String; 2],
}

impl Teams {
    async fn of(install: &Install) -> Self {
        let namespaces = Api::<Namespace>::all(install.client.clone());
        let names = ["shop", "bank"].map(|name| format!("{}-{name}", install.namespace));
        for name in &names {
            create(&namespaces, json!({"metadata": {"name": name}})).await;
        }
        Self { namespaces, names }
    }

    /// Gives a namespace an annotation of this installation, or takes it away.
    async fn opt(&self, install: &Install, name: &str, value: Option<&str>) {
        let patch = Patch::Merge(json!({"metadata": {"annotations": {key(install): value}}}));
        self.namespaces.patch(name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// Waits until the account of a run has a role in these namespaces and in none of the others.
    async fn wait_until_bound(&self, install: &Install, expected: [bool; 2]) {
        eventually("the roles are bound as expected", async || {
            let mut bound = [false; 2];
            for (name, is_bound) in self.names.iter().zip(&mut bound) {
                let bindings = Api::<RoleBinding>::namespaced(install.client.clone(), name);
                let made = ListParams::default().labels(names::UID_LABEL);
                *is_bound = !bindings.list(&made).await.unwrap().items.is_empty();
            }
            (bound == expected).then_some(())
        })
        .await;
    }

    async fn remove(self) {
        for name in &self.names {
            delete(&self.namespaces, name).await;
        }
    }
}

/// An annotation that no other test uses.
fn key(install: &Install) -> String {
    format!("{}.example.com/chaos", install.namespace)
}

fn spec(install: &Install, mut spec: Value) -> Value {
    spec["targets"] = json!({"namespaceSelector": {"matchAnnotations": {key(install): "yes"}}});
    spec
}

fn told(pod: &Pod) -> [&str; 2] {
    let of = |key: &str| pod.annotations().get(key).map_or("", String::as_str);
    [of(names::TARGET_NAMESPACES_ANNOTATION), of(names::TARGET_NAMESPACE_ANNOTATION)]
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_run_waits_for_a_namespace_that_opts_in_and_has_its_role_there_until_its_end() {
    let (install, _operator) = set_up("targets").await;
    let teams = Teams::of(&install).await;
    install.apply_experiment("exp", spec(&install, json!({}))).await;
    let held = wait_for_reason(&install.experiments(), "exp", "NoTargetNamespace").await;
    assert_eq!((held.phase, held.run.as_ref()), (Some(Phase::Blocked), None));
    assert_eq!(condition_of(&held, Type::Startable), "False/NoTargetNamespace");
    let [shop, _] = &teams.names;
    teams.opt(&install, shop, Some("yes")).await;
    // It looks by itself, but an edit is quicker.
    crate::common::edit(&install, "exp", json!({"metadata": {"annotations": {"a": "b"}}})).await;
    let pod = pod_of(&install, "exp").await;
    teams.wait_until_bound(&install, [true, false]).await;
    assert_eq!(told(&install.pods().get(&pod).await.unwrap()), [shop.as_str(); 2]);
    let found = status_of(&install, "exp").await.run.unwrap().targets.unwrap();
    assert_eq!((found.total, &found.namespaces, &found.drawn), (1, &vec![shop.clone()], shop));
    report_container(&install.pods(), &pod, running()).await;
    report_container(&install.pods(), &pod, terminated(0)).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Completed).await;
    teams.wait_until_bound(&install, [false, false]).await;
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    teams.remove().await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn the_pods_of_a_schedule_are_told_the_namespaces_of_their_own_start() {
    let (install, _operator) = set_up("targets-cron").await;
    let teams = Teams::of(&install).await;
    let [shop, bank] = &teams.names;
    teams.opt(&install, shop, Some("yes")).await;
    let schedule = json!({"kind": "cronJob", "value": "0 0 1 1 *"});
    install.apply_experiment("exp", spec(&install, json!({"schedule": schedule}))).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    teams.wait_until_bound(&install, [false, false]).await;
    let cron_jobs = Api::<CronJob>::namespaced(install.client.clone(), &install.run_namespace);
    let cron_job = cron_jobs.list(&ListParams::default()).await.unwrap().items.remove(0).name_any();
    let is_active = |found: Option<&_>| status(found).schedule.is_some_and(|known| !known.active.is_empty());
    let is_idle = |found: Option<&_>| status(found).schedule.is_some_and(|known| known.released.is_empty());
    for (job, name, bound) in [("first", shop, [true, false]), ("second", bank, [false, true])] {
        start_scheduled_run(&install, &cron_job, job);
        let active = status(wait(&install.experiments(), "exp", "running", is_active).await.as_ref());
        let pod = active.schedule.unwrap().active.remove(0);
        assert_eq!(told(&install.pods().get(&pod).await.unwrap()), [name.as_str(); 2]);
        teams.wait_until_bound(&install, bound).await;
        report_container(&install.pods(), &pod, running()).await;
        report_container(&install.pods(), &pod, terminated(0)).await;
        wait(&install.experiments(), "exp", "idle", is_idle).await;
        teams.wait_until_bound(&install, [false, false]).await;
        teams.opt(&install, shop, None).await;
        teams.opt(&install, bank, Some("yes")).await;
    }
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    teams.remove().await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn with_the_flag_a_run_waits_until_its_own_namespace_has_opted_in() {
    let install = Install::new("targets-flag").await;
    install.with_experiment("{}").await;
    let flag = format!("{}=yes", key(&install));
    let _operator = Operator::start_with(&install, &["--require-namespace-annotation", &flag]).await;
    let teams = Teams::of(&install).await;
    install.apply_experiment("exp", json!({})).await;
    let held = wait_for_reason(&install.experiments(), "exp", "NamespaceNotOptedIn").await;
    let told = format!("namespace {} has not opted in by the annotation {flag}", install.run_namespace);
    assert_eq!(held.message.as_deref(), Some(told.as_str()));
    teams.opt(&install, &install.run_namespace, Some("yes")).await;
    crate::common::edit(&install, "exp", json!({"metadata": {"annotations": {"a": "b"}}})).await;
    pod_of(&install, "exp").await;
    delete_and_wait(&install.experiments(), "exp").await;
    teams.remove().await;
}
