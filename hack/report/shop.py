#!/usr/bin/env python3
"""A small shop for the example reports: three replicas behind a proxy that counts its answers for Prometheus.

shop.py serve PORT ADMIN_PORT   runs the proxy. Without an admin port (0), nobody can roll out a version.
shop.py replica PORT VERSION    runs one replica; the proxy starts them.

POST /rollout?version=2&drain=yes on the admin port replaces the replicas one after the other. With `drain`, the next
replica is ready before the old one goes. Without it, requests to the old one fail until the next one is ready.
"""

import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

TOKEN = "bearer pay-4f1d-77c2"
START_SECONDS = 1.2


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, text):
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Replica(Handler):
    version = ""

    def do_GET(self):
        time.sleep(0.004)
        self.answer(200, f"paid, by version {self.version}\n")


class Shop:
    def __init__(self, port):
        self.port, self.lock = port + 10, threading.Lock()
        self.turn, self.counts, self.replicas = 0, {}, []
        for _ in range(3):
            self.replicas.append(self.start("1"))

    def start(self, version):
        self.port += 1
        command = [sys.executable, __file__, "replica", str(self.port), version]
        replica = (self.port, version, subprocess.Popen(command))
        return replica

    def wait(self, replica):
        while True:
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{replica[0]}/", timeout=1).read()
            except OSError:
                time.sleep(0.05)

    def rollout(self, version, drain):
        for at in range(len(self.replicas)):
            old = self.replicas[at]
            if not drain:
                old[2].kill()
            new = self.start(version)
            if drain:
                self.wait(new)
            self.replicas[at] = new
            if drain:
                time.sleep(0.2)
                old[2].kill()
            else:
                self.wait(new)

    def forward(self):
        with self.lock:
            self.turn += 1
            replica = self.replicas[self.turn % len(self.replicas)]
        try:
            code, text = 200, urllib.request.urlopen(f"http://127.0.0.1:{replica[0]}/", timeout=2).read().decode()
        except OSError as error:
            code, text = 502, f"{error}\n"
        with self.lock:
            self.counts[code] = self.counts.get(code, 0) + 1
        return code, text

    def metrics(self):
        versions = [version for _, version, _ in self.replicas]
        lines = [f'shop_requests_total{{code="{code}"}} {count}' for code, count in sorted(self.counts.items())]
        lines += [f'shop_replicas{{version="{version}"}} {versions.count(version)}' for version in ("1", "2")]
        return "\n".join(lines) + "\n"


def serve(port, admin_port):
    shop = Shop(port)

    class Proxy(Handler):
        def do_GET(self):
            self.answer(200, shop.metrics()) if self.path == "/metrics" else self.answer(*shop.forward())

    class Admin(Handler):
        def do_POST(self):
            query = parse_qs(urlparse(self.path).query)
            if self.headers.get("Authorization") != TOKEN:
                return self.answer(403, "no\n")
            shop.rollout(query["version"][0], query.get("drain") == ["yes"])
            self.answer(200, f"rolled out for {self.headers['Authorization']}\n")

    for replica in shop.replicas:
        shop.wait(replica)
    if admin_port:
        threading.Thread(target=ThreadingHTTPServer(("127.0.0.1", admin_port), Admin).serve_forever, daemon=True).start()
    try:
        ThreadingHTTPServer(("127.0.0.1", port), Proxy).serve_forever()
    finally:
        for replica in shop.replicas:
            replica[2].kill()


def replica(port, version):
    time.sleep(START_SECONDS)
    Replica.version = version
    ThreadingHTTPServer(("127.0.0.1", port), Replica).serve_forever()


if __name__ == "__main__":
    import signal

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), int(sys.argv[3]))
    else:
        replica(int(sys.argv[2]), sys.argv[3])
