//! A team on a real node, with the overlay `multi-tenant` and the component `stamping`: a developer who has `edit` in the namespace
//! of the team, and the administrator of that namespace. Nobody here is an administrator of the cluster, except for the set-up.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use std::time::Duration;

use chaostoolkit_api::condition::{self, Type};
use chaostoolkit_api::{Experiment, Outcome, Phase, Status, Trigger, names};
use common::install::{Install, documents};
use common::operator::Operator;
use common::{condition_of, eventually, kubectl, status, wait_for_reason, within};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

/// How long a run may take on a busy node, from its request to its record.
const RUN: Duration = Duration::from_secs(180);

/// The example for teams. The namespace is called `my-team` there.
const EXAMPLE: &str = include_str!("../examples/own-namespace.yaml");

struct Team {
    install: Install,
    namespace: String,
    /// Has `edit` in the namespace.
    dev: String,
    /// Has `admin` in the namespace.
    admin: String,
    _operator: Operator,
}

impl Team {
    /// Installs the operator, and creates the namespace of the team. The operator may run nothing there yet.
    async fn new(test: &str) -> Self {
        let install = Install::multi_tenant(test).await;
        install.install_people().await;
        install.install_authors().await;
        let namespace = format!("{}-team", install.namespace);
        let [dev, admin] = ["dev", "admin"].map(|user| format!("{}:{user}", install.namespace));
        let operator = Operator::start_checked_with(&install, &["--watch-namespaces", &namespace]).await;
        let team = Self { install, namespace, dev, admin, _operator: operator };
        let set_up: Vec<Value> = [
            team.example("Namespace"),
            vec![team.binding("dev", &team.dev, "edit"), team.binding("admin", &team.admin, "admin")],
        ]
        .concat();
        let (created, output) = kubectl(&["apply", "-f", "-"], &list(&set_up));
        assert!(created, "{output}");
        team.wait_until_ready().await;
        team
    }

