//! What a report shows.

use strum::VariantArray;

/// What is taken from a journal. What is left out here is in no report, in whatever format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether outputs, arguments, the configuration and whole exceptions are shown. The values of `secrets` are redacted
    /// even then.
    pub outputs: bool,
}

/// The format of a report.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// A tree for a terminal.
    Terminal,
    /// Markdown, as GitHub and GitLab show it.
    Markdown,
    /// One HTML file without scripts.
    Html,
    /// `JUnit` XML, which CI systems read.
    Junit,
    /// The Common Test Report Format, <https://ctrf.io>.
    Ctrf,
    /// The model of this crate as JSON.
    Json,
}

impl Format {
    /// All formats.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The usual extension of a file in this format.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Terminal => "txt",
            Self::Markdown => "md",
            Self::Html => "html",
            Self::Junit => "xml",
            Self::Ctrf | Self::Json => "json",
        }
    }
}

/// The look of a report in a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// The number of columns. Longer lines are wrapped. At least 40 columns are used.
    pub width: usize,
    /// Whether words are colored. Each color has a word beside it.
    pub color: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 100, color: false }
    }
}
