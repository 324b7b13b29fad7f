use super::*;
use rstest::rstest;
use std::fs;

/// The inputs of a test.
struct Case {
    root: tempfile::TempDir,
    version: Option<&'static str>,
    answer: Option<bool>,
    journal: bool,
}

impl Case {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("x.json", r#"{"title": "x"}"#);
        write("sub/y.yaml", "runtime: {hypothesis: {strategy: default}}");
        write("never.json", r#"{"runtime": {"rollbacks": {"strategy": "never"}}}"#);
        write("never.yaml", "runtime:\n  rollbacks:\n    strategy: never\n");
        write("sub/x.json", r#"{"runtime": {"rollbacks": {"strategy": "deviated"}}}"#);
        write("deviated.yaml", "runtime: {rollbacks: {strategy: deviated}}");
        write("sometimes.yaml", "runtime: {rollbacks: {strategy: sometimes}}");
        write("broken.yaml", "runtime: [");
        write("other.yaml", "controls: {}");
        Self { root, version: Some("1.19.0"), answer: None, journal: true }
    }

    fn edit(&self, line: &str) -> (String, Started) {
        let mut ask = || self.answer.expect("the toolkit must not be asked");
        let context = Context {
            cwd: self.root.path().to_owned(),
            home: Some(self.root.path().join("home")),
            journal: self.journal.then(|| "/J".into()),
            version: self.version.map(str::to_owned),
            ask: &mut ask,
        };
        let (args, started) = edit(line.split_whitespace().map(OsString::from).collect(), context);
        (args.join(" ".as_ref()).into_string().unwrap(), started)
    }
}

#[rstest]
#[case("run x.json", "--no-version-check run --journal-path /J --rollback-strategy always x.json")]
#[case(
    "run http://x/y.json",
    "--no-version-check run --journal-path /J --rollback-strategy always http://x/y.json"
)]
#[case("run none.json", "--no-version-check run --journal-path /J --rollback-strategy always none.json")]
#[case("run broken.yaml", "--no-version-check run --journal-path /J --rollback-strategy always broken.yaml")]
#[case(
    "--verbose run x.json",
    "--verbose --no-version-check run --journal-path /J --rollback-strategy always x.json"
)]
#[case("-- run x.json", "--no-version-check -- run --journal-path /J --rollback-strategy always x.json")]
#[case("run -- x.json", "--no-version-check run --journal-path /J --rollback-strategy always -- x.json")]
#[case("run never.json", "--no-version-check run --journal-path /J never.json")]
#[case("run never.yaml", "--no-version-check run --journal-path /J never.yaml")]
#[case("run sometimes.yaml", "--no-version-check run --journal-path /J sometimes.yaml")]
#[case("--change-dir sub run x.json", "--change-dir sub --no-version-check run --journal-path /J x.json")]
#[case(
    "--change-dir=sub run y.yaml",
    "--change-dir=sub --no-version-check run --journal-path /J --rollback-strategy always y.yaml"
)]
#[case(
    "--settings deviated.yaml run x.json",
    "--settings deviated.yaml --no-version-check run --journal-path /J --rollback-strategy deviated x.json"
)]
#[case(
    "--settings deviated.yaml run never.yaml",
    "--settings deviated.yaml --no-version-check run --journal-path /J never.yaml"
)]
#[case(
    "--settings=sometimes.yaml run x.json",
    "--settings=sometimes.yaml --no-version-check run --journal-path /J x.json"
)]
#[case(
    "--settings broken.yaml run x.json",
    "--settings broken.yaml --no-version-check run --journal-path /J --rollback-strategy always x.json"
)]
#[case(
    "--settings other.yaml run x.json",
    "--settings other.yaml --no-version-check run --journal-path /J --rollback-strategy always x.json"
)]
#[case(
    "run --rollback-strategy=never x.json",
    "--no-version-check run --journal-path /J --rollback-strategy=never x.json"
)]
#[case(
    "run x.json --rollback-strategy deviated",
    "--no-version-check run --journal-path /J x.json --rollback-strategy deviated"
)]
#[case(
    "--no-version-check run --journal-path j --rollback-strategy never x.json",
    "--no-version-check run --journal-path j --rollback-strategy never x.json"
)]
#[case(
    "run --dry x.json",
    "--no-version-check run --journal-path /J --rollback-strategy always --dry x.json"
)]
#[case("run", "--no-version-check run --journal-path /J")]
#[case("run --help", "--no-version-check run --journal-path /J --help")]
#[case("validate x.json", "validate x.json")]
#[case("--version", "--version")]
#[case("", "")]
fn adds_what_is_missing(#[case] line: &str, #[case] expected: &str) {
    assert_eq!(Case::new().edit(line).0, expected);
}

