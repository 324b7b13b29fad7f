//! `run`: runs the operator for the experiments of a namespace.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use kube::Client;
use kube::api::Api;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::cli::{Choice, LeaderArgs, NativeSidecar, RunArgs, RunnerArgs};
use crate::cluster::{client, discovery};
use crate::controller;
use crate::outbound::Outbound;
use crate::process::config::{Config, JournalLimits, RELEASED_IMAGE, Runner, Watched};
use crate::process::extensions::Extensions;
use crate::process::health::{Health, beat_every_second};
use crate::process::key_list::{KeyList, Keys};
use crate::process::leader::claim::Claim;
use crate::process::leader::term::Leadership;
use crate::process::leader::{self, Candidate};
use crate::process::metrics::Metrics;
use crate::process::resources::SidecarResources;
use crate::process::server::{self, Endpoints};
use crate::signals::sources::Sources;
use chaostoolkit_api::names;

/// The time without a heartbeat after which the event loop counts as stuck.
const STUCK: Duration = Duration::from_secs(15);

/// The minimum time without a heartbeat after which the election counts as stuck. Each of its steps takes at most a third
/// of the duration of the lease.
const UNDECIDED: Duration = Duration::from_secs(30);

/// For how long what is in the queues for other servers may still be sent after the last pass.
const SEND_LIMIT: Duration = Duration::from_secs(5);

/// Runs the operator until it receives SIGTERM or SIGINT.
pub async fn run(args: RunArgs) -> anyhow::Result<()> {
    let RunArgs {
        namespace,
        watch_namespaces,
        unchecked_authors,
        require_namespace_annotation,
        unknown_fields,
        known_extensions,
        listen,
        concurrency,
        call_limit,
        cleanup_limit,
        journal_budget_per_experiment,
        journal_budget,
        sources,
        per_experiment_metrics,
        outbound,
        leader,
        runner,
        excluded_labels,
        restore_marks,
    } = args;
    let resources = sidecar_resources(&runner)?;
    let targets = outbound.targets()?;
    let keys =
        Keys { excluded_labels: KeyList::new(&excluded_labels), restore_marks: KeyList::new(&restore_marks) };
    let journals =
        JournalLimits { per_experiment: journal_budget_per_experiment.bytes(), all: journal_budget.bytes() };
    let extensions = known_extensions.as_deref().map(extensions).transpose()?.unwrap_or_default();
    let metrics = Metrics::default();
    let client = client::counted(&metrics).await?;
    let namespace = namespace.unwrap_or_else(|| client.default_namespace().to_owned());
    names::check_dns_label(&namespace)
        .map_err(anyhow::Error::msg)
        .context("--namespace names no namespace")?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr().context("the listener has no address")?;
    info!(version = env!("CARGO_PKG_VERSION"), namespace, %address, "starting");
    let stop = CancellationToken::new();
    tokio::spawn(cancel_on_signal(stop.clone()));

    // Serve the probes before the first call. If the API server is down, Kubernetes must not kill this process.
    let health = Health::default();
    let begun = health.readiness_check("the runner is known");
    tokio::spawn(beat_every_second(health.heartbeat("event loop", STUCK)));
    let router = server::router(Endpoints { health: health.clone(), metrics: metrics.clone() });
    let serving = tokio::spawn(server::serve(listener, router, stop.clone().cancelled_owned()));
    let (outbound, senders) = Outbound::start(targets, &metrics);
    let sources = Sources::open(sources, metrics.clone());
    tokio::spawn(sources.clone().follow(stop.clone()));

    let watched = watch_namespaces.unwrap_or_default();
    let start = async {
        if watched != Watched::None {
            warn_of_rights_everywhere(&client).await;
        }
        self::runner(&client, runner).await
    };
    if let Some(runner) = stop.run_until_cancelled(start).await {
        let over = CancellationToken::new();
        let (leadership, election) = elect(&client, &namespace, leader, &health, over.clone());
        metrics.report_leadership(leadership.clone());
        let runner = Runner { resources, ..runner };
        if unchecked_authors {
            warn!(
                "--unchecked-authors: whoever may create experiments can do through them whatever the operator may do"
            );
        }
        let config = Config {
            namespace,
            concurrency,
            call_limit,
            cleanup_limit,
            runner,
            keys,
            watched,
            unchecked_authors,
            unknown_fields,
            opt_in: require_namespace_annotation,
            extensions,
        };
        controller::run(
            client,
            (config, journals, sources, outbound),
            (leadership, health, (metrics, per_experiment_metrics)),
            &begun,
            stop.clone(),
        )
        .await;
        // Release the lease only now, so that the next leader starts after the last pass of this process.
        over.cancel();
        senders.finish(SEND_LIMIT).await;
        election.await.context("the election panicked")?;
    }
    // The server is not needed without passes. This also applies if the stream of passes ended by itself.
    stop.cancel();
    serving.await.context("the server panicked")?.context("the server failed")?;
    info!("stopped");
    Ok(())
}

