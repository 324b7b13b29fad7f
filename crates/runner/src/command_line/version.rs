//! Finds the version of the Chaos Toolkit without running it, since Python takes half a second to start.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The first version whose `run` takes `--rollback-strategy`.
const FIRST_WITH_STRATEGY: (u32, u32) = (1, 5);

/// The time that the toolkit has to print its help.
const HELP_TIMEOUT: Duration = Duration::from_secs(30);

/// The paths that determine which packages a Python script imports.
pub struct PythonPaths<'a> {
    pub script: &'a Path,
    pub interpreter: &'a Path,
    pub python_path: Option<&'a OsStr>,
    pub home: Option<&'a Path>,
}

/// Returns the version of the toolkit that a script would import. Searches the directories in Python's order.
pub fn installed(paths: &PythonPaths) -> Option<String> {
    let resolved = paths.interpreter.canonicalize().ok();
    let script = paths.script.canonicalize().ok();
    let prefix = |program: &Path| Some(program.parent()?.parent()?.to_owned());
    // A prefix can have directories for several versions. A name such as `python3.11` selects one of them.
    let names = [Some(paths.interpreter), resolved.as_deref()];
    let name = names
        .into_iter()
        .flatten()
        .filter_map(Path::file_name)
        .find(|name| name.as_encoded_bytes().contains(&b'.'));
    let python_path =
        paths.python_path.map(|path| std::env::split_paths(path).collect::<Vec<_>>()).unwrap_or_default();
    let local = paths.home.map(|home| home.join(".local"));
    let prefixes = [
        prefix(paths.interpreter),
        local,
        resolved.as_deref().and_then(prefix),
        prefix(paths.script),
        script.as_deref().and_then(prefix),
    ];
    let packages = prefixes.into_iter().flatten().flat_map(|prefix| packages_of(&prefix, name));
    python_path.into_iter().chain(packages).find_map(|dir| version_in(&dir))
}

/// Returns the directories with packages below a prefix. Those of `python` come first.
fn packages_of(prefix: &Path, python: Option<&OsStr>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for lib in ["lib", "lib64", "local/lib"] {
        let Ok(entries) = prefix.join(lib).read_dir() else { continue };
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut names: Vec<_> = names
            .filter(|name| {
                name.as_encoded_bytes().starts_with(b"python3")
                    || name.as_encoded_bytes().starts_with(b"pypy3")
            })
            .collect();
        names.sort_by_key(|name| (Some(name.as_os_str()) != python, name.clone()));
        for name in names {
            let dir = prefix.join(lib).join(name);
            found.extend([dir.join("site-packages"), dir.join("dist-packages")]);
        }
    }
    found
}

fn version_in(dir: &Path) -> Option<String> {
    let names = dir.read_dir().ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| version_of_distribution(&name)).max_by_key(|version| major_minor(version))
}

/// Reads the version in the name of a directory such as `chaostoolkit-1.19.0.dist-info`.
///
/// Returns `None` for other packages, such as `chaostoolkit_lib-1.44.0.dist-info`.
fn version_of_distribution(name: &str) -> Option<String> {
    let version = name.strip_prefix("chaostoolkit-")?;
    let version = version.strip_suffix(".dist-info").or_else(|| {
        let egg = version.strip_suffix(".egg-info")?;
        Some(egg.split_once('-').map_or(egg, |(version, _)| version))
    })?;
    major_minor(version).map(|_| version.to_owned())
}

fn major_minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next().unwrap_or("0");
    let digits = minor.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(minor.len());
    Some((major, minor[..digits].parse().ok()?))
}

/// Returns whether `run` of this version takes `--rollback-strategy`.
pub fn takes_strategy(version: &str) -> bool {
    major_minor(version).is_some_and(|version| version >= FIRST_WITH_STRATEGY)
}

