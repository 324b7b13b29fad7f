//! The protocol of a run. It holds for every story, whatever goes wrong.

use chaostoolkit_api::names;
use serde_json::{Value, json};

use super::{JOURNALS, RUN, UID, short};
use crate::fake_api::{Call, FakeApi};
use crate::schedule;

/// Checks what holds for every story, whatever goes wrong.
pub fn check_protocol(fake: &FakeApi) {
    let (writes, versions) = (fake.writes(), fake.versions());
    let mut created: Vec<&str> = Vec::new();
    let mut released: Vec<&str> = Vec::new();
    for write in &writes {
        let at = &versions[write.versions - 1];
        let name = write.path.rsplit('/').next().unwrap();
        let run = &at["status"]["run"];
        match short(write).as_str() {
            "POST pods" => {
                assert!(!created.contains(&name), "{name} is created once");
                created.push(name);
                let is_known =
                    [&run["podName"], &run["rescue"]["podName"]].iter().any(|known| **known == name);
                assert!(is_known, "pod {name} is recorded before it exists: {run}");
            }
            // The garbage collector deletes a journal with its experiment.
            "POST configmaps" if name.starts_with(JOURNALS) => {
                assert_eq!(write.body["metadata"]["ownerReferences"][0]["uid"], UID);
            }
            "POST serviceaccounts"
            | "POST roles"
            | "POST rolebindings"
            | "POST clusterrolebindings"
            | "POST configmaps"
            | "POST cronjobs" => {
                assert_eq!(
                    at["metadata"]["finalizers"],
                    json!([names::TEARDOWN_FINALIZER]),
                    "held before {write:?}"
                );
                let recorded = at["status"]["resources"].as_array().unwrap();
                assert!(recorded.iter().any(|one| one["name"] == name), "recorded before {write:?}");
            }
            "PATCH pods" => {
                let is_release = write.body["metadata"]["finalizers"] == json!([]);
                assert!(is_release || write.body["spec"]["activeDeadlineSeconds"] == 1, "{write:?}");
                if !at["status"]["schedule"].is_null() {
                    let is_recorded = schedule::is_recorded(at, name) || released.contains(&name);
                    assert!(is_recorded, "the end is recorded before {name} is released or ended");
                    released.push(name);
                    continue;
                }
                let run = if name.ends_with("-rescue") { &run["rescue"] } else { run };
                assert!(!run["finishedAt"].is_null(), "the end is recorded before {name} is released");
            }
            "PATCH jobs" => {
                let mut spec = write.body["spec"].clone();
                // The pod of a run gets the names of the namespaces that were found for it.
                spec.as_object_mut().unwrap().remove("template");
                assert_eq!(spec, json!({"suspend": false}), "{write:?}");
                assert!(write.body["metadata"]["uid"].is_string(), "no other Job of that name");
                let given_up = at["status"]["schedule"]["givenUp"].as_array().cloned().unwrap_or_default();
                assert!(given_up.iter().all(|job| job["jobName"] != name), "{name} was given up");
                assert!(at["metadata"]["deletionTimestamp"].is_null(), "{write:?}");
            }
            "POST namespaces"
            | "PATCH chaosexperiments"
            | "DELETE chaosexperiments"
            | "PATCH status"
            | "DELETE pods"
            | "DELETE serviceaccounts"
            | "DELETE roles"
            | "DELETE rolebindings"
            | "DELETE clusterrolebindings"
            | "DELETE configmaps"
            | "PATCH cronjobs"
            | "PUT cronjobs"
            | "DELETE cronjobs"
            | "POST jobs"
            | "DELETE jobs" => {}
            other => panic!("unexpected {other}"),
        }
    }
    check_rights(&writes, &versions);
    for pair in versions.windows(2) {
        let [old, new] = [&pair[0]["status"], &pair[1]["status"]];
        if !new["schedule"].is_null() {
            schedule::check_counts(old, new);
        } else if !old["run"]["finishedAt"].is_null() {
            check_end(old, new);
        }
    }
}

/// Checks that no pod loses the rights that it may still need.
pub fn check_rights(writes: &[Call], versions: &[Value]) {
    let is_rights = |call: &Call| {
        let is_of_run = call.path.starts_with(RUN) || call.path.contains("/clusterrolebindings/");
        call.method == "DELETE" && !call.path.contains("/pods/") && is_of_run
    };
    let of_pods = |(index, call): (usize, &Call)| call.path.contains("/pods/").then_some(index);
    let Some(last) = writes.iter().rposition(is_rights) else { return };
    // Pods that have ended may stay after their rights are deleted: before another run, and if the spec asks
    // for it.
    let may_stay = versions
        .iter()
        .any(|version| !version["spec"]["cleanup"].is_null() || !version["status"]["history"].is_null());
    let ends = |call: &&Call| !may_stay || call.method == "PATCH";
    for at in (0..=last).filter(|index| is_rights(&writes[*index])) {
        for index in writes[..at].iter().enumerate().filter_map(of_pods) {
            let path = &writes[index].path;
            let later = writes[at..].iter().filter(|call| call.path == *path).find(ends);
            assert!(later.is_none(), "the pod is deleted before its rights: {later:?}");
        }
    }
}

/// Checks that a run that has ended stays as it is until one more run is asked for.
pub fn check_end(old: &Value, new: &Value) {
    if new["run"]["number"] != old["run"]["number"] {
        assert_eq!(new["run"]["number"].as_i64(), old["run"]["number"].as_i64().map(|number| number + 1));
        assert_eq!(new["run"]["trigger"], "Rerun");
        let mut past = new["history"][0].clone();
        assert_eq!(past["result"], old["result"], "the past run has the result of its end");
        assert!(new["result"].is_null(), "the next run has none yet: {new}");
        for judged in ["phase", "result", "outcome", "warnings", "conclusive", "reason", "message"] {
            past.as_object_mut().unwrap().remove(judged);
        }
        assert_eq!(past, old["run"], "the past run is in the history unchanged");
        return;
    }
    // Only the journal and the rescue of a run may come later than its end.
    let apart = |status: &Value| {
        let mut run = status["run"].clone();
        let mut take = |key| run.as_object_mut().unwrap().remove(key).unwrap_or_default();
        let (journal, rescue) = (take("journal"), take("rescue"));
        (run, journal, rescue)
    };
    let [(old_run, old_journal, old_rescue), (new_run, new_journal, new_rescue)] = [apart(old), apart(new)];
    assert_eq!(new_run, old_run, "a run that has ended stays as it is");
    assert!(!new["result"].is_null() && new["result"] == old["result"], "{old} becomes {new}");
    assert!(new_journal == old_journal || old_journal["configMap"].is_null(), "{old} becomes {new}");
    assert!(new_rescue == old_rescue || old_rescue["finishedAt"].is_null(), "{old} becomes {new}");
    assert!(new["phase"] == old["phase"] || new["phase"] == "Terminating", "{old} becomes {new}");
}
