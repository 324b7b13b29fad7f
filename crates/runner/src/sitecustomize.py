"""Hands each start of the Chaos Toolkit over to the runner.

Python imports this module when it starts, since PYTHONPATH names its directory:
https://docs.python.org/3/library/site.html#module-sitecustomize

Programs that have nothing to do with the toolkit go on unchanged, with their own sitecustomize if there is one.
"""
import os
import sys


def _is_candidate(word):
    # The runner decides. This only keeps most programs from being started twice.
    if b"chaos" in os.path.basename(word):
        return True
    try:
        if not os.path.isfile(word):
            return False
        with open(word, "rb") as file:
            return b"chaostoolkit" in file.read(4096)
    except (OSError, IOError, ValueError):
        return False


def _hand_over(home):
    # The runner has looked at this process already.
    if os.environ.get("CHAOS_RUNNER_LEFT_ALONE") == str(os.getpid()):
        return
    with open("/proc/self/cmdline", "rb") as file:
        words = file.read().split(b"\0")[1:-1]
    if sys.executable and any(_is_candidate(word) for word in words[:8]):
        runner = os.path.join(os.path.dirname(home), "chaos-runner")
        os.execv(runner, [os.fsencode(word) for word in ("chaos-runner", "python", sys.executable)] + words)


def _import_next(home):
    own = sys.modules.pop("sitecustomize", None)
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != home]
    try:
        import sitecustomize  # noqa: F401
    except ImportError:
        # There is no other one, or it lacks a module of its own. Python starts without it in both cases.
        pass
    if own is not None:
        sys.modules.setdefault("sitecustomize", own)


_HOME = os.path.dirname(os.path.abspath(__file__))
try:
    _hand_over(_HOME)
except Exception:  # The program must start whatever happens here.
    pass
_import_next(_HOME)
