//! Requests to servers that the administrator names: the HTTP client, and the files with their certificates and tokens.

pub mod client;
pub mod file;
