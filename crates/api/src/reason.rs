//! The reasons that conditions, events and metrics use.

/// A reason, which is one CamelCase word. docs/reference.md lists all of them.
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
    /// The spec is valid.
    Accepted,
    /// The spec is valid, but has unknown fields, which are ignored.
    UnknownFields,
    /// The spec is valid, but the spec or the experiment may not be what the author meant; the message names the problem.
    AcceptedWithWarnings,
    /// The spec is invalid; the message names the field.
    InvalidSpec,
    /// The operator rejects the spec; only the event of an invalid spec has this reason.
    Rejected,
    /// All objects of the run exist, including its pod.
    Provisioned,
    /// The objects of the run are being created.
    Provisioning,
    /// The ConfigMap of the templates does not exist in the operator's namespace.
    TemplatesMissing,
    /// A template is invalid: all keys are missing, it is not YAML, or it is not an object of the right kind.
    TemplateInvalid,
    /// The pod refers to a ConfigMap that does not exist yet.
    ConfigMapMissing,
    /// The pod refers to a key that its ConfigMap does not have yet.
    ConfigMapKeyMissing,
    /// A Role to which the account of the run is to be bound does not exist yet.
    RoleMissing,
    /// The namespace of the run is being deleted.
    NamespaceTerminating,
    /// An object with the name of a child exists and does not belong to the experiment.
    NameConflict,
    /// The API server rejected a write because of permissions, a quota, Pod Security or an admission webhook.
    Forbidden,
    /// The author of the run lacks a right that the run would have; the message names it.
    AuthorForbidden,
    /// It is not known who asked for the run, so nobody can say whether it is allowed.
    AuthorUnknown,
    /// The rights of authors are not checked, since the operator was started with `--unchecked-authors`.
    AuthorUnchecked,
    /// The policy that judges requests allowed the request. The cluster cannot say who made it.
    JudgedAtRequest,
    /// The cluster has neither the policy that names authors nor the one that judges requests.
    PolicyMissing,
    /// The operator has no rights in the namespace of the experiment; the message has the command that gives them.
    RightsMissing,
    /// Nothing keeps the run from starting any more.
    Startable,
    /// A freeze keeps the run from starting, or has stopped it; the message names the freeze.
    Frozen,
    /// The calendar of the experiment is closed, so no run starts; the message says until when and why.
    CalendarClosed,
    /// A file with holidays cannot be read; the message names it.
    CalendarInvalid,
    /// Runs of the schedule deviated or failed as often as `schedule.stopAfter` says, so it is suspended.
    StoppedAfter,
    /// No namespace has the labels and annotations that `spec.targets` selects.
    NoTargetNamespace,
    /// A namespace in which the run would have rights lacks the annotation that the operator requires; the message names it.
    NamespaceNotOptedIn,
    /// Another experiment runs that names the same mutex; the message names it.
    MutexHeld,
    /// A gate of the experiment is closed, so no run starts; the message names the gate and what was read.
    GateClosed,
    /// A stop condition of the experiment was met, so the run was stopped; the message names it and what was read.
    StopConditionMet,
    /// Something is known to be wrong with the experiment, and `spec.preflight` is `Fail`; the message says what.
    PreflightFailed,
    /// A run of the schedule was due and was not allowed to start, or was allowed too late.
    Skipped,
    /// The API server rejected an object of the run as invalid.
    ObjectInvalid,
    /// The API server could not be reached or failed; the operator tries again.
    ApiError,
    /// No object of the run was rejected.
    Permitted,
    /// The pod of the run was created.
    RunCreated,
    /// The pod exists, and its container does not run yet.
    Starting,
    /// The pod cannot start; the message quotes the kubelet or the scheduler.
    StartStalled,
    /// An image of the pod cannot be pulled.
    ImagePullBackOff,
    /// A Secret or ConfigMap of the container is missing, or its security context cannot be applied.
    CreateContainerConfigError,
    /// No node has enough resources for the pod or matches its constraints.
    Unschedulable,
    /// The container of the run started.
    RunStarted,
    /// The container of the run is running.
    Running,
    /// The steady state was met each time it was evaluated.
    Passed,
    /// The steady state was met before the method, but not during or after it.
    Deviated,
    /// The steady state was not met before the method; the message says whether the method ran.
    BaselineNotMet,
    /// A probe of the hypothesis could not be executed, so it is unknown whether the steady state was met.
    ProbeError,
    /// The experiment passed, but is not conclusive, since an activity of the method failed or it was a dry run.
    Inconclusive,
    /// An unexpected error in the toolkit ended the run; in an event, somebody stopped the run.
    Aborted,
    /// A signal or a control of the toolkit ended the run before a verdict.
    Interrupted,
    /// The toolkit rejected the experiment; the message has its words.
    ExperimentInvalid,
    /// The toolkit does not know one of its arguments; the message has its words.
    ArgumentsInvalid,
    /// A Python module or a function of it, which the experiment uses, is not in the image.
    ExtensionMissing,
    /// A variable or a file that the experiment refers to is missing.
    ConfigurationMissing,
    /// The toolkit could not fetch the experiment from its URL.
    ExperimentUnreachable,
    /// The toolkit was asked for something other than an experiment, such as `validate`, and succeeded.
    SubcommandCompleted,
    /// The toolkit was asked for something other than an experiment, such as `validate`, and failed.
    SubcommandFailed,
    /// The toolkit was started, and the runner could not observe it.
    ToolkitUnobserved,
    /// The command of the container failed without starting the toolkit.
    ToolkitNotStarted,
    /// The command of the container could not be started.
    CommandNotStarted,
    /// The toolkit, or the command that starts it, was killed, and there is no journal.
    ToolkitKilled,
    /// The toolkit ended without a journal.
    NoJournal,
    /// The toolkit left a journal that does not show the outcome of the run.
    JournalUnreadable,
    /// The report of the container contradicts the status of the container, or cannot be read.
    ReportInvalid,
    /// The container exceeded its memory limit.
    OOMKilled,
    /// The pod was evicted, since its node lacked resources, was drained, or was shut down.
    Evicted,
    /// The pod was preempted by a pod with a higher priority.
    Preempted,
    /// The pod ran for longer than its deadline.
    DeadlineExceeded,
    /// The node of the pod was lost.
    NodeLost,
    /// The next run of the schedule replaced the run, or an edit of the spec replaced a run that could not start.
    Replaced,
    /// The toolkit ended with exit code 0, and nothing else is known, since `spec.report.mode` is `none`.
    Completed,
    /// The run ended without a verdict.
    RunFailed,
    /// The pod was deleted before its container started, or during the run.
    PodDeleted,
    /// The pod disappeared, and it is unknown how the run ended.
    PodLost,
    /// A schedule starts the runs.
    Scheduled,
    /// The run or the schedule is suspended.
    Suspended,
    /// A backup tool has restored the experiment, so nothing starts until a rerun is requested.
    Restored,
    /// The run or the schedule is no longer suspended.
    Resumed,
    /// A run was due by the schedule, but none was started.
    MissedSchedule,
    /// The spec was changed after the start of the run, so the change has no effect on the run.
    SpecChangeIgnored,
    /// The Python operator handled the experiment before, and this operator adopted its objects.
    Adopted,
    /// Other containers went on after the toolkit had ended, so the operator ended the pod.
    HelpersStopped,
    /// A namespace in which the role is to be bound does not exist yet.
    NamespaceMissing,
    /// The outcome is unknown, since exit code 0 alone does not show it.
    OutcomeUnknown,
    /// The API server refused a request of an activity for lack of a right; the message names the right and what gives it.
    ActivityForbidden,
    /// All rollbacks were played and succeeded.
    RollbacksPlayed,
    /// Not all rollbacks were played to their end, so the fault may still be there.
    RollbacksNotPlayed,
    /// A rollback failed, so the fault may still be there.
    RollbackFailed,
    /// The experiment declares no rollbacks.
    NoRollbacks,
    /// The run is stopped or does not start, since `spec.abort` is true or the experiment is being deleted.
    AbortRequested,
    /// The run did not start before its start deadline.
    StartTimeout,
    /// Another run was requested.
    RerunRequested,
    /// Another pod plays the rollbacks, or is to play them, since the run ended before it had played them.
    RescueStarted,
    /// Another pod has played the rollbacks.
    RescuePlayed,
    /// Another pod could not play the rollbacks either, so the fault may still be there.
    RescueFailed,
    /// The run was stopped before it started, so there is nothing to roll back.
    NotStarted,
    /// The experiment is being deleted.
    Terminating,
    /// All objects that were created for the experiment are gone.
    CleanedUp,
    /// An object that was created for the experiment cannot be deleted; the message names it.
    CleanupBlocked,
    /// The status has a record that the operator would not have written; it is ignored, and the message names it.
    RecordIgnored,
    /// The administrator has configured no source with the name and the type that a signal asks for.
    SourceUnknown,
    /// The namespace of the experiment may not use a source, or no kind of object like this one was granted.
    SourceNotAllowed,
    /// A source gave no answer: no connection, or a certificate or a token that cannot be used.
    SourceUnreachable,
    /// A source did not answer in time.
    SourceTimeout,
    /// A source answered with an error that does not depend on the question, such as 403 or 503.
    SourceFailed,
    /// The source refused the question, or its answer is none that can be compared.
    SignalInvalid,
    /// A query returned several series, so there is no one value to compare.
    SignalAmbiguous,
    /// There is nothing to compare: no series, no such field, no such object, or a value that is not a number.
    SignalNoData,
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.to_string()
    }
}