/// Reads which extensions the images have.
fn extensions(path: &Path) -> anyhow::Result<Extensions> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read {} (--known-extensions)", path.display()))?;
    Extensions::parse(&text)
        .map_err(anyhow::Error::msg)
        .with_context(|| format!("cannot use {} (--known-extensions)", path.display()))
}

/// Starts the election, and returns the leadership and the task of the election. The task ends after `over` is cancelled.
fn elect(
    client: &Client,
    namespace: &str,
    args: LeaderArgs,
    health: &Health,
    over: CancellationToken,
) -> (Leadership, JoinHandle<()>) {
    let LeaderArgs { leader_elect, lease_name, lease_duration, lease_identity } = args;
    if leader_elect == Choice::No {
        return (Leadership::forever(), tokio::spawn(async {}));
    }
    let identity = lease_identity.filter(|given| !given.is_empty()).unwrap_or_else(leader::identity);
    let claim = Claim { name: lease_name, identity, duration: lease_duration };
    let heartbeat = health.heartbeat("election", UNDECIDED.max(lease_duration));
    let leader_is_known = health.readiness_check("it is known who leads");
    let (candidate, leadership) =
        Candidate::new(Api::namespaced(client.clone(), namespace), claim, heartbeat, leader_is_known);
    (leadership, tokio::spawn(candidate.run(over)))
}

/// Takes the resources of the sidecar from the flags.
fn sidecar_resources(args: &RunnerArgs) -> anyhow::Result<SidecarResources> {
    let resources = SidecarResources {
        cpu_request: args.runner_cpu_request.clone(),
        cpu_limit: args.runner_cpu_limit.clone(),
        memory_request: args.runner_memory_request.clone(),
        memory_limit: args.runner_memory_limit.clone(),
    };
    resources.check().map_err(anyhow::Error::msg)?;
    Ok(resources)
}

/// Warns if the operator needs no owner of a namespace to let it in. A binding of another overlay may be left, since `kubectl
/// apply` removes nothing.
async fn warn_of_rights_everywhere(client: &Client) {
    if discovery::may_run_everywhere(client).await {
        warn!(
            "the operator may run things in all namespaces, whether or not their owners let it in; if it should not, delete the binding of another overlay that is left: kubectl delete clusterrolebinding chaostoolkit-crd-runs"
        );
    }
}

/// Decides how the runner is added to pods. Values that no flag sets are taken from the operator's own pod.
async fn runner(client: &Client, args: RunnerArgs) -> Runner {
    let RunnerArgs { runner_image, runner_image_pull_policy, runner_pull_secret, native_sidecar, .. } = args;
    let own = if runner_image.is_some() { None } else { discovery::own_image(client).await };
    let (own_image, own_secrets) = own.map(|own| (own.name, own.pull_secrets)).unzip();
    let runner = Runner {
        image: runner_image.or(own_image).unwrap_or_else(|| RELEASED_IMAGE.to_owned()),
        pull_policy: runner_image_pull_policy,
        pull_secrets: if runner_pull_secret.is_empty() {
            own_secrets.unwrap_or_default()
        } else {
            runner_pull_secret
        },
        sidecar: match native_sidecar {
            NativeSidecar::Yes => true,
            NativeSidecar::No => false,
            NativeSidecar::Auto => discovery::has_sidecars(client).await,
        },
        ..Runner::default()
    };
    info!(image = runner.image, sidecar = runner.sidecar, "decided how to add the runner to pods");
    runner
}

/// Cancels on the first SIGTERM or SIGINT.
async fn cancel_on_signal(stop: CancellationToken) {
    let interrupted = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminated) => tokio::select! {
            _ = interrupted => {}
            _ = terminated.recv() => {}
        },
        Err(_) => drop(interrupted.await),
    }
    info!("received a signal to stop");
    stop.cancel();
}
