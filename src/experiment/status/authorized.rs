//! The rights that the activities of a run lacked.

use crate::experiment::status::draft::Draft;
use chaostoolkit_api::Text;
use chaostoolkit_api::condition::{State, Type};
use chaostoolkit_api::reason::Reason;

impl Draft {
    /// Says which rights the run lacked. A run that lacked none, or has not ended yet, has no such condition.
    pub(super) fn authorized(&mut self, lacking: Option<&str>) {
        if let Some(lacking) = lacking {
            self.set(Type::Authorized, State::False, Reason::ActivityForbidden, lacking);
        } else {
            self.status.conditions.retain(|condition| condition.type_ != Type::Authorized.as_str());
        }
    }
}