#[rstest]
#[case(Some("1.4.9"), None, false)]
#[case(Some("1.5.0"), None, true)]
#[case(None, Some(true), true)]
#[case(None, Some(false), false)]
fn asks_only_if_the_version_is_unknown(
    #[case] version: Option<&'static str>,
    #[case] answer: Option<bool>,
    #[case] added: bool,
) {
    let (line, started) = Case { version, answer, ..Case::new() }.edit("run x.json");
    assert_eq!(line.contains("--rollback-strategy always"), added, "{line}");
    assert_eq!(started.rollback_strategy.as_deref(), added.then_some("always"));
    assert_eq!(started.toolkit.as_deref(), version);
}

#[rstest]
#[case("run never.json")]
#[case("run --rollback-strategy never x.json")]
#[case("validate x.json")]
fn does_not_ask_without_a_need(#[case] line: &str) {
    Case { version: None, ..Case::new() }.edit(line);
}

#[rstest]
#[case("run x.json", "/J")]
#[case("run --journal-path /there x.json", "/there")]
#[case("run x.json --journal-path=here", "CWD/here")]
#[case("--change-dir sub run --journal-path here x.json", "CWD/sub/here")]
#[case("--change-dir /abs run --journal-path here x.json", "/abs/here")]
fn knows_the_path_of_the_journal(#[case] line: &str, #[case] expected: &str) {
    let case = Case::new();
    let expected = expected.replace("CWD", case.root.path().to_str().unwrap());
    assert_eq!(case.edit(line).1.journal.unwrap(), Path::new(&expected));
}

#[test]
fn without_the_volume_the_toolkit_picks_the_path_of_the_journal() {
    let case = Case { journal: false, ..Case::new() };
    let (line, started) = case.edit("run --rollback-strategy never x.json");
    assert_eq!(line, "--no-version-check run --rollback-strategy never x.json");
    assert_eq!(started.journal.unwrap(), case.root.path().join("journal.json"));
}

#[test]
fn settings_in_the_home_directory_are_read() {
    let case = Case::new();
    let settings = case.root.path().join("home/.chaostoolkit/settings.yaml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    fs::write(settings, "runtime:\n  rollbacks:\n    strategy: never\n").unwrap();
    // The toolkit itself would use `default` here, since the `runtime` of the experiment hides that of the settings.
    assert!(case.edit("run sub/y.yaml").0.contains("--rollback-strategy never"));
    assert!(case.edit("--settings other.yaml run x.json").0.contains("--rollback-strategy always"));
}

#[rstest]
#[case("run x.json", true)]
#[case("--log-file /tmp/x run x.json", false)]
#[case("--log-file=/tmp/x run x.json", false)]
#[case("--no-log-file run x.json", false)]
#[case("--log-file-level debug run x.json", true)]
#[case("--change-dir /tmp run x.json", true)]
fn a_log_file_that_cannot_be_written_is_turned_off(#[case] line: &str, #[case] added: bool) {
    // Not even root can write to this directory.
    let context = Context {
        cwd: "/proc/self".into(),
        home: None,
        journal: None,
        version: Some("1.19.0".into()),
        ask: &mut || false,
    };
    let (args, _) = edit(line.split_whitespace().map(OsString::from).collect(), context);
    let before = line.matches("--no-log-file").count();
    assert_eq!(
        args.iter().filter(|arg| *arg == "--no-log-file").count(),
        before + usize::from(added),
        "{args:?}"
    );
}
