//! The options of `freeze` and `unfreeze`.

use std::time::Duration;

use clap::Args;
use k8s_openapi::jiff::Timestamp;

use super::values::{duration, name};

/// The options of `freeze`.
#[derive(Debug, Args)]
pub struct FreezeArgs {
    /// Name of the freeze. One that exists is changed.
    #[arg(default_value = "freeze", value_parser = name)]
    pub name: String,
    /// Why runs are frozen, for people. At most 256 characters.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: Option<String>,
    /// When the freeze ends by itself, such as 2026-12-24T08:00:00Z. Default: it lasts until `unfreeze`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<Timestamp>,
    /// How long the freeze lasts, such as 90m or 2d.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, conflicts_with = "until")]
    pub lasts: Option<Duration>,
    /// Stop the runs that go on, too. The toolkit plays their rollbacks.
    #[arg(long)]
    pub abort_running: bool,
}

/// The options of `unfreeze`.
#[derive(Debug, Args)]
pub struct UnfreezeArgs {
    /// Name of the freeze.
    #[arg(default_value = "freeze", value_parser = name)]
    pub name: String,
}

fn reason(text: &str) -> Result<String, String> {
    let longest = chaostoolkit_api::freeze::LONGEST_REASON as usize;
    if text.chars().count() > longest {
        return Err(format!("must have at most {longest} characters"));
    }
    Ok(text.to_owned())
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "must be a time with its zone, such as 2026-12-24T08:00:00Z".to_owned())
}
