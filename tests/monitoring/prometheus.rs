//! A Prometheus as a process of its own, with the rules of the operator, and the queries of rules and dashboard.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const RULES: &str = include_str!("../../kustomize/components/monitoring/prometheusrule.yaml");
const DASHBOARD: &str = include_str!("../../kustomize/components/monitoring/dashboard.json");

/// What Grafana puts in for its variables.
const VARIABLES: [(&str, &str); 6] = [
    ("$__rate_interval", "1m"),
    ("$__interval", "1m"),
    ("$__range", "1h"),
    ("$cluster", ".*"),
    ("$namespace", ".*"),
    ("$job", ".*"),
];

/// A Prometheus that is killed at the end of the test.
pub struct Prometheus {
    process: Child,
    directory: TempDir,
    address: String,
}

impl Prometheus {
    /// Starts it. It looks each second at what [`Self::scrape`] names.
    pub fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let path = |name: &str| directory.path().join(name).display().to_string();
        let config = json!({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [path("rules.json")],
            "scrape_configs": [{"job_name": "operator", "honor_labels": true,
                "file_sd_configs": [{"files": [path("targets.json")]}]}],
        });
        std::fs::write(path("rules.json"), rule()["spec"].to_string()).unwrap();
        std::fs::write(path("config.json"), config.to_string()).unwrap();
        std::fs::write(path("targets.json"), "[]").unwrap();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", path("config.json")))
            .arg(format!("--web.listen-address={address}"))
            .arg(format!("--storage.tsdb.path={}", path("data")))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("prometheus: {error}; see hack/test.sh monitoring_node"));
        Self { process, directory, address }
    }

    /// Has it look at an operator.
    pub fn scrape(&self, address: &str) {
        let targets = json!([{"targets": [address]}]).to_string();
        // Prometheus reads the file when it changes, so it has to change at once.
        let path = self.directory.path().join("targets.json");
        let new = path.with_extension("new");
        std::fs::write(&new, targets).unwrap();
        std::fs::rename(new, path).unwrap();
    }

    /// A file of sources with this Prometheus, for experiments in a namespace.
    pub fn sources_for(&self, namespace: &str) -> PathBuf {
        let url = format!("http://{}", self.address);
        let source = json!({"name": "prom", "type": "prometheus", "url": url, "namespaces": [namespace]});
        let path = self.directory.path().join("sources.yaml");
        std::fs::write(&path, json!({"sources": [source]}).to_string()).unwrap();
        path
    }

    /// Asks a query. Returns the series, or why there are none.
    pub fn ask(&self, query: &str) -> Result<String, String> {
        let url = format!("http://{}/api/v1/query", self.address);
        let asked = Command::new("curl")
            .args(["-sS", "--max-time", "10", "--get", "--data-urlencode", &format!("query={query}"), &url])
            .output()
            .map_err(|error| format!("curl: {error}"))?;
        let text = String::from_utf8_lossy(&asked.stdout).into_owned();
        let answer: Value =
            serde_json::from_str(&text).map_err(|error| format!("{query}: {error}: {text}"))?;
        let series = answer["data"]["result"].as_array().filter(|series| !series.is_empty());
        let series = series.ok_or_else(|| format!("{query}: {text}"))?;
        let is_number = |one: &Value| one["value"][1] != "NaN";
        if !series.iter().any(is_number) {
            return Err(format!("{query}: no series has a number: {text}"));
        }
        let line =
            |one: &Value| format!("{} {}", one["metric"], one["value"][1].as_str().unwrap_or_default());
        Ok(series.iter().map(line).collect::<Vec<_>>().join("; "))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn rule() -> Value {
    serde_saphyr::from_str(RULES).unwrap()
}

/// The queries of alerts and dashboard by their names, with the variables of Grafana replaced.
pub fn queries() -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut all = Vec::new();
    for group in list(&rule()["spec"]["groups"]) {
        all.extend(list(&group["rules"]).iter().map(|one| (text(&one["alert"]), text(&one["expr"]))));
    }
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let annotations = list(&dashboard["annotations"]["list"]);
    all.extend(annotations.iter().map(|one| (text(&one["name"]), text(&one["expr"]))));
    for panel in list(&dashboard["panels"]) {
        for target in list(&panel["targets"]) {
            all.push((
                format!("{}, {}", text(&panel["title"]), text(&target["refId"])),
                text(&target["expr"]),
            ));
        }
    }
    for (_, query) in &mut all {
        *query = VARIABLES.iter().fold(query.clone(), |query, (name, value)| query.replace(name, value));
    }
    all
}
