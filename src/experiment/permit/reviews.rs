//! Asks the API server what the author of a run may do.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use sha2::{Digest, Sha256};

use crate::experiment::context::Context;
use crate::experiment::error::Error;
use crate::experiment::permit::question::Question;
use crate::experiment::permit::stamp::Author;

/// For how long an answer counts.
const AGE: Duration = Duration::from_secs(10);

/// For how long it counts which resources exist.
const SERVED_AGE: Duration = Duration::from_secs(60);

/// The longest name of an API group.
const LONGEST_GROUP: usize = 253;

/// How many questions are asked at the same time.
const AT_ONCE: usize = 8;

/// Returns the rights that the author does not have, in their order. Rights on resources that the API server does not serve
/// are left out: nobody can use them.
pub async fn refused(
    context: &Context,
    author: &Author,
    questions: Vec<Question>,
) -> Result<Vec<Question>, Error> {
    let user = serde_json::to_string(author).unwrap_or_default();
    let user = &format!("{:x}", Sha256::digest(user));
    let answers = stream::iter(questions)
        .map(|question| async move {
            let is_allowed = is_allowed(context, (author, user), &question).await?;
            Ok::<_, Error>((!is_allowed).then_some(question))
        })
        .buffered(AT_ONCE);
    let refused: Vec<Option<Question>> = answers.try_collect().await?;
    let mut missing = Vec::new();
    for question in refused.into_iter().flatten() {
        if is_served(context, &question).await? {
            missing.push(question);
        }
    }
    Ok(missing)
}

async fn is_allowed(
    context: &Context,
    (author, user): (&Author, &str),
    question: &Question,
) -> Result<bool, Error> {
    let words = serde_json::to_string(question).unwrap_or_default();
    let key = format!("{user} {:x}", Sha256::digest(words));
    if let Some(known) = context.answers.reviews.get(&key, AGE) {
        return Ok(known);
    }
    let is_allowed = context.cluster.allows(&review(author, question)).await?;
    context.answers.reviews.put(key, is_allowed, AGE);
    Ok(is_allowed)
}

fn review(author: &Author, question: &Question) -> SubjectAccessReview {
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let Question { verb, group, resource, subresource, name, namespace } = question;
    SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(author.name.clone()),
            uid: given(&author.uid),
            groups: Some(author.groups.clone()),
            extra: Some(author.extra.clone()),
            resource_attributes: Some(ResourceAttributes {
                verb: Some(verb.clone()),
                group: Some(group.clone()),
                resource: Some(resource.clone()),
                subresource: given(subresource),
                name: given(name),
                namespace: given(namespace),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    }
}

/// Whether a right is one on resources that exist.
async fn is_served(context: &Context, question: &Question) -> Result<bool, Error> {
    if [&question.group, &question.resource, &question.subresource].iter().any(|part| *part == "*") {
        return Ok(true);
    }
    if question.group.len() > LONGEST_GROUP {
        return Ok(false);
    }
    let remembered = &context.answers.served;
    let served = if let Some(known) = remembered.get(&question.group, SERVED_AGE) {
        known
    } else {
        let served = context.cluster.served_resources(&question.group).await?;
        remembered.put(question.group.clone(), served.clone(), SERVED_AGE);
        served
    };
    Ok(served.contains(&question.full_resource()))
}
