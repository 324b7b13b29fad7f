//! Last step of a pass, its other half: the one write of the status, and then the events.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::Resource;
use kube::api::{Patch, PatchParams};
use kube::runtime::events::Event;
use serde_json::json;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::experiment::Context;
use crate::experiment::decide::plan;
use crate::experiment::error::Error;
use crate::experiment::intent::Control;
use crate::experiment::status::{Draft, events};
use chaostoolkit_api::{ChaosToolkitExperiment, Experiment, Phase, Status, condition, names};

/// The experiment as the API server has it, and the status that it is going to have.
pub struct Report<'a> {
    context: &'a Context,
    /// The experiment as it was read or last written.
    pub live: Experiment,
    /// The status in the making.
    pub draft: Draft,
    /// When it was last asked for, with that answer.
    known: Instant,
}

/// How long an experiment is taken to be as it was read or written. Calls take milliseconds.
const FRESH: Duration = Duration::from_secs(5);

impl<'a> Report<'a> {
    /// Starts from an experiment that was just read.
    #[must_use]
    pub fn new(context: &'a Context, live: Experiment, now: Timestamp) -> Self {
        let draft = Draft::of(&live, now);
        Self { context, live, draft, known: Instant::now() }
    }

    /// Sees to it that nobody has gone on meanwhile: the experiment is as it was read or last written.
    pub async fn must_be_current(&mut self) -> Result<(), Error> {
        let api = self.context.cluster.experiments(self.live.namespace());
        let asked = Instant::now();
        let now = self.context.cluster.find(&api, "experiment", self.live.name()).await?;
        if now.is_none_or(|now| now.metadata.resource_version != self.live.metadata.resource_version) {
            return Err(Error::Overtaken(self.live.key()));
        }
        self.known = asked;
        Ok(())
    }

    /// The same, looked up only if the pass was held up: another operator may be at work by now.
    pub async fn must_be_fresh(&mut self) -> Result<(), Error> {
        if self.known.elapsed() < FRESH { Ok(()) } else { self.must_be_current().await }
    }

    /// Writes the status if it differs from what is recorded, and tells of what has changed. The write is bound to
    /// the version that was read: somebody else's newer status is never overwritten.
    pub async fn write(&mut self) -> Result<(), Error> {
        let old = self.live.status.clone().unwrap_or_default();
        condition::keep_times(&mut self.draft.status.conditions, &old.conditions);
        if self.draft.status == old {
            return Ok(());
        }
        let Experiment { metadata, .. } = &self.live;
        let patch = Patch::Apply(json!({
            "apiVersion": ChaosToolkitExperiment::api_version(&()),
            "kind": ChaosToolkitExperiment::kind(&()),
            "metadata": {"name": metadata.name, "resourceVersion": metadata.resource_version},
            "status": self.draft.status,
        }));
        let api = self.context.cluster.experiments(self.live.namespace());
        let parameters = PatchParams::apply(names::FIELD_MANAGER).force();
        let request = api.patch_status(self.live.name(), &parameters, &patch);
        let doing = format!("write the status of experiment {}", self.live.key());
        let asked = Instant::now();
        self.live = self.context.cluster.call(doing, request).await?;
        self.known = asked;
        self.tell(&old).await;
        Ok(())
    }

    /// Publishes the events of the step that was just written.
    async fn tell(&self, old: &Status) {
        let new = &self.draft.status;
        if new.phase != old.phase {
            let phase = new.phase.map_or("none", Phase::as_str);
            info!(phase, reason = new.reason, message = new.message, "experiment {}", self.live.key());
        }
        if new.is_finished() && !old.is_finished() {
            self.context.metrics.run_finished(new.phase, new.outcome);
        }
        for past in new.history.iter().filter(|past| events::is_new(past, old)) {
            self.context.metrics.run_finished(Some(past.phase), Some(past.outcome));
        }
        let decided = new.run.as_ref().and_then(|run| run.spec_hash.as_ref());
        // An edit that comes with a rerun has its effect.
        let is_other_spec = !Control::of(&self.live).is_rerun_due(new)
            && decided.is_none_or(|decided| *decided != plan::spec_hash(self.live.spec.as_ref()));
        for event in events::transitions(old, new, is_other_spec) {
            self.publish(&event).await;
        }
    }

    /// Publishes an event. One that cannot be published is no reason to stop: events are best effort.
    pub async fn publish(&self, event: &Event) {
        debug!(reason = event.reason, note = event.note, "event on experiment {}", self.live.key());
        let reference = Resource::object_ref(&self.live, &());
        let published = self.context.recorder.publish(event, &reference);
        match tokio::time::timeout(self.context.config.call_limit, published).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                warn!(%error, "cannot publish event {} on experiment {}", event.reason, self.live.key());
            }
            Err(_) => {
                warn!("no answer when publishing event {} on experiment {}", event.reason, self.live.key());
            }
        }
    }
}
