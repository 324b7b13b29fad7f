//! `spec.pod.experiment.url` and `artifact`: an experiment from elsewhere.

use crate::experiment::decide::plan::elsewhere::{Artifact, Remote, URL_VARIABLE};
use crate::experiment::decide::plan::files::check_key;
use crate::experiment::decide::plan::types::Source;
use crate::experiment::decide::plan::values::given;
use crate::experiment::decide::plan::web;
use chaostoolkit_api::Spec;
use chaostoolkit_api::spec::{
    ArtifactSpec, ExperimentSpec, HeaderSpec, InvalidSpec, Mistakes, PodSpec, ReportMode,
};

/// How many headers a request may have.
const MAX_HEADERS: usize = 16;

/// The longest name of a header, and the longest path in an artifact, in bytes.
const MAX_NAME: usize = 256;

/// The headers that belong to the connection, and not to the author.
const OF_THE_CONNECTION: [&str; 5] =
    ["host", "content-length", "transfer-encoding", "connection", "accept-encoding"];

/// The words of Kubernetes for when an image is pulled.
const PULL_POLICIES: [&str; 3] = ["Always", "IfNotPresent", "Never"];

/// Returns the URL or the artifact of a spec, if it has one. An error names all mistakes.
pub fn remote(spec: &Spec, pod: &PodSpec) -> Result<Option<Source>, InvalidSpec> {
    let source = pod.experiment.clone().unwrap_or_default();
    let mut mistakes = Mistakes::default();
    mistakes.or(alone(&source, pod), ());
    mistakes.or(runner_is_there(spec, &source), ());
    let found = match (given(source.url), source.artifact) {
        (Some(url), None) => {
            let checked = check_url(&url, source.headers.as_deref(), source.sha256.as_deref());
            mistakes.or(checked, ());
            let sha256 = source.sha256.map(|digest| digest.to_ascii_lowercase());
            Some(Source::Remote(Remote { url, headers: source.headers.unwrap_or_default(), sha256 }))
        }
        (_, Some(artifact)) => mistakes.or(read_artifact(artifact).map(Some), None).map(Source::Artifact),
        (None, None) => None,
    };
    mistakes.none().map(|()| found)
}

/// Whether a spec has the experiment at a URL or in an artifact.
#[must_use]
pub fn is_remote(source: &ExperimentSpec) -> bool {
    given(source.url.clone()).is_some() || source.artifact.is_some()
}

/// Checks that nothing else says where the experiment is.
fn alone(source: &ExperimentSpec, pod: &PodSpec) -> Result<(), InvalidSpec> {
    let mut mistakes = Mistakes::default();
    let url = given(source.url.clone());
    let field = if source.artifact.is_some() { "artifact" } else { "url" };
    let path = format!("spec.pod.experiment.{field}");
    if is_remote(source) {
        let mut others = Vec::new();
        others.extend((source.as_file == Some(true)).then_some("asFile: true"));
        others.extend(given(source.config_map_name.clone()).map(|_| "configMapName"));
        others.extend(
            given(source.config_map_experiment_file_name.clone()).map(|_| "configMapExperimentFileName"),
        );
        others.extend((source.artifact.is_some() && url.is_some()).then_some("url"));
        others
            .extend((source.artifact.is_some() && source.as_file == Some(false)).then_some("asFile: false"));
        for other in others {
            let problem =
                format!("says where the experiment is, and so does {other} beside it: take one away");
            mistakes.add(InvalidSpec::new(path.clone(), problem));
        }
        let variables = pod.env.iter().flat_map(|env| &env.variables);
        if url.is_some() && variables.into_iter().any(|variable| variable["name"] == URL_VARIABLE) {
            let problem =
                format!("becomes the variable {URL_VARIABLE}, which spec.pod.env sets too: take one away");
            mistakes.add(InvalidSpec::new(path, problem));
        }
    }
    for (field, is_given) in [("headers", source.headers.is_some()), ("sha256", source.sha256.is_some())] {
        if is_given && url.is_none() {
            let problem =
                "needs spec.pod.experiment.url; an artifact is pinned by the digest in its reference";
            mistakes.add(InvalidSpec::new(format!("spec.pod.experiment.{field}"), problem));
        }
    }
    mistakes.none()
}

