//! The parts of the tests of passes: an operator, stories, clusters and the protocol that holds for all of them.

mod clusters;
mod faults;
mod operator;
mod protocol;
mod story;
mod view;

use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;

pub use clusters::*;
pub use faults::*;
pub use operator::*;
pub use protocol::*;
pub use story::*;
pub use view::*;

pub const UID: &str = "123e4567-e89b-12d3-a456-426614174000";
pub const EXPERIMENT: &str = "/apis/chaostoolkit.org/v1/namespaces/chaostoolkit-crd/chaosexperiments/exp";
pub const RUN: &str = "/api/v1/namespaces/chaostoolkit-run";
pub const LIMIT: Duration = Duration::from_secs(60);
pub const JOURNALS: &str = "chaostoolkit-journal-a235f4ad3e-";
pub const JOURNAL: &str = "chaostoolkit-journal-a235f4ad3e-1";
pub const POD: &str = "/api/v1/namespaces/chaostoolkit-run/pods/chaostoolkit-a235f4ad3e";

/// The shipped templates.
pub static TEMPLATES: LazyLock<Value> =
    LazyLock::new(|| serde_saphyr::from_str(include_str!("../../../kustomize/base/templates.yaml")).unwrap());

/// Changes an object in a way that matters to nobody, so that its watch brings a pass.
pub fn touch(fake: &crate::fake_api::FakeApi, path: &str) {
    fake.edit(path, |object| object["metadata"]["annotations"]["example.com/touched"] = "true".into());
}
