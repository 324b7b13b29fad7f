//! One experiment in one pass: the live object, the draft of its status, and the writes.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::Resource;
use kube::api::{Patch, PatchParams};
use kube::core::DynamicObject;
use kube::runtime::events::Event;
use serde_json::json;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::cluster::manifest::{Kind, Manifest};
use crate::cluster::reads::Reads;
use crate::experiment::children::create;
use crate::experiment::context::Context;
use crate::experiment::decide::place::Place;
use crate::experiment::decide::spec_hash::spec_hash;
use crate::experiment::error::Error;
use crate::experiment::intent::Intent;
use crate::experiment::judge::evidence::Journal;
use crate::experiment::mutexes::holder;
use crate::experiment::parent::Parent;
use crate::experiment::status::counted::counted;
use crate::experiment::status::{Draft, events, trusted};
use crate::experiment::told;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{ChaosToolkitExperiment, Experiment, Status, Text, condition, names};

/// The experiment as the API server has it, and its next status.
pub struct Pass<'a> {
    /// What the passes share.
    pub context: &'a Context,
    /// The experiment as it was read or last written.
    pub live: Experiment,
    /// The next status.
    pub draft: Draft,
    /// A sentence about the records of the status that are ignored, if there are any.
    pub ignored: Option<String>,
    /// When the pass was due. What was read later may be shared with other passes.
    pub due: Instant,
    /// The version of the pod that is followed, if its run goes on.
    pub followed: Option<String>,
    /// Whether the pod was created, and its record waits until others have begun.
    pub defers_record: bool,
    /// When to look again at the runs of a schedule that cannot be kept as its spec wants it now.
    pub again: Option<Duration>,
    /// The journals of runs that have ended, by the uid of the pod, for the traces of these runs.
    pub journals: Vec<(String, Vec<u8>)>,
    /// When the experiment was last requested, with the answer in `live`. Nothing, if it comes from the cache.
    asked: Option<Instant>,
}

/// For how long an experiment counts as unchanged after it was read or written. Calls take milliseconds.
const FRESH: Duration = Duration::from_secs(5);

/// For how long it is remembered what was told of records that are ignored.
const TOLD: Duration = Duration::from_secs(24 * 60 * 60);

/// Leaves only what may be acted on in the status of an experiment.
fn checked(context: &Context, mut live: Experiment) -> (Experiment, Option<String>) {
    let Some(status) = live.status.take() else { return (live, None) };
    let place = Place::of(&live, &context.config.namespace);
    let (status, ignored) = trusted(status, live.uid(), place);
    live.status = Some(status);
    (live, ignored)
}

impl<'a> Pass<'a> {
    /// Starts from an experiment that was just read.
    #[must_use]
    pub fn new(context: &'a Context, live: Experiment, now: Timestamp) -> Self {
        let (live, ignored) = checked(context, live);
        let draft = Draft::of(&live, now);
        Self {
            context,
            live,
            draft,
            ignored,
            due: Instant::now(),
            followed: None,
            defers_record: false,
            again: None,
            journals: Vec::new(),
            asked: Some(Instant::now()),
        }
    }

    /// Starts from an experiment as it is in the cache, which lacks most of its spec.
    #[must_use]
    pub fn from_cache(context: &'a Context, cached: Experiment, now: Timestamp) -> Self {
        Self { asked: None, ..Self::new(context, cached, now) }
    }

