//! Whether a tool that applies an experiment has to wait for it: pure.
//!
//! kstatus, by which Flux and others wait, reads it from the conditions `Reconciling` and `Stalled`:
//! <https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md>. docs/reference.md has this table.

use crate::condition::Type;
use crate::reason::Reason;
use crate::status::Phase;

/// Whether a tool that applies an experiment has to wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
pub enum Progress {
    /// Something goes on by itself, or is waited for: `InProgress` of kstatus.
    Reconciling,
    /// Nothing goes on until somebody does something, or the run has found something bad: `Failed` of kstatus.
    Stalled,
    /// Everything is as it was asked for: `Current` of kstatus.
    Current,
}

impl Progress {
    /// The condition that says so. No condition says that all is well.
    #[must_use]
    pub const fn condition(self) -> Option<Type> {
        match self {
            Self::Reconciling => Some(Type::Reconciling),
            Self::Stalled => Some(Type::Stalled),
            Self::Current => None,
        }
    }
}

/// What follows from the phase of an experiment and the reason for it. A deleted experiment has neither condition, since tools
/// know it by its time of deletion.
#[must_use]
pub const fn of(phase: Phase, reason: Reason) -> Progress {
    match (phase, reason) {
        (Phase::Blocked, reason) if needs_somebody(reason) => Progress::Stalled,
        (Phase::Pending | Phase::Blocked | Phase::Starting | Phase::Running | Phase::Aborting, _) => {
            Progress::Reconciling
        }
        // The Python operator ran an adopted experiment, maybe long ago. Else it would fail each sync of those who come from
        // there.
        (
            Phase::Completed,
            Reason::Passed | Reason::Inconclusive | Reason::SubcommandCompleted | Reason::Completed,
        )
        | (Phase::Failed, Reason::Adopted) => Progress::Current,
        (Phase::Completed | Phase::Failed | Phase::Aborted, _) | (Phase::Suspended, Reason::StoppedAfter) => {
            Progress::Stalled
        }
        (Phase::Skipped | Phase::Scheduled | Phase::Suspended | Phase::Terminating, _) => Progress::Current,
    }
}

/// Whether what blocks a run stays until somebody corrects it. What is only missing may come with the next object of the same
/// sync, and a freeze or a gate opens by itself.
const fn needs_somebody(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::TemplateInvalid
            | Reason::NameConflict
            | Reason::Forbidden
            | Reason::AuthorForbidden
            | Reason::AuthorUnknown
            | Reason::PolicyMissing
            | Reason::RightsMissing
            | Reason::CalendarInvalid
            | Reason::PreflightFailed
            | Reason::ObjectInvalid
            | Reason::NoTargetNamespace
            | Reason::NamespaceNotOptedIn
    )
}
