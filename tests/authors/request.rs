//! What is asked of the API server, and what it answers.

use crate::cast::Cast;
use chaostoolkit_api::names;
use kube::Client;
use serde_json::{Value, json};

/// The annotations that say who asked for runs.
pub const AUTHOR: [&str; 5] = [
    names::AUTHOR_ANNOTATION,
    names::AUTHOR_UID_ANNOTATION,
    names::AUTHOR_GROUPS_ANNOTATION,
    names::AUTHOR_EXTRA_ANNOTATION,
    names::AUTHOR_REQUEST_ANNOTATION,
];

/// A request.
#[derive(Clone, Debug)]
pub enum Ask {
    /// The creation of an experiment in a namespace, with these annotations.
    Create(&'static str, Value, Value),
    /// A merge patch of an experiment: namespace and name.
    Patch(&'static str, &'static str, Value),
    /// A merge patch of the status of an experiment.
    Status(&'static str, &'static str, Value),
    /// A server-side apply of an experiment with this spec.
    Apply(&'static str, &'static str, Value),
    /// A replacement of an experiment that leaves out all annotations, with these fields of the spec changed.
    Replace(&'static str, &'static str, Value),
}

/// A central experiment.
pub fn central(spec: Value) -> Ask {
    Ask::Create("@home", spec, json!({}))
}

/// An experiment in the namespace of the team.
pub fn own(spec: Value) -> Ask {
    Ask::Create("@team", spec, json!({}))
}

/// A central experiment for the namespace of the team that comes with a stamp.
pub fn signed(annotations: Value) -> Ask {
    Ask::Create("@home", json!({"namespace": "@team"}), annotations)
}

/// An edit of a central experiment.
pub fn edit(name: &'static str, spec: Value) -> Ask {
    Ask::Patch("@home", name, json!({"spec": spec}))
}

/// A change of the annotations of a central experiment.
pub fn annotate(name: &'static str, annotations: Value) -> Ask {
    Ask::Patch("@home", name, json!({"metadata": {"annotations": annotations}}))
}

/// What the policies have to say to a request.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// It is allowed, and the experiment names this user and this request.
    Stamped,
    /// It is allowed as it is.
    Taken,
    /// It is refused with these words.
    Refused(&'static str),
}

/// What the API server has answered.
#[derive(Debug)]
pub enum Answered {
    /// The author's annotations, as they would be stored and as they were asked for, and those of a right stamp.
    Allowed {
        stored: Value,
        asked: Value,
        right: Value,
    },
    Refused(String),
}

impl Answered {
    pub fn is(&self, expected: Answer, cast: &Cast) -> bool {
        match (self, expected) {
            (Self::Allowed { stored, right, .. }, Answer::Stamped) => stored == right,
            (Self::Allowed { stored, asked, .. }, Answer::Taken) => stored == asked,
            (Self::Refused(message), Answer::Refused(words)) => message.contains(&cast.places(words)),
            _ => false,
        }
    }
}

impl Ask {
    /// Asks as this user. Nothing is changed by it.
    pub async fn send(&self, client: &Client, cast: &Cast, user: &str) -> Answered {
        self.send_to(client, cast, user, None).await
    }

    /// Asks as this user for an experiment with this name, and for good.
    pub async fn send_for_good(&self, client: &Client, cast: &Cast, user: &str, name: &str) -> Answered {
        self.send_to(client, cast, user, Some(name)).await
    }

    /// The namespace of the experiment, and the name of the one that is changed.
    pub const fn target(&self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Create(namespace, ..) => (*namespace, None),
            Self::Patch(namespace, name, _)
            | Self::Status(namespace, name, _)
            | Self::Apply(namespace, name, _)
            | Self::Replace(namespace, name, _) => (*namespace, Some(*name)),
        }
    }

    /// The fields of the spec that are asked for.
    pub fn spec(&self) -> &Value {
        match self {
            Self::Create(_, spec, _) | Self::Apply(_, _, spec) | Self::Replace(_, _, spec) => spec,
            Self::Patch(_, _, patch) | Self::Status(_, _, patch) => &patch["spec"],
        }
    }

