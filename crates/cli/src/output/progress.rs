//! Where a run is, while somebody waits for it: a line that changes in place on a terminal, and otherwise a line for each
//! change. Always on standard error.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::style;
use crate::output::ui::Ui;
use chaostoolkit_report::times;

/// Tells where a run is.
pub struct Progress {
    ui: Ui,
    began: Instant,
    bar: Option<ProgressBar>,
    said: String,
}

/// How often the line on a terminal is drawn anew, so that its time goes on.
const TICK: Duration = Duration::from_millis(250);

/// How wide the bar is if the number of activities is known.
const COUNTED: &str = "{spinner} {wide_msg} {bar:20} {pos}/{len} {elapsed}";
const UNCOUNTED: &str = "{spinner} {wide_msg} {elapsed}";

impl Progress {
    /// Begins. `total` is the number of activities, if it is known.
    #[must_use]
    pub fn new(ui: Ui, total: Option<u64>) -> Self {
        let bar = (ui.is_terminal() && !ui.is_quiet()).then(|| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
            let template = if total.is_some() { COUNTED } else { UNCOUNTED };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { ui, began: Instant::now(), bar, said: String::new() }
    }

    /// Tells where the run is. Nothing is printed if that has not changed.
    pub fn at(&mut self, word: &str, message: &str) {
        let text =
            if message.is_empty() { style::word(word) } else { format!("{}: {message}", style::word(word)) };
        if text == self.said {
            return;
        }
        match &self.bar {
            Some(bar) => bar.set_message(text.clone()),
            None => self.line(&text),
        }
        self.said = text;
    }

    /// Tells what the toolkit does.
    pub fn step(&mut self, text: &str, is_activity: bool) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(text.to_owned());
                bar.println(format!("  {text}"));
                let has_room = bar.length().is_none_or(|length| bar.position() < length);
                if is_activity && has_room {
                    bar.inc(1);
                }
            }
            None => self.line(&format!("  {text}")),
        }
    }

    /// Tells something besides.
    pub fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(style::faint(text)),
            None => self.ui.hint(text),
        }
    }

    /// Ends, and leaves the terminal as it was.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        self.ui.say(&format!("{:>6} {text}", times::took(self.began.elapsed())));
    }
}