    /// Whether the experiment is all there. The cache lacks most of its spec.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.asked.is_some()
    }

    /// Reads the experiment if the pass has started from the cache and has not written since. Fails if it has changed.
    pub async fn complete(&mut self) -> Result<(), Error> {
        if self.asked.is_some() {
            return Ok(());
        }
        let live = self.read().await?;
        self.live = checked(self.context, live).0;
        Ok(())
    }

    /// Reads the experiment again. Fails with [`Error::Overtaken`] if it has changed since it was last seen.
    async fn read(&mut self) -> Result<Experiment, Error> {
        let api = self.context.cluster.experiments(self.live.namespace())?;
        let asked = Instant::now();
        let now = self.context.cluster.find(&api, "experiment", self.live.name()).await?;
        let version = &self.live.metadata.resource_version;
        let now = now.filter(|now| now.metadata.resource_version == *version);
        self.asked = Some(asked);
        now.ok_or_else(|| Error::Overtaken(self.live.key()))
    }

    /// Tells which records of the status are ignored, if there are any and this was not told before.
    pub async fn announce_ignored(&self) {
        let remembered = &self.context.ignored;
        if let Some(ignored) = &self.ignored
            && remembered.get(self.live.uid(), TOLD).as_ref() != Some(ignored)
        {
            remembered.put(self.live.uid().to_owned(), ignored.clone(), TOLD);
            warn!("{ignored}");
            let reason = Reason::RecordIgnored.as_str();
            self.publish(&events::warning(reason, events::Action::ReadStatus, ignored)).await;
        }
    }

    /// Reads for this pass.
    #[must_use]
    pub const fn reads(&self) -> Reads<'a> {
        self.context.reads(self.due)
    }

    /// What the author wants now.
    #[must_use]
    pub fn intent(&self) -> Intent {
        Intent::of(&self.live)
    }

    /// Creates a child of the experiment unless it exists.
    ///
    /// Nobody would remove a child that is created for an experiment which is gone by now, or stop a run that it starts. So
    /// the experiment is read again first: always before the object that starts runs, and otherwise if the pass was held up.
    pub async fn create(
        &mut self,
        manifest: &Manifest,
        is_likely_there: bool,
    ) -> Result<DynamicObject, Error> {
        let (cluster, parent) = (&self.context.cluster, self.parent());
        let kind = manifest.kind;
        create::child((cluster, &parent), manifest, is_likely_there, async || self.fence(kind).await).await
    }

    /// Where the experiment is, and which namespaces its runs may use for that reason.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        Place::of(&self.live, &self.context.config.namespace)
    }

    /// What shows that an object belongs to the experiment, by its next status.
    #[must_use]
    pub fn parent(&self) -> Parent {
        Parent::of(self.live.uid(), &self.draft.status)
    }

    /// Fails with [`Error::Overtaken`] if an object of this kind must not be created any more.
    pub async fn fence(&mut self, kind: Kind) -> Result<(), Error> {
        let starts_runs = matches!(kind, Kind::Pod | Kind::CronJob | Kind::Job);
        if !starts_runs && self.asked.is_some_and(|asked| asked.elapsed() < FRESH) {
            return Ok(());
        }
        self.read().await.map(|_| ())
    }

    /// Sets the finalizers of the experiment. Fails if it has changed since it was read.
    pub async fn set_finalizers(&mut self, finalizers: &[String]) -> Result<(), Error> {
        let cluster = &self.context.cluster;
        let api = cluster.experiments(self.live.namespace())?;
        self.live.metadata = cluster.set_finalizers(&api, "experiment", &self.live, finalizers).await?;
        Ok(())
    }

    /// Writes the status if it differs from the recorded one, and publishes the events of the change. The write is bound to
    /// the version that was read, so it never overwrites a newer status.
    pub async fn write(&mut self) -> Result<(), Error> {
        let old = self.live.status.clone().unwrap_or_default();
        if !self.live.is_deleting() {
            self.draft.progress();
        }
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
        let api = self.context.cluster.experiments(self.live.namespace())?;
        let parameters = PatchParams::apply(names::FIELD_MANAGER).force();
        let name = api.name(self.live.name())?;
        let request = api.patch_status(&name, &parameters, &patch);
        let doing = format!("write the status of experiment {}", self.live.key());
        let asked = Instant::now();
        let written = self.context.cluster.call(doing, request).await?;
        // Another field manager may have a part of the status.
        self.live = checked(self.context, written).0;
        self.asked = Some(asked);
        if holder::held(&old).is_some() && holder::held(&self.draft.status).is_none() {
            self.give_back_mutex();
        }
        self.tell(&old);
        self.announce(&old).await;
        Ok(())
    }

    /// Lets the next experiment have the mutex of this one.
    pub fn give_back_mutex(&self) {
        self.context.mutexes.give_back(self.live.uid());
        self.context.bell.ring();
    }

    /// Remembers a journal for the trace of its run, if there are traces.
    pub fn remember(&mut self, pod: &Pod, journal: Journal) {
        if let (Journal::Here(carried), Some(uid)) = (journal, &pod.metadata.uid)
            && self.context.outbound.has_traces()
        {
            self.journals.push((uid.clone(), carried.gzip));
        }
    }

    /// Tells other servers of the change from the old status to the one that was just written.
    fn tell(&mut self, old: &Status) {
        let (outbound, new) = (&self.context.outbound, &self.draft.status);
        for told in told::told(&self.live, (old, new), &self.intent()) {
            outbound.tell(told);
        }
        for run in told::settled(&self.live, old, new) {
            let journal = self.journals.iter().position(|(uid, _)| run.pod_uid.as_ref() == Some(uid));
            let journal = journal.map(|at| self.journals.swap_remove(at).1);
            outbound.trace(run, journal);
        }
    }

    /// Logs, counts and publishes the change from the old status to the one that was just written.
    async fn announce(&self, old: &Status) {
        let new = &self.draft.status;
        if new.phase != old.phase {
            let phase = new.phase.map_or("none", |phase| phase.as_str());
            let message = new.message.as_deref().unwrap_or_default();
            info!(phase, reason = new.reason, "the phase changed: {message}");
        }
        for counted in counted(old, new) {
            counted.count(&self.context.metrics);
        }
        let decided = new.run.as_ref().and_then(|run| run.spec_hash.as_ref());
        // An edit that comes with a rerun takes effect.
        let is_other_spec = !self.intent().is_rerun_due(new)
            && decided.is_none_or(|decided| *decided != spec_hash(self.live.spec.as_ref()));
        for event in events::transitions(old, new, is_other_spec) {
            self.publish(&event).await;
        }
    }

    /// Publishes an event. Events are best effort: a failure is logged, and the pass goes on.
    pub async fn publish(&self, event: &Event) {
        debug!(reason = event.reason, note = event.note, "publishing an event");
        let reference = Resource::object_ref(&self.live, &());
        let published = self.context.recorder.publish(event, &reference);
        match tokio::time::timeout(self.context.config.call_limit, published).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, reason = event.reason, "cannot publish an event"),
            Err(_) => warn!(reason = event.reason, "cannot publish an event: no answer in time"),
        }
    }
}
