//! What the users of version 0.14.0 wrote, and experiments that come back from a backup.

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Outcome, Phase};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::cases::passes;
use crate::checks::ended;
use crate::common::{audit, condition_of, config_map, create, edit, experiment, set_up, wait_for_reason};
use crate::experiments::{echo, own_pod, well};
use crate::play;

/// Version 0.14.0 took the template as it was. It set the name itself, and started whatever the only container was.
#[tokio::test]
#[ignore = "needs a node"]
async fn a_pod_template_runs_as_version_0_14_0_took_it() {
    let (install, _operator) = set_up("templates").await;
    let own = config_map("own", json!({"sleep.json": well(vec![echo()], vec![]).to_string()}));
    create(&install.config_maps(&install.run_namespace), own).await;
    let template = |fields: Value, container: Value| {
        let mut template = own_pod(&json!({}), &container)["pod"]["template"].clone();
        let wanted = fields.as_object().unwrap();
        template.as_object_mut().unwrap().retain(|key, _| key == "spec");
        template.as_object_mut().unwrap().extend(wanted.clone());
        json!({"pod": {"template": template}})
    };
    let metadata = json!({"name": "own", "labels": {"app": "chaostoolkit"}});
    let whole = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata});
    let mut as_text = template(json!({"metadata": metadata}), json!({"name": "runner"}));
    as_text["pod"]["template"] = json!(as_text["pod"]["template"].to_string());
    let cases = [
        passes("no-kind", template(json!({"metadata": metadata}), json!({}))),
        passes("no-version", template(json!({"kind": "Pod", "metadata": metadata}), json!({}))),
        passes("no-name", template(json!({"apiVersion": "v1", "kind": "Pod"}), json!({}))),
        passes("any-container", template(whole, json!({"name": "runner"}))),
        passes("as-text", as_text),
    ];
    let image = "chaostoolkit/chaostoolkit:latest";
    let wrong = join_all(cases.iter().map(|case| play(&install, case, image, "1.19.0"))).await.concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A backup tool restores an experiment without its status. Its fault is not injected again until somebody asks for it.
#[tokio::test]
#[ignore = "needs a node"]
async fn an_experiment_that_velero_restores_runs_once_a_rerun_asks_for_it() {
    let (install, _operator) = set_up("velero").await;
    let spec = json!({"namespace": install.run_namespace, "experiment": well(vec![echo()], vec![echo()])});
    let mut restored = experiment("exp", spec);
    restored["metadata"]["labels"] = json!({"velero.io/restore-name": "r", "velero.io/backup-name": "b"});
    // The experiment had been run again before the backup.
    restored["metadata"]["annotations"] = json!({"chaostoolkit.org/rerun": "1"});
    install.send(restored).await.unwrap();
    let held = wait_for_reason(&install.experiments(), "exp", "Restored").await;
    assert_eq!(held.phase, Some(Phase::Suspended), "{held:#?}");
    assert_eq!(condition_of(&held, Type::Suspended), "True/Restored");
    assert!(held.message.unwrap().contains("velero.io/"), "the message names the mark");

    // An experiment that comes later runs to its end. In that time, the restored one does not start.
    install.apply_experiment("later", json!({"experiment": well(vec![echo()], vec![])})).await;
    let later = ended(&install, "later", 180).await;
    assert_eq!(later.outcome, Some(Outcome::Passed), "{later:#?}");
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1, "only the later one has a pod");
    edit(&install, "exp", json!({"metadata": {"annotations": {"chaostoolkit.org/rerun": "2"}}})).await;
    let ended = ended(&install, "exp", 180).await;
    assert_eq!(ended.outcome, Some(Outcome::Passed), "{ended:#?}");
    assert_eq!((ended.run.unwrap().number, ended.history.len()), (1, 0));
    assert_eq!(audit::pods_created_in(&install.run_namespace), 2);
}
