//! Standard output and standard error. Data goes to the one, and everything that people read meanwhile to the other.

use std::io::Write;

use anstream::{AutoStream, ColorChoice};

use crate::args::Global;
use crate::failure::{Failure, Outcome};
use crate::output::style;

/// The two streams.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    is_quiet: bool,
    is_terminal: bool,
}

#[expect(clippy::unused_self, reason = "one handle stands for both streams")]
impl Ui {
    /// Follows the flags. Colors also go if `NO_COLOR` is set, or if the stream is no terminal.
    pub fn new(global: &Global) -> Self {
        if global.no_color {
            ColorChoice::Never.write_global();
        }
        let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        Self { is_quiet: global.quiet, is_terminal }
    }

    /// Whether progress and hints are wanted.
    pub const fn is_quiet(self) -> bool {
        self.is_quiet
    }

    /// Whether standard error is a terminal, so that a line can change in place.
    pub const fn is_terminal(self) -> bool {
        self.is_terminal
    }

    /// Prints a line of data.
    pub fn line(self, line: &str) -> Outcome<()> {
        let mut out = AutoStream::auto(std::io::stdout()).lock();
        writeln!(out, "{line}").map_err(|error| Failure::of_output(&error))
    }

    /// Prints lines of data.
    pub fn lines(self, lines: &[String]) -> Outcome<()> {
        let mut out = AutoStream::auto(std::io::stdout()).lock();
        let mut print = || -> std::io::Result<()> {
            for line in lines {
                writeln!(out, "{line}")?;
            }
            out.flush()
        };
        print().map_err(|error| Failure::of_output(&error))
    }

    /// Prints a text. Its colors go if nobody would see them.
    pub fn text(self, text: &str) -> Outcome<()> {
        let mut out = AutoStream::auto(std::io::stdout()).lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure::of_output(&error))
    }

    /// Prints data as it is.
    pub fn raw(self, data: &[u8]) -> Outcome<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(data).and_then(|()| out.flush()).map_err(|error| Failure::of_output(&error))
    }

    /// Tells something to people, unless they want to be left alone.
    pub fn say(self, text: &str) {
        if !self.is_quiet {
            err(text);
        }
    }

    /// Tells what to do.
    pub fn hint(self, text: &str) {
        self.say(&style::faint(text));
    }

    /// Tells of something that may be wrong, whatever people want.
    pub fn warn(self, text: &str) {
        warn(text);
    }

    /// Tells why the command failed, and what to do.
    pub fn failure(self, failure: &Failure) {
        if failure.is_silent {
            return;
        }
        err(&format!("{} {}", style::toned("error:", style::Tone::Bad), failure.message));
        if let Some(hint) = &failure.hint {
            err(hint);
        }
    }
}

/// Tells of something that may be wrong.
pub fn warn(text: &str) {
    err(&format!("{} {text}", style::toned("warning:", style::Tone::Doubtful)));
}

/// Prints a line to standard error. If that fails, nobody is left to be told.
fn err(line: &str) {
    let _ = writeln!(AutoStream::auto(std::io::stderr()), "{line}");
}
