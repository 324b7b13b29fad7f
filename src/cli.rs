//! The command line.

mod outbound;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use crate::cli::outbound::OutboundArgs;
use crate::process::config::{JournalLimits, OptIn, UnknownFields, Watched};
use crate::process::key_list;
use crate::process::resources::{self, Quantity};
use crate::process::telemetry::LogFormat;
use chaostoolkit_api::names;

/// Runs Chaos Toolkit experiments that are declared as `ChaosToolkitExperiment` objects.
#[derive(Debug, Parser)]
#[command(name = "chaostoolkit-operator", version)]
pub struct Cli {
    /// Settings of the logs.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator for the experiments of a namespace.
    Run(Box<RunArgs>),
    /// Clean up after all experiments before an uninstall, if no operator is left to do so. Stops their runs, deletes their
    /// objects, and removes the operator's finalizers. Uses the permissions of your kubeconfig.
    Cleanup(CleanupArgs),
    /// Print the definition of the custom resource as YAML.
    Crd,
    /// Print the policy by which the API server warns of fields that the operator does not know, with its binding, as YAML.
    FieldsPolicy,
    /// Print the objects that the operator would create for an experiment, as YAML documents in the order of their
    /// creation. Needs no cluster.
    Render(RenderArgs),
    /// Print the outcomes of runs from their journals, with one line of JSON for each journal. Needs no cluster.
    Journal(JournalArgs),
}

/// Settings of the logs.
#[derive(Debug, Args)]
pub struct TelemetryArgs {
    /// Filter of the logs: a level, or directives such as `info,kube=debug`.
    #[arg(long, global = true, default_value = "info", env = "RUST_LOG", value_name = "FILTER")]
    pub log: String,
    /// Format of log lines.
    #[arg(long, global = true, default_value = "text", env = "LOG_FORMAT")]
    pub log_format: LogFormat,
}

/// Settings of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The operator's namespace, in which it watches experiments and reads templates. Defaults to the namespace in which the
    /// operator runs.
    #[arg(long, env = "OPERATOR_NAMESPACE")]
    pub namespace: Option<String>,
    /// Further namespaces in which experiments are watched: `all`, or names separated by commas. An experiment there runs in
    /// its own namespace. The operator needs a RoleBinding in it.
    #[arg(long, env = "WATCH_NAMESPACES", value_parser = watched, value_name = "all|NAME,…")]
    pub watch_namespaces: Option<Watched>,
    /// Start runs without asking whether their authors may do what the runs will be allowed to do, as 0.14.0 did.
    #[arg(long, env = "UNCHECKED_AUTHORS")]
    pub unchecked_authors: bool,
    /// What happens to an experiment with fields that the operator does not know. With `warn`, it runs, and its condition
    /// Accepted names them. With `refuse`, no run of it starts.
    #[arg(long, env = "UNKNOWN_FIELDS", default_value = "warn", value_name = "warn|refuse")]
    pub unknown_fields: UnknownFields,
    /// Annotation that a namespace needs before a run has rights in it, as KEY=VALUE, such as `chaos=yes`. The namespace of the
    /// run needs it too. The operator puts it on a namespace that it creates.
    #[arg(long, env = "REQUIRE_NAMESPACE_ANNOTATION", value_name = "KEY=VALUE")]
    pub require_namespace_annotation: Option<OptIn>,
    /// File that says which packages with extensions of the toolkit the images have. It is a mapping of images to lists of
    /// packages, as YAML. An image may have a tag or none. Then an activity whose extension is missing in its image is found
    /// before its run starts.
    #[arg(long, env = "KNOWN_EXTENSIONS", value_name = "FILE")]
    pub known_extensions: Option<PathBuf>,
    /// Address on which to serve /livez, /readyz and /metrics.
    #[arg(long, default_value = "0.0.0.0:8080", env = "LISTEN", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Maximum number of experiments that are reconciled at the same time.
    #[arg(long, default_value_t = 16, env = "CONCURRENCY", value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrency: u16,
    /// Time limit of a call to the API server, in seconds.
    #[arg(long, default_value = "30", env = "CALL_LIMIT_SECONDS", value_parser = seconds, value_name = "SECONDS")]
    pub call_limit: Duration,
    /// Seconds for which the deletion of an experiment may be blocked. After that, the operator removes its finalizer and
    /// emits a warning that names the remaining objects.
    #[arg(long, default_value = "1800", env = "CLEANUP_LIMIT_SECONDS", value_parser = seconds, value_name = "SECONDS")]
    pub cleanup_limit: Duration,
    /// How much storage the journals of one experiment may take, compressed. Beyond it, the oldest ones are deleted.
    #[arg(long, env = "JOURNAL_BUDGET_PER_EXPERIMENT", default_value = JournalLimits::PER_EXPERIMENT, value_name = "QUANTITY")]
    pub journal_budget_per_experiment: Quantity,
    /// How much storage all journals in a namespace of experiments may take, compressed. Beyond it, no more are kept.
    #[arg(long, env = "JOURNAL_BUDGET", default_value = JournalLimits::ALL, value_name = "QUANTITY")]
    pub journal_budget: Quantity,
    /// File with the sources that gates and stop conditions of experiments may ask, in YAML. It is read again when it changes.
    #[arg(long, env = "SOURCES", value_name = "FILE")]
    pub sources: Option<PathBuf>,
    /// Show metrics of each experiment by its namespace and name: up to 8 series each. Without it, no label has a name.
    #[arg(long, env = "PER_EXPERIMENT_METRICS")]
    pub per_experiment_metrics: bool,
    /// Settings of what other servers are told of runs.
    #[command(flatten)]
    pub outbound: OutboundArgs,
    /// Settings of the leader election.
    #[command(flatten)]
    pub leader: LeaderArgs,
    /// Settings of the runner.
    #[command(flatten)]
    pub runner: RunnerArgs,
    /// Labels of experiments that their objects do not get, separated by commas. `*` at the end of an entry stands for
    /// anything. Other tools own objects by such labels, and would delete the pod of a run.
    #[arg(long, env = "EXCLUDED_LABELS", default_value = key_list::EXCLUDED_LABELS, value_name = "KEYS")]
    pub excluded_labels: String,
    /// Labels or annotations by which backup tools mark what they restore, separated by commas. `*` at the end of an entry
    /// stands for anything. A restored experiment without a status waits for a rerun.
    #[arg(long, env = "RESTORE_MARKS", default_value = key_list::RESTORE_MARKS, value_name = "KEYS")]
    pub restore_marks: String,
}

