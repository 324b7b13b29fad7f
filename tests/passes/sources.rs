//! Operators that may ask a source.

use std::time::Duration;

use chaostoolkit_operator::process::metrics::Metrics;
use chaostoolkit_operator::signals::sources::Sources;

use super::*;
pub use crate::common::source::{Source, signal};

impl Source {
    /// Lets an operator ask the source. It has read nothing yet, so it asks again.
    pub fn known_to(&self, operator: &mut Operator) {
        operator.has_sources(Sources::open(Some(self.file()), Metrics::default()));
    }
}

/// Makes passes until something is so. Fails after a minute.
pub async fn until(fake: &FakeApi, operator: &mut Operator, is_so: impl Fn(&FakeApi) -> bool) {
    let passes = async {
        while !is_so(fake) {
            operator.pass().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let is_in_time = tokio::time::timeout(Duration::from_secs(60), passes).await.is_ok();
    assert!(is_in_time, "{:#}", status(fake));
}
