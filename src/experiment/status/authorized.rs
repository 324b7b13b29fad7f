//! The rights that the activities of a run lacked.

use crate::experiment::status::draft::Draft;
use chaostoolkit_api::Text;
use chaostoolkit_api::condition::{State, Type};
use chaostoolkit_api::reason::Reason;

impl Draft {
    /// Says which rights the run lacked. A run that lacked none, or has not ended yet, has no such condition.
    pub(super) fn authorized(&mut self, lacking: Option<&str>) {
        match lacking {
            Some(lacking) => self.set(Type::Authorized, State::False, Reason::ActivityForbidden, lacking),
            None => {
                let is_other = |type_: &str| type_ != Type::Authorized.as_str();
                self.status.conditions.retain(|condition| is_other(&condition.type_));
            }
        }
    }
}
