//! `freeze` and `unfreeze`: no run starts while a freeze holds.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::access::{Access, HOME};
use crate::args::{FreezeArgs, UnfreezeArgs};
use crate::commands::now;
use crate::failure::Outcome;
use crate::output::ui::Ui;

/// Creates a freeze, or changes one.
pub async fn freeze(access: &Access, ui: Ui, args: &FreezeArgs) -> Outcome<()> {
    let (name, namespace) = (&args.name, &access.namespace);
    access.freeze(&object(namespace, args, now())).await?;
    ui.line(&format!("chaosfreeze.chaostoolkit.org/{name} frozen"))?;
    ui.hint(&what_it_holds(namespace));
    if !args.abort_running {
        ui.hint("runs that go on are not stopped; --abort-running does that");
    }
    ui.hint(&format!("`kubectl get ctf {name} -n {namespace}` shows how many experiments wait"));
    Ok(())
}

/// Deletes a freeze.
pub async fn unfreeze(access: &Access, ui: Ui, args: &UnfreezeArgs) -> Outcome<()> {
    let (name, namespace) = (&args.name, &access.namespace);
    if access.unfreeze(name).await? {
        ui.line(&format!("chaosfreeze.chaostoolkit.org/{name} unfrozen"))?;
    } else {
        ui.say(&format!("there is no freeze {name:?} in namespace {namespace}"));
    }
    ui.hint("`kubectl get ctf -A` lists the freezes that are left");
    Ok(())
}

fn what_it_holds(namespace: &str) -> String {
    if namespace == HOME {
        "no run starts in the whole cluster".to_owned()
    } else {
        format!(
            "no run of the experiments in {namespace} starts, and none that takes place there; a freeze in the operator's namespace holds all runs"
        )
    }
}

/// The freeze that is asked for. Fields that are not given are taken back by the API server if this command had set them.
fn object(namespace: &str, args: &FreezeArgs, now: Timestamp) -> Value {
    let lasts = args.lasts.and_then(|lasts| SignedDuration::try_from(lasts).ok());
    let end = lasts.map(|lasts| now.saturating_add(lasts).unwrap_or(Timestamp::MAX));
    let until = args.until.or(end).and_then(|until| Timestamp::from_second(until.as_second()).ok());
    let mut spec = json!({"active": true, "abortRunning": args.abort_running});
    if let Some(until) = until {
        spec["until"] = json!(until.to_string());
    }
    if let Some(reason) = &args.reason {
        spec["reason"] = json!(reason);
    }
    json!({
        "apiVersion": "chaostoolkit.org/v1",
        "kind": "ChaosToolkitFreeze",
        "metadata": {"name": args.name, "namespace": namespace},
        "spec": spec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;
    use rstest::rstest;

    #[rstest]
    #[case("", json!({"active": true, "abortRunning": false}))]
    #[case("--for 90m", json!({"active": true, "abortRunning": false, "until": "2026-12-01T13:30:00Z"}))]
    #[case(
        "--until 2026-12-24T09:00:00+01:00 --reason sale --abort-running",
        json!({"active": true, "abortRunning": true, "until": "2026-12-24T08:00:00Z", "reason": "sale"})
    )]
    fn the_object_is_what_was_asked_for(#[case] flags: &str, #[case] expected: Value) {
        let words = ["kubectl-chaostoolkit", "freeze", "a"].into_iter().chain(flags.split_whitespace());
        let Command::Freeze(args) = Cli::try_parse_from(words).unwrap().command else { panic!("freeze") };
        let object = object("home", &args, "2026-12-01T12:00:00.5Z".parse().unwrap());
        assert_eq!(object["spec"], expected);
        assert_eq!(object["metadata"], json!({"name": "a", "namespace": "home"}));
        serde_json::from_value::<chaostoolkit_api::Freeze>(object).unwrap();
    }
}
