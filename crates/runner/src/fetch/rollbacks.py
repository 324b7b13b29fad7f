# Reduces an experiment to its rollbacks and what they need, as the operator does with one that it can read. Nothing that
# injects a fault stays. Reads the experiment from stdin, in the format of the first argument, and writes it to stdout in the
# same format. If that fails, the last line of stderr is a list as JSON: the class of the error, and its text.
import sys

# A file in the working directory must not take the place of a module.
sys.path[:] = [entry for entry in sys.path if entry]

import json

KEPT = ("version", "configuration", "secrets", "controls", "extensions")


class Refused(Exception):
    """There is nothing to play."""


def list_in(value, key):
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def resolved(rollback, activities):
    """A rollback may refer to an activity elsewhere by its name."""
    if not isinstance(rollback, dict) or "ref" not in rollback:
        return rollback
    named = (activity for activity in activities if isinstance(activity, dict) and activity.get("name") == rollback["ref"])
    return next(named, rollback)


def reduced(experiment):
    rollbacks = list_in(experiment, "rollbacks")
    if not rollbacks:
        raise Refused("the experiment declares no rollbacks")
    title = experiment.get("title")
    hypothesis = experiment.get("steady-state-hypothesis")
    activities = list_in(experiment, "method") + list_in(hypothesis, "probes")
    kept = {key: experiment[key] for key in KEPT if key in experiment}
    return dict(
        kept,
        title="Rollbacks of: %s" % (title if isinstance(title, str) else ""),
        description="Played since the run ended before it had played them.",
        # Versions before 1.9 require an activity. This one reads the name of the host.
        method=[
            {
                "type": "probe",
                "name": "nothing to inject",
                "provider": {"type": "python", "module": "platform", "func": "node"},
            }
        ],
        rollbacks=[resolved(rollback, activities) for rollback in rollbacks],
        runtime={"rollbacks": {"strategy": "always"}},
    )


try:
    text = sys.stdin.buffer.read().decode("utf-8-sig")
    if sys.argv[1] == "json":
        written = json.dumps(reduced(json.loads(text)))
    else:
        # As the toolkit reads it. Values such as dates keep their types.
        import yaml

        written = yaml.safe_dump(reduced(yaml.safe_load(text)), sort_keys=False)
    sys.stdout.buffer.write(written.encode())
    sys.stdout.buffer.flush()
except Exception as error:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else kind.__module__ + "." + kind.__qualname__
    sys.stderr.write("\n" + json.dumps([name, str(error)[:2000]]) + "\n")
    sys.exit(1)
