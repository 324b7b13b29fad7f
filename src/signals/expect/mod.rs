//! What is expected of a signal, as people write it: pure.

mod answer;
mod comparison;
mod sample;

pub use answer::{ExpectedAnswer, ExpectedField, ExpectedStatus, Scalar};
pub use comparison::{Comparison, Number};
pub use sample::ExpectedSample;
