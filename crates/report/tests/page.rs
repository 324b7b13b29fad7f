//! The HTML page: contrast of its colors, order of its headings, and nothing from elsewhere.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use std::collections::BTreeMap;

use chaostoolkit_report::{Format, Report, Style, render};
use common::{journals, read};

const STYLE: &str = include_str!("../src/html/style.css");

/// How the block of the dark colors begins.
const DARK: &str = "@media screen and (prefers-color-scheme: dark) {";

/// The colors in the first block behind this text.
fn colors(begin: &str) -> BTreeMap<String, String> {
    let (_, block) = STYLE.split_once(begin).unwrap_or_else(|| panic!("no {begin}"));
    let (_, block) = block.split_once(":root {").unwrap();
    let (block, _) = block.split_once('}').unwrap();
    let pairs = block.split(';').filter_map(|line| line.trim().strip_prefix("--")?.split_once(": "));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The relative luminance of a color such as `#1a1f26`, <https://www.w3.org/TR/WCAG22/#dfn-relative-luminance>.
fn luminance(color: &str) -> f64 {
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&color[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn the_contrast_is_computed_as_the_w3c_does_it() {
    assert!((contrast("#ffffff", "#000000") - 21.0).abs() < 1e-9);
    assert!((contrast("#ffffff", "#767676") - 4.54).abs() < 0.01);
}

#[test]
fn all_colors_have_enough_contrast() {
    for scheme in ["", DARK] {
        let colors = colors(scheme);
        assert_eq!(colors.len(), 15, "{scheme} {colors:?}");
        for ground in ["page", "panel"] {
            for text in ["text", "quiet", "good", "bad", "odd"] {
                let found = contrast(&colors[text], &colors[ground]);
                assert!(found >= 4.5, "{scheme} {text} on {ground}: {found:.2}");
            }
        }
        // Curves are no text, https://www.w3.org/TR/WCAG22/#non-text-contrast. A band covers 45 percent of the page.
        for series in (1..=6).map(|at| format!("series-{at}")) {
            for ground in [colors["page"].clone(), mixed(&colors["band"], &colors["page"], 0.7)] {
                let found = contrast(&colors[&series], &ground);
                assert!(found >= 3.0, "{scheme} {series} on {ground}: {found:.2}");
            }
        }
    }
}

/// A color over another one.
fn mixed(over: &str, under: &str, share: f64) -> String {
    let channel = |color: &str, at: usize| f64::from(u8::from_str_radix(&color[at..at + 2], 16).unwrap());
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
    let mix = |at: usize| (channel(over, at) * share + channel(under, at) * (1.0 - share)).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(1), mix(3), mix(5))
}

#[test]
fn print_is_light() {
    // The dark colors are for screens alone, and nothing else changes a color.
    assert_eq!(STYLE.matches("--page:").count(), 2);
    assert_ne!(colors(""), colors(DARK));
    let (_, print) = STYLE.split_once("@media print {").unwrap();
    assert!(print.contains("color-scheme: light;") && !print.contains("--"), "{print}");
}

fn pages() -> Vec<String> {
    let all: Vec<_> = journals().iter().map(|(name, journal)| read(name, journal, true)).collect();
    let mut reports: Vec<Report> = all.iter().map(|run| Report::new(vec![run.clone()])).collect();
    reports.push(Report::new(all));
    reports.push(Report::new(Vec::new()));
    reports.iter().map(|report| render(report, Format::Html, Style::default()).unwrap()).collect()
}

#[test]
fn headings_are_in_order() {
    for page in pages() {
        let headings =
            page.match_indices("<h").filter_map(|(at, _)| page[at + 2..].chars().next()?.to_digit(10));
        let mut last = 0;
        let mut first = 0;
        for heading in headings {
            assert!(heading <= last + 1, "h{heading} after h{last}");
            first += u32::from(heading == 1);
            last = heading;
        }
        assert_eq!(first, 1);
    }
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    for page in pages() {
        assert!(page.contains("default-src 'none'") && page.contains("<html lang=\"en\">"));
        for forbidden in ["<script", "src=", "@import", "url(", "<link", "javascript:"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        // Each picture has a text, or stands beside one.
        assert_eq!(
            page.matches("<svg").count(),
            page.matches("aria-label=\"").count() + page.matches("aria-hidden=\"true\"").count()
        );
        let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let links = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next());
        for link in links {
            assert_eq!(ids.iter().filter(|id| **id == link).count(), 1, "{link}");
        }
    }
}
