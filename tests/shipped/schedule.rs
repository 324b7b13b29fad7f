//! A schedule whose author loses the right to its runs, and gets it back.

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Phase, Trigger};
use serde_json::json;

use crate::common::operator::Operator;
use crate::common::{
    audit, condition_of, delete_and_wait, eventually, status_of, wait_for_phase, wait_until_gone,
};
use crate::policed::{Policed, paste};
use crate::runs::{NEVER, cron_job_of, due, forgotten, jobs, passes, recorded, told};

#[tokio::test]
#[ignore = "needs an API server with MutatingAdmissionPolicy"]
async fn a_schedule_stops_when_its_author_loses_the_right_and_goes_on_with_it() {
    let policed = Policed::new("loses").await;
    let install = &policed.install;
    let runs = &install.run_namespace;
    let dev = policed.may_write_experiments("dev");
    policed.bind(runs, "dev", "ClusterRole/edit");
    let _operator = Operator::start_checked(install).await;
    let made = policed.create_as(&dev, "exp", json!({"schedule": {"kind": "cronJob", "value": NEVER}}));
    wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    let cron_job = cron_job_of(install, made.metadata.uid.as_deref().unwrap(), runs).await;

    due(install, &cron_job, "allowed").await;
    let allowed = passes(&policed, "exp", runs, "allowed").await;
    assert_eq!((allowed.run.trigger, allowed.run.requested_by.as_deref()), (Trigger::Schedule, Some(&*dev)));
    assert_eq!(condition_of(&status_of(install, "exp").await, Type::Permitted), "True/Permitted");

    policed.unbind(runs, "dev", "ClusterRole/edit");
    forgotten().await;
    due(install, &cron_job, "refused").await;
    let refused = recorded(&policed, "exp", "refused").await;
    assert_eq!(
        (refused.phase, refused.reason.as_str(), refused.result),
        (Phase::Skipped, "AuthorForbidden", None)
    );
    assert!(!refused.message.clone().unwrap().contains(&dev), "only the condition names the author");
    wait_until_gone(&jobs(install, runs), "refused").await;
    let status = status_of(install, "exp").await;
    assert_eq!(status.phase, Some(Phase::Scheduled), "the schedule itself goes on");
    assert_eq!(condition_of(&status, Type::Permitted), "False/AuthorForbidden");
    let counters = status.counters.unwrap();
    assert_eq!((counters.runs, counters.passed, counters.skipped), (1, 1, 1));
    assert_eq!(audit::pods_created_in(runs), 1, "the refused run has no pod");
    // The message has a command that can be pasted.
    let told = told(&status);
    let (words, command) = told.split_once("starts once this says yes: ").unwrap();
    assert!(words.contains(&format!("may not create pods in namespace {runs}")), "{words}");
    assert_eq!(command, format!("kubectl auth can-i create pods -n {runs} --as={dev}"));
    let (may, text) = paste(command);
    assert!(!may && text.trim_end().ends_with("no"), "{command}: {text}");

    policed.bind(runs, "dev", "ClusterRole/edit");
    eventually("the command says yes", async || paste(command).0.then_some(())).await;
    forgotten().await;
    due(install, &cron_job, "again").await;
    let again = passes(&policed, "exp", runs, "again").await;
    assert_eq!(again.run.requested_by.as_deref(), Some(&*dev));
    let status = status_of(install, "exp").await;
    assert_eq!(condition_of(&status, Type::Permitted), "True/Permitted");
    let counters = status.counters.unwrap();
    assert_eq!((counters.runs, counters.passed, counters.skipped), (2, 2, 1));
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}
