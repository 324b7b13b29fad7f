//! Colors and marks. A color is never alone: the word that it belongs to says the same.

use anstyle::{AnsiColor, Style};

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
    /// Returns the tone of a phase, a result, a state or a mark of a step.
    #[must_use]
    pub fn of(word: &str) -> Self {
        match word {
            "Passed" | "Met" | "Played" | "succeeded" | "Completed" | "ok" => Self::Good,
            "Deviated" | "BaselineNotMet" | "ProbeError" | "Aborted" | "Interrupted" | "Invalid"
            | "Error" | "Failed" | "NotMet" | "NotPlayed" | "Unfinished" | "Partial" | "failed"
            | "unfinished" | "Blocked" | "wrong" | "missing" => Self::Bad,
            "Inconclusive" | "Unknown" | "Skipped" | "Suspended" | "Terminating" | "warning" => {
                Self::Doubtful
            }
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
    use chaostoolkit_api::{Phase, RunResult, Text};
    use strum::VariantArray;

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
