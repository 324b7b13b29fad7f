//! The cases: experiments, and what the status of each has to say.

use chaostoolkit_api::{Outcome, Phase};
use serde_json::{Value, json};

use crate::experiments::{
    breakable, echo, fails_always, forge, from, inline, judged_by, judged_nowhere, missing_variable, own_pod,
    process, python, raises_once_broken, well,
};

/// What happens to a pod during its run from outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Then {
    Nothing,
    /// It is deleted as soon as its container runs.
    DeletedAtOnce,
    /// It is deleted once its log has this text.
    DeletedAfter(&'static str),
    /// It is evicted through the API, as `kubectl drain` does, once its log has this text.
    EvictedAfter(&'static str),
    /// Its `activeDeadlineSeconds` is cut to one second once its log has this text.
    OverdueAfter(&'static str),
}

#[derive(Clone)]
pub struct Case {
    pub name: &'static str,
    pub spec: Value,
    pub then: Then,
    pub phase: Phase,
    pub outcome: Outcome,
    pub reason: &'static str,
    pub warnings: &'static [&'static str],
    /// `RolledBack` as `Status/Reason`. Empty if it depends on who is faster.
    pub rolled_back: &'static str,
    /// Whether the journal is kept.
    pub journal: bool,
    /// Whether the end of the log is on the status.
    pub log: bool,
    /// Whether the version of the toolkit is always known.
    pub toolkit: bool,
    /// What else the status says: JSON pointers, and the texts that the values there contain.
    pub shows: &'static [(&'static str, &'static str)],
}

/// Returns a run that passes and has nothing to roll back. The other cases are variations of it.
pub fn passes(name: &'static str, spec: Value) -> Case {
    Case {
        name,
        spec,
        then: Then::Nothing,
        phase: Phase::Completed,
        outcome: Outcome::Passed,
        reason: "Passed",
        warnings: &[],
        rolled_back: "Unknown/NoRollbacks",
        journal: true,
        log: false,
        toolkit: true,
        shows: &[],
    }
}

/// Returns a run that ends without a journal.
pub fn fails(name: &'static str, spec: Value, outcome: Outcome, reason: &'static str) -> Case {
    let rolled_back = "Unknown/NoJournal";
    Case {
        phase: Phase::Failed,
        outcome,
        reason,
        rolled_back,
        journal: false,
        log: true,
        ..passes(name, spec)
    }
}

/// The settings in the Secret called `settings`.
pub const SETTINGS: &str = "runtime: {rollbacks: {strategy: never}}";

/// Returns all cases. `site` is the URL of a server in the cluster that has the [`files`](crate::experiments::files).
#[allow(clippy::too_many_lines, reason = "a table")]
pub fn cases(site: &str) -> Vec<Case> {
    let sleep = || python("subprocess", "run", json!({"args": ["sleep", "600"]}));
    let touch = |file: &str| process("touch", json!([file]));
    let always_on = json!({"hypothesis": {"strategy": "continuously"}});
    let mut during = breakable(vec![
        touch("/tmp/broken"),
        process("sleep", json!(["4"])),
        process("rm", json!(["/tmp/broken"])),
    ]);
    during["runtime"] = always_on;
    let aborted = |name, spec, then, rolled_back| Case {
        then,
        phase: Phase::Aborted,
        outcome: Outcome::Interrupted,
        reason: "PodDeleted",
        rolled_back,
        ..passes(name, spec)
    };
    let shell = |script: &str| own_pod(&json!({}), &json!({"command": ["/bin/sh"], "args": ["-c", script]}));
    // The journal is kept as it is, and the log says more than such a journal.
    let leaves = |name, script: &str| Case {
        journal: true,
        ..fails(
            name,
            shell(&format!("chaos run --journal-path /tmp/j.json /x/quick.json; {script}")),
            Outcome::Unknown,
            "JournalUnreadable",
        )
    };
    let inconclusive =
        |name, spec| Case { reason: "Inconclusive", warnings: &["ActivityFailed"], ..passes(name, spec) };
    vec![
        Case {
            shows: &[("/conditions/0/message", "tolerance of method[0] decides nothing")],
            ..passes("tolerance-in-the-method", inline(&well(vec![judged_nowhere()], vec![])))
        },
        Case {
            rolled_back: "True/RollbacksPlayed",
            ..passes("passed", inline(&well(vec![echo()], vec![echo()])))
        },
        Case {
            outcome: Outcome::Deviated,
            reason: "Deviated",
            ..passes("deviated-after", inline(&breakable(vec![touch("/tmp/broken")])))
        },
        Case { outcome: Outcome::Deviated, reason: "Deviated", ..passes("deviated-during", inline(&during)) },
        Case {
            outcome: Outcome::BaselineNotMet,
            reason: "BaselineNotMet",
            ..passes("baseline", inline(&judged_by(("false", json!([])), vec![echo()], vec![])))
        },
        inconclusive("action-failed", inline(&well(vec![fails_always()], vec![]))),
        Case {
            warnings: &["ActivityFailed", "ActivityForbidden"],
            shows: &[("/message", "may not list pods in namespace default")],
            ..inconclusive(
                "action-forbidden",
                inline(&well(
                    vec![python(
                        "chaosk8s.pod.actions",
                        "terminate_pods",
                        json!({"ns": "default", "label_selector": "nobody=here"}),
                    )],
                    vec![],
                )),
            )
        },
        Case {
            rolled_back: "False/RollbackFailed",
            warnings: &["RollbackFailed"],
            ..passes("rollback-failed", inline(&well(vec![echo()], vec![fails_always()])))
        },
        Case {
            warnings: &["NoHypothesis"],
            ..passes("no-hypothesis", inline(&json!({"title": "t", "description": "d", "method": [echo()]})))
        },
        fails(
            "invalid",
            inline(&json!({"description": "d", "method": []})),
            Outcome::Invalid,
            "ExperimentInvalid",
        ),
        Case {
            shows: &[("/message", "could not find Python module 'nobody.has.this'")],
            ..fails(
                "missing-module",
                inline(&well(vec![python("nobody.has.this", "f", json!({}))], vec![])),
                Outcome::Invalid,
                "ExtensionMissing",
            )
        },
        Case {
            shows: &[("/message", "NOBODY_SETS_THIS")],
            ..fails("missing-variable", inline(&missing_variable()), Outcome::Invalid, "ConfigurationMissing")
        },
        Case {
            outcome: Outcome::Deviated,
            reason: "Deviated",
            warnings: &["ProbeFailed"],
            shows: &[("/message", "the probe \"well\" failed after the method")],
            ..passes("probe-raises", inline(&raises_once_broken(vec![touch("/tmp/broken")])))
        },
        Case {
            phase: Phase::Completed,
            toolkit: false,
            shows: &[("/message", "chaos validate ended well")],
            ..fails(
                "validate",
                json!({"experiment": well(vec![], vec![]), "pod": {"chaosArgs": ["validate", "$(EXPERIMENT_PATH)"]}}),
                Outcome::Unknown,
                "SubcommandCompleted",
            )
        },
        fails(
            "wrong-flag",
            json!({"experiment": well(vec![], vec![]),
            "pod": {"chaosArgs": ["run", "--no-such-flag", "$(EXPERIMENT_PATH)"]}}),
            Outcome::Invalid,
            "ArgumentsInvalid",
        ),
        fails(
            "killed",
            inline(&well(vec![process("sh", json!(["-c", "kill -9 $PPID"]))], vec![])),
            Outcome::Error,
            "ToolkitKilled",
        ),
        Case {
            log: false,
            toolkit: false,
            ..fails(
                "out-of-memory",
                // The memory is used in the toolkit itself. A separate process would be killed alone, and the
                // toolkit would go on.
                inline(&well(
                    vec![python(
                        "timeit",
                        "repeat",
                        json!({"stmt": "x = [0] * 400_000_000", "repeat": 1, "number": 1}),
                    )],
                    vec![],
                )),
                Outcome::Error,
                "OOMKilled",
            )
        },
        Case {
            // The toolkit may already have written a journal: Python starts within a second.
            journal: false,
            toolkit: false,
            ..aborted("stopped-loading", inline(&well(vec![sleep()], vec![])), Then::DeletedAtOnce, "")
        },
        aborted(
            "stopped-in-python",
            inline(&well(vec![sleep(), touch("/tmp/next")], vec![echo(), echo()])),
            Then::DeletedAfter("Action: subprocess.run"),
            "True/RollbacksPlayed",
        ),
        aborted(
            "stopped-in-process",
            inline(&well(vec![process("sleep", json!(["600"])), echo()], vec![echo(), echo()])),
            Then::DeletedAfter("Action: sleep"),
            "True/RollbacksPlayed",
        ),
        Case {
            then: Then::DeletedAfter("Let's rollback"),
            rolled_back: "True/RollbacksPlayed",
            ..passes(
                "stopped-in-rollback",
                inline(&well(vec![echo()], vec![process("sleep", json!(["5"])), echo()])),
            )
        },
        passes(
            "long-journal",
            inline(&well(vec![process("python3", json!(["-c", "print('x' * 5_000_000)"]))], vec![])),
        ),
        Case {
            outcome: Outcome::Deviated,
            reason: "Deviated",
            ..passes("forged", inline(&breakable(vec![touch("/tmp/broken"), forge()])))
        },
        Case {
            // On a busy node, a deadline that is set from the start may pass before the toolkit is up.
            then: Then::OverdueAfter("Action: sleep"),
            phase: Phase::Failed,
            outcome: Outcome::Error,
            reason: "DeadlineExceeded",
            rolled_back: "True/RollbacksPlayed",
            ..passes("deadline", own_pod(&json!({"activeDeadlineSeconds": 600}), &json!({})))
        },
        passes(
            "read-only",
            own_pod(
                &json!({}),
                &json!({"args": ["run", "/x/quick.json"],
            "securityContext": {"readOnlyRootFilesystem": true}}),
            ),
        ),
        passes("in-a-shell", shell("chaos run /x/quick.json && exit $?")),
        leaves("cut-short", "head -c 300 /tmp/j.json >/tmp/k; cat /tmp/k >/tmp/j.json"),
        leaves("binary", r"printf '\377\376\000\001' >/tmp/j.json"),
        // An activity may return such a text. The kept journal has every byte of it.
        passes(
            "not-utf-8",
            shell(
                r"chaos run --journal-path /tmp/j.json /x/quick.json && sed -i 's/A test/A \xff/' /tmp/j.json",
            ),
        ),
        leaves("empty", ": >/tmp/j.json"),
        Case {
            toolkit: false,
            ..fails(
                "nothing-to-start",
                own_pod(&json!({}), &json!({"command": ["chaos-that-is-not-there"]})),
                Outcome::Error,
                "CommandNotStarted",
            )
        },
        Case {
            rolled_back: "False/RollbacksNotPlayed",
            warnings: &["RollbacksNotPlayed"],
            shows: &[("/run/rollbacks/strategy", "never"), ("/run/rollbacks/state", "NotPlayed")],
            ..passes(
                "settings",
                json!({"experiment": well(vec![echo()], vec![echo()]),
                    "pod": {"settings": {"enabled": true, "secretName": "settings"}}}),
            )
        },
        Case {
            rolled_back: "True/RollbacksPlayed",
            shows: &[("/run/experiment/source", "url"), ("/run/experiment/title", "A test")],
            ..passes("url", from(&format!("{site}/rolls-back.json")))
        },
        Case {
            shows: &[("/run/experiment/source", "url")],
            ..fails(
                "url-without-an-experiment",
                from(&format!("{site}/none.json")),
                Outcome::Error,
                "ExperimentUnreachable",
            )
        },
        Case {
            then: Then::EvictedAfter("Action: sleep"),
            phase: Phase::Failed,
            outcome: Outcome::Error,
            reason: "Evicted",
            rolled_back: "True/RollbacksPlayed",
            shows: &[("/message", "Eviction API")],
            ..passes("drained", own_pod(&json!({}), &json!({})))
        },
        Case {
            // The kubelet gives the pod one second, in which it may write its journal. Log and report go with
            // the pod.
            rolled_back: "",
            log: false,
            toolkit: false,
            shows: &[("/message", "ephemeral local storage")],
            ..fails(
                "disk-full",
                own_pod(
                    &json!({}),
                    &json!({"args": ["run", "/x/full.json"], "resources": {"limits": {"ephemeral-storage": "8Mi"}}}),
                ),
                Outcome::Error,
                "Evicted",
            )
        },
    ]
}