/// Checks that the pod has the runner if it has to fetch the experiment.
fn runner_is_there(spec: &Spec, source: &ExperimentSpec) -> Result<(), InvalidSpec> {
    let mode = spec.report.as_ref().and_then(|report| report.mode).unwrap_or_default();
    let mut mistakes = Mistakes::default();
    for (field, is_given) in [("headers", source.headers.is_some()), ("sha256", source.sha256.is_some())] {
        if is_given && mode == ReportMode::None {
            let problem = "needs the runner, which spec.report.mode: none leaves out";
            mistakes.add(InvalidSpec::new(format!("spec.pod.experiment.{field}"), problem));
        }
    }
    mistakes.none()
}

fn check_url(url: &str, headers: Option<&[HeaderSpec]>, sha256: Option<&str>) -> Result<(), InvalidSpec> {
    let mut mistakes = Mistakes::default();
    let at = "spec.pod.experiment";
    let is_path = url.starts_with('/');
    let checked = if is_path { check_path(url) } else { web::check(url) };
    let wrong = |problem: String| {
        let hint = if url.contains("://") { "" } else { ", and not a path that begins with / either" };
        InvalidSpec::new(format!("{at}.url"), problem + hint)
    };
    mistakes.or(checked.map_err(wrong), ());
    if let Some(headers) = headers {
        if is_path {
            mistakes.add(InvalidSpec::new(format!("{at}.headers"), "cannot be used with a path in the pod"));
        }
        mistakes.or(check_headers(&format!("{at}.headers"), headers), ());
    }
    if sha256.is_some_and(|digest| digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        mistakes.add(InvalidSpec::new(format!("{at}.sha256"), "is not 64 hexadecimal digits"));
    }
    mistakes.none()
}

fn check_path(path: &str) -> Result<(), String> {
    let is_odd =
        path.len() > MAX_NAME || path.contains(|letter: char| letter.is_control() || letter.is_whitespace());
    if is_odd {
        return Err(format!("is not a path of at most {MAX_NAME} bytes without spaces"));
    }
    Ok(())
}

fn check_headers(at: &str, headers: &[HeaderSpec]) -> Result<(), InvalidSpec> {
    let mut mistakes = Mistakes::default();
    if headers.len() > MAX_HEADERS {
        let problem = format!("has {} headers; at most {MAX_HEADERS} are possible", headers.len());
        return Err(InvalidSpec::new(at, problem));
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    for (index, HeaderSpec { name, secret }) in headers.iter().enumerate() {
        let mut wrong = |problem: String| {
            mistakes.add(InvalidSpec::new(format!("{at}[{index}].name"), problem));
        };
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_letter) {
            wrong("is not the name of a header".to_owned());
        } else if OF_THE_CONNECTION.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            wrong(format!("{name} belongs to the connection and cannot be set"));
        } else if headers[..index].iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
            wrong(format!("{name} is in the list twice"));
        }
        mistakes.or(check_key(&format!("{at}[{index}].secret"), secret), ());
    }
    mistakes.none()
}

fn read_artifact(spec: ArtifactSpec) -> Result<Artifact, InvalidSpec> {
    let at = "spec.pod.experiment.artifact";
    let mut mistakes = Mistakes::default();
    let is_odd = |letter: char| letter.is_control() || letter.is_whitespace();
    if spec.reference.is_empty() || spec.reference.len() > 1024 || spec.reference.contains(is_odd) {
        mistakes.add(InvalidSpec::new(format!("{at}.reference"), "is not the reference of an image"));
    }
    let path = given(spec.path).unwrap_or_else(|| "experiment.json".to_owned());
    let path = path.trim_start_matches('/');
    if path.is_empty()
        || path.len() > MAX_NAME
        || path.contains(is_odd)
        || path.split('/').any(|part| part == "..")
    {
        let problem =
            format!("{path:?} is not the path of a file in the artifact, without \"..\" and spaces");
        mistakes.add(InvalidSpec::new(format!("{at}.path"), problem));
    }
    let pull_policy = given(spec.pull_policy);
    if let Some(policy) = pull_policy.as_deref().filter(|policy| !PULL_POLICIES.contains(policy)) {
        let problem = format!("{policy:?} is none of {}", PULL_POLICIES.join(", "));
        mistakes.add(InvalidSpec::new(format!("{at}.pullPolicy"), problem));
    }
    mistakes.none().map(|()| Artifact { reference: spec.reference, path: path.to_owned(), pull_policy })
}

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;
