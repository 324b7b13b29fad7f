//! Writes a report in any format.

use crate::error::Error;
use crate::options::{Format, Style};
use crate::report::Report;
use crate::{ctrf, html, json, junit, markdown, terminal};

/// Writes a report in a format. `style` counts for the terminal alone.
pub fn render(report: &Report, format: Format, style: Style) -> Result<String, Error> {
    match format {
        Format::Terminal => Ok(terminal::report(report, style)),
        Format::Markdown => Ok(markdown::write(report)),
        Format::Html => Ok(html::write(report)),
        Format::Junit => junit::write(report),
        Format::Ctrf => ctrf::write(report),
        Format::Json => json::write(report),
    }
}
