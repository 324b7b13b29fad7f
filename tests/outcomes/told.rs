//! What an experiment says of failures that last, of mistakes, and of its later runs.

use chaostoolkit_api::condition::{Type, find};
use chaostoolkit_api::{Outcome, Phase};
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;

use crate::checks::{ended, events_of};
use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::{
    condition_of, config_map, create, delete, edit, eventually, set_up, status_of, wait_for_reason, within,
};
use crate::experiments::{echo, inline, well};
use crate::schedules::RUN;

/// The API server answers 404 to a binding whose role does not exist.
#[tokio::test]
#[ignore = "needs a node"]
async fn a_creation_that_the_api_server_does_not_find_is_told_and_tried_again() {
    let install = Install::new("notfound").await;
    install.with_experiment(&well(vec![echo()], vec![echo()]).to_string()).await;
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "own"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "nowhere"},
        "subjects": [{"kind": "ServiceAccount", "name": "chaostoolkit"}]});
    let templates = json!({"chaostoolkit-role-binding.yaml": binding.to_string()});
    create(&install.config_maps(&install.namespace), config_map("own-templates", templates)).await;
    let _operator = Operator::start(&install).await;
    install.apply_experiment("exp", json!({"template": {"name": "own-templates"}})).await;
    let told = wait_for_reason(&install.experiments(), "exp", "ObjectInvalid").await;
    assert_eq!(told.phase, Some(Phase::Blocked), "{told:#?}");
    assert_eq!(condition_of(&told, Type::Provisioned), "False/ObjectInvalid");
    let message = told.message.unwrap();
    assert!(message.starts_with("cannot create RoleBinding"), "{message}");
    let role = message.split('"').find(|word| word.starts_with("nowhere")).unwrap_or_else(|| {
        panic!("the message has the words of the API server, which names the role: {message}")
    });
    assert!(message.contains(&format!("\"{role}\" not found")), "{message}");
    eventually("an event says so", async || {
        (!events_of(&install, "exp", "ObjectInvalid").await.is_empty()).then_some(())
    })
    .await;

    let roles = Api::<ClusterRole>::all(install.client.clone());
    create(&roles, json!({"metadata": {"name": role}, "rules": []})).await;
    let ended = ended(&install, "exp", 180).await;
    delete(&roles, role).await;
    assert_eq!(ended.outcome, Some(Outcome::Passed), "{ended:#?}");
}

#[tokio::test]
#[ignore = "needs a node"]
async fn all_mistakes_are_named_at_once_and_what_a_misspelt_field_probably_meant() {
    let (install, _operator) = set_up("mistakes").await;
    let right = well(vec![echo()], vec![]);
    let spec =
        json!({"title": right["title"], "method": right["method"], "pod": {"imagePullPolicy": "Sometimes"}});
    install.apply_experiment("exp", spec).await;
    let told = wait_for_reason(&install.experiments(), "exp", "InvalidSpec").await;
    let message = told.message.unwrap();
    for mistake in [
        "spec.title: belongs under spec.experiment",
        "spec.method: belongs under",
        "spec.pod.imagePullPolicy: ",
    ] {
        assert!(message.contains(mistake), "{mistake} is not in {message}");
    }
    assert_eq!(install.pods().list(&ListParams::default()).await.unwrap().items, []);

    let mended = json!({"title": null, "method": null, "experiment": right, "pod": {"imagePullPolicy": null, "imagee": "x"}});
    edit(&install, "exp", json!({"spec": mended})).await;
    let passed = within(RUN, "the mended experiment has passed", async || {
        Some(status_of(&install, "exp").await).filter(|status| status.outcome == Some(Outcome::Passed))
    })
    .await;
    let accepted = find(&passed.conditions, Type::Accepted).unwrap();
    assert!(accepted.message.contains("spec.pod.imagee (image was probably meant)"), "{accepted:?}");
}

/// The recorder folds equal events into one. The second run must not hide in the event of the first.
#[tokio::test]
#[ignore = "needs a node"]
async fn each_run_has_events_of_its_own() {
    let (install, _operator) = set_up("events").await;
    install.apply_experiment("exp", inline(&well(vec![echo()], vec![echo()]))).await;
    let first = ended(&install, "exp", 180).await.run.unwrap();
    edit(&install, "exp", json!({"metadata": {"annotations": {"chaostoolkit.org/rerun": "1"}}})).await;
    let second = within(RUN, "the second run has ended", async || {
        let status = status_of(&install, "exp").await;
        let run = status.run.filter(|run| run.number == 2)?;
        (status.phase == Some(Phase::Completed)).then_some(run)
    })
    .await;
    for reason in ["RunCreated", "RunStarted", "Passed", "RollbacksPlayed"] {
        let mut events = eventually(&format!("both runs have an event {reason}"), async || {
            Some(events_of(&install, "exp", reason).await).filter(|events| events.len() == 2)
        })
        .await;
        events.sort_by_key(|event| event.event_time.clone());
        for (event, run) in events.iter().zip([&first, &second]) {
            let related = event.related.as_ref().and_then(|related| related.name.clone());
            assert_eq!(related.as_ref(), Some(&run.pod_name), "{reason}");
            let names_the_run = event.note.as_deref().unwrap_or_default().starts_with("run 2: ");
            assert_eq!(names_the_run, run.number == 2, "{reason}: {event:?}");
            assert_eq!(event.series, None, "{reason} folds into no other");
        }
    }
}
