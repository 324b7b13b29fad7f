//! `spec.pod.files`: files of the container of the toolkit.

use crate::experiment::decide::plan::elsewhere::{HOME, Mounted, Origin};
use crate::experiment::decide::plan::types::Source;
use chaostoolkit_api::names;
use chaostoolkit_api::spec::{FileSpec, InvalidSpec, KeySpec, Mistakes, PodSpec};

/// How many files a run may have.
const MAX_FILES: usize = 32;

/// The longest path of a file, in bytes.
const MAX_PATH: usize = 512;

/// The directories that the container has anyway, and into which nothing can be mounted.
const OF_THE_SYSTEM: [&str; 4] = ["/proc", "/sys", "/dev", "/var/run/secrets/kubernetes.io/serviceaccount"];

/// Returns the files that a spec asks for, with whole paths. An error names all mistakes.
pub fn files(pod: &PodSpec, source: &Source) -> Result<Vec<Mounted>, InvalidSpec> {
    let asked = pod.files.as_deref().unwrap_or_default();
    if asked.len() > MAX_FILES {
        let problem = format!("has {} files; at most {MAX_FILES} are possible", asked.len());
        return Err(InvalidSpec::new("spec.pod.files", problem));
    }
    let reserved = reserved(pod, source);
    let (mut files, mut mistakes) = (Vec::<Mounted>::new(), Mistakes::default());
    for (index, spec) in asked.iter().enumerate() {
        let at = format!("spec.pod.files[{index}]");
        let origin = mistakes.or(origin(&at, spec).map(Some), None);
        mistakes.or(check_mode(&at, spec.mode), ());
        let path = whole(&spec.path).and_then(|path| check_free(path, &files, &reserved));
        match path {
            Err(problem) => mistakes.add(InvalidSpec::new(format!("{at}.path"), problem)),
            // A file without an origin still takes its path.
            Ok(path) => files.push(Mounted { path, origin: origin.unwrap_or_default(), mode: spec.mode }),
        }
    }
    mistakes.none().map(|()| files)
}

/// Says which files only root can read, so that the toolkit cannot.
#[must_use]
pub fn unreadable(pod: &PodSpec) -> Vec<String> {
    let context = pod.security_context.as_ref();
    let has_group = context.is_some_and(|context| context.get("fsGroup").is_some());
    let files = pod.files.iter().flatten().enumerate();
    let unreadable = files.filter(|(_, file)| !has_group && file.mode.is_some_and(|mode| mode & 0o004 == 0));
    unreadable
        .map(|(index, file)| {
            format!(
                "spec.pod.files[{index}].mode: files belong to root, so a toolkit of another user cannot read {} unless the pod has an fsGroup (spec.pod.securityContext)",
                file.path
            )
        })
        .collect()
}

/// Returns the one key from which a file comes.
fn origin(at: &str, spec: &FileSpec) -> Result<Origin, InvalidSpec> {
    match (&spec.config_map, &spec.secret) {
        (Some(key), None) => {
            check_key(&format!("{at}.configMap"), key).map(|()| Origin::ConfigMap(key.clone()))
        }
        (None, Some(key)) => check_key(&format!("{at}.secret"), key).map(|()| Origin::Secret(key.clone())),
        (Some(_), Some(_)) => Err(InvalidSpec::new(at, "has both configMap and secret: take one away")),
        (None, None) => Err(InvalidSpec::new(at, "has neither configMap nor secret, so it has no content")),
    }
}

/// Checks the name and the key of a reference.
pub fn check_key(at: &str, key: &KeySpec) -> Result<(), InvalidSpec> {
    let mut mistakes = Mistakes::default();
    let wrong = |field: &str| {
        let at = format!("{at}.{field}");
        move |problem: String| InvalidSpec::new(at, problem)
    };
    mistakes.or(names::check_dns_subdomain(&key.name).map_err(wrong("name")), ());
    mistakes.or(names::check_data_key(&key.key).map_err(wrong("key")), ());
    mistakes.none()
}

fn check_mode(at: &str, mode: Option<i32>) -> Result<(), InvalidSpec> {
    match mode {
        Some(mode) if !(0..=0o777).contains(&mode) => Err(InvalidSpec::new(
            format!("{at}.mode"),
            format!("is {mode}; permissions are from 0 to 511 (0777)"),
        )),
        _ => Ok(()),
    }
}

/// Returns the whole path of a file, in its shortest form.
fn whole(path: &str) -> Result<String, String> {
    if path.len() > MAX_PATH {
        return Err(format!("has {} bytes; at most {MAX_PATH} are possible", path.len()));
    }
    // Kubernetes refuses a colon in the path of a mount.
    if path.contains(|letter: char| letter.is_control() || letter == ':') {
        return Err(format!("{path:?} has a colon or a control character"));
    }
    if path.split('/').any(|part| part == "..") {
        return Err(format!("{path:?} has \"..\""));
    }
    if path.is_empty() || path.ends_with('/') || path.ends_with("/.") || path == "." {
        return Err(format!("{path:?} is not the path of a file"));
    }
    let start = if path.starts_with('/') { "" } else { HOME };
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    Ok(parts.fold(start.to_owned(), |whole, part| format!("{whole}/{part}")))
}

/// The paths that the run has a use for, with what is there.
fn reserved(pod: &PodSpec, source: &Source) -> Vec<(String, &'static str)> {
    let mut reserved = vec![
        (names::RUNNER_DIRECTORY.to_owned(), "the runner"),
        (names::OPTIONS_DIRECTORY.to_owned(), "files of other options"),
        (names::ARTIFACT_DIRECTORY.to_owned(), "an artifact"),
    ];
    reserved.extend(OF_THE_SYSTEM.map(|path| (path.to_owned(), "a part of the system")));
    if let Some(file) = source.file() {
        reserved.push((format!("{HOME}/{file}"), "the experiment"));
    }
    if pod.settings.as_ref().is_some_and(|settings| settings.enabled == Some(true)) {
        reserved.push((format!("{HOME}/.chaostoolkit"), "the Secret of spec.pod.settings"));
    }
    reserved
}

/// Checks that a path is neither taken, nor below a file, nor a directory that is needed.
fn check_free(path: String, files: &[Mounted], reserved: &[(String, &str)]) -> Result<String, String> {
    if path == HOME || is_below(HOME, &path) {
        return Err(format!("{path} is a directory that the toolkit needs ({HOME} is its home)"));
    }
    let overlaps = |other: &str| path == other || is_below(&path, other) || is_below(other, &path);
    if let Some((other, what)) = reserved.iter().find(|(other, _)| overlaps(other)) {
        return Err(format!("{path} overlaps with {other}, where {what} is"));
    }
    match files.iter().position(|file| overlaps(&file.path)) {
        Some(other) => Err(format!("{path} overlaps with spec.pod.files[{other}]")),
        None => Ok(path),
    }
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
