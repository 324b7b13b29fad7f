//! The equipment of one plan: an installation, a proxy, and an operator that is started again when the plan kills it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use k8s_openapi::api::core::v1::{Namespace, Node};
use kube::api::{Api, DeleteParams};
use serde_json::json;

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::source::Source;
use crate::common::{create, within};
use crate::proxy::Proxy;
use crate::story::OPTS_IN;

/// The equipment of one plan.
pub struct Rig {
    pub install: Install,
    pub proxy: Proxy,
    pub operators: Arc<Operators>,
    /// The namespace in which the run's service account also gets the role.
    pub bound: String,
    /// What the gates and stop conditions ask.
    _source: Source,
}

impl Rig {
    /// Installs and starts everything, and waits until the caches of the operator are filled.
    pub async fn start() -> Self {
        let rig = Self::prepare().await;
        rig.operators.start();
        rig.filled(1).await;
        rig
    }

    /// Installs everything and starts the proxy, but no operator.
    pub async fn prepare() -> Self {
        let mut install = Install::new("faults").await;
        let proxy = Proxy::start(&install.kubeconfig, &install.namespace).await;
        install.kubeconfig.clone_from(&proxy.kubeconfig);
        let bound = format!("{}-bound", install.namespace);
        let metadata = json!({"name": bound, "labels": {OPTS_IN: bound}});
        create(&Api::<Namespace>::all(install.client.clone()), json!({"metadata": metadata})).await;
        // The node exists, since Kubernetes collects the pods of a missing node.
        create(&Api::<Node>::all(install.client.clone()), json!({"metadata": {"name": install.namespace}}))
            .await;
        let source = Source::of("1").await;
        let operators = Arc::new(Operators::new(&install, source.file()));
        let killed = operators.clone();
        proxy.on_crash(move || killed.crash());
        Self { install, proxy, operators, bound, _source: source }
    }

    /// Returns the node of the rig's kubelet.
    pub fn node(&self) -> &str {
        &self.install.namespace
    }

    /// Stops the operators and deletes the node.
    pub async fn end(&self) {
        self.operators.kill();
        let nodes = Api::<Node>::all(self.install.client.clone());
        let _ = nodes.delete(self.node(), &DeleteParams::default()).await;
    }

    /// Waits until each watch has been filled this many times.
    pub async fn filled(&self, times: usize) {
        within(crate::common::LIMIT, "the operator's caches are full", async || {
            self.proxy.streaming().is_filled(times).then_some(())
        })
        .await;
    }
}

/// The operators of one installation, including those that were killed.
pub struct Operators {
    kubeconfig: PathBuf,
    sources: PathBuf,
    all: Mutex<Vec<Operator>>,
    environment: Mutex<Vec<(String, String)>>,
    logs: Mutex<Vec<String>>,
    /// The number of operators that ended by themselves.
    ended: Mutex<usize>,
}

impl Operators {
    fn new(install: &Install, sources: PathBuf) -> Self {
        Self {
            kubeconfig: install.kubeconfig.clone(),
            sources,
            all: Mutex::default(),
            environment: Mutex::default(),
            logs: Mutex::default(),
            ended: Mutex::default(),
        }
    }

    /// Starts one more operator.
    pub fn start(&self) {
        let environment = self.environment.lock().unwrap().clone();
        let options = ["--sources", self.sources.to_str().unwrap()];
        self.all.lock().unwrap().push(Operator::with_environment(&self.kubeconfig, &options, &environment));
    }

    /// Sets the environment variables of the operators that are started from now on.
    pub fn set_environment(&self, environment: Vec<(String, String)>) {
        *self.environment.lock().unwrap() = environment;
    }

    /// Kills all operators and starts a new one.
    pub fn crash(&self) {
        self.kill();
        self.start();
    }

    /// Kills all operators with SIGKILL.
    pub fn kill(&self) {
        for mut operator in std::mem::take(&mut *self.all.lock().unwrap()) {
            self.check(&mut operator);
            self.logs.lock().unwrap().push(operator.log());
            operator.kill();
        }
    }

    /// Does something with the operator at this place.
    pub fn with<T>(&self, place: usize, act: impl FnOnce(&Operator) -> T) -> T {
        act(&self.all.lock().unwrap()[place])
    }

    /// Takes the operator at this place out, to end it in some other way.
    pub fn take(&self, place: usize) -> Operator {
        self.all.lock().unwrap().remove(place)
    }

    /// Returns how many operators ended by themselves.
    pub fn ended_by_themselves(&self) -> usize {
        for operator in &mut *self.all.lock().unwrap() {
            self.check(operator);
        }
        *self.ended.lock().unwrap()
    }

    fn check(&self, operator: &mut Operator) {
        *self.ended.lock().unwrap() += usize::from(!operator.is_alive());
    }

    /// Returns the last lines of their logs.
    pub fn last_words(&self) -> String {
        let mut logs = self.logs.lock().unwrap().clone();
        logs.extend(self.all.lock().unwrap().iter().map(Operator::log));
        let text = logs.join("---- killed, and started again ----\n");
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}