    /// Waits until Kubernetes has added the rights of people to its own roles, and the policies are in force.
    async fn wait_until_ready(&self) {
        let role = format!("clusterroles.rbac.authorization.k8s.io/{}-runs", self.install.namespace);
        eventually("the rights of the team are known", async || {
            let may = self.may(&self.dev, &["create", "chaosexperiments.chaostoolkit.org"])
                && self.may(&self.admin, &["bind", &role]);
            may.then_some(())
        })
        .await;
        eventually("experiments have an author", async || {
            let try_it = ["create", "--dry-run=server", "-o", "json"];
            let (created, text) = as_user(&self.dev, &try_it, &list(&self.example("ChaosToolkitExperiment")));
            (created && text.contains(&format!(r#""{}": "{}""#, names::AUTHOR_ANNOTATION, self.dev)))
                .then_some(())
        })
        .await;
    }

    /// The objects of this kind in the example, under the name of this namespace.
    fn example(&self, kind: &str) -> Vec<Value> {
        let objects = documents(&EXAMPLE.replace("my-team", &self.namespace));
        objects.into_iter().filter(|object| object["kind"] == kind).collect()
    }

    /// A binding of a user to one of Kubernetes' own roles.
    fn binding(&self, name: &str, user: &str, role: &str) -> Value {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": name, "namespace": self.namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]})
    }

    fn may(&self, user: &str, what: &[&str]) -> bool {
        let ask = [&["auth", "can-i"], what, &["-n", &self.namespace]].concat();
        as_user(user, &ask, "").0
    }

    /// Applies objects as the developer.
    fn apply(&self, objects: &[Value]) {
        let (applied, text) = as_user(&self.dev, &["apply"], &list(objects));
        // An installation that other tests have left warns of namespaces that it does not watch.
        assert!(applied, "{text}");
    }

    fn experiments(&self) -> Api<Experiment> {
        Api::namespaced(self.install.client.clone(), &self.namespace)
    }

    async fn status(&self, name: &str) -> Status {
        status(self.experiments().get_opt(name).await.unwrap().as_ref())
    }

    /// The command that a message tells, for the role of this installation.
    fn command(&self, message: &str) -> Vec<String> {
        let (_, command) = message.split_once("kubectl ").unwrap_or_else(|| panic!("no command: {message}"));
        let role = format!("{}-runs", self.install.namespace);
        command.replace(names::RUNS_ROLE, &role).split_whitespace().map(str::to_owned).collect()
    }

    /// Removes what is not in a namespace of this installation, and the namespace of the team.
    fn remove(&self) {
        let (deleted, text) = kubectl(&["delete", "namespace", &self.namespace, "--timeout=120s"], "");
        assert!(deleted, "{text}");
        self.install.remove_authors();
        self.install.remove_people();
    }
}

/// Runs kubectl as a user. With an input, kubectl reads the objects from it.
fn as_user(user: &str, arguments: &[&str], input: &str) -> (bool, String) {
    let file: &[&str] = if input.is_empty() { &[] } else { &["-f", "-"] };
    kubectl(&[arguments, file, &["--as", user]].concat(), input)
}

fn list(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_user_with_edit_runs_experiments_after_the_one_command_of_the_admin() {
    let team = Team::new("edit").await;
    team.apply(&[team.example("ConfigMap"), team.example("ChaosToolkitExperiment")].concat());
    let blocked = wait_for_reason(&team.experiments(), "own-namespace", "RightsMissing").await;
    assert_eq!(condition_of(&blocked, Type::Permitted), "False/RightsMissing");
    let command = team.command(&blocked.message.unwrap());
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let (bound, text) = as_user(&team.dev, &command, "");
    assert!(!bound && text.contains("forbidden"), "the developer may not let the operator in: {text}");
    let (bound, text) = as_user(&team.admin, &command, "");
    assert!(bound, "{text}");

    let ended = within(RUN, "the run ends", async || {
        Some(team.status("own-namespace").await).filter(Status::is_finished)
    })
    .await;
    assert_eq!((ended.phase, ended.outcome), (Some(Phase::Completed), Some(Outcome::Passed)), "{ended:#?}");
    assert_eq!(condition_of(&ended, Type::Permitted), "True/Permitted");
    let run = ended.run.unwrap();
    assert_eq!(run.requested_by.as_deref(), Some(&*team.dev));
    let (read, log) = as_user(&team.dev, &["-n", &team.namespace, "logs", &run.pod_name], "");
    assert!(read && log.contains("Action: say-hello"), "the developer reads the log: {log}");
    team.remove();
}

/// These wait for the clock, so they belong to the layer `outcomes`.
mod schedules {
    use super::{
        Api, ListParams, Outcome, Phase, Pod, RUN, Team, Trigger, Type, condition, condition_of, json,
        kubectl, names, within,
    };

    #[tokio::test]
    #[ignore = "needs a node, and three minutes"]
    async fn a_schedule_runs_until_its_author_loses_the_right() {
        let team = Team::new("nightly").await;
        team.install.let_in(&team.namespace).await;
        let mut experiment = team.example("ChaosToolkitExperiment").remove(0);
        experiment["spec"] = json!({"schedule": {"kind": "cronJob", "value": "* * * * *"}});
        team.apply(&[team.example("ConfigMap"), vec![experiment]].concat());
        let first =
            within(RUN, "the schedule runs", async || team.status("own-namespace").await.history.pop()).await;
        assert_eq!((first.outcome, first.run.trigger), (Outcome::Passed, Trigger::Schedule), "{first:#?}");
        assert_eq!(first.run.requested_by.as_deref(), Some(&*team.dev));

        let (deleted, text) = kubectl(&["-n", &team.namespace, "delete", "rolebinding", "dev"], "");
        assert!(deleted, "{text}");
        let skipped = within(RUN, "a run is skipped", async || {
            team.status("own-namespace").await.history.into_iter().find(|run| run.phase == Phase::Skipped)
        })
        .await;
        assert_eq!(skipped.reason, "AuthorForbidden", "{skipped:#?}");
        let status = team.status("own-namespace").await;
        assert_eq!(condition_of(&status, Type::Permitted), "False/AuthorForbidden");
        let told = &condition::find(&status.conditions, Type::Permitted).unwrap().message;
        assert!(told.contains(&format!("-n {} --as={}", team.namespace, team.dev)), "{told}");
        let ran = status.history.iter().filter(|run| run.phase == Phase::Completed).count();
        let pods = Api::<Pod>::namespaced(team.install.client.clone(), &team.namespace);
        let pods = pods.list(&ListParams::default().labels(names::UID_LABEL)).await.unwrap().items;
        assert_eq!(pods.len(), ran, "the run that was skipped had no pod");
        team.remove();
    }
}
