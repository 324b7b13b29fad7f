//! A Prometheus and an Alertmanager as processes of their own, on ports of this machine.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A process that is killed at the end of the test.
pub struct Process(Child);

impl Process {
    fn start(program: &str, arguments: &[String]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap_or_else(|error| panic!("{program}: {error}; see hack/test.sh signals")))
    }

    /// Sends a signal, such as `STOP`.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.0.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    pub fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Both servers, with the files of the operator.
pub struct Servers {
    directory: TempDir,
    pub prometheus: Process,
    _alertmanager: Process,
    alerts: SocketAddr,
}

impl Servers {
    /// Starts both. Prometheus looks at a shop each second, below the path `/prom` and with TLS.
    pub fn start(shop: SocketAddr) -> Self {
        let directory = TempDir::new().unwrap();
        let (metrics, alerts) = (free(), free());
        let write = |name: &str, content: &Value| {
            let path = directory.path().join(name);
            std::fs::write(&path, content.to_string()).unwrap();
            path.display().to_string()
        };
        let (certificate, key) = certificate(directory.path(), "right");
        self::certificate(directory.path(), "wrong");
        let rules = write("rules.yaml", &rules());
        let config = write(
            "prometheus.yaml",
            &json!({
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [rules],
                "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [shop.to_string()]}]}],
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alerts.to_string()]}]}]},
            }),
        );
        let web = json!({"tls_server_config": {"cert_file": certificate, "key_file": key}});
        let web = write("web.yaml", &web);
        let prometheus = Process::start(
            "prometheus",
            &[
                format!("--config.file={config}"),
                format!("--web.config.file={web}"),
                format!("--web.listen-address={metrics}"),
                format!("--web.external-url=https://{metrics}/prom"),
                format!("--storage.tsdb.path={}", directory.path().join("data").display()),
            ],
        );
        let config = write(
            "alertmanager.yaml",
            &json!({
                "route": {"receiver": "nobody", "group_wait": "1s"},
                "receivers": [{"name": "nobody"}],
                "inhibit_rules": [{"source_matchers": ["alertname=\"Maintenance\""], "target_matchers": ["severity=\"critical\""], "equal": ["team"]}],
            }),
        );
        let alertmanager = Process::start(
            "prometheus-alertmanager",
            &[
                format!("--config.file={config}"),
                format!("--web.listen-address={alerts}"),
                format!("--storage.path={}", directory.path().join("alerts").display()),
                "--cluster.listen-address=".to_owned(),
            ],
        );
        let source = |name: &str, kind: &str, url: &str, file: Option<&str>| {
            let mut source =
                json!({"name": name, "type": kind, "url": url, "namespaces": ["shop"], "timeoutSeconds": 2});
            if let Some(file) = file {
                source["caFile"] = directory.path().join(file).display().to_string().into();
            }
            source
        };
        let prom = format!("https://{metrics}/prom");
        write(
            "sources.yaml",
            &json!({"sources": [
                source("prom", "prometheus", &prom, Some("right.crt")),
                source("untrusted", "prometheus", &prom, Some("wrong.crt")),
                source("without-tls", "prometheus", &format!("http://{metrics}/prom"), None),
                source("without-path", "prometheus", &format!("https://{metrics}"), Some("right.crt")),
                source("page", "http", &prom, Some("right.crt")),
                source("alerts", "alertmanager", &format!("http://{alerts}"), None),
            ]}),
        );
        Self { directory, prometheus, _alertmanager: alertmanager, alerts }
    }

    /// The file of the operator's sources.
    pub fn sources(&self) -> PathBuf {
        self.directory.path().join("sources.yaml")
    }

    /// A file of the same sources for experiments in a namespace.
    pub fn sources_for(&self, namespace: &str) -> PathBuf {
        let mut file: Value = serde_json::from_slice(&std::fs::read(self.sources()).unwrap()).unwrap();
        for source in file["sources"].as_array_mut().unwrap() {
            source["namespaces"] = json!([namespace]);
        }
        let path = self.directory.path().join(format!("{namespace}.yaml"));
        std::fs::write(&path, file.to_string()).unwrap();
        path
    }

    /// Silences the alerts with this name.
    pub fn silence(&self, alert: &str) {
        let silence = json!({
            "matchers": [{"name": "alertname", "value": alert, "isRegex": false}],
            "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z", "createdBy": "test", "comment": "test",
        });
        let url = format!("http://{}/api/v2/silences", self.alerts);
        let sent = Command::new("curl")
            .args(["-sSf", "-H", "Content-Type: application/json", "-d", &silence.to_string(), &url])
            .output()
            .unwrap();
        assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    }
}

fn rules() -> Value {
    let rule = |alert: &str, expression: &str, severity: &str| json!({"alert": alert, "expr": expression, "labels": {"severity": severity, "team": "shop"}});
    json!({"groups": [{"name": "shop", "rules": [
        rule("ShopFails", "shop_success_ratio < 0.9", "critical"),
        rule("Maintenance", "shop_maintenance > 0", "info"),
    ]}]})
}

/// Returns an address on which nobody listens.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Makes a certificate that is its own authority. Returns its path and that of its key.
fn certificate(directory: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (path, key) = (directory.join(format!("{name}.crt")), directory.join(format!("{name}.key")));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args([
            "-days",
            "2",
            "-subj",
            &format!("/CN={name}"),
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-out"])
        .args([&path, Path::new("-keyout"), &key])
        .output()
        .unwrap();
    assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
    (path, key)
}
