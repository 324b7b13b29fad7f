//! Rights that an account lacked: what the API server refused to an activity.
//!
//! The API server says so in a fixed sentence. It names the account, the verb, the resource and the place. Admission answers
//! with the same code 403, but without that sentence: a quota, Pod Security, a policy or a webhook. No right gives what
//! they refuse, so they do not count.
//!
//! The texts come from the container of the run. Whoever wrote the experiment can write anything there, and misleads only
//! the readers of this experiment: nothing is granted because of it.

mod collect;
mod hint;
mod list;
mod sentence;
mod types;

pub(crate) use collect::collect;
pub(crate) use hint::Hinted;
pub use types::{Forbidden, Scope};

#[cfg(test)]
mod tests;
