//! Comparisons of numbers and of other values.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantArray, strum::Display)]
pub enum Comparison {
    /// At least.
    #[strum(serialize = ">=")]
    AtLeast,
    /// At most.
    #[strum(serialize = "<=")]
    AtMost,
    /// Equal.
    #[strum(serialize = "==")]
    Equal,
    /// Not equal.
    #[strum(serialize = "!=")]
    NotEqual,
    /// Greater than.
    #[strum(serialize = ">")]
    Greater,
    /// Less than.
    #[strum(serialize = "<")]
    Less,
}

impl Comparison {
    /// The comparisons. The longer words come first, since the shorter ones begin them.
    const LONGEST_FIRST: [Self; 6] =
        [Self::AtLeast, Self::AtMost, Self::Equal, Self::NotEqual, Self::Greater, Self::Less];

    /// Splits a text that begins with a comparison.
    #[must_use]
    pub fn split(text: &str) -> Option<(Self, &str)> {
        Self::LONGEST_FIRST.iter().find_map(|comparison| {
            let word: &str = comparison.into();
            Some((*comparison, text.strip_prefix(word)?.trim()))
        })
    }

    /// Whether the comparison needs values that have an order.
    #[must_use]
    pub const fn is_of_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    /// Whether the comparison holds for values that are in this order. Values without an order only differ.
    #[must_use]
    pub const fn holds(self, order: Option<Ordering>) -> bool {
        match (self, order) {
            (Self::Equal | Self::AtLeast | Self::AtMost, Some(Ordering::Equal))
            | (Self::Greater | Self::AtLeast, Some(Ordering::Greater))
            | (Self::Less | Self::AtMost, Some(Ordering::Less)) => true,
            (Self::NotEqual, order) => !matches!(order, Some(Ordering::Equal)),
            _ => false,
        }
    }
}

/// A number that is neither infinite nor NaN.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Number(f64);

impl Number {
    /// Returns how another number compares with this one.
    #[must_use]
    pub fn order_of(self, other: f64) -> Option<Ordering> {
        other.partial_cmp(&self.0)
    }
}

impl FromStr for Number {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().ok().filter(|number: &f64| number.is_finite()).map(Self).ok_or(())
    }
}

impl fmt::Display for Number {
    /// Writes the shortest text that is read as the same number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size > 0.0 && !(1e-5..1e16).contains(&size) { write!(f, "{:e}", self.0) } else { self.0.fmt(f) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use strum::VariantArray;

    #[test]
    fn each_comparison_is_read_as_it_is_written() {
        assert_eq!(Comparison::VARIANTS.len(), Comparison::LONGEST_FIRST.len());
        for comparison in Comparison::VARIANTS {
            assert_eq!(Comparison::split(&format!("{comparison} 1")), Some((*comparison, "1")));
        }
        assert_eq!(Comparison::split("= 1"), None);
    }

    #[test]
    fn a_comparison_holds_as_that_of_numbers_does() {
        let order = |left: f64, right: f64| left.partial_cmp(&right);
        for (left, right) in [(1.0, 2.0), (2.0, 2.0), (3.0, 2.0), (f64::NAN, 2.0), (f64::INFINITY, 2.0)] {
            let order = order(left, right);
            assert_eq!(Comparison::AtLeast.holds(order), left >= right);
            assert_eq!(Comparison::AtMost.holds(order), left <= right);
            assert_eq!(Comparison::Greater.holds(order), left > right);
            assert_eq!(Comparison::Less.holds(order), left < right);
            assert_ne!(Comparison::Equal.holds(order), Comparison::NotEqual.holds(order));
        }
    }

    proptest! {
        #[test]
        fn a_number_is_read_as_it_is_written(number in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO) {
            let text = Number(number).to_string();
            prop_assert!(text.len() < 32, "{}", text);
            prop_assert_eq!(text.parse::<Number>(), Ok(Number(number)));
        }
    }

    #[test]
    fn only_finite_numbers_are_numbers() {
        for wrong in ["", "nan", "inf", "-infinity", "1e999", "1,5", "99%", "0x1", "1 2"] {
            assert!(wrong.parse::<Number>().is_err(), "{wrong}");
        }
        for right in ["0", "-1.5", "+2", "1e3", ".5"] {
            assert!(right.parse::<Number>().is_ok(), "{right}");
        }
    }
}
