"""Calls functions of chaosk8s for tests/activities: reads a line of JSON for each call, and answers with one.

    {"function": "pod.actions.terminate_pods", "arguments": {"ns": "shop"}, "token": "TOKEN"}
    {"error": null}

`error` is the text of the exception, with all that it came from. KUBERNETES_HOST is the URL of the API server.
"""

import importlib
import json
import os
import signal
import sys
import tempfile
import traceback
import warnings

# No function needs that long, also on a busy machine: those that wait are told to wait for a second.
LIMIT = 120


def call(function, arguments):
    module, function = function.rsplit(".", 1)
    # On a busy machine, the first import takes long.
    function = getattr(importlib.import_module(f"chaosk8s.{module}"), function)
    signal.alarm(LIMIT)
    try:
        function(**arguments)
    except BaseException as error:
        return "".join(traceback.format_exception(error))
    finally:
        signal.alarm(0)


def too_late(*_):
    raise TimeoutError(f"it did not end within {LIMIT} seconds")


def main():
    # The client prints its requests.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, too_late)
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        os.environ.update(HOME=home, KUBECONFIG="none")
        for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            os.environ.pop(proxy, None)
        for line in sys.stdin:
            asked = json.loads(line)
            os.environ["KUBERNETES_API_KEY"] = asked["token"]
            for name, text in asked.get("files", {}).items():
                with open(name, "w") as file:
                    file.write(text)
            print(json.dumps({"error": call(asked["function"], asked["arguments"])}), file=answers, flush=True)


main()