/// Settings of the leader election, which selects one of several operators.
#[derive(Debug, Args)]
pub struct LeaderArgs {
    /// Whether to work only while holding the lease. With `no`, each operator of a namespace works.
    #[arg(long, env = "LEADER_ELECT", default_value = "yes")]
    pub leader_elect: Choice,
    /// Name of the lease in the operator's namespace.
    #[arg(long, env = "LEASE_NAME", default_value = names::LEASE, value_parser = lease_name, value_name = "NAME")]
    pub lease_name: String,
    /// Seconds after which the lease expires if it is not renewed, from 5 to 3600. The holder stops its work after two thirds
    /// of this time.
    #[arg(long, env = "LEASE_DURATION_SECONDS", default_value = "15", value_parser = lease_seconds, value_name = "SECONDS")]
    pub lease_duration: Duration,
    /// Identity of this operator in the lease. It must be unique. If it stays the same after a restart, the operator need
    /// not wait for the lease. Defaults to the host name and a random part, which changes with each start.
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

/// Settings of the runner, which is added to pods and reports the outcomes of runs.
#[derive(Debug, Args)]
pub struct RunnerArgs {
    /// Image that contains the runner. Defaults to the image of the operator.
    #[arg(long, env = "RUNNER_IMAGE", value_name = "IMAGE")]
    pub runner_image: Option<String>,
    /// Pull policy of the image of the runner. Defaults to the policy that Kubernetes derives from the tag.
    #[arg(long, env = "RUNNER_IMAGE_PULL_POLICY", value_name = "POLICY", value_parser = ["Always", "IfNotPresent", "Never"])]
    pub runner_image_pull_policy: Option<String>,
    /// Secrets that are used to pull the image of the runner. They must exist in the namespaces of runs. Defaults to the pull
    /// secrets of the operator's own pod.
    #[arg(long, env = "RUNNER_PULL_SECRETS", value_delimiter = ',', value_name = "NAME")]
    pub runner_pull_secret: Vec<String>,
    /// Whether a native sidecar provides the runner. Only a sidecar can transfer journals. With `no`, an init container
    /// provides the runner. Kubernetes supports native sidecars since version 1.29.
    #[arg(long, env = "NATIVE_SIDECAR", default_value = "auto")]
    pub native_sidecar: NativeSidecar,
    /// CPU request of the container that provides the runner. 0 sets none.
    #[arg(long, env = "RUNNER_CPU_REQUEST", default_value = resources::CPU_REQUEST, value_name = "QUANTITY")]
    pub runner_cpu_request: Quantity,
    /// CPU limit of that container. 0 sets none. The toolkit waits for the start of the container, which takes longer with
    /// a low limit.
    #[arg(long, env = "RUNNER_CPU_LIMIT", default_value = resources::CPU_LIMIT, value_name = "QUANTITY")]
    pub runner_cpu_limit: Quantity,
    /// Memory request of that container. 0 sets none.
    #[arg(long, env = "RUNNER_MEMORY_REQUEST", default_value = resources::MEMORY, value_name = "QUANTITY")]
    pub runner_memory_request: Quantity,
    /// Memory limit of that container. 0 sets none.
    #[arg(long, env = "RUNNER_MEMORY_LIMIT", default_value = resources::MEMORY, value_name = "QUANTITY")]
    pub runner_memory_limit: Quantity,
}

/// When native sidecars are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NativeSidecar {
    /// If the version of the cluster supports them.
    Auto,
    /// Always.
    Yes,
    /// Never.
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
    /// Clean up after the experiments in all namespaces.
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Print the objects to clean up, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask for confirmation.
    #[arg(short, long)]
    pub yes: bool,
    /// Delete the experiments and their journals too.
    #[arg(long)]
    pub delete_experiments: bool,
    /// Delete the Roles and bindings of runs whose experiment is gone, also those that were kept on purpose.
    #[arg(long)]
    pub delete_rights: bool,
    /// Do not wait for runs, remove the finalizers of all remaining objects, and continue even if an operator is at work.
    #[arg(long)]
    pub force: bool,
    /// Seconds after which to stop with an error if objects are left.
    #[arg(long, default_value = "120", value_parser = seconds, value_name = "SECONDS")]
    pub timeout: Duration,
}

