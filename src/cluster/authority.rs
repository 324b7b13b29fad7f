//! What the API server says of rights: reviews, admission policies, and the resources that it serves.

use std::collections::BTreeSet;

use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;

use crate::cluster::calls::{Cluster, posting};
use crate::cluster::error::Error;
use crate::cluster::objects::Objects;
use chaostoolkit_api::names;

/// The kinds of admission policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Policies that change requests.
    Mutating,
    /// Policies that judge requests.
    Validating,
}

impl Admission {
    /// Returns the kind of the policies, and their plural.
    const fn policy(self) -> (&'static str, &'static str) {
        match self {
            Self::Mutating => ("MutatingAdmissionPolicy", "mutatingadmissionpolicies"),
            Self::Validating => ("ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
        }
    }

    /// Returns the kind of their bindings, and the plural.
    const fn binding(self) -> (&'static str, &'static str) {
        match self {
            Self::Mutating => ("MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings"),
            Self::Validating => ("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"),
        }
    }
}

impl Cluster {
    /// Reads an admission policy. Returns `None` if it does not exist, or if the API server does not know its kind.
    pub async fn admission_policy(
        &self,
        admission: Admission,
        name: &str,
    ) -> Result<Option<DynamicObject>, Error> {
        self.admission(admission.policy(), name).await
    }

    /// Reads the binding of an admission policy. Returns `None` if it does not exist, or if the API server does not know its
    /// kind.
    pub async fn admission_binding(
        &self,
        admission: Admission,
        name: &str,
    ) -> Result<Option<DynamicObject>, Error> {
        self.admission(admission.binding(), name).await
    }

    async fn admission(
        &self,
        (kind, plural): (&str, &str),
        name: &str,
    ) -> Result<Option<DynamicObject>, Error> {
        let gvk = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
        let api = Objects::untyped(&self.client, &resource, None, names::check_dns_subdomain)?;
        self.find(&api, kind, name).await
    }

    /// Asks whether a user has a right. What is not known to be allowed counts as refused.
    pub async fn allows(&self, review: &SubjectAccessReview) -> Result<bool, Error> {
        let api = self.everywhere::<SubjectAccessReview>();
        let parameters = posting();
        let answer =
            self.call("review the rights of the author".to_owned(), api.create(&parameters, review)).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    /// Returns the resources of an API group, with their subresources as `resource/subresource`. A group that is not served
    /// has none. The empty text is the core group.
    pub async fn served_resources(&self, group: &str) -> Result<BTreeSet<String>, Error> {
        let doing = || format!("list the resources of the API group {group:?}");
        if group.is_empty() {
            let list = self.call(doing(), self.client.list_core_api_resources("v1")).await?;
            return Ok(list.resources.into_iter().map(|resource| resource.name).collect());
        }
        // The name goes into no URL: whoever wrote the rule has chosen it.
        let groups = self.call(doing(), self.client.list_api_groups()).await?.groups;
        let found = groups.into_iter().find(|found| found.name == group);
        let mut resources = BTreeSet::new();
        for version in found.into_iter().flat_map(|found| found.versions) {
            let list =
                self.call(doing(), self.client.list_api_group_resources(&version.group_version)).await?;
            resources.extend(list.resources.into_iter().map(|resource| resource.name));
        }
        Ok(resources)
    }
}
