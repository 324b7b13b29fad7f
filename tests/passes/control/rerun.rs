//! Reruns of an experiment.

use super::*;

#[tokio::test]
async fn a_new_value_asks_for_one_more_run_and_the_last_one_is_history() {
    let (fake, mut operator) = begin(&json!({}));
    rerun(&fake, "from the start");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((pods_created(&fake), status(&fake)["rerun"].clone()), (1, json!("from the start")));
    assert_eq!(status(&fake)["run"]["trigger"], "Created");
    // An edit that comes with the rerun takes effect, and no event says otherwise.
    fake.edit(EXPERIMENT, |experiment| experiment["spec"]["verbose"] = json!(true));
    rerun(&fake, "again");
    settle(&fake, &mut operator, Some(1)).await;
    let after = status(&fake);
    assert_eq!(found(&fake), "Failed/Invalid/ExperimentInvalid");
    assert_eq!(after["rerun"], "again");
    assert_eq!(
        [&after["run"]["number"], &after["run"]["podName"]],
        [&json!(2), &json!("chaostoolkit-a235f4ad3e-2")]
    );
    assert_eq!(after["run"]["trigger"], "Rerun");
    assert_eq!(
        [&after["counters"]["runs"], &after["counters"]["passed"], &after["counters"]["failed"]],
        [2, 1, 1]
    );
    let past = &after["history"][0];
    assert_eq!([&past["number"], &past["podName"]], [&json!(1), &json!("chaostoolkit-a235f4ad3e")]);
    assert_eq!([&past["phase"], &past["outcome"], &past["reason"]], ["Completed", "Passed", "Passed"]);
    assert_eq!(past["journal"]["configMap"], JOURNAL);
    assert_eq!(after["history"].as_array().unwrap().len(), 1);
    assert!(fake.get(SECOND).is_some() && fake.get(POD).is_some(), "both pods stay, for their logs");
    assert_eq!(events(&fake, "SpecChangeIgnored"), 0);
    assert_eq!(
        [events(&fake, "Passed"), events(&fake, "RunFailed"), events(&fake, "RerunRequested")],
        [1, 1, 1]
    );
    assert_eq!(operator_counts(&operator).len(), 2, "there is one counter for each outcome");
    assert!(operator_counts(&operator).iter().all(|line| line.ends_with(" 1")), "each counted once");
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_rerun_has_events_of_its_own() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    for value in ["1", "2"] {
        rerun(&fake, value);
        settle(&fake, &mut operator, Some(0)).await;
    }
    let told = |reason: &str| -> Vec<Value> {
        fake.events().into_iter().filter(|event| event["reason"] == reason).collect()
    };
    for reason in ["RunCreated", "RunStarted", "Passed", "RollbacksPlayed"] {
        let events = told(reason);
        assert_eq!(events.len(), 3, "{reason}");
        assert!(events.iter().all(|event| event["series"].is_null()), "{reason} folds into no other");
        assert_eq!(events[2]["related"]["name"], "chaostoolkit-a235f4ad3e-3");
        let notes: Vec<&str> = events.iter().map(|event| event["note"].as_str().unwrap()).collect();
        assert!(!notes[0].starts_with("run ") && notes[2].starts_with("run 3: "), "{notes:?}");
    }
    let asked = told("RerunRequested");
    assert_eq!([&asked[0]["note"], &asked[1]["note"]], ["run 2 was asked for", "run 3 was asked for"]);
}

#[tokio::test]
async fn a_rerun_keeps_its_own_journal() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    rerun(&fake, "1");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["run"]["journal"]["configMap"], format!("{JOURNALS}2"));
    assert_eq!(status(&fake)["history"][0]["journal"]["configMap"], JOURNAL);
    let journals = fake
        .list("ConfigMap")
        .into_iter()
        .filter(|map| map["metadata"]["name"].as_str().unwrap().starts_with(JOURNALS));
    assert_eq!(journals.count(), 2);
}

#[tokio::test]
async fn a_rerun_that_is_asked_for_during_a_run_waits_for_its_end() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    rerun(&fake, "1");
    settle(&fake, &mut operator, None).await;
    assert_eq!((pods_created(&fake), status(&fake)["phase"].clone()), (1, json!("Running")));
    fake.kubelet(Some(0));
    settle(&fake, &mut operator, None).await;
    assert_eq!((pods_created(&fake), status(&fake)["phase"].clone()), (2, json!("Running")));
    assert_eq!(status(&fake)["run"]["number"], 2);
    settle(&fake, &mut operator, Some(0)).await;
    is_over(&fake, &mut operator).await;
}

/// Objects of an earlier run must not pass for objects of this run.
#[tokio::test]
async fn a_rerun_elsewhere_leaves_nothing_where_the_last_one_was() {
    let (fake, mut operator) = begin_in(judged(cluster_for_runs()), &json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    fake.put(namespace("new"));
    fake.put(config_map("new"));
    set(&fake, "namespace", json!("new"));
    rerun(&fake, "1");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    let left: Vec<String> = fake
        .objects()
        .into_keys()
        .filter(|path| path.starts_with(RUN) && path.contains("a235f4ad3e"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

#[tokio::test]
async fn an_aborted_rerun_ends_as_aborted() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    set(&fake, "suspend", json!(true));
    rerun(&fake, "1");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Suspended/Unknown/Suspended");
    set(&fake, "abort", json!(true));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Aborted/Interrupted/AbortRequested");
    assert_eq!((pods_created(&fake), status(&fake)["counters"]["runs"].clone()), (1, json!(2)));
    is_over(&fake, &mut operator).await;
}
