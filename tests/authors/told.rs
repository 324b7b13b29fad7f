//! The fourth column of the table: what the operator says to the requests that are let through, and that nothing is there then
//! which the user could not have made himself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::cast::{BASES, Cast, Who};
use crate::common::install::Install;
use crate::common::operator::{Operator, quiet};
use crate::common::{eventually, within};
use crate::request::{Answer, Answered, Ask};
use crate::table::{Row, rows};
use crate::{judging, renamed, stamping, wait_until_judged, wait_until_stamped};
use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Experiment, condition, names};
use futures::StreamExt;
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};

/// For how long the answers may stay as they are until those that are wrong count. Under heavy load, answers come slowly.
const STILL: Duration = Duration::from_secs(60);

/// How long the operator may take until it has answered each row in some way.
const LIMIT: Duration = Duration::from_secs(900);

/// What stands for the answer of an experiment that the operator has not looked at.
const NOTHING: &str = "nothing yet";

/// How long the deletion of all experiments may take.
const DELETION: Duration = Duration::from_secs(300);

/// The time between two looks at all experiments.
const PAUSE: Duration = Duration::from_secs(2);

/// How many requests are under way at a time.
const AT_A_TIME: usize = 8;

/// The namespaces with experiments.
const WATCHED: [&str; 3] = ["@home", "@team", "@shop"];

/// Which policies are installed, as a column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policies {
    Both,
    Judging,
    None,
}

impl Policies {
    fn answer(self, row: &Row) -> Answer {
        match self {
            Self::Both => row.both,
            Self::Judging => row.judged,
            Self::None => row.none,
        }
    }

    /// What the operator says, unless the row says something else: phase, and the reason why the run may start or why not.
    fn expected(self, row: &Row) -> String {
        if let Some(told) = row.told[self as usize] {
            return told.to_owned();
        }
        let (namespace, base) = row.ask.target();
        let spec = row.ask.spec();
        let is_resumed = spec.get("suspend").is_some_and(|suspend| *suspend != true);
        if base.is_some() && !is_resumed {
            return "Suspended Suspended".to_owned();
        }
        let phase = if has_schedule(spec) { "Scheduled" } else { "Starting" };
        match self {
            Self::Judging => format!("{phase} JudgedAtRequest"),
            Self::None if namespace == "@home" => "Blocked PolicyMissing".to_owned(),
            Self::Both | Self::None => format!("{phase} Permitted"),
        }
    }
}

fn has_schedule(spec: &Value) -> bool {
    spec["schedule"].as_object().is_some_and(|schedule| !schedule.is_empty())
}

/// Installs policies for the namespaces of this test. To the operator, a binding counts only if it is for all namespaces.
fn install_for_all(cast: &Cast, policies: Vec<Value>) -> Vec<Value> {
    let here =
        json!({"name": "of-this-test", "expression": "request.namespace in ['@home', '@team', '@shop']"});
    let here: Value = serde_json::from_str(&cast.places(&here.to_string())).unwrap();
    let policies: Vec<Value> = policies
        .into_iter()
        .map(|policy| {
            let mut policy = renamed(cast, &policy);
            if !policy["kind"].as_str().unwrap().ends_with("Binding") {
                policy["spec"]["matchConditions"].as_array_mut().unwrap().push(here.clone());
            }
            policy
        })
        .collect();
    cast.apply(&policies);
    policies
}

/// The request of a row, with the namespace of all runs by its name. The operator knows only the shipped one.
fn with_place(ask: &Ask) -> Ask {
    let mut ask = ask.clone();
    match &mut ask {
        Ask::Create("@home", spec, _) if spec.is_object() && spec["namespace"].is_null() => {
            spec["namespace"] = json!("@run");
        }
        Ask::Patch("@home", _, patch) if patch["spec"].get("namespace").is_some_and(Value::is_null) => {
            patch["spec"]["namespace"] = json!("@run");
        }
        _ => {}
    }
    ask
}

/// The time, in seconds as in the metadata of objects.
fn now() -> i64 {
    k8s_openapi::jiff::Zoned::now().timestamp().as_second()
}

fn name(at: usize) -> String {
    format!("row-{at}")
}

/// What the operator says of an experiment: its phase, and why its run may start or why it does not.
fn said(experiment: &Experiment) -> String {
    let status = experiment.status.clone().unwrap_or_default();
    let phase: &str = status.phase.map_or("", Into::into);
    let reason = status.reason.unwrap_or_default();
    let is_told = status.observed_generation == experiment.metadata.generation;
    let why = condition::find(&status.conditions, Type::Permitted).map(|found| found.reason.clone());
    match phase {
        _ if !is_told => NOTHING.to_owned(),
        "Starting" | "Scheduled" => format!("{phase} {}", why.unwrap_or_default()),
        _ => format!("{phase} {reason}"),
    }
}