/// Settings of `render`.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// File with the experiment. The file may contain other documents, and its ConfigMaps count as existing. `-` reads
    /// standard input.
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,
    /// File with the templates, which is their ConfigMap or a mapping of its keys. Missing templates are taken from the
    /// shipped ones.
    #[arg(long, value_name = "FILE")]
    pub templates: Option<PathBuf>,
    /// An object that exists in the namespace of the run, such as `configmap/chaostoolkit-env`.
    #[arg(long, value_name = "KIND/NAME", value_parser = config_map)]
    pub have: Vec<String>,
}

/// Settings of `journal`.
#[derive(Debug, Args)]
pub struct JournalArgs {
    /// Journals as `chaos run` writes them, in any version from 1.0 to 1.21.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

fn config_map(text: &str) -> Result<String, String> {
    match text.split_once('/') {
        Some((kind, name)) if kind.eq_ignore_ascii_case("configmap") && !name.is_empty() => {
            Ok(name.to_owned())
        }
        _ => Err("must be configmap/NAME, since only ConfigMaps affect the result".to_owned()),
    }
}

/// With a shorter lease, the duration of a call could decide who leads.
const SHORTEST_LEASE: Duration = Duration::from_secs(5);

/// The name becomes a part of a URL.
fn lease_name(text: &str) -> Result<String, String> {
    names::check_dns_subdomain(text).map(|()| text.to_owned())
}

fn watched(text: &str) -> Result<Watched, String> {
    text.parse()
}

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
    fn the_name_of_a_lease_leads_to_no_other_object() {
        assert_eq!(lease_name("chaostoolkit-operator"), Ok("chaostoolkit-operator".to_owned()));
        for wrong in ["", "a?b=", "a/status", "../a", "a#b", "%2e"] {
            assert!(lease_name(wrong).is_err(), "{wrong}");
        }
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
