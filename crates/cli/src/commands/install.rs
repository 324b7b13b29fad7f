//! `check install`: whether the operator is installed, works, and has what it needs.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::Api;
use tokio::time::{Instant, sleep};

use chaostoolkit_api::names;
use chaostoolkit_journal::ExitCode;
use chaostoolkit_report::text::{count, one_line};
use chaostoolkit_report::times;

use crate::access::errors::{INSTALL, NOT_INSTALLED};
use crate::access::{Access, HOME};
use crate::commands::now;
use crate::failure::{Failure, Outcome};
use crate::output::style::marked;
use crate::output::ui::Ui;

/// How often the installation is looked at while somebody waits for it.
const PAUSE: Duration = Duration::from_secs(2);

/// The name of the Deployment, as shipped.
const DEPLOYMENT: &str = "chaostoolkit-crd";

/// What was found: a word, and a sentence.
type Finding = (&'static str, String);

/// Checks the installation, and waits until it is complete if that is asked for.
pub async fn check(access: &Access, ui: Ui, wait: Option<Duration>) -> Outcome {
    let until = wait.map(|wait| Instant::now() + wait);
    let mut told = String::new();
    loop {
        let findings = findings(access).await?;
        let missing: Vec<&Finding> = findings.iter().filter(|(word, _)| *word == "missing").collect();
        let is_last = until.is_none_or(|until| Instant::now() >= until);
        if missing.is_empty() || is_last {
            let line =
                |(word, text): &Finding| format!("{} {}", marked(word, &format!("{word}:")), one_line(text));
            ui.lines(&findings.iter().map(line).collect::<Vec<_>>())?;
            let number = i64::try_from(missing.len()).unwrap_or(i64::MAX);
            let are = if number == 1 { "is" } else { "are" };
            let message = format!("{} of the installation {are} missing", count(number, "part"));
            return if number == 0 { Ok(ExitCode::Passed) } else { Err(Failure::new(message).hint(INSTALL)) };
        }
        let waits_for = missing.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("; ");
        if waits_for != told {
            ui.say(&format!("waiting: {}", one_line(&waits_for)));
            told = waits_for;
        }
        sleep(PAUSE).await;
    }
}

async fn findings(access: &Access) -> Outcome<Vec<Finding>> {
    let mut found = Vec::new();
    if !access.is_installed().await? {
        return Ok(vec![("missing", NOT_INSTALLED.to_owned())]);
    }
    found.push(("ok", "the cluster knows the kind ChaosToolkitExperiment".to_owned()));
    // The namespace of the context may be that of a team.
    let home = home(access).await;
    let lease = lease(access, &home).await;
    // An operator that works may run in another way, such as outside of the cluster.
    let deployment = deployment(access, &home).await;
    let is_elsewhere = lease.0 == "ok" && deployment.0 == "missing";
    found.push(if is_elsewhere { ("warning", deployment.1) } else { deployment });
    found.push(lease);
    found.push(templates(access, &home).await);
    Ok(found)
}

/// The namespace of the operator: that of the command if it has the templates, or else the shipped one.
async fn home(access: &Access) -> String {
    let is_here = access.namespace != HOME && templates(access, &access.namespace).await.0 == "ok";
    if is_here { access.namespace.clone() } else { HOME.to_owned() }
}

async fn deployment(access: &Access, home: &str) -> Finding {
    let api = Api::<Deployment>::namespaced(access.client.clone(), home);
    let found =
        access.cluster.call(format!("look up Deployment {home}/{DEPLOYMENT}"), api.get_opt(DEPLOYMENT)).await;
    match found {
        Ok(Some(found)) => {
            let status = found.status.unwrap_or_default();
            let ready = status.ready_replicas.unwrap_or_default();
            let word = if ready > 0 { "ok" } else { "missing" };
            (word, format!("Deployment {home}/{DEPLOYMENT} has {} ready", count(ready, "replica")))
        }
        Ok(None) => (
            "warning",
            format!("there is no Deployment {home}/{DEPLOYMENT}; the operator may run in another way"),
        ),
        Err(error) => ("warning", error.describe()),
    }
}

async fn lease(access: &Access, home: &str) -> Finding {
    let api = Api::<Lease>::namespaced(access.client.clone(), home);
    let name = names::LEASE;
    let found = access.cluster.call(format!("look up Lease {home}/{name}"), api.get_opt(name)).await;
    let lease = match found {
        Ok(Some(found)) => found.spec.unwrap_or_default(),
        Ok(None) => return ("missing", format!("no operator has taken Lease {home}/{name}, so none works")),
        Err(error) => return ("warning", error.describe()),
    };
    let holder = lease.holder_identity.filter(|holder| !holder.is_empty());
    let (Some(holder), Some(renewed)) = (holder, lease.renew_time) else {
        return ("missing", format!("nobody holds Lease {home}/{name}, so no operator works"));
    };
    let age = now().as_second() - renewed.0.as_second();
    let limit = i64::from(lease.lease_duration_seconds.unwrap_or(15));
    let told = times::since(renewed.0, now());
    if age > 2 * limit {
        return (
            "missing",
            format!("{holder} has renewed Lease {home}/{name} {told} ago, so no operator works"),
        );
    }
    ("ok", format!("{holder} works; it renewed Lease {home}/{name} {told} ago"))
}

async fn templates(access: &Access, home: &str) -> Finding {
    let name = names::TEMPLATES;
    let api = match access.cluster.config_maps(home) {
        Ok(api) => api,
        Err(error) => return ("warning", error.describe()),
    };
    match access.cluster.find(&api, "ConfigMap", name).await {
        Ok(Some(_)) => ("ok", format!("ConfigMap {home}/{name} has the templates")),
        Ok(None) => ("missing", format!("there is no ConfigMap {home}/{name} with the templates")),
        Err(error) => ("warning", error.describe()),
    }
}
