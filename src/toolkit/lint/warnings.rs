//! The warnings about an experiment.

use crate::toolkit::lint::typo::{nearest, plain};

/// The maximum number of warnings for an experiment. All warnings share the message of one condition.
pub(super) const MAX_WARNINGS: usize = 10;
/// The maximum number of characters of an author's word in a warning.
const MAX_SHOWN: usize = 64;
/// The maximum number of unknown keys that are compared with the known ones. Nobody writes more, but a text may contain
/// 100 000 of them.
pub(super) const MAX_COMPARED: usize = 1000;

/// Collects warnings up to the limit.
#[derive(Default)]
pub(super) struct Warnings {
    texts: Vec<String>,
    /// The number of warnings above the limit.
    left_out: usize,
    /// The number of unknown keys that were compared with the known ones.
    compared: usize,
}

impl Warnings {
    pub(super) fn add(&mut self, warning: impl Into<String>) {
        if self.texts.len() < MAX_WARNINGS {
            self.texts.push(warning.into());
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn ignored(&mut self, key: &str, place: &str, meant: Option<&str>) {
        let (key, hint) = (shown(key), hint(meant));
        self.add(format!("the key {key} {place} is unknown to the toolkit, which ignores it{hint}"));
    }

    /// Returns the known key that an unknown key probably stands for.
    pub(super) fn meant<'known>(&mut self, key: &str, known: &[&'known str]) -> Option<&'known str> {
        self.compared += 1;
        (self.compared <= MAX_COMPARED).then(|| nearest(&plain(key), known))?
    }

    pub(super) fn finish(mut self) -> Vec<String> {
        if self.left_out > 0 {
            self.texts.truncate(MAX_WARNINGS - 1);
            self.texts.push(format!("there are {} more warnings", self.left_out + 1));
        }
        self.texts
    }
}

pub(super) fn hint(meant: Option<&str>) -> String {
    meant.map_or_else(String::new, |meant| format!("; {meant} was probably meant"))
}

/// Returns a word of the author for a warning. It is short, quoted and on one line, whatever the word contains.
pub(in crate::toolkit) fn shown(text: &str) -> String {
    let short: String = text.chars().take(MAX_SHOWN).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{dots}")
}