    async fn send_to(&self, client: &Client, cast: &Cast, user: &str, real: Option<&str>) -> Answered {
        let (namespace, name) = self.target();
        let name = name.map(|name| real.unwrap_or(name));
        let path = format!("/apis/{}/v1/namespaces/{namespace}/chaosexperiments", names::GROUP);
        let path = cast.places(&path);
        let before = match name {
            Some(name) => {
                send(client, request("GET", &format!("{path}/{name}"), "", &Value::Null)).await.unwrap()
            }
            None => json!({}),
        };
        let body: Value = serde_json::from_str(&cast.places(&self.body(&before, real).to_string())).unwrap();
        let (method, kind) = match self {
            Self::Create(..) => ("POST", "application/json"),
            Self::Patch(..) | Self::Status(..) => ("PATCH", "application/merge-patch+json"),
            Self::Apply(..) => ("PATCH", "application/apply-patch+yaml"),
            Self::Replace(..) => ("PUT", "application/json"),
        };
        let path = name.map_or_else(|| path.clone(), |name| format!("{path}/{name}"));
        let manager = if matches!(self, Self::Apply(..)) { "&fieldManager=tests&force=true" } else { "" };
        let path = if matches!(self, Self::Status(..)) { format!("{path}/status") } else { path };
        let dry = if real.is_some() { "" } else { "dryRun=All" };
        let mut asking = request(method, &format!("{path}?{dry}{manager}"), kind, &body);
        asking.headers_mut().insert("Impersonate-User", user.parse().unwrap());
        match send(client, asking).await {
            Ok(after) => {
                let of = |object: &Value| object["metadata"]["annotations"].clone();
                let asked = match self {
                    Self::Create(..) | Self::Replace(..) => of(&body),
                    Self::Patch(..) | Self::Status(..) | Self::Apply(..) => merged(of(&before), &of(&body)),
                };
                let right = stamp(user, &after);
                Answered::Allowed { stored: author(&of(&after)), asked: author(&asked), right }
            }
            Err(message) => Answered::Refused(message),
        }
    }

    fn body(&self, before: &Value, real: Option<&str>) -> Value {
        match self {
            Self::Create(_, spec, annotations) => {
                let mut experiment = crate::common::experiment(real.unwrap_or("new"), spec.clone());
                experiment["metadata"]["annotations"] = annotations.clone();
                experiment
            }
            Self::Patch(_, _, patch) | Self::Status(_, _, patch) => patch.clone(),
            Self::Apply(_, name, spec) => crate::common::experiment(real.unwrap_or(name), spec.clone()),
            Self::Replace(_, _, changes) => {
                let mut experiment = before.clone();
                experiment["metadata"].as_object_mut().unwrap().remove("annotations");
                experiment["spec"] = merged(experiment["spec"].clone(), changes);
                experiment
            }
        }
    }
}

fn merged(mut into: Value, changes: &Value) -> Value {
    if into.is_null() {
        into = json!({});
    }
    for (key, value) in changes.as_object().into_iter().flatten() {
        into[key] = value.clone();
    }
    into
}

/// The annotations of the author among these.
fn author(annotations: &Value) -> Value {
    let given = AUTHOR.iter().filter(|key| !annotations[**key].is_null());
    given.map(|key| ((*key).to_owned(), annotations[*key].clone())).collect::<serde_json::Map<_, _>>().into()
}

/// The right stamp of an experiment that a user of the table has asked for.
fn stamp(user: &str, experiment: &Value) -> Value {
    let metadata = &experiment["metadata"];
    let rerun = metadata["annotations"][names::RERUN_ANNOTATION].as_str().unwrap_or_default();
    let groups = match user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':')) {
        Some((namespace, _)) => {
            format!(
                r#"["system:serviceaccounts","system:serviceaccounts:{namespace}","system:authenticated"]"#
            )
        }
        None => r#"["system:authenticated"]"#.to_owned(),
    };
    let values = [user, "", &groups, "{}", &format!("{}/{rerun}", metadata["generation"])];
    annotations(values)
}

/// The annotations of an author with these values.
pub fn annotations(values: [&str; 5]) -> Value {
    let all = AUTHOR.iter().zip(values).map(|(key, value)| ((*key).to_owned(), json!(value)));
    all.collect::<serde_json::Map<_, _>>().into()
}

fn request(method: &str, path: &str, kind: &str, body: &Value) -> http::Request<Vec<u8>> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    http::Request::builder().method(method).uri(path).header("Content-Type", kind).body(body).unwrap()
}

/// Returns the object, or the message of the API server.
async fn send(client: &Client, request: http::Request<Vec<u8>>) -> Result<Value, String> {
    match client.request::<Value>(request).await {
        Ok(object) => Ok(object),
        Err(kube::Error::Api(status)) => Err(status.message.clone()),
        Err(error) => panic!("{error}"),
    }
}
