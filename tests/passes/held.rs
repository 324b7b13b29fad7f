//! Teardowns that wait for somebody else: the finalizer that holds an object is named.

use serde_json::json;

use super::schedule::begin_run;
use super::*;

const OTHER: &str = "example.com/other";

/// Puts a finalizer of somebody else on an object.
fn hold(fake: &FakeApi, path: &str) {
    fake.edit(path, |object| match object["metadata"]["finalizers"].as_array_mut() {
        Some(finalizers) => finalizers.push(json!(OTHER)),
        None => object["metadata"]["finalizers"] = json!([OTHER]),
    });
}

/// Returns what the status says of the teardown.
fn told(fake: &FakeApi) -> (String, String) {
    let text = |key: &str| status(fake)[key].as_str().unwrap_or_default().to_owned();
    (text("phase"), text("message"))
}

#[tokio::test]
async fn a_finalizer_that_holds_the_pod_of_a_run_is_named_until_it_is_off() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    hold(&fake, POD);
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    let words = "waiting for the pod of the run to go; Pod chaostoolkit-run/chaostoolkit-a235f4ad3e is deleted, \
        and held by a finalizer of somebody else: example.com/other";
    assert_eq!(told(&fake), ("Terminating".to_owned(), words.to_owned()));
    let writes = fake.writes().len();
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.writes().len(), writes, "nothing is written while nothing changes");
    fake.vanish(POD);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

#[tokio::test]
async fn a_finalizer_that_holds_the_job_of_a_schedule_is_named() {
    let (fake, mut operator, pod) = begin_run().await;
    fake.end(&pod, 0, None);
    settle(&fake, &mut operator, None).await;
    let metadata = &fake.list("Job")[0]["metadata"];
    let name = metadata["name"].as_str().unwrap().to_owned();
    hold(&fake, &format!("/apis/batch/v1/namespaces/chaostoolkit-run/jobs/{name}"));
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    let words = format!(
        "waiting for the runs to end; Job chaostoolkit-run/{name} is deleted, and held by a finalizer of somebody else: {OTHER}"
    );
    assert_eq!(told(&fake), ("Terminating".to_owned(), words));
}
