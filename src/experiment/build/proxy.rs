//! The variables that lead the toolkit through a proxy.

use serde_json::{Value, json};

use crate::experiment::build::files;
use crate::experiment::build::json::{push, retain};
use crate::experiment::decide::plan::{Plan, Proxy};

/// What the toolkit needs of the cluster goes without the proxy: the pod itself, the API server under its address and under
/// its names, and Services.
const CLUSTER: [&str; 7] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "$(KUBERNETES_SERVICE_HOST)",
    "kubernetes.default.svc",
    ".svc",
    ".cluster.local",
];

/// The variables in which requests, httpx, aiohttp, curl and OpenSSL look for certificates.
const CERTIFICATES: [&str; 3] = ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"];

/// Sets the variables of a container. Those of the author stay, under either spelling.
pub fn set(container: &mut Value, plan: &Plan) {
    let Some(proxy) = &plan.proxy else { return };
    let is_authors = |name: &str| {
        let mut names = plan.env.variables.iter().filter_map(|variable| variable["name"].as_str());
        names.any(|known| known.eq_ignore_ascii_case(name))
    };
    for (name, value) in variables(proxy).into_iter().filter(|(name, _)| !is_authors(name)) {
        retain(container, "env", |variable| variable.get("name") != Some(&json!(name)));
        // At the end, so that the value may refer to the variables of the author.
        push(container, "env", json!({"name": name, "value": value}));
    }
}

/// Returns the variables in their order. Programs differ in which spelling they read.
fn variables(proxy: &Proxy) -> Vec<(String, String)> {
    let urls = [("HTTP_PROXY", &proxy.http), ("HTTPS_PROXY", &proxy.https)];
    let mut variables: Vec<(String, String)> = Vec::new();
    for (name, url) in urls {
        variables.extend(url.iter().flat_map(|url| spellings(name, url)));
    }
    if !variables.is_empty() || !proxy.no_proxy.is_empty() {
        let direct: Vec<&str> =
            CLUSTER.into_iter().chain(proxy.no_proxy.iter().map(String::as_str)).collect();
        variables.extend(spellings("NO_PROXY", &direct.join(",")));
    }
    if proxy.ca_bundle.is_some() {
        variables.extend(CERTIFICATES.map(|name| (name.to_owned(), files::ca_bundle())));
    }
    variables
}

fn spellings(name: &str, value: &str) -> [(String, String); 2] {
    [(name.to_owned(), value.to_owned()), (name.to_ascii_lowercase(), value.to_owned())]
}
