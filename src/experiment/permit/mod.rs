//! Whether a run may start: whether its author may do what the run will be allowed to do. It is asked right before each start.
//!
//! [`may_start`] has the order of the checks. The other files answer one question each.

mod beyond;
pub mod held;
mod policies;
pub mod question;
mod reviews;
pub mod rights;
pub mod rules;
pub mod signals;
mod stamp;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::cluster::manifest::Kind;
use crate::experiment::build::resources::Resources;
use crate::experiment::context::Context;
use crate::experiment::decide::observe;
use crate::experiment::decide::templates::Template;
use crate::experiment::error::Error;
use crate::experiment::permit::beyond::Beyond;
use crate::experiment::permit::policies::Bound;
use crate::experiment::permit::question::Question;
use crate::experiment::permit::rights::{Existing, MOST, TooMany};
use crate::experiment::permit::stamp::{Author, Stamp};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Experiment, Spec, Text, names};

/// The permission to start a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// The name of the user who asked for the run, if it is known.
    pub requested_by: Option<String>,
    /// Why the run may start: the reason of the condition `Permitted`.
    pub reason: Reason,
}

/// Asks whether a run with these objects may start now. An error that is for people says why not.
///
/// A stamp counts only while a policy keeps everybody else from writing one.
pub async fn may_start(
    context: &Context,
    experiment: &Experiment,
    resources: &Resources,
) -> Result<Permit, Error> {
    // The state of the questions is large, and most of the time nothing is asked.
    Box::pin(check(context, experiment, resources)).await
}

async fn check(context: &Context, experiment: &Experiment, resources: &Resources) -> Result<Permit, Error> {
    let stamp = Stamp::of(experiment);
    if context.config.unchecked_authors {
        let author = match &stamp {
            Stamp::Known(author) => Some(author),
            _ => None,
        };
        return Ok(permit(author, Reason::AuthorUnchecked));
    }
    let bound = policies::bound(context).await?;
    if let Stamp::Known(author) = &stamp
        && is_guarded(experiment, bound)
    {
        ask(context, experiment, author, resources).await?;
        return Ok(permit(Some(author), Reason::Permitted));
    }
    let default_role = default_role(context, experiment).await?;
    let run = Unasked {
        beyond: Beyond::of(resources, default_role.as_ref()),
        is_central: experiment.namespace() == context.config.namespace,
        has_own_role: default_role.is_some(),
        has_cluster_role: beyond::has_cluster_role(experiment),
    };
    let reason = match (bound.stamp, bound.authors) {
        (Some(_), _) if run.is_default() => Reason::Permitted,
        (Some(_), _) => return Err(run.unknown(stamp_it(experiment))),
        (None, Some(_)) if beyond::has_generated_role(experiment) && !run.beyond.is_within_templates() => {
            return Err(run.unknown(NEEDS_STAMPS.to_owned()));
        }
        (None, Some(_)) if beyond::has_targets(experiment) => {
            return Err(run.unknown(NEEDS_STAMPS.to_owned()));
        }
        (None, Some(since)) if is_older(experiment, since) && !run.needs_no_policy() => {
            return Err(run.unknown(NEVER_JUDGED.to_owned()));
        }
        (None, Some(_)) if stamp != Stamp::Missing && !run.needs_no_policy() => {
            return Err(run.unknown(REMOVE_STAMP.to_owned()));
        }
        (None, Some(_)) if creates_namespace(context, experiment, resources).await? => {
            return Err(run.unknown(CREATE_NAMESPACE.to_owned()));
        }
        (None, Some(since)) if is_older(experiment, since) => Reason::Permitted,
        (None, Some(_)) => Reason::JudgedAtRequest,
        (None, None) if run.needs_no_policy() => Reason::Permitted,
        (None, None) => return Err(Error::PolicyMissing(run.words())),
    };
    Ok(permit(None, reason))
}

fn permit(author: Option<&Author>, reason: Reason) -> Permit {
    Permit { requested_by: author.map(Author::short_name), reason }
}

/// A run whose author is not asked.
struct Unasked {
    beyond: Beyond,
    /// Whether the experiment is in the operator's namespace.
    is_central: bool,
    /// Whether the Role of the run is not simply that of the default templates.
    has_own_role: bool,
    /// Whether the author chooses a `ClusterRole`.
    has_cluster_role: bool,
}

impl Unasked {
    /// Whether it is the default run, which every version of the operator starts.
    fn is_default(&self) -> bool {
        self.is_central && self.beyond.is_nothing()
    }

    /// Whether the run may start without any policy. In an experiment's own namespace, RBAC decides who may create experiments
    /// and what the operator may do there.
    fn needs_no_policy(&self) -> bool {
        let is_within = self.beyond.is_within_templates() && !self.has_cluster_role;
        self.is_default() || (!self.is_central && is_within)
    }

    /// What keeps the run from starting, in words.
    fn words(&self) -> String {
        let Beyond { rules, reach, role, .. } = &self.beyond;
        let chosen = role.as_deref().filter(|_| self.has_cluster_role);
        let templates = rules.as_deref().or(reach.as_deref()).or(chosen);
        let templates = templates.filter(|_| self.has_own_role || !self.is_central);
        let beyond = templates.or_else(|| self.beyond.first());
        beyond.unwrap_or("takes place in the namespace of the experiment").to_owned()
    }