/// Creates for each row the experiment that it changes.
async fn create_bases(cast: &Cast, asked: &[(usize, &Row)], is_old: bool) {
    let created = asked.iter().filter_map(|(at, row)| {
        let (_, base) = row.ask.target();
        let base = BASES.iter().find(|known| Some(known.name) == base && (known.name == "old") == is_old)?;
        Some(async move {
            let spec = json!({"namespace": base.runs_in, "suspend": true});
            let ask = Ask::Create(base.namespace, spec, json!({}));
            let answered =
                ask.send_for_good(&cast.install.client, cast, &cast.name(base.user), &name(*at)).await;
            assert!(matches!(answered, Answered::Allowed { .. }), "{}: {answered:?}", row.what);
        })
    });
    futures::stream::iter(created).buffer_unordered(AT_A_TIME).collect::<Vec<()>>().await;
}

async fn compare(policies: Policies) {
    let began = Instant::now();
    let cast = Cast::on(Install::multi_tenant("told").await);
    let all = rows();
    let is_asked =
        |row: &&Row| row.who != Who::Operator && !matches!(policies.answer(row), Answer::Refused(_));
    let asked: Vec<(usize, &Row)> = all.iter().enumerate().filter(|(_, row)| is_asked(row)).collect();
    assert!(asked.len() >= 30);
    cast.prepare_runs();
    create_bases(&cast, &asked, true).await;
    let created = now();
    eventually("the policies are younger", async || (now() > created).then_some(())).await;
    let installed = match policies {
        Policies::Both => install_for_all(&cast, [judging(), stamping()].concat()),
        Policies::Judging => install_for_all(&cast, judging()),
        Policies::None => Vec::new(),
    };
    if policies != Policies::None {
        wait_until_judged(&cast).await;
    }
    if policies == Policies::Both {
        wait_until_stamped(&cast).await;
    }
    create_bases(&cast, &asked, false).await;
    let sent = asked.iter().map(|(at, row)| {
        let cast = &cast;
        async move {
            let user = cast.user(row.who);
            let answered =
                with_place(&row.ask).send_for_good(&cast.install.client, cast, &user, &name(*at)).await;
            assert!(matches!(answered, Answered::Allowed { .. }), "{:?} {}: {answered:?}", row.who, row.what);
        }
    });
    futures::stream::iter(sent).buffer_unordered(AT_A_TIME).collect::<Vec<()>>().await;

    let everywhere = cast.let_in_everywhere();
    let watched = cast.places("@team,@shop");
    // As many passes as there are experiments. Otherwise, on a busy machine, those that are blocked leave none for the others.
    let flags = ["--watch-namespaces", &watched, "--concurrency", "300"];
    let operator = Operator::start_checked_with(&cast.install, &flags).await;
    let wrong = async || {
        let told = told(&cast).await;
        let compared = asked.iter().filter_map(|(at, row)| {
            let (expected, said) =
                (policies.expected(row), told.get(&name(*at)).map(said).unwrap_or_default());
            (said != expected).then(|| format!("{:?} {}: expected {expected}, but {said}", row.who, row.what))
        });
        compared.collect::<Vec<String>>()
    };
    let mut last = (Vec::new(), Instant::now());
    loop {
        // Some experiments are large, so they are read now and then.
        quiet(PAUSE).await;
        let wrong = wrong().await;
        if wrong.is_empty() {
            break;
        }
        let is_waiting = wrong.iter().any(|row| row.ends_with(NOTHING)) && began.elapsed() < LIMIT;
        if is_waiting || wrong != last.0 {
            last = (wrong, Instant::now());
        }
        let (wrong, since) = &last;
        assert!(since.elapsed() < STILL, "{} of {}:\n{}", wrong.len(), asked.len(), wrong.join("\n"));
    }
    eprintln!("{policies:?}: {} rows are answered after {:.0?}", asked.len(), began.elapsed());
    let beyond = beyond(&cast, &asked).await;
    assert!(
        beyond.is_empty(),
        "users have through experiments what they have not themselves:\n{}",
        beyond.join("\n")
    );
    remove_foreign_finalizers(&cast).await;
    for namespace in WATCHED {
        cast.kubectl(&["-n", namespace, "delete", "ctk", "--all", "--wait=false"], "");
    }
    within(DELETION, "the experiments are gone", async || {
        quiet(PAUSE).await;
        told(&cast).await.is_empty().then_some(())
    })
    .await;
    eprintln!("{policies:?}: all are gone after {:.0?}", began.elapsed());
    drop(operator);
    cast.remove(&[installed, everywhere].concat());
}

/// Removes the finalizers that a row has written.
async fn remove_foreign_finalizers(cast: &Cast) {
    for (name, experiment) in told(cast).await {
        let mut finalizers = experiment.metadata.finalizers.unwrap_or_default();
        let all = finalizers.len();
        finalizers.retain(|finalizer| !finalizer.starts_with("tests.example/"));
        if finalizers.len() < all {
            let patch = json!({"metadata": {"finalizers": finalizers}}).to_string();
            let namespace = experiment.metadata.namespace.unwrap();
            cast.kubectl(&["-n", &namespace, "patch", "ctk", &name, "--type=merge", "-p", &patch], "");
        }
    }
}

