//! The table of requests.

use crate::cast::Who::{self, Boss, Dev, Operator, Owner};
use crate::pods::pods;
use crate::request::Answer::{self, Refused, Stamped, Taken};
use crate::request::{AUTHOR, Ask, annotate, annotations, central, edit, own, signed};
use serde_json::{Value, json};

/// A request, and what is answered to it.
pub struct Row {
    /// What is tried.
    pub what: &'static str,
    pub who: Who,
    pub ask: Ask,
    /// With the policy that stamps and those that judge.
    pub both: Answer,
    /// With those that judge.
    pub judged: Answer,
    /// With no policy.
    pub none: Answer,
    /// What the operator then says, if it is not what [`crate::told`] expects of all rows.
    pub told: [Option<&'static str>; 3],
}

impl Row {
    /// What the operator says with both kinds of policies, with those that judge, and with none. An empty text stands for what
    /// is expected of all rows.
    pub fn told(mut self, told: [&'static str; 3]) -> Self {
        self.told = told.map(|said| Some(said).filter(|said| !said.is_empty()));
        self
    }
}

pub fn row(who: Who, what: &'static str, ask: Ask, [both, judged, none]: [Answer; 3]) -> Row {
    Row { what, who, ask, both, judged, none, told: [None; 3] }
}

/// What the policies allow.
pub const YES: [Answer; 3] = [Stamped, Taken, Taken];
/// What asks for no run.
const UNJUDGED: [Answer; 3] = [Taken, Taken, Taken];

/// What the policies refuse for the lack of a right.
const fn no(right: &'static str) -> [Answer; 3] {
    [Refused(right), Refused(right), Taken]
}

/// What is refused with or without policies.
const fn never(words: &'static str) -> [Answer; 3] {
    [Refused(words), Refused(words), Refused(words)]
}

/// What is allowed if the operator knows whom to ask for at the start, and refused otherwise.
const fn with_stamp(words: &'static str) -> [Answer; 3] {
    [Stamped, Refused(words), Taken]
}

const FORGED: [Answer; 3] = with_stamp("remove all five of them");
pub const PODS_IN_OTHER: [Answer; 3] = no("kubectl auth can-i create pods -n @other");
pub const PODS_IN_RUN: [Answer; 3] = no("kubectl auth can-i create pods -n @run");
const BINDINGS_IN_OTHER: [Answer; 3] =
    no("kubectl auth can-i create rolebindings.rbac.authorization.k8s.io -n @other");
const BINDINGS_IN_TEAM_WORDS: &str =
    "kubectl auth can-i create rolebindings.rbac.authorization.k8s.io -n @team";
const BINDINGS_IN_TEAM: [Answer; 3] = no(BINDINGS_IN_TEAM_WORDS);
const BINDINGS_IN_RUN: [Answer; 3] =
    no("kubectl auth can-i create rolebindings.rbac.authorization.k8s.io -n @run");
const TEMPLATES: [Answer; 3] = with_stamp("kubectl auth can-i update configmaps/mine -n @home");

/// A stamp, as somebody else could write it.
fn stamp(user: &str, request: &str) -> Value {
    annotations([user, "", r#"["system:authenticated"]"#, "{}", request])
}

/// The stamp that is right for a new experiment of `Dev`, with one annotation changed.
fn almost(key: &str, value: Value) -> Value {
    let mut stamp = stamp("@home:dev", "1/");
    stamp[format!("chaostoolkit.org/{key}")] = value;
    stamp
}

/// The right stamp for a new experiment of `Owner`, with an annotation that asks for a rerun at great length.
fn long_stamp() -> Value {
    let rerun = "x".repeat(16_000);
    let mut stamp = stamp("@home:owner", &format!("1/{rerun}"));
    stamp["chaostoolkit.org/rerun"] = json!(rerun);
    stamp
}

fn four() -> Value {
    let mut stamp = stamp("@home:dev", "1/");
    stamp.as_object_mut().unwrap().remove(AUTHOR[3]);
    stamp
}

fn without_stamp() -> Value {
    AUTHOR.iter().map(|key| ((*key).to_owned(), Value::Null)).collect::<serde_json::Map<_, _>>().into()
}

/// So many names of namespaces.
fn names(count: usize) -> Value {
    (0..count).map(|at| format!("n{at}")).collect()
}

fn binds(namespace: &str, names: Value) -> Value {
    json!({"namespace": namespace, "role": {"binds_to_namespaces": names}})
}

fn role(namespace: &str, role: Value) -> Value {
    json!({"namespace": namespace, "role": role})
}

/// Rules in the spec, with these further fields of the role.
fn rules(namespace: &str, more: Value) -> Value {
    let mut role =
        json!({"rules": [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]}]});
    for (field, value) in more.as_object().unwrap() {
        role[field] = value.clone();
    }
    self::role(namespace, role)
}

fn account(namespace: &str) -> Value {
    json!({"namespace": namespace, "serviceaccount": {"name": "deployer"}})
}

fn schedule(namespace: &str) -> Value {
    json!({"namespace": namespace, "schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}})
}

pub const PRIVILEGED: &str = "{kind: Pod, metadata: {name: p}, spec: {hostNetwork: true, containers: [{name: c, image: i, \
    securityContext: {privileged: true}}]}}";

/// `theirs` and `old` run in `@other`, and Boss has created them. `old` is older than the policies. `owners` runs in `@shop`,
/// `devs` in `@team`. All are suspended.
pub fn rows() -> Vec<Row> {
    let all = [
        own_runs(),
        runs_of_others(),
        forged_stamps(),
        of_administrators(),
        with_rules(),
        with_cluster_roles(),
        pods(),
    ];
    all.into_iter().flatten().collect()
}

#[rustfmt::skip] // one row, one line
fn own_runs() -> Vec<Row> {
    vec![
    // What an `edit` user may run.
    row(Dev, "runs in the own namespace", central(json!({"namespace": "@team"})), YES),
    row(Dev, "runs by a schedule", central(schedule("@team")), YES),
    row(Dev, "has rollbacks played by a rescue", central(json!({"namespace": "@team", "rescue": true})), YES),
    row(Dev, "has a privileged pod, of which Pod Security decides", central(json!({"namespace": "@team", "pod": {"template": PRIVILEGED}})), YES),
    row(Dev, "names the shipped templates", central(json!({"namespace": "@team", "template": {"name": "chaostoolkit-resources-templates"}})), YES),
    row(Dev, "has null everywhere", central(json!({"namespace": "@team", "role": null, "serviceaccount": null, "template": null, "pod": null, "schedule": null})), YES),
    row(Dev, "has null inside", central(json!({"namespace": "@team", "role": {"name": null, "bind": null, "binds_to_namespaces": null}, "serviceaccount": {"name": null}, "template": {"name": null}})), YES),
    row(Dev, "has empty fields", central(json!({"namespace": "@team", "role": {"name": "", "binds_to_namespaces": []}, "serviceaccount": {}, "template": {"name": ""}, "schedule": {}})), YES),
    row(Dev, "binds in nothing", central(binds("@team", json!([null, ""]))), YES),
    row(Dev, "binds in the namespace of the run", central(binds("@team", json!(["@team"]))), YES),
    row(Dev, "uses an account and a binding that exist", central(json!({"namespace": "@team", "serviceaccount": {"name": "deployer"}, "role": {"bind": "its"}})), YES),
    row(Dev, "has the Role derived", central(role("@team", json!({"generate": true}))), YES),
    row(Dev, "has fields that nobody knows", central(json!({"namespace": "@team", "more": {"a": [1, 2.5, null]}})), YES),
    // What he may not.
    row(Dev, "runs in the namespace of all runs", central(json!({})), PODS_IN_RUN),
    row(Dev, "runs there by null", central(json!({"namespace": null})), PODS_IN_RUN),
    row(Dev, "runs in a foreign namespace", central(json!({"namespace": "@other"})), PODS_IN_OTHER),
    row(Dev, "runs under a foreign account", central(account("@other")), PODS_IN_OTHER),
    row(Dev, "runs by a schedule in a foreign namespace", central(schedule("@other")), PODS_IN_OTHER),
    row(Dev, "has a privileged pod in `default`", central(json!({"namespace": "default", "pod": {"template": PRIVILEGED}})), no("create pods -n default")),
    row(Dev, "runs in kube-system", central(json!({"namespace": "kube-system"})), no("create pods -n kube-system")).told(["", "", "Failed InvalidSpec"]),
    row(Dev, "binds a Role in a foreign namespace", central(binds("@team", json!(["@other"]))), BINDINGS_IN_OTHER),
    row(Dev, "hides it among others", central(binds("@team", json!([null, "@team", "@other"]))), BINDINGS_IN_OTHER),
    row(Dev, "binds in namespaces that look like numbers", central(binds("@team", json!([1, true]))), no("-n 1")),
    row(Dev, "lends a Role to an account that exists", central(account("@team")), BINDINGS_IN_TEAM),
    row(Dev, "keeps the Role and the account", central(json!({"namespace": "@team", "keep_resources_on_delete": "yes"})), BINDINGS_IN_TEAM),
    row(Dev, "keeps them later", edit("devs", json!({"keep_resources_on_delete": true})), BINDINGS_IN_TEAM),
    row(Dev, "keeps nothing", central(json!({"namespace": "@team", "keep_resources_on_delete": 0})), YES),
    row(Dev, "binds a Role that exists", central(role("@team", json!({"name": "strong"}))), BINDINGS_IN_TEAM),
    row(Dev, "binds one with a stamp made by hand", Ask::Create("@home", role("@team", json!({"name": "strong"})), stamp("@home:dev", "1/")), BINDINGS_IN_TEAM),
    row(Dev, "takes other templates", central(json!({"namespace": "@team", "template": {"name": "mine"}})), TEMPLATES),
    row(Dev, "binds in a text", central(binds("@team", json!("kube-system"))), no("must be a list of names")).told(["", "", "Failed InvalidSpec"]),
    row(Dev, "binds in a mapping", central(binds("@team", json!({"kube-system": 1}))), no("must be a list of names")).told(["", "", "Failed InvalidSpec"]),
    row(Dev, "binds in lists of lists", central(binds("@team", json!([["kube-system"]]))), no("must be a list of names")).told(["", "", "Failed InvalidSpec"]),
    row(Dev, "binds in very many namespaces", central(binds("@team", names(30_000))), no("at most 64 entries")).told(["", "", "Failed InvalidSpec"]),
    row(Dev, "binds in nothing very often", central(binds("@team", vec![Value::Null; 65].into())), no("at most 64 entries")),
    row(Dev, "binds in nothing often", central(binds("@team", vec![Value::Null; 64].into())), YES),
    row(Dev, "binds in nine namespaces", central(binds("@team", names(9))), no("at most 8 further namespaces")).told(["", "", "Failed InvalidSpec"]),
    row(Dev, "names no namespace by an empty text", central(json!({"namespace": ""})), never("spec.namespace")),
    row(Dev, "names a list of namespaces", central(json!({"namespace": ["@team"]})), never("spec.namespace")),
    row(Dev, "has a role that is a text", central(json!({"namespace": "@team", "role": "strong"})), never("spec.role")),
    // In the namespace of the experiment.
    row(Dev, "runs beside the experiment", own(json!({})), YES),
    row(Dev, "runs there by a schedule", own(schedule("@team")), YES),
    row(Dev, "names a namespace that does not count", own(json!({"namespace": "@other"})), YES).told(["Failed InvalidSpec"; 3]),
    row(Dev, "binds a Role elsewhere", own(binds("@team", json!(["@other"]))), BINDINGS_IN_OTHER).told(["", "", "Blocked PolicyMissing"]),
    row(Dev, "lends a Role to an account beside the experiment", own(account("@team")), BINDINGS_IN_TEAM),
    row(Dev, "takes other templates there", own(json!({"template": {"name": "mine"}})), TEMPLATES),
    row(Dev, "has no rights in the namespace of the experiment", Ask::Create("@shop", json!({}), json!({})), never("cannot create resource")),
    row(Dev, "edits the own experiment", Ask::Patch("@team", "own", json!({"spec": {"suspend": false}})), YES),
    row(Dev, "applies the own experiment again", Ask::Apply("@team", "own", json!({"suspend": true})), UNJUDGED),
    row(Dev, "applies an edit of it", Ask::Apply("@team", "own", json!({"suspend": false})), YES),
    row(Dev, "replaces it with what has no stamp", Ask::Replace("@team", "own", json!({"suspend": false})), YES),
    ]
}

/// The suspended experiment of somebody else.
#[rustfmt::skip]
fn runs_of_others() -> Vec<Row> {
    vec![
    row(Dev, "resumes it", edit("theirs", json!({"suspend": false})), PODS_IN_OTHER),
    row(Dev, "removes the suspension", edit("theirs", json!({"suspend": null})), PODS_IN_OTHER),
    row(Dev, "aborts it", edit("theirs", json!({"abort": true})), PODS_IN_OTHER).told(["", "", "Aborted AbortRequested"]),
    row(Dev, "has it rescued", edit("theirs", json!({"rescue": true})), PODS_IN_OTHER),
    row(Dev, "gives it another pod", edit("theirs", json!({"pod": {"image": "evil"}})), PODS_IN_OTHER),
    row(Dev, "moves it to the namespace of all runs", edit("theirs", json!({"namespace": null})), PODS_IN_RUN),
    row(Dev, "moves it to the own namespace", edit("theirs", json!({"namespace": "@team"})), YES),
    row(Dev, "asks for a rerun", annotate("theirs", json!({"chaostoolkit.org/rerun": "1"})), PODS_IN_OTHER),
    row(Dev, "asks for a rerun by an empty text", annotate("theirs", json!({"chaostoolkit.org/rerun": ""})), PODS_IN_OTHER),
    row(Dev, "has objects adopted", annotate("theirs", json!({"kopf.zalando.org/last-handled-configuration": "{}"})), PODS_IN_OTHER).told(["Failed Adopted"; 3]),
    row(Dev, "labels its objects", Ask::Patch("@home", "theirs", json!({"metadata": {"labels": {"app": "shop"}}})), PODS_IN_OTHER),
    row(Dev, "replaces it with what has no stamp", Ask::Replace("@home", "theirs", json!({})), [PODS_IN_OTHER[0], Taken, Taken]),
    row(Dev, "writes another annotation", annotate("theirs", json!({"note": "1"})), UNJUDGED),
    row(Dev, "writes its status", Ask::Status("@home", "theirs", json!({"status": {"runNamespace": "@team"}})), never("cannot patch resource")),
    row(Dev, "writes the status of the own experiment", Ask::Status("@team", "own", json!({"status": {"runNamespace": "@other"}})), never("cannot patch resource")),
    row(Dev, "writes a finalizer", Ask::Patch("@home", "theirs", json!({"metadata": {"finalizers": ["tests.example/mine"]}})), UNJUDGED),
    ]
}

#[rustfmt::skip]
fn forged_stamps() -> Vec<Row> {
    vec![
    row(Dev, "names another author", signed(json!({AUTHOR[0]: "@home:boss"})), FORGED),
    row(Dev, "brings the stamp of another", signed(stamp("@home:boss", "1/")), FORGED),
    row(Dev, "brings the right stamp", signed(stamp("@home:dev", "1/")), YES).told(["", "Starting Permitted", ""]),
    row(Dev, "brings it for another request", signed(stamp("@home:dev", "2/")), FORGED),
    row(Dev, "brings it with a rerun that nobody asked for", signed(stamp("@home:dev", "1/a")), FORGED),
    row(Dev, "claims a uid", signed(almost("author-uid", json!("1"))), FORGED),
    row(Dev, "claims a group", signed(almost("author-groups", json!(r#"["system:authenticated","system:masters"]"#))), FORGED),
    row(Dev, "claims groups that cannot be read", signed(almost("author-groups", json!("?"))), FORGED),
    row(Dev, "claims a scope", signed(almost("author-extra", json!(r#"{"scopes":["all"]}"#))), FORGED),
    row(Dev, "leaves one annotation empty", signed(almost("author-extra", json!(""))), FORGED),
    row(Dev, "leaves one annotation out", signed(four()), FORGED),
    row(Dev, "names another author later", annotate("devs", json!({AUTHOR[0]: "@home:boss"})), FORGED),
    row(Dev, "claims a group later", annotate("devs", json!({AUTHOR[2]: r#"["system:masters"]"#})), FORGED),
    row(Dev, "claims another request later", annotate("devs", json!({AUTHOR[4]: "9/"})), FORGED),
    row(Dev, "writes another's stamp later", annotate("devs", stamp("@home:boss", "1/")), FORGED),
    row(Dev, "removes the stamp", annotate("devs", without_stamp()), YES),
    row(Dev, "names himself the author of another's experiment", annotate("theirs", stamp("@home:dev", "1/")), PODS_IN_OTHER),
    row(Dev, "has himself stamped", annotate("theirs", json!({AUTHOR[0]: ""})), [PODS_IN_OTHER[0], FORGED[1], Taken]),
    row(Dev, "removes another's stamp", annotate("theirs", without_stamp()), [PODS_IN_OTHER[0], Taken, Taken]),
    ]
}

#[rustfmt::skip]
fn of_administrators() -> Vec<Row> {
    vec![
    // The administrator of a namespace.
    row(Owner, "runs in the own namespace", central(json!({"namespace": "@shop"})), YES),
    row(Owner, "runs in the namespace of all runs", central(json!({})), YES),
    row(Owner, "runs there, and binds in the own namespace", central(binds("@run", json!(["@shop"]))), YES),
    row(Owner, "binds also in a foreign one", central(binds("@run", json!(["@shop", "@other"]))), BINDINGS_IN_OTHER),
    row(Owner, "binds in the namespace of all runs", central(binds("@shop", json!(["@run"]))), BINDINGS_IN_RUN),
    row(Owner, "lends a Role to an account that exists", central(account("@shop")), YES),
    row(Owner, "lends one to an account of all runs", central(account("@run")), BINDINGS_IN_RUN),
    row(Owner, "binds a Role that exists", central(role("@shop", json!({"name": "strong"}))), with_stamp("kubectl auth can-i bind roles.rbac.authorization.k8s.io/strong -n @shop")),
    row(Owner, "binds one with a stamp that is too long to be read", Ask::Create("@home", role("@shop", json!({"name": "strong"})), long_stamp()), no("kubectl auth can-i bind roles.rbac.authorization.k8s.io/strong -n @shop")),
    row(Owner, "takes other templates with such a stamp", Ask::Create("@home", json!({"namespace": "@shop", "template": {"name": "mine"}}), long_stamp()), no("kubectl auth can-i update configmaps/mine -n @home")),
    row(Owner, "binds a Role that exists in each namespace", central(role("@run", json!({"bind": "its", "name": "strong", "binds_to_namespaces": ["@shop"]}))), with_stamp("kubectl auth can-i bind roles.rbac.authorization.k8s.io/strong -n @shop")),
    row(Owner, "binds twice in one namespace", central(binds("@run", json!(["@shop", "@shop"]))), with_stamp("kubectl auth can-i bind roles.rbac.authorization.k8s.io -n @shop")),
    row(Owner, "takes other templates", central(json!({"namespace": "@shop", "template": {"name": "mine"}})), TEMPLATES),
    row(Owner, "asks for a rerun", annotate("owners", json!({"chaostoolkit.org/rerun": "1"})), YES),
    row(Owner, "asks for a rerun of another's experiment", annotate("theirs", json!({"chaostoolkit.org/rerun": "1"})), PODS_IN_OTHER),
    // The administrator of the cluster.
    row(Boss, "runs in the namespace of all runs", central(json!({})), YES),
    row(Boss, "runs anywhere", central(json!({"namespace": "@other"})), YES),
    row(Boss, "runs under any account by a schedule", central(json!({"namespace": "@other", "serviceaccount": {"name": "deployer"}, "schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}})), YES),
    row(Boss, "binds in eight namespaces", central(binds("@run", names(8))), YES).told(["Blocked NamespaceMissing", "Blocked NamespaceMissing", ""]),
    row(Boss, "binds any Role in eight namespaces, with other templates", central(json!({"role": {"name": "strong", "binds_to_namespaces": names(8)}, "template": {"name": "mine"}, "serviceaccount": {"name": "deployer"}})), YES).told(["Blocked NamespaceMissing", "Blocked NamespaceMissing", ""]),
    row(Boss, "binds in nine namespaces", central(binds("@run", names(9))), no("at most 8 further namespaces")).told(["", "", "Failed InvalidSpec"]),
    row(Boss, "resumes another's experiment", edit("devs", json!({"suspend": false})), YES),
    row(Boss, "asks for a rerun", annotate("devs", json!({"chaostoolkit.org/rerun": "1"})), YES),
    row(Boss, "has objects adopted", annotate("devs", json!({"kopf.zalando.org/last-handled-configuration": "{}"})), YES).told(["Failed Adopted"; 3]),
    row(Boss, "brings the stamp of another", signed(stamp("@home:dev", "1/")), FORGED),
    // Experiments that are older than the policies.
    row(Boss, "resumes one", edit("old", json!({"suspend": false})), YES).told(["", "Blocked AuthorUnknown", ""]),
    row(Boss, "has one stamped", annotate("old", json!({AUTHOR[0]: ""})), FORGED),
    row(Dev, "resumes one", edit("old", json!({"suspend": false})), PODS_IN_OTHER),
    row(Dev, "has one stamped", annotate("old", json!({AUTHOR[0]: ""})), [PODS_IN_OTHER[0], FORGED[1], Taken]),
    // The operator.
    row(Operator, "writes its finalizer", Ask::Patch("@home", "theirs", json!({"metadata": {"finalizers": ["chaostoolkit.org/teardown"]}})), UNJUDGED),
    row(Operator, "writes that of an old one", Ask::Patch("@home", "old", json!({"metadata": {"finalizers": ["chaostoolkit.org/teardown"]}})), UNJUDGED),
    ]
}

/// Rules in the spec. Without a stamp, only whoever may give and bind any rule may write them.
#[rustfmt::skip]
fn with_rules() -> Vec<Row> {
    let many = || rules("@run", json!({"binds_to_namespaces": names(8)}));
    let escalate = "kubectl auth can-i escalate roles.rbac.authorization.k8s.io -n @shop";
    vec![
    row(Dev, "writes rules", central(rules("@team", json!({}))), with_stamp(BINDINGS_IN_TEAM_WORDS)),
    row(Dev, "writes rules beside the experiment", own(rules("@team", json!({}))), with_stamp(BINDINGS_IN_TEAM_WORDS)).told(["", "", "Blocked PolicyMissing"]),
    row(Dev, "writes rules for generated ones", central(rules("@team", json!({"generate": true}))), with_stamp(BINDINGS_IN_TEAM_WORDS)),
    row(Dev, "writes rules with the right stamp", Ask::Create("@home", rules("@team", json!({})), stamp("@home:dev", "1/")), YES).told(["", "Starting Permitted", ""]),
    row(Dev, "writes rules for a foreign namespace", central(rules("@other", json!({}))), PODS_IN_OTHER),
    row(Dev, "writes rules that are bound in one", central(rules("@team", json!({"binds_to_namespaces": ["@other"]}))), [BINDINGS_IN_OTHER[0], Refused("create rolebindings.rbac.authorization.k8s.io -n"), Taken]),
    row(Dev, "writes rules later", edit("devs", json!({"role": rules("@team", json!({}))["role"]})), with_stamp(BINDINGS_IN_TEAM_WORDS)),
    row(Dev, "writes rules into another's experiment", edit("theirs", json!({"role": rules("@team", json!({}))["role"]})), PODS_IN_OTHER),
    row(Dev, "writes no rules", central(role("@team", json!({"rules": []}))), YES),
    row(Dev, "has null for rules", central(role("@team", json!({"rules": null}))), YES),
    row(Dev, "writes rules as a text", central(role("@team", json!({"rules": "all"}))), never("spec.role.rules")),
    row(Dev, "writes a rule as a text", central(role("@team", json!({"rules": ["all"]}))), never("spec.role.rules")),
    row(Owner, "writes rules", central(rules("@shop", json!({}))), with_stamp(escalate)),
    row(Owner, "writes rules by a schedule", central(json!({"namespace": "@shop", "role": rules("", json!({}))["role"], "schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}})), with_stamp(escalate)),
    row(Owner, "writes rules with a stamp that is too long to be read", Ask::Create("@home", rules("@shop", json!({})), long_stamp()), no(escalate)),
    row(Boss, "writes rules", central(rules("@other", json!({}))), YES),
    row(Boss, "writes rules for eight namespaces", central(many()), YES).told(["Blocked NamespaceMissing", "Blocked NamespaceMissing", ""]),
    row(Boss, "writes rules for eight namespaces and an account that exists", central(json!({"role": many()["role"], "serviceaccount": {"name": "deployer"}, "template": {"name": "mine"}})), YES).told(["Blocked NamespaceMissing", "Blocked NamespaceMissing", ""]),
    ]
}

/// An existing `ClusterRole`, in namespaces and in the whole cluster.
#[rustfmt::skip]
fn with_cluster_roles() -> Vec<Row> {
    let view = |namespace: &str| role(namespace, json!({"clusterRole": "view"}));
    let wide = |namespace: &str| role(namespace, json!({"clusterRole": "view", "clusterWide": true}));
    let bind = "kubectl auth can-i bind clusterroles.rbac.authorization.k8s.io/view -n @shop";
    let bindings = no("kubectl auth can-i create clusterrolebindings.rbac.authorization.k8s.io");
    vec![
    row(Dev, "binds a ClusterRole", central(view("@team")), BINDINGS_IN_TEAM),
    row(Dev, "binds one beside the experiment", own(view("@team")), BINDINGS_IN_TEAM).told(["", "", "Blocked PolicyMissing"]),
    row(Dev, "binds one in a foreign namespace", central(view("@other")), PODS_IN_OTHER),
    row(Dev, "binds one later", edit("devs", json!({"role": {"clusterRole": "cluster-admin"}})), BINDINGS_IN_TEAM),
    row(Dev, "binds one with a stamp made by hand", Ask::Create("@home", view("@team"), stamp("@home:dev", "1/")), BINDINGS_IN_TEAM),
    row(Dev, "binds none", central(role("@team", json!({"clusterRole": "", "clusterWide": false}))), YES),
    row(Dev, "has null for a ClusterRole", central(role("@team", json!({"clusterRole": null, "clusterWide": null}))), YES),
    row(Dev, "binds none in the whole cluster", central(role("@team", json!({"clusterWide": true}))), YES).told(["Failed InvalidSpec"; 3]),
    row(Dev, "binds a ClusterRole in the whole cluster", central(wide("@team")), bindings).told(["", "", "Blocked RightsMissing"]),
    row(Dev, "binds one in the whole cluster beside the experiment", own(wide("@team")), bindings).told(["", "", "Blocked RightsMissing"]),
    row(Dev, "names a list of ClusterRoles", central(role("@team", json!({"clusterRole": ["view"]}))), never("spec.role.clusterRole")),
    row(Dev, "is in the whole cluster by a text", central(role("@team", json!({"clusterRole": "view", "clusterWide": "yes"}))), never("spec.role.clusterWide")),
    row(Owner, "binds a ClusterRole", central(view("@shop")), with_stamp(bind)).told(["Blocked AuthorForbidden", "", ""]),
    row(Owner, "binds one to an account that exists", central(json!({"namespace": "@shop", "role": view("")["role"], "serviceaccount": {"name": "deployer"}})), with_stamp(bind)).told(["Blocked AuthorForbidden", "", ""]),
    row(Owner, "binds one with a stamp that is too long to be read", Ask::Create("@home", view("@shop"), long_stamp()), no(bind)),
    row(Owner, "binds one in the namespace of all runs", central(role("@run", json!({"clusterRole": "view", "binds_to_namespaces": ["@shop"]}))), [BINDINGS_IN_RUN[0], Refused("kubectl auth can-i "), BINDINGS_IN_RUN[2]]),
    row(Owner, "binds one in a foreign namespace", central(role("@shop", json!({"clusterRole": "view", "binds_to_namespaces": ["@other"]}))), [BINDINGS_IN_OTHER[0], Refused("kubectl auth can-i "), Taken]),
    row(Owner, "binds one in the whole cluster", central(wide("@shop")), bindings).told(["", "", "Blocked RightsMissing"]),
    row(Boss, "binds a ClusterRole", central(view("@other")), YES),
    row(Boss, "binds one in eight namespaces", central(role("@run", json!({"clusterRole": "cluster-admin", "binds_to_namespaces": names(8)}))), YES).told(["Blocked NamespaceMissing", "Blocked NamespaceMissing", ""]),
    row(Boss, "binds one in the whole cluster by a schedule", central(json!({"role": wide("")["role"], "serviceaccount": {"name": "deployer"}, "schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}})), YES).told(["Blocked RightsMissing"; 3]),
    ]
}
