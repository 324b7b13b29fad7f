//! Access to the API server. Knows nothing of runs.

mod authority;
mod calls;
pub mod client;
pub mod conditioned;
pub mod depth;
pub mod discovery;
mod error;
pub mod manifest;
pub mod merged;
mod metadata;
mod objects;
pub mod reads;
mod requests;
mod selector;
pub mod slim;
pub mod touched;
pub mod watch;

pub use authority::Admission;
pub use calls::{Cluster, patching, posting, runs_resource};
pub use error::{Error, gone_is_fine};
pub use metadata::{belongs_to, is_held, without_finalizers};
pub use objects::{ObjectName, Objects};
pub use selector::{label, owned_by};
