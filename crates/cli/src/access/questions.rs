//! What the user may do, as the API server answers it.

use http::Request;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};

use chaostoolkit_operator::cluster;
use chaostoolkit_operator::experiment::permit::question::Question;

use crate::access::Access;
use crate::failure::{Failure, Outcome};

/// Where the question goes.
const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

impl Access {
    /// Asks whether the user may do something.
    pub async fn may_i(&self, question: &Question) -> Outcome<bool> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let attributes = ResourceAttributes {
            verb: Some(question.verb.clone()),
            group: Some(question.group.clone()),
            resource: Some(question.resource.clone()),
            subresource: given(&question.subresource),
            name: given(&question.name),
            namespace: given(&question.namespace),
            ..ResourceAttributes::default()
        };
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(attributes),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let body = serde_json::to_vec(&review).map_err(|error| Failure::new(error.to_string()))?;
        let request = Request::post(PATH).header(http::header::CONTENT_TYPE, "application/json").body(body);
        let request = request.map_err(|error| Failure::new(error.to_string()))?;
        let doing = format!("ask whether you may {question}");
        let answer: Result<SelfSubjectAccessReview, cluster::Error> =
            self.cluster.call(doing, self.client.request(request)).await;
        let answer = answer.map_err(|error| self.failure(&error))?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }
}
