//! What one plan has to itself: an installation, a proxy, and an operator that is started again when a plan kills it.

use std::sync::{Arc, Mutex};

use k8s_openapi::api::core::v1::{Namespace, Node};
use kube::api::{Api, DeleteParams};
use serde_json::json;

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::{create, within};
use crate::proxy::Proxy;

/// What one plan has to itself.
pub struct Rig {
    pub install: Install,
    pub proxy: Proxy,
    pub operators: Arc<Operators>,
    /// The namespace in which the run's account gets the role too.
    pub bound: String,
}

impl Rig {
    /// Installs and starts all of it, and waits until the operator knows that there is nothing.
    pub async fn start() -> Self {
        let rig = Self::prepare().await;
        rig.operators.start();
        rig.filled(1).await;
        rig
    }

    /// The same, but for the operator.
    pub async fn prepare() -> Self {
        let mut install = Install::new("faults").await;
        let proxy = Proxy::start(&install.kubeconfig, &install.namespace).await;
        install.kubeconfig.clone_from(&proxy.kubeconfig);
        let bound = format!("{}-bound", install.namespace);
        create(&Api::<Namespace>::all(install.client.clone()), json!({"metadata": {"name": bound}})).await;
        // Kubernetes collects the pods of a node that does not exist.
        create(&Api::<Node>::all(install.client.clone()), json!({"metadata": {"name": install.namespace}}))
            .await;
        let operators = Arc::new(Operators::new(&install));
        let killed = operators.clone();
        proxy.on_crash(move || killed.crash());
        Self { install, proxy, operators, bound }
    }

    /// The node that the rig's kubelet is on.
    pub fn node(&self) -> &str {
        &self.install.namespace
    }

    /// Stops the operators, and takes away what others would have to look at.
    pub async fn end(&self) {
        self.operators.kill();
        let nodes = Api::<Node>::all(self.install.client.clone());
        let _ = nodes.delete(self.node(), &DeleteParams::default()).await;
    }

    /// Waits until each watch has shown all that there is, as many times.
    pub async fn filled(&self, times: usize) {
        within(crate::common::LIMIT, "the operator's caches are full", async || {
            self.proxy.streaming().is_filled(times).then_some(())
        })
        .await;
    }
}

/// The operators of one installation, those that were killed included.
pub struct Operators {
    kubeconfig: std::path::PathBuf,
    all: Mutex<Vec<Operator>>,
    environment: Mutex<Vec<(String, String)>>,
    logs: Mutex<Vec<String>>,
    /// Those that ended although nobody had told them to.
    ended: Mutex<usize>,
}

impl Operators {
    fn new(install: &Install) -> Self {
        Self {
            kubeconfig: install.kubeconfig.clone(),
            all: Mutex::default(),
            environment: Mutex::default(),
            logs: Mutex::default(),
            ended: Mutex::default(),
        }
    }

    /// Starts one more.
    pub fn start(&self) {
        let environment = self.environment.lock().unwrap().clone();
        self.all.lock().unwrap().push(Operator::with_environment(&self.kubeconfig, &[], &environment));
    }

    /// From the next one on, with these variables.
    pub fn set_environment(&self, environment: Vec<(String, String)>) {
        *self.environment.lock().unwrap() = environment;
    }

    /// SIGKILL for all of them, and one new.
    pub fn crash(&self) {
        self.kill();
        self.start();
    }

    /// SIGKILL for all of them.
    pub fn kill(&self) {
        for mut operator in std::mem::take(&mut *self.all.lock().unwrap()) {
            self.check(&mut operator);
            self.logs.lock().unwrap().push(operator.log());
            operator.kill();
        }
    }

    /// Does something with the one that was started at this place.
    pub fn with<T>(&self, place: usize, act: impl FnOnce(&Operator) -> T) -> T {
        act(&self.all.lock().unwrap()[place])
    }

    /// Takes the one at this place out, to end it in some other way.
    pub fn take(&self, place: usize) -> Operator {
        self.all.lock().unwrap().remove(place)
    }

    /// How many have ended although nobody had told them to.
    pub fn ended_by_themselves(&self) -> usize {
        for operator in &mut *self.all.lock().unwrap() {
            self.check(operator);
        }
        *self.ended.lock().unwrap()
    }

    fn check(&self, operator: &mut Operator) {
        *self.ended.lock().unwrap() += usize::from(!operator.is_alive());
    }

    /// The last lines of what they have logged.
    pub fn last_words(&self) -> String {
        let mut logs = self.logs.lock().unwrap().clone();
        logs.extend(self.all.lock().unwrap().iter().map(Operator::log));
        let text = logs.join("---- killed, and started again ----\n");
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}
