//! Numbers that are left out of JSON if they are zero.

/// Returns whether a number is zero, for `skip_serializing_if` of serde.
pub fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}
