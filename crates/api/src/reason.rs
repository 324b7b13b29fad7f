//! The one vocabulary of reasons, shared by conditions, events and metric labels.

/// Why something is as it is, in one CamelCase word. docs/reference.md lists each of them.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
pub enum Reason {
    /// The spec was understood.
    Accepted,
    /// The spec was understood, but some of its fields are not known and were not used.
    UnknownFields,
    /// The spec was understood, but something in it or in the experiment may not be what was meant; the message names it.
    AcceptedWithWarnings,
    /// The spec was not understood; the message names the field.
    InvalidSpec,
    /// The event of a spec that was not understood.
    Rejected,
    /// Everything the run needs exists, its pod included.
    Provisioned,
    /// The objects of the run are being created.
    Provisioning,
    /// The ConfigMap of the templates does not exist in the operator's namespace.
    TemplatesMissing,
    /// A template cannot be used: a key is missing, it is not YAML, or not an object of the right kind.
    TemplateInvalid,
    /// The pod refers to a ConfigMap that does not exist (yet).
    ConfigMapMissing,
    /// The namespace of the run is being deleted.
    NamespaceTerminating,
    /// An object with the name of a child exists and belongs to somebody else.
    NameConflict,
    /// The API server refused a write: rights, quota, Pod Security, an admission webhook.
    Forbidden,
    /// The API server found an object of the run invalid.
    ObjectInvalid,
    /// The API server could not be reached or failed; retried.
    ApiError,
    /// Nothing that the run needs was refused.
    Permitted,
    /// The pod of the run was created.
    RunCreated,
    /// The pod exists, its container does not run yet.
    Starting,
    /// The pod cannot start as it is; the message has the kubelet's or the scheduler's words.
    StartStalled,
    /// An image of the pod cannot be pulled.
    ImagePullBackOff,
    /// A Secret or ConfigMap that the container needs is missing, or its security context cannot be had.
    CreateContainerConfigError,
    /// No node has room for the pod or fits it.
    Unschedulable,
    /// The container of the run was started.
    RunStarted,
    /// The run is going on.
    Running,
    /// The steady state held whenever it was evaluated.
    Passed,
    /// The steady state held before the method, and did not during or after it.
    Deviated,
    /// The steady state did not hold before the method, which then did not run.
    BaselineNotMet,
    /// A probe of the steady state could not be executed, so nobody knows whether it held.
    ProbeError,
    /// The experiment passed, but nothing follows from that: an activity of its method failed, or it was a dry run.
    Inconclusive,
    /// The toolkit met an error that nobody had foreseen and ended the run.
    Aborted,
    /// A signal or a control of the toolkit ended the run before it came to a verdict.
    Interrupted,
    /// The toolkit refused the experiment; the end of its log says why.
    ExperimentInvalid,
    /// The toolkit does not know one of its arguments; the end of its log says which.
    ArgumentsInvalid,
    /// The command of the container could not be started.
    CommandNotStarted,
    /// The toolkit was killed, and could not write a journal.
    ToolkitKilled,
    /// The toolkit ended without a journal.
    NoJournal,
    /// The toolkit left a journal that does not say what the run found.
    JournalUnreadable,
    /// What the container reports contradicts what Kubernetes says of it, or is no report at all.
    ReportInvalid,
    /// The container used more memory than it may.
    OOMKilled,
    /// The node was short of something, was being drained or shut down, and the pod had to go.
    Evicted,
    /// The pod had to make room for one of a higher priority.
    Preempted,
    /// The pod ran for longer than it may.
    DeadlineExceeded,
    /// The node of the pod is gone.
    NodeLost,
    /// The toolkit ended with exit code 0, which is all that is known: `spec.report.mode` is `none`.
    Completed,
    /// The event of a run that ended without a verdict.
    RunFailed,
    /// The pod was deleted while the run was going on.
    PodDeleted,
    /// The pod vanished without a trace of how the run ended.
    PodLost,
    /// Runs start by a schedule.
    Scheduled,
    /// The schedule is suspended.
    Suspended,
    /// The schedule goes on.
    Resumed,
    /// A run was due by the schedule, and none was started.
    MissedSchedule,
    /// The spec was edited after the run had begun: it has no effect on it.
    SpecChangeIgnored,
    /// The experiment was handled by the Python operator before; what that had created was taken over.
    Adopted,
    /// A namespace in which the role is to be bound does not exist (yet).
    NamespaceMissing,
    /// The outcome cannot be told from an exit code of 0 alone.
    OutcomeUnknown,
    /// All rollbacks were played, and succeeded.
    RollbacksPlayed,
    /// Not all rollbacks were played to their end: the fault may still be there.
    RollbacksNotPlayed,
    /// A rollback failed: the fault may still be there.
    RollbackFailed,
    /// The experiment declares no rollbacks.
    NoRollbacks,
    /// The run is to stop, since `spec.abort` says so or the experiment is being deleted: the toolkit is asked to.
    AbortRequested,
    /// The run had not started when its time for that was over.
    StartTimeout,
    /// One more run was asked for.
    RerunRequested,
    /// Another pod plays the rollbacks of a run that ended before it had played them.
    RescueStarted,
    /// Another pod has played the rollbacks.
    RescuePlayed,
    /// The rollbacks could not be played by another pod either: the fault may still be there.
    RescueFailed,
    /// The run was stopped before it had started: there is nothing to roll back.
    NotStarted,
    /// The experiment is being deleted.
    Terminating,
    /// Everything that was created for the experiment is gone.
    CleanedUp,
    /// Something that was created for the experiment cannot be deleted; the message names it.
    CleanupBlocked,
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.to_string()
    }
}
