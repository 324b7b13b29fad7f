//! Rollbacks that another pod plays.

use super::*;
use chaostoolkit_journal::message::ToolkitEnd;

/// Starts a run with this spec and kills its toolkit.
async fn killed(spec: &Value) -> (FakeApi, Operator) {
    let (fake, mut operator) = begin(spec);
    settle(&fake, &mut operator, None).await;
    fake.end(POD, 137, None);
    settle(&fake, &mut operator, None).await;
    (fake, operator)
}

#[tokio::test]
async fn rollbacks_that_a_run_did_not_come_to_are_played_by_another_pod() {
    let (fake, mut operator) = killed(&with_rollbacks(json!({"rescue": true}))).await;
    assert_eq!(found(&fake), "Failed/Error/ToolkitKilled");
    assert_eq!(condition(&fake, "RolledBack"), "Unknown/RescueStarted");
    let pod = fake.get(RESCUE).unwrap();
    assert_eq!(pod["metadata"]["finalizers"], json!([names::OUTCOME_FINALIZER]));
    let volumes = pod["spec"]["volumes"].as_array().unwrap();
    let map = volumes.iter().find_map(|volume| volume["configMap"]["name"].as_str()).unwrap();
    let map = fake.get(&format!("{RUN}/configmaps/{map}")).unwrap();
    let text = map["data"]["experiment.json"].as_str().unwrap();
    let played: Value = serde_json::from_str(text).unwrap();
    assert_eq!(played["rollbacks"][0]["name"], "mend");
    assert!(!text.contains("break"), "nothing that injects a fault is left: {text}");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(condition(&fake, "RolledBack"), "True/RescuePlayed");
    assert_eq!(found(&fake), "Failed/Error/ToolkitKilled", "the outcome is that of the run");
    let rescue = &status(&fake)["run"]["rescue"];
    assert_eq!(rescue["podName"], "chaostoolkit-a235f4ad3e-rescue");
    assert_eq!(rescue["rollbacks"]["state"], "Played");
    assert_eq!([events(&fake, "RescueStarted"), events(&fake, "RescuePlayed")], [1, 1]);
    assert_eq!((pods_created(&fake), status(&fake)["counters"]["runs"].clone()), (2, json!(1)));
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_rescue_that_fails_says_so_and_is_not_tried_again() {
    let (fake, mut operator) = killed(&with_rollbacks(json!({"rescue": true}))).await;
    fake.end(RESCUE, 137, None);
    settle(&fake, &mut operator, None).await;
    assert_eq!(condition(&fake, "RolledBack"), "False/RescueFailed");
    assert_eq!((pods_created(&fake), events(&fake, "RescueFailed")), (2, 1));
    is_over(&fake, &mut operator).await;
}

/// Options of the runner in the command of a rescue.
fn options_of_rescue(fake: &FakeApi) -> Vec<String> {
    let pod = fake.get(RESCUE).unwrap();
    let command = pod["spec"]["containers"][0]["command"].as_array().unwrap().clone();
    let words = command.into_iter().skip(3).map(|word| word.as_str().unwrap().to_owned());
    words.take_while(|word| word != "--").collect()
}

#[tokio::test]
async fn an_experiment_from_elsewhere_is_fetched_again_and_reduced_in_the_pod() {
    let digest = "a".repeat(64);
    let headers = json!([{"name": "Authorization", "secret": {"name": "theirs", "key": "header"}}]);
    let reference = format!("registry.example/e@sha256:{digest}");
    for (experiment, expected) in [
        (
            json!({"url": "https://h/e.yaml", "sha256": digest, "headers": headers}),
            format!(
                "--header Authorization=/chaostoolkit-options/header-0 --sha256 {digest} --only-rollbacks"
            ),
        ),
        (json!({"url": "/git/e.yaml", "sha256": digest}), format!("--sha256 {digest} --only-rollbacks")),
        (
            json!({"artifact": {"reference": reference, "path": "e.yaml"}}),
            "--variable EXPERIMENT_PATH --only-rollbacks".to_owned(),
        ),
    ] {
        let spec = json!({"pod": {"experiment": experiment, "chaosArgs": ["run", "x"]}, "rescue": true});
        let (fake, mut operator) = killed(&spec).await;
        assert_eq!(options_of_rescue(&fake).join(" "), expected);
        let (run, pod) = (fake.get(POD).unwrap(), fake.get(RESCUE).unwrap());
        let variables = |pod: &Value| pod["spec"]["containers"][0]["env"].clone();
        assert_eq!(variables(&pod), variables(&run));
        let args = pod["spec"]["containers"][0]["args"].as_array().unwrap();
        assert!(
            matches!(args.last().and_then(Value::as_str), Some("$(EXPERIMENT_URL)" | "$(EXPERIMENT_PATH)")),
            "{args:?}"
        );
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(
            (condition(&fake, "RolledBack"), pods_created(&fake)),
            ("True/RescuePlayed".to_owned(), 2)
        );
        is_over(&fake, &mut operator).await;
    }
}

#[tokio::test]
async fn an_experiment_from_elsewhere_that_may_be_another_one_is_not_fetched_again() {
    let artifact = |reference: &str| json!({"pod": {"experiment": {"artifact": {"reference": reference}}}});
    let url = |digest: &str| json!({"pod": {"experiment": {"url": "https://h/e.json", "sha256": digest}}});
    let (one, other) = ("a".repeat(64), "b".repeat(64));
    let pinned = |digest: &str| artifact(&format!("registry.example/e@sha256:{digest}"));
    for (at_first, then) in [
        (artifact("registry.example/e:1"), Value::Null),
        (json!({"pod": {"experiment": {"url": "https://h/e.json"}}}), Value::Null),
        (pinned(&one), pinned(&other)),
        (url(&one), url(&other)),
        (json!({"pod": {"experiment": {"url": "https://h/e.json"}}}), url(&one)),
    ] {
        let mut spec = at_first.clone();
        spec["rescue"] = json!(true);
        let (fake, mut operator) = begin(&spec);
        settle(&fake, &mut operator, None).await;
        if !then.is_null() {
            fake.edit(EXPERIMENT, |experiment| experiment["spec"]["pod"] = then["pod"].clone());
        }
        settle(&fake, &mut operator, None).await;
        fake.end(POD, 137, None);
        settle(&fake, &mut operator, None).await;
        assert_eq!(condition(&fake, "RolledBack"), "False/RescueFailed", "{at_first}");
        assert_eq!(pods_created(&fake), 1, "{at_first}");
    }
}

/// Returns the message of the condition `RolledBack`.
fn told(fake: &FakeApi) -> String {
    let conditions = status(fake)["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.into_iter().find(|condition| condition["type"] == "RolledBack").unwrap();
    found["message"].as_str().unwrap().to_owned()
}

/// Has the API server refuse the pod of a rescue.
async fn refused(spec: Value) -> (FakeApi, Operator) {
    let (fake, mut operator) = begin(&with_rollbacks(spec));
    settle(&fake, &mut operator, None).await;
    fake.refuse(Some(("POST", "/pods/", 403)));
    fake.end(POD, 137, None);
    settle(&fake, &mut operator, None).await;
    (fake, operator)
}

#[tokio::test]
async fn a_rescue_that_is_refused_says_so() {
    let (fake, mut operator) = refused(json!({"rescue": true, "startDeadlineSeconds": 0})).await;
    assert_eq!(condition(&fake, "RolledBack"), "Unknown/Forbidden");
    let beginning = "pod chaostoolkit-a235f4ad3e-rescue is to play the rollbacks: cannot create Pod";
    assert!(told(&fake).starts_with(beginning), "{}", told(&fake));
    let writes = fake.writes().iter().filter(|call| call.method == "PATCH").count();
    operator.pass().await;
    operator.pass().await;
    let warnings: Vec<Value> =
        fake.events().into_iter().filter(|event| event["reason"] == "Forbidden").collect();
    assert_eq!(warnings.len(), 1, "it is told once: {warnings:?}");
    assert_eq!((&warnings[0]["type"], &warnings[0]["action"]), (&json!("Warning"), &json!("PlayRollbacks")));
    assert_eq!(fake.writes().iter().filter(|call| call.method == "PATCH").count(), writes);
    fake.refuse(None);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(condition(&fake, "RolledBack"), "True/RescuePlayed");
    assert_eq!((events(&fake, "RescuePlayed"), pods_created(&fake)), (1, 2));
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_rescue_that_is_refused_for_too_long_ends_with_the_refusal() {
    let (fake, mut operator) = refused(json!({"rescue": true})).await;
    fake.edit(EXPERIMENT, |experiment| {
        experiment["status"]["run"]["rescue"]["requestedAt"] = json!("2020-01-01T00:00:00Z");
    });
    settle(&fake, &mut operator, None).await;
    assert_eq!(condition(&fake, "RolledBack"), "False/RescueFailed");
    let beginning = "no other pod can play the rollbacks: it has not started in time: cannot create Pod";
    assert!(told(&fake).starts_with(beginning), "{}", told(&fake));
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_rescue_that_cannot_be_planned_says_so_until_nobody_asks_for_it() {
    for is_withdrawn in [false, true] {
        let (fake, mut operator) = begin(&with_rollbacks(json!({"rescue": true})));
        settle(&fake, &mut operator, None).await;
        fake.refuse(Some(("GET", "/configmaps/", 403)));
        let mut operator = Operator::new(&fake, Hangs::Crash);
        fake.end(POD, 137, None);
        settle(&fake, &mut operator, None).await;
        assert_eq!(condition(&fake, "RolledBack"), "Unknown/Forbidden");
        assert!(told(&fake).starts_with("another pod is to play the rollbacks: "), "{}", told(&fake));
        assert_eq!(events(&fake, "Forbidden"), 1);
        if is_withdrawn {
            set(&fake, "rescue", json!(false));
            settle(&fake, &mut operator, None).await;
            assert_eq!(condition(&fake, "RolledBack"), "Unknown/NoJournal");
        } else {
            fake.refuse(None);
            settle(&fake, &mut operator, Some(0)).await;
            assert_eq!(condition(&fake, "RolledBack"), "True/RescuePlayed");
        }
        fake.refuse(None);
        is_over(&fake, &mut operator).await;
    }
}

#[tokio::test]
async fn an_impossible_rescue_is_reported_as_failed() {
    for spec in [
        json!({"pod": {"experiment": {"asFile": false}}, "rescue": true}),
        json!({"experiment": {"title": "t", "description": "d", "method": []}, "rescue": true}),
    ] {
        let (fake, mut operator) = killed(&spec).await;
        assert_eq!(condition(&fake, "RolledBack"), "False/RescueFailed");
        assert_eq!((pods_created(&fake), events(&fake, "RescueFailed")), (1, 1));
        assert!(status(&fake)["run"]["rescue"]["problem"].is_string());
        is_over(&fake, &mut operator).await;
    }
}

#[tokio::test]
async fn an_experiment_that_was_changed_is_not_rescued() {
    for change in [json!({"title": "another"}), json!({"namespace": "elsewhere"})] {
        let (fake, mut operator) = begin(&with_rollbacks(json!({"rescue": true})));
        settle(&fake, &mut operator, None).await;
        fake.put(namespace("elsewhere"));
        fake.edit(EXPERIMENT, |experiment| {
            if let Some(title) = change.get("title") {
                experiment["spec"]["experiment"]["title"] = title.clone();
            } else {
                experiment["spec"]["namespace"] = change["namespace"].clone();
            }
        });
        settle(&fake, &mut operator, None).await;
        fake.end(POD, 137, None);
        settle(&fake, &mut operator, None).await;
        assert_eq!(condition(&fake, "RolledBack"), "False/RescueFailed");
        assert_eq!(pods_created(&fake), 1);
    }
}

#[tokio::test]
async fn a_run_that_has_played_its_rollbacks_or_whose_author_does_not_ask_needs_no_rescue() {
    let (fake, _) = killed(&with_rollbacks(json!({}))).await;
    assert_eq!((pods_created(&fake), condition(&fake, "RolledBack")), (1, "Unknown/NoJournal".to_owned()));
    let (fake, mut operator) = begin(&with_rollbacks(json!({"rescue": true})));
    settle(&fake, &mut operator, None).await;
    set(&fake, "abort", json!(true));
    operator.pass().await;
    fake.end(POD, 1, Some(&interrupted()));
    settle(&fake, &mut operator, None).await;
    assert_eq!((pods_created(&fake), condition(&fake, "RolledBack")), (1, "True/RollbacksPlayed".to_owned()));
}

#[tokio::test]
async fn the_pod_of_a_rescue_goes_with_that_of_its_run() {
    let spec = with_rollbacks(json!({"rescue": true, "cleanup": {"onFailure": "delete"}}));
    let (fake, mut operator) = killed(&spec).await;
    assert!(!fake.list("RoleBinding").is_empty(), "the rescue needs them");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((fake.get(POD), fake.get(RESCUE), fake.list("RoleBinding").len()), (None, None, 0));
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_deleted_experiment_stays_until_its_rollbacks_are_played() {
    let (fake, mut operator) = begin(&with_rollbacks(json!({"rescue": true})));
    settle(&fake, &mut operator, None).await;
    fake.delete(EXPERIMENT);
    operator.pass().await;
    fake.end(POD, 137, None);
    settle(&fake, &mut operator, None).await;
    assert!(fake.get(RESCUE).is_some());
    assert_eq!(condition(&fake, "RolledBack"), "Unknown/RescueStarted");
    assert_eq!((status(&fake)["phase"].clone(), fake.list("RoleBinding").len()), (json!("Terminating"), 1));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(events(&fake, "RescuePlayed"), 1);
    nothing_is_left(&fake);
    check_protocol(&fake);
}

#[tokio::test]
async fn a_rescue_whose_namespace_is_gone_does_not_hold_a_deleted_experiment() {
    let (fake, mut operator) = begin(&with_rollbacks(json!({"rescue": true})));
    settle(&fake, &mut operator, None).await;
    fake.delete(EXPERIMENT);
    for path in fake.objects().into_keys().filter(|path| path.starts_with(RUN)) {
        fake.vanish(&path);
    }
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
    assert_eq!(events(&fake, "RescueFailed"), 1);
}

/// The message of a runner whose command is a script that went on after its toolkit was killed.
fn killed_in_a_script(code: i32) -> Message {
    let toolkit_end = Some(ToolkitEnd { exit_code: 137, signal: Some(9) });
    Message { exit_code: Some(code), toolkit_end, ..Message::new(State::Ended) }
}

#[tokio::test]
async fn whatever_exit_code_a_killed_run_has_it_is_rescued() {
    // The node has started again, or a script has a code of its own.
    for (code, message) in [(255, None), (3, Some(killed_in_a_script(3)))] {
        let (fake, mut operator) = begin(&with_rollbacks(json!({"rescue": true})));
        settle(&fake, &mut operator, None).await;
        fake.end(POD, code, message.as_ref());
        settle(&fake, &mut operator, None).await;
        assert_eq!(found(&fake), "Failed/Error/ToolkitKilled", "{code}");
        assert_eq!(condition(&fake, "RolledBack"), "Unknown/RescueStarted", "{code}");
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(condition(&fake, "RolledBack"), "True/RescuePlayed", "{code}");
        is_over(&fake, &mut operator).await;
    }
}

/// Begins a run whose pod exists, and whose container nobody has seen.
async fn begin_unseen() -> (FakeApi, Operator) {
    let (fake, mut operator) = begin(&with_rollbacks(json!({"rescue": true})));
    while fake.get(POD).is_none() {
        operator.pass().await;
    }
    (fake, operator)
}

/// Starts a run whose pod is seen on a node, if it has one, but whose container nobody sees running. Then it vanishes.
async fn lost_unseen(node: Option<&str>) -> (FakeApi, Operator) {
    let (fake, mut operator) = begin_unseen().await;
    if let Some(node) = node {
        fake.edit(POD, |pod| pod["spec"]["nodeName"] = json!(node));
    }
    operator.pass().await;
    assert_eq!(status(&fake)["phase"], "Starting");
    assert_eq!(status(&fake)["run"]["nodeName"], json!(node));
    fake.vanish(POD);
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Failed/Unknown/PodLost");
    (fake, operator)
}

#[tokio::test]
async fn a_pod_that_was_lost_unseen_may_have_left_its_fault() {
    let (fake, mut operator) = lost_unseen(Some("node")).await;
    assert!(fake.get(RESCUE).is_some());
    assert!(status(&fake)["run"]["startedAt"].is_null());
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(condition(&fake, "RolledBack"), "True/RescuePlayed");
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_pod_that_never_ran_has_left_no_fault() {
    let (fake, _) = lost_unseen(None).await;
    assert_eq!((pods_created(&fake), condition(&fake, "RolledBack")), (1, "Unknown/NoJournal".to_owned()));
    // The kubelet has rejected this one.
    let (fake, mut operator) = begin_unseen().await;
    fake.edit(POD, |pod| {
        pod["spec"]["nodeName"] = json!("node");
        pod["status"] =
            json!({"phase": "Failed", "reason": "UnexpectedAdmissionError", "message": "no room"});
    });
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Failed/Error/RunFailed");
    assert!(status(&fake)["run"]["killed"].is_null());
    assert_eq!(pods_created(&fake), 1);
}