/// Asks the toolkit itself whether its `run` takes `--rollback-strategy`. No answer counts as no.
///
/// This reads the help, since that cannot start the experiment. Running the experiment with the option and checking for
/// exit code 2 would be no alternative. Another problem can have the same exit code, and an experiment that failed
/// half-way must not run again.
///
/// The global options keep this call from leaving a log file and from checking for a newer version.
pub fn supports_strategy(mut command: Command, is_stopped: &mut dyn FnMut() -> bool) -> bool {
    command.args(["--no-version-check", "--no-log-file", "run", "--help"]).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return false };
    let Some(stdout) = child.stdout.take() else { return false };
    let (send, answer) = channel();
    std::thread::spawn(move || {
        let mut help = Vec::new();
        let _ = stdout.take(1024 * 1024).read_to_end(&mut help);
        let _ = send.send(String::from_utf8_lossy(&help).contains("--rollback-strategy"));
    });
    let asked = Instant::now();
    let found = loop {
        match answer.recv_timeout(Duration::from_millis(20)) {
            Ok(found) => break found,
            Err(RecvTimeoutError::Timeout) if asked.elapsed() < HELP_TIMEOUT && !is_stopped() => {}
            Err(_) => break false,
        }
    };
    let _ = child.kill();
    let _ = child.wait();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[rstest]
    #[case("1.0.0", false)]
    #[case("1.4.2", false)]
    #[case("1.5.0", true)]
    #[case("1.5rc1", true)]
    #[case("1.21.4", true)]
    #[case("2", true)]
    #[case("x", false)]
    fn knows_which_versions_take_a_strategy(#[case] version: &str, #[case] expected: bool) {
        assert_eq!(takes_strategy(version), expected);
    }

    #[rstest]
    #[case("chaostoolkit-1.19.0.dist-info", Some("1.19.0"))]
    #[case("chaostoolkit-1.0.0-py3.8.egg-info", Some("1.0.0"))]
    #[case("chaostoolkit-1.0.0.egg-info", Some("1.0.0"))]
    #[case("chaostoolkit_lib-1.44.0.dist-info", None)]
    #[case("chaostoolkit-lib-1.44.0.dist-info", None)]
    #[case("chaostoolkit", None)]
    fn reads_the_version_of_a_distribution(#[case] name: &str, #[case] expected: Option<&str>) {
        assert_eq!(version_of_distribution(name).as_deref(), expected);
    }

    fn package(root: &Path, dir: &str, version: &str) {
        fs::create_dir_all(root.join(dir).join(format!("chaostoolkit-{version}.dist-info"))).unwrap();
    }

    fn find(root: &Path, script: &str, interpreter: &str) -> Option<String> {
        let (script, interpreter) = (root.join(script), root.join(interpreter));
        let home = root.join("home");
        installed(&PythonPaths {
            script: &script,
            interpreter: &interpreter,
            python_path: None,
            home: Some(&home),
        })
    }

    #[test]
    fn a_virtual_environment_takes_precedence() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        fs::create_dir_all(root.join("venv/bin")).unwrap();
        fs::write(root.join("usr/bin/python3.11"), "").unwrap();
        symlink(root.join("usr/bin/python3.11"), root.join("venv/bin/python3")).unwrap();
        assert_eq!(find(root, "venv/bin/chaos", "venv/bin/python3"), None);
        package(root, "usr/lib/python3/dist-packages", "1.1.0");
        assert_eq!(find(root, "venv/bin/chaos", "venv/bin/python3").unwrap(), "1.1.0");
        package(root, "usr/lib/python3.11/site-packages", "1.2.0");
        package(root, "usr/lib/python3.12/site-packages", "1.9.0");
        assert_eq!(find(root, "venv/bin/chaos", "venv/bin/python3").unwrap(), "1.2.0");
        package(root, "home/.local/lib/python3.11/site-packages", "1.3.0");
        assert_eq!(find(root, "venv/bin/chaos", "venv/bin/python3").unwrap(), "1.3.0");
        package(root, "venv/lib/python3.11/site-packages", "1.4.0");
        assert_eq!(find(root, "venv/bin/chaos", "venv/bin/python3").unwrap(), "1.4.0");
        package(root, "opt/a", "1.19.0");
        let path = std::env::join_paths([root.join("none"), root.join("opt/a")]).unwrap();
        let paths = PythonPaths {
            script: Path::new("/x"),
            interpreter: Path::new("/y"),
            python_path: Some(&path),
            home: None,
        };
        assert_eq!(installed(&paths).unwrap(), "1.19.0");
    }
}
