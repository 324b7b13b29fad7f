//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::process::telemetry::LogFormat;
use chaostoolkit_api::names;

/// Runs Chaos Toolkit experiments that are declared as `ChaosToolkitExperiment` objects.
#[derive(Debug, Parser)]
#[command(name = "chaostoolkit-operator", version)]
pub struct Cli {
    /// How to log.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Work on the experiments of a namespace until stopped.
    Run(RunArgs),
    /// Clean up after all experiments before an uninstall, where no operator is there to do so: stop their runs, delete
    /// what was created for them, and take the operator's finalizers off. Acts with the rights of your kubeconfig.
    Cleanup(CleanupArgs),
    /// Print the definition of the custom resource as YAML.
    Crd,
    /// Print the objects that the operator would create for an experiment, in the order of their creation, as YAML
    /// documents. Needs no cluster.
    Render(RenderArgs),
    /// Print what journals of the Chaos Toolkit say about their runs, one line of JSON for each. Needs no cluster.
    Journal(JournalArgs),
}

/// Settings of logs.
#[derive(Debug, Args)]
pub struct TelemetryArgs {
    /// What to log: a level, or directives such as `info,kube=debug`.
    #[arg(long, global = true, default_value = "info", env = "RUST_LOG", value_name = "FILTER")]
    pub log: String,
    /// Form of a log line.
    #[arg(long, global = true, default_value = "text", env = "LOG_FORMAT")]
    pub log_format: LogFormat,
}

/// Settings of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The operator's namespace: its experiments are watched, and templates are read there. Defaults to the namespace
    /// that the operator itself runs in.
    #[arg(long, env = "OPERATOR_NAMESPACE")]
    pub namespace: Option<String>,
    /// Where /livez, /readyz and /metrics are served.
    #[arg(long, default_value = "0.0.0.0:8080", env = "LISTEN", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// How many experiments are worked on at a time.
    #[arg(long, default_value_t = 16, env = "CONCURRENCY", value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrency: u16,
    /// Seconds that a call to the API server may take.
    #[arg(long, default_value = "30", env = "CALL_LIMIT_SECONDS", value_parser = seconds, value_name = "SECONDS")]
    pub call_limit: Duration,
    /// Seconds that the deletion of an experiment may be blocked before the experiment is let go, with a warning that
    /// says what is left.
    #[arg(long, default_value = "1800", env = "CLEANUP_LIMIT_SECONDS", value_parser = seconds, value_name = "SECONDS")]
    pub cleanup_limit: Duration,
    /// Which of several operators works.
    #[command(flatten)]
    pub leader: LeaderArgs,
    /// How the runner gets into pods.
    #[command(flatten)]
    pub runner: RunnerArgs,
}

/// Settings of the lease that says which of several operators works.
#[derive(Debug, Args)]
pub struct LeaderArgs {
    /// Whether to work only while holding the lease. Without, every operator of a namespace works.
    #[arg(long, env = "LEADER_ELECT", default_value = "yes")]
    pub leader_elect: Choice,
    /// Name of the lease, in the operator's namespace.
    #[arg(long, env = "LEASE_NAME", default_value = names::LEASE, value_name = "NAME")]
    pub lease_name: String,
    /// Seconds that the lease holds without being renewed. The holder stops after two thirds of that.
    #[arg(long, env = "LEASE_DURATION_SECONDS", default_value = "15", value_parser = lease_seconds, value_name = "SECONDS")]
    pub lease_duration: Duration,
    /// Who this operator is in the lease: a name that no other has, and that it has again after a restart, so that it
    /// need not wait for its former self. Defaults to the name of the host and a random part, which is new each time.
    #[arg(long, env = "LEASE_IDENTITY", value_name = "NAME")]
    pub lease_identity: Option<String>,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// Yes.
    Yes,
    /// No.
    No,
}

