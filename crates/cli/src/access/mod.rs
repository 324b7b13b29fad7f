//! How the API server is talked to: with the rights of the user, and with a limit for each call.

pub mod errors;
pub mod experiments;
pub mod freezes;
pub mod hindrances;
pub mod journals;
pub mod maps;
pub mod pods;
pub mod questions;
pub mod runs;
pub mod tables;
mod warnings;
pub mod watching;

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};

use chaostoolkit_operator::cluster::{Cluster, client};

use crate::args::Global;
use crate::failure::{Failure, Outcome};

/// The namespace of the operator and of the experiments, as shipped.
pub const HOME: &str = "chaostoolkit-crd";

/// The field manager of all writes.
pub const FIELD_MANAGER: &str = "kubectl-chaostoolkit";

/// The access to a cluster.
#[derive(Clone)]
pub struct Access {
    /// The client.
    pub client: Client,
    /// Calls with a limit.
    pub cluster: Cluster,
    /// The namespace of the experiments.
    pub namespace: String,
    /// The address of the API server, for people.
    pub server: String,
}

impl Access {
    /// Reads the kubeconfig, or finds the cluster around this process. Makes no call.
    pub async fn open(global: &Global) -> Outcome<Self> {
        let (mut config, namespace) = configuration(global).await?;
        if let Some(user) = &global.as_user {
            config.auth_info.impersonate = Some(user.clone());
        }
        config.connect_timeout = Some(
            config.connect_timeout.map_or(global.request_timeout, |limit| limit.min(global.request_timeout)),
        );
        let namespace = global.namespace.clone().or(namespace).unwrap_or_else(|| HOME.to_owned());
        let server = config.cluster_url.to_string();
        let client = client::of(config, warnings::tell).map_err(|error| {
            Failure::new(format!("cannot use the kubeconfig: {}", errors::chain(&error)))
                .hint("`kubectl config view` shows it; `kubectl auth whoami` tries it")
        })?;
        Ok(Self { cluster: Cluster::new(client.clone(), global.request_timeout), client, namespace, server })
    }
}

/// Returns the configuration, and the namespace that it names.
async fn configuration(global: &Global) -> Outcome<(kube::Config, Option<String>)> {
    let read = match &global.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let kubeconfig = match read {
        Ok(kubeconfig) => kubeconfig,
        Err(error) if global.kubeconfig.is_none() && global.context.is_none() => {
            return in_cluster().ok_or_else(|| no_cluster(&error));
        }
        Err(error) => return Err(no_cluster(&error)),
    };
    let context = global.context.clone().or_else(|| kubeconfig.current_context.clone());
    let named = kubeconfig.contexts.iter().find(|known| Some(&known.name) == context.as_ref());
    let namespace =
        named.and_then(|known| known.context.as_ref()?.namespace.clone()).filter(|name| !name.is_empty());
    let options = KubeConfigOptions { context: global.context.clone(), ..KubeConfigOptions::default() };
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| no_cluster(&error))?;
    Ok((config, namespace))
}

/// Returns the configuration of the pod that this process runs in, and the namespace of that pod.
fn in_cluster() -> Option<(kube::Config, Option<String>)> {
    let config = kube::Config::incluster().ok()?;
    let namespace = config.default_namespace.clone();
    Some((config, Some(namespace)))
}

fn no_cluster(error: &kube::config::KubeconfigError) -> Failure {
    Failure::new(format!("there is no cluster to talk to: {}", errors::chain(error))).hint(
        "set KUBECONFIG, or give --kubeconfig or --context; `kubectl config get-contexts` lists the contexts",
    )
}
