//! One HTML file: no scripts, nothing that is loaded, light and dark, ready to be printed.

mod activity;
mod axis;
mod chart;
mod comparison;
mod over_time;
mod run;
mod timeline;
mod word;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::html::comparison::comparison;
use crate::html::run::run;
use crate::report::Report;

const STYLE: &str = include_str!("html/style.css");

/// What a browser may do with the page: nothing but show it. It holds even if a value were not escaped.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'";

/// Writes a report as one HTML file.
#[must_use]
pub fn write(report: &Report) -> String {
    let title = report.title();
    let page: Markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    @if let Some(found) = &report.comparison { (comparison(found, &report.runs)) }
                    @for (at, found) in report.runs.iter().enumerate() {
                        (run(at, found, report.runs.len() > 1))
                    }
                    @if report.runs.is_empty() { p { "There are no runs." } }
                }
                footer { "Made by the Chaos Toolkit operator. Times are in UTC." }
            }
        }
    };
    page.into_string() + "\n"
}