    fn unknown(&self, remedy: String) -> Error {
        Error::AuthorUnknown { beyond: self.words(), remedy }
    }
}

/// What helps if the Role of a run cannot be judged at the request.
const NEEDS_STAMPS: &str =
    "only a cluster that names authors can judge such rights (kustomize/components/stamping)";

/// What helps if an experiment was created before its request could be judged.
const NEVER_JUDGED: &str =
    "the experiment is older than the policy that judges requests; delete it and create it again";

/// What helps if a stamp is left that does not count. The policies ask for less if a request has a stamp.
const REMOVE_STAMP: &str = "its stamp does not belong to the newest request, or cannot be read; remove the annotations chaostoolkit.org/author…";

/// What helps if the namespace of the run does not exist. No policy can see that.
const CREATE_NAMESPACE: &str = "create the namespace of the run first";

/// The command that has an experiment stamped. No user has an empty name, so it always changes the annotation.
fn stamp_it(experiment: &Experiment) -> String {
    format!(
        "who runs this command becomes the author: kubectl -n {} annotate ctk {} {}= --overwrite",
        experiment.namespace(),
        experiment.name(),
        names::AUTHOR_ANNOTATION
    )
}

/// Whether nobody but the API server can have written the stamp of an experiment. The policy that names authors replaces what
/// others write. The policy that judges requests only refuses it, from its own creation on.
fn is_guarded(experiment: &Experiment, bound: Bound) -> bool {
    bound.stamp.is_some() || bound.authors.is_some_and(|since| !is_older(experiment, since))
}

/// Whether an experiment was created before this time. Both times are those of the API server.
fn is_older(experiment: &Experiment, since: Timestamp) -> bool {
    experiment.metadata.creation_timestamp.as_ref().is_none_or(|created| created.0 < since)
}

/// Reads the Role of the default templates, if that of the run may be another one.
async fn default_role(context: &Context, experiment: &Experiment) -> Result<Option<Value>, Error> {
    if !beyond::has_own_role(experiment) {
        return Ok(None);
    }
    let reads = context.reads(Instant::now());
    let templates = observe::templates(reads, &context.config.namespace, &Spec::default()).await?;
    Ok(Some(templates.object(Template::Role)?))
}

/// Asks whether the author may do all that the run will be able to do.
async fn ask(
    context: &Context,
    experiment: &Experiment,
    author: &Author,
    resources: &Resources,
) -> Result<(), Error> {
    let too_many = |TooMany| Error::TooManyRights(MOST);
    let creates_namespace = creates_namespace(context, experiment, resources).await?;
    let rights = rights::needed(resources, creates_namespace).map_err(too_many)?;
    let mut missing = reviews::refused(context, author, rights.all).await?;
    for existing in rights.roles {
        if reviews::refused(context, author, vec![existing.bind.clone()]).await?.is_empty() {
            continue;
        }
        // As Kubernetes does: whoever has all rights of a Role may bind it.
        let holds_all = match rules(context, &existing).await? {
            Some(role) => {
                let all = rights::of_role(&role, &existing.bind.namespace).map_err(too_many)?;
                reviews::refused(context, author, all).await?.is_empty()
            }
            None => false,
        };
        if !holds_all {
            missing.push(existing.bind);
        }
    }
    match missing.split_first() {
        None => Ok(()),
        Some((first, others)) => Err(forbidden(author, first, others.len())),
    }
}

/// Returns the rights that a service account does not have, in their order.
pub async fn lacked_by_account(
    context: &Context,
    (namespace, name): (&str, &str),
    questions: Vec<Question>,
) -> Result<Vec<Question>, Error> {
    let groups =
        ["system:serviceaccounts", &format!("system:serviceaccounts:{namespace}"), "system:authenticated"];
    let account = Author {
        name: format!("system:serviceaccount:{namespace}:{name}"),
        groups: groups.map(str::to_owned).to_vec(),
        ..Author::default()
    };
    Box::pin(reviews::refused(context, &account, questions)).await
}

fn forbidden(author: &Author, first: &Question, others: usize) -> Error {
    Error::AuthorForbidden {
        missing: first.to_string(),
        others: match others {
            0 => String::new(),
            1 => " (and 1 more right is missing)".to_owned(),
            others => format!(" (and {others} more rights are missing)"),
        },
        command: first.command(),
        author: question::user_flags(author),
    }
}

/// Whether the operator would create a namespace for the run that is not the default one.
async fn creates_namespace(
    context: &Context,
    experiment: &Experiment,
    resources: &Resources,
) -> Result<bool, Error> {
    let namespace = resources.workload.namespace();
    if namespace == names::DEFAULT_RUN_NAMESPACE || namespace == experiment.namespace() {
        return Ok(false);
    }
    let cluster = &context.cluster;
    Ok(cluster.find(&cluster.namespaces(), Kind::Namespace.as_str(), namespace).await?.is_none())
}

/// Reads an existing Role. Returns `None` if there is no such Role, or if it cannot be read by its name.
async fn rules(context: &Context, existing: &Existing) -> Result<Option<Value>, Error> {
    let Some((namespace, name)) = &existing.role else { return Ok(None) };
    let api = context.cluster.objects(Kind::Role, namespace)?;
    if api.name(name).is_err() {
        return Ok(None);
    }
    let found = context.cluster.find(&api, Kind::Role.as_str(), name).await?;
    Ok(found.map(|found| found.data))
}

#[cfg(test)]
mod tests;
