//! Signals: what gates and stop conditions ask, and of whom.
//!
//! A gate is open while its signal holds. A stop condition is met once its signal has not held for a number of readings in a
//! row. What an author asks for is checked ([`asked`]) before anything is read. Sources answer over HTTP ([`sources`]), and the
//! API server knows conditions of objects ([`resource`]). Whatever they answer is judged by pure functions, which return a
//! [`Reading`](reading::Reading) or an error with a reason.

mod alertmanager;
mod answer;
pub mod asked;
pub mod circle;
pub mod expect;
pub mod experiment;
pub mod gate;
mod http;
pub mod matcher;
pub mod path;
mod prometheus;
pub mod reading;
pub mod readings;
pub mod resource;
pub mod signal;
pub mod sources;
mod text;
pub mod watch;
