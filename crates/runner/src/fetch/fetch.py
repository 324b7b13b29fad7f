# Fetches an experiment with the `requests` of the toolkit. Reads the request as JSON from stdin, and writes the content to
# stdout. If that fails, the last line of stderr is a list as JSON: the class of the error, and its text.
import sys

# A file in the working directory must not take the place of a module.
sys.path[:] = [entry for entry in sys.path if entry]

import json

REDIRECTS = 5
TIMEOUTS = (10, 20)


class Refused(Exception):
    """The answer is not an experiment."""


def origin(url):
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, port


def fetch(url, headers, limit, out):
    import requests
    from urllib.parse import urljoin

    session = requests.Session()
    first = origin(url)
    for _ in range(REDIRECTS + 1):
        # A header of the author counts, and not what a file .netrc says.
        has_own = any(name.lower() == "authorization" for name in headers)
        response = session.get(
            url,
            headers=dict(headers, **{"Accept-Encoding": "identity"}),
            auth=(lambda request: request) if has_own else None,
            allow_redirects=False,
            stream=True,
            timeout=TIMEOUTS,
        )
        if not response.is_redirect:
            return read(response, limit, out)
        url = urljoin(url, response.headers["location"])
        if origin(url) != first:
            # They are meant for the host in the spec, and for no other one.
            headers = {}
        response.close()
    raise Refused("more than %d redirects" % REDIRECTS)


def read(response, limit, out):
    if response.status_code != 200:
        raise Refused("the server answered with status %d" % response.status_code)
    length = 0
    for part in response.iter_content(65536):
        length += len(part)
        if length > limit:
            raise Refused("it has more than %d bytes" % limit)
        out.write(part)
    promised = response.headers.get("Content-Length", "")
    if promised.isdigit() and int(promised) != response.raw.tell():
        raise Refused("the answer was cut off")
    out.flush()


try:
    asked = json.load(sys.stdin)
    fetch(asked["url"], asked["headers"], asked["limit"], sys.stdout.buffer)
except Exception as error:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else kind.__module__ + "." + kind.__qualname__
    sys.stderr.write("\n" + json.dumps([name, str(error)[:2000]]) + "\n")
    sys.exit(1)