/// All experiments, by their names.
async fn told(cast: &Cast) -> BTreeMap<String, Experiment> {
    let mut told = BTreeMap::new();
    for namespace in WATCHED {
        let api = Api::<Experiment>::namespaced(cast.install.client.clone(), &cast.places(namespace));
        for experiment in api.list(&ListParams::default()).await.unwrap() {
            told.insert(experiment.metadata.name.clone().unwrap(), experiment);
        }
    }
    told
}

/// A right: namespace, verb, group, resource and name.
type Right = [String; 5];

/// Returns what is there for the runs, and what the users who have asked for it may not do themselves.
async fn beyond(cast: &Cast, asked: &[(usize, &Row)]) -> Vec<String> {
    let mut used: BTreeMap<(String, Right), BTreeSet<&str>> = BTreeMap::new();
    let mut pods = 0;
    for (kind, object) in cast.install.labeled(names::UID_LABEL).await {
        let annotations = object.metadata.annotations.as_ref();
        let owner =
            annotations.and_then(|all| all.get(names::EXPERIMENT_ANNOTATION)).cloned().unwrap_or_default();
        let Some((home, row)) = owner.split_once("/row-") else { continue };
        if !WATCHED.iter().any(|watched| cast.places(watched) == home) {
            continue;
        }
        let at: usize = row.parse().unwrap();
        let row = asked.iter().find(|(known, _)| *known == at).unwrap().1;
        let namespace = object.metadata.namespace.clone().unwrap();
        let right = |verb: &str, group: &str, resource: &str, name: &str| {
            [namespace.as_str(), verb, group, resource, name].map(str::to_owned)
        };
        pods += usize::from(kind == "Pod");
        let rights = match kind {
            "Pod" => vec![right("create", "", "pods", "")],
            "CronJob" => vec![right("create", "batch", "cronjobs", ""), right("create", "batch", "jobs", "")],
            "Role" => of_rules(&namespace, &object.data["rules"]),
            "RoleBinding" => of_binding(cast, &namespace, &object.data, &right).await,
            _ => Vec::new(),
        };
        for right in rights {
            used.entry((cast.user(row.who), right)).or_default().insert(row.what);
        }
    }
    assert!(pods > 0, "some rows have a pod");
    let reviews = Api::<SubjectAccessReview>::all(cast.install.client.clone());
    let mut beyond = Vec::new();
    for ((user, right), rows) in used {
        let [namespace, verb, group, resource, name] = &right;
        let asked =
            json!({"namespace": namespace, "verb": verb, "group": group, "resource": resource, "name": name});
        let review =
            json!({"spec": {"user": user, "groups": ["system:authenticated"], "resourceAttributes": asked}});
        if !crate::common::create(&reviews, review).await.status.unwrap().allowed {
            beyond.push(format!("{user} {right:?}: {rows:?}"));
        }
    }
    beyond
}

/// The rights that rules give in a namespace.
fn of_rules(namespace: &str, rules: &Value) -> Vec<Right> {
    let mut rights = Vec::new();
    for rule in rules.as_array().into_iter().flatten() {
        let texts = |key: &str| -> Vec<String> {
            rule[key].as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        for group in texts("apiGroups") {
            for resource in texts("resources") {
                for verb in texts("verbs") {
                    rights.push([namespace, &verb, &group, &resource, ""].map(str::to_owned));
                }
            }
        }
    }
    rights
}

/// The rights that a binding lends: those of its Role. The rules of a Role of the run are looked at with the Role.
async fn of_binding(
    cast: &Cast,
    namespace: &str,
    binding: &Value,
    right: &impl Fn(&str, &str, &str, &str) -> Right,
) -> Vec<Right> {
    let role = binding["roleRef"]["name"].as_str().unwrap();
    if binding["roleRef"]["kind"] != "Role" {
        return vec![right("bind", "rbac.authorization.k8s.io", "clusterroles", role)];
    }
    let roles = Api::<k8s_openapi::api::rbac::v1::Role>::namespaced(cast.install.client.clone(), namespace);
    match roles.get_opt(role).await.unwrap() {
        Some(role) => of_rules(namespace, &json!(role.rules)),
        None => vec![right("bind", "rbac.authorization.k8s.io", "roles", role)],
    }
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn the_operator_lets_nobody_have_more_with_both_policies() {
    compare(Policies::Both).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn the_operator_lets_nobody_have_more_with_the_judging_policies_alone() {
    compare(Policies::Judging).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn the_operator_lets_nobody_have_more_with_no_policy() {
    compare(Policies::None).await;
}
