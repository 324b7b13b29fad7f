//! The `CronJob` of an experiment with a schedule.

use serde_json::{Value, json};

use crate::cluster::manifest::{Kind, Manifest};
use crate::experiment::build::objects::{child, label, mark_at};
use crate::experiment::build::patched;
use crate::experiment::decide::plan::{Owner, Plan, Schedule};
use crate::experiment::decide::templates::{Template, Templates};
use crate::experiment::error::TemplateError;
use chaostoolkit_api::names;

const JOB: &[&str] = &["spec", "jobTemplate"];
/// The path of the pod in a `CronJob`.
pub const POD: &[&str] = &["spec", "jobTemplate", "spec", "template"];

/// How many pods of completed runs are kept at most, and of failed runs. Each pass reads them all.
const MOST_PODS_KEPT: i64 = 100;

/// The `CronJob`, with the spec of this pod. As in 0.14.0, its pods have the labels of the `CronJob` template and of the
/// experiment. They also have the labels and annotations of the pod, unless they have the same ones already. Those of the
/// patches come last.
pub fn cron_job(
    plan: &Plan,
    schedule: &Schedule,
    templates: &Templates,
    pod: Manifest,
) -> Result<Manifest, TemplateError> {
    let mut cron_job = child(templates, Template::CronJob, &plan.owner)?;
    let spec = cron_job.map(&["spec"]);
    spec.insert("schedule".to_owned(), schedule.cron.clone().into());
    for (field, value) in &schedule.fields {
        spec.insert((*field).to_owned(), value.clone());
    }
    // Defaults, if the template says nothing: a run must not overlap with the previous one, which would break its
    // steady state. It must not be repeated because it deviated either.
    // https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
    default(spec, "concurrencyPolicy", json!("Forbid"));
    // A deadline below the interval of `@every` keeps Kubernetes from starting any run.
    if !schedule.cron.starts_with("@every") {
        default(spec, "startingDeadlineSeconds", json!(200));
    }
    default(spec, "successfulJobsHistoryLimit", json!(3));
    default(spec, "failedJobsHistoryLimit", json!(1));
    for limit in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        if spec.get(limit).and_then(Value::as_i64).is_some_and(|wanted| wanted > MOST_PODS_KEPT) {
            spec.insert(limit.to_owned(), json!(MOST_PODS_KEPT));
        }
    }
    let job = cron_job.map(&[JOB, &["spec"]].concat());
    default(job, "backoffLimit", json!(0));
    default(job, "podReplacementPolicy", json!("Failed"));
    // The operator lets each Job go, once its author is known to be allowed what the run will do.
    job.insert("suspend".to_owned(), json!(true));
    let Manifest { value: Value::Object(mut pod), .. } = pod else {
        return Err(templates.invalid(Template::Pod, "is not a mapping"));
    };
    cron_job.map(POD).insert("spec".to_owned(), pod.remove("spec").unwrap_or_default());
    for path in [&[][..], JOB, POD] {
        label(&mut cron_job, &[path, &["metadata", "labels"]].concat(), &plan.owner);
    }
    let metadata = pod.remove("metadata").unwrap_or_default();
    for field in ["labels", "annotations"] {
        for (key, value) in metadata[field].as_object().into_iter().flatten() {
            default(cron_job.map(&[POD, &["metadata", field]].concat()), key, value.clone());
        }
    }
    if plan.patches.all().next().is_some() {
        let problem = |problem| templates.invalid(Template::CronJob, problem);
        patched::metadata(cron_job.map(POD), &plan.patches).map_err(problem)?;
        label(&mut cron_job, &[POD, &["metadata", "labels"]].concat(), &plan.owner);
    }
    debug_assert_eq!(cron_job.kind, Kind::CronJob);
    Ok(cron_job)
}

/// Marks Jobs and pods with their owner, and pods with the finalizer that holds them until their end is recorded.
pub fn mark(cron_job: &mut Manifest, owner: &Owner) {
    for path in [JOB, POD] {
        mark_at(cron_job, &[path, &["metadata"]].concat(), owner);
    }
    let metadata = cron_job.map(&[POD, &["metadata"]].concat());
    metadata.insert("finalizers".to_owned(), json!([names::OUTCOME_FINALIZER]));
    rehash(cron_job);
}

/// Puts a hash of all that is asked for on the `CronJob`, and one of their template on its Jobs.
pub fn rehash(cron_job: &mut Manifest) {
    // The hash of a Job shows whether an edit came after it.
    let annotations = [JOB, &["metadata", "annotations"]].concat();
    cron_job.map(&annotations).remove(names::SPEC_HASH_ANNOTATION);
    let hash = names::suffix(&json!(cron_job.map(JOB)).to_string());
    cron_job.map(&annotations).insert(names::SPEC_HASH_ANNOTATION.to_owned(), hash.into());
    cron_job.map(&["metadata", "annotations"]).remove(names::SPEC_HASH_ANNOTATION);
    let hash = names::suffix(&cron_job.value.to_string());
    cron_job.map(&["metadata", "annotations"]).insert(names::SPEC_HASH_ANNOTATION.to_owned(), hash.into());
}

fn default(map: &mut serde_json::Map<String, Value>, key: &str, value: Value) {
    map.entry(key.to_owned()).or_insert(value);
}
