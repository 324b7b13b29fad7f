//! Colors and marks. A color is never alone: the word that it belongs to says the same.

use anstyle::{AnsiColor, Style};
use chaostoolkit_api::{RunResult, Text};
use chaostoolkit_journal::RollbackState;
use chaostoolkit_report::Mark;
use strum::VariantArray;

/// How good something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Somebody has to look at it.
    Bad,
    /// It may not be what it seems.
    Doubtful,
    /// It goes on.
    Active,
    /// Neither.
    Neutral,
}

impl Tone {
    /// Returns the tone of a result, a state of rollbacks, a phase or a finding.
    #[must_use]
    pub fn of(word: &str) -> Self {
        if let Some(mark) = marks().find_map(|(known, mark)| (known == word).then_some(mark)) {
            return mark.into();
        }
        match word {
            "Completed" | "ok" => Self::Good,
            "Blocked" | "wrong" | "missing" => Self::Bad,
            "Skipped" | "Suspended" | "Terminating" | "warning" => Self::Doubtful,
            "Pending" | "Starting" | "Running" | "Aborting" | "Scheduled" | "Rescue" => Self::Active,
            _ => Self::Neutral,
        }
    }

    const fn style(self) -> Style {
        let color = match self {
            Self::Good => AnsiColor::Green,
            Self::Bad => AnsiColor::Red,
            Self::Doubtful => AnsiColor::Yellow,
            Self::Active => AnsiColor::Cyan,
            Self::Neutral => return Style::new(),
        };
        color.on_default()
    }

    /// Returns the mark.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Good => "✔",
            Self::Bad => "✘",
            Self::Doubtful => "!",
            Self::Active => "▸",
            Self::Neutral => "–",
        }
    }
}

impl From<Mark> for Tone {
    fn from(mark: Mark) -> Self {
        match mark {
            Mark::Good => Self::Good,
            Mark::Bad => Self::Bad,
            Mark::Odd => Self::Doubtful,
        }
    }
}

/// The words that reports have marks for. Of a word that is there twice, the first one counts.
fn marks() -> impl Iterator<Item = (&'static str, Mark)> {
    let results = RunResult::VARIANTS.iter().map(|result| (result.as_str(), Mark::of_result(*result)));
    let states = RollbackState::VARIANTS.iter().map(|state| (state.as_str(), Mark::of_rollbacks(*state)));
    results.chain(states)
}

/// Returns a text in the color of a tone.
#[must_use]
pub fn toned(text: &str, tone: Tone) -> String {
    let style = tone.style();
    if style == Style::new() { text.to_owned() } else { format!("{style}{text}{style:#}") }
}

/// Returns a word in its color.
#[must_use]
pub fn word(word: &str) -> String {
    toned(word, Tone::of(word))
}

/// Returns the mark of a word, and the text that says it.
#[must_use]
pub fn marked(word: &str, text: &str) -> String {
    let tone = Tone::of(word);
    toned(&format!("{} {text}", tone.mark()), tone)
}

/// Returns a text that stands back.
#[must_use]
pub fn faint(text: &str) -> String {
    let style = Style::new().dimmed();
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_api::Phase;

    #[test]
    fn each_phase_and_result_has_a_tone_and_stays_a_word_without_colors() {
        let phases = Phase::VARIANTS.iter().map(Text::as_str);
        let results = RunResult::VARIANTS.iter().map(Text::as_str);
        for name in phases.chain(results) {
            assert_ne!(Tone::of(name), Tone::Neutral, "{name}");
            assert_eq!(anstream::adapter::strip_str(&word(name)).to_string(), name);
        }
    }
}