/// Settings of the runner, which is put into pods to learn what their runs found.
#[derive(Debug, Args)]
pub struct RunnerArgs {
    /// Image that has the runner. Defaults to the one that the operator itself runs from.
    #[arg(long, env = "RUNNER_IMAGE", value_name = "IMAGE")]
    pub runner_image: Option<String>,
    /// When the image of the runner is pulled. Defaults to what Kubernetes does for its tag.
    #[arg(long, env = "RUNNER_IMAGE_PULL_POLICY", value_name = "POLICY", value_parser = ["Always", "IfNotPresent", "Never"])]
    pub runner_image_pull_policy: Option<String>,
    /// Secrets to pull the image of the runner with. They have to exist in the namespaces of runs. Default to those that
    /// the operator's own pod names.
    #[arg(long, env = "RUNNER_PULL_SECRETS", value_delimiter = ',', value_name = "NAME")]
    pub runner_pull_secret: Vec<String>,
    /// Whether the runner comes in a native sidecar, which brings journals as well, or in an init container, which does
    /// not. Kubernetes has sidecars since 1.29.
    #[arg(long, env = "NATIVE_SIDECAR", default_value = "auto")]
    pub native_sidecar: NativeSidecar,
}

/// Whether native sidecars are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NativeSidecar {
    /// As the version of the cluster says.
    Auto,
    /// They are.
    Yes,
    /// They are not.
    No,
}

/// Settings of `cleanup`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("where").required(true).args(["namespace", "all_namespaces"]))]
#[expect(clippy::struct_excessive_bools, reason = "flags are")]
pub struct CleanupArgs {
    /// Namespace of the operator and its experiments.
    #[arg(short, long)]
    pub namespace: Option<String>,
    /// Experiments in all namespaces.
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Only tell what there is to do.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
    /// Delete the experiments themselves too, with their journals.
    #[arg(long)]
    pub delete_experiments: bool,
    /// Wait for no run to end, take the finalizers off whatever is left, and go ahead where an operator is at work.
    #[arg(long)]
    pub force: bool,
    /// Seconds after which to give up on what is left.
    #[arg(long, default_value = "120", value_parser = seconds, value_name = "SECONDS")]
    pub timeout: Duration,
}

/// Settings of `render`.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// File with the experiment. Other documents in it may be there; ConfigMaps among them count as existing. `-` is
    /// standard input.
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,
    /// File with the templates: their ConfigMap, or a mapping of its keys. What it lacks is as shipped.
    #[arg(long, value_name = "FILE")]
    pub templates: Option<PathBuf>,
    /// What exists in the namespace of the run, such as `configmap/chaostoolkit-env`.
    #[arg(long, value_name = "KIND/NAME", value_parser = config_map)]
    pub have: Vec<String>,
}

/// Settings of `journal`.
#[derive(Debug, Args)]
pub struct JournalArgs {
    /// Files as `chaos run` writes them, of any version from 1.0 to 1.21.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

fn config_map(text: &str) -> Result<String, String> {
    match text.split_once('/') {
        Some((kind, name)) if kind.eq_ignore_ascii_case("configmap") && !name.is_empty() => {
            Ok(name.to_owned())
        }
        _ => Err("must be configmap/NAME; only ConfigMaps make a difference".to_owned()),
    }
}

/// Less, and the time of a call would decide on who leads.
const SHORTEST_LEASE: Duration = Duration::from_secs(5);

fn lease_seconds(text: &str) -> Result<Duration, String> {
    let duration = seconds(text)?;
    if duration < SHORTEST_LEASE || duration > Duration::from_secs(3600) {
        return Err("must be from 5 to 3600 seconds".to_owned());
    }
    Ok(duration)
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(0) | Err(_) => Err("must be a whole number of seconds above 0".to_owned()),
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn limits_are_whole_seconds() {
        assert_eq!(seconds("5"), Ok(Duration::from_secs(5)));
        for wrong in ["0", "-1", "1.5", "x", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        assert_eq!(lease_seconds("5"), Ok(Duration::from_secs(5)));
        assert!(lease_seconds("4").is_err() && lease_seconds("3601").is_err());
    }
}
