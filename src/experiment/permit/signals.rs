//! Whether the author of a run may read an object whose condition is a signal.

use kube::core::ApiResource;

use crate::experiment::context::Context;
use crate::experiment::error::Error;
use crate::experiment::permit::question::Question;
use crate::experiment::permit::stamp::Stamp;
use crate::experiment::permit::{is_guarded, policies, reviews};
use crate::signals::reading::SignalError;
use crate::signals::resource::ExpectedCondition;
use chaostoolkit_api::Experiment;
use chaostoolkit_api::reason::Reason;

/// Returns the resource of an object whose condition is expected, if the administrator grants its kind and the author of the
/// experiment may get it. Says why not.
pub async fn resource(
    context: &Context,
    experiment: &Experiment,
    namespace: &str,
    expected: &ExpectedCondition,
) -> Result<Result<ApiResource, SignalError>, Error> {
    let granted = match context.readings.sources().granted(expected) {
        Ok(granted) => granted,
        Err(refused) => return Ok(Err(refused)),
    };
    let allowed = may_get(context, experiment, (&granted, namespace, &expected.name)).await?;
    Ok(allowed.map(|()| granted))
}

/// Asks whether the author of an experiment may get an object: its resource, namespace and name. Says why not.
///
/// No policy judges this at the request. So the author has to be known, unless nobody checks authors.
async fn may_get(
    context: &Context,
    experiment: &Experiment,
    (resource, namespace, name): (&ApiResource, &str, &str),
) -> Result<Result<(), SignalError>, Error> {
    if context.config.unchecked_authors {
        return Ok(Ok(()));
    }
    let get = Question::new("get", (&resource.group, &resource.plural), namespace);
    let get = Question { name: name.to_owned(), ..get };
    let refused = |message: String| Ok(Err(SignalError::new(Reason::SourceNotAllowed, &message)));
    let Stamp::Known(author) = Stamp::of(experiment) else { return refused(unknown(&get)) };
    if !is_guarded(experiment, policies::bound(context).await?) {
        return refused(unknown(&get));
    }
    match reviews::refused(context, &author, vec![get]).await?.first() {
        None => Ok(Ok(())),
        Some(missing) => refused(format!("the author of the run may not {missing}")),
    }
}

fn unknown(get: &Question) -> String {
    format!("it is not known who asked for the run, so nobody can say whether they may {get}")
}
