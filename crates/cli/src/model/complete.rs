//! What may come next on a command line, as kubectl asks for it.
//!
//! kubectl calls `kubectl_complete-chaostoolkit` with the words so far, and reads what
//! [Cobra](https://github.com/spf13/cobra/blob/main/site/content/completions/_index.md) prints: a line for each word, which may
//! have a description after a tab, and at the end a colon and a number that says what else the shell may offer.

use clap::{Arg, Command};

/// What may come next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// These words, each with a description that may be empty.
    Words(Vec<(String, String)>),
    /// The name of an experiment that begins so.
    Experiment(Place, String),
    /// The name of a namespace that begins so.
    Namespace(Place, String),
    /// A file.
    File,
    /// Nothing that is known.
    Nothing,
}

/// Where names are looked up, as far as the line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The namespace.
    pub namespace: Option<String>,
    /// The context of the kubeconfig.
    pub context: Option<String>,
    /// The kubeconfig.
    pub kubeconfig: Option<String>,
}

impl Place {
    /// Takes the value of an option, if it is one of these.
    fn take(&mut self, option: &Arg, value: &str) {
        let field = match option.get_id().as_str() {
            "namespace" => &mut self.namespace,
            "context" => &mut self.context,
            "kubeconfig" => &mut self.kubeconfig,
            _ => return,
        };
        *field = Some(value.to_owned());
    }
}

/// The shell offers nothing else.
pub const NO_FILES: &str = ":4";
/// The shell offers files.
pub const FILES: &str = ":0";

/// Returns what may come next. The last word is what the user has begun to write.
#[must_use]
pub fn next(root: &Command, words: &[String]) -> Next {
    let (last, before) = words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let mut line = Line::new(root);
    for word in before {
        line.take(word);
    }
    line.next(last)
}

/// What the words before the last one mean.
struct Line<'a> {
    root: &'a Command,
    command: &'a Command,
    /// The option whose value comes next.
    option: Option<&'a Arg>,
    positionals: usize,
    place: Place,
    is_only_positional: bool,
}

impl<'a> Line<'a> {
    fn new(root: &'a Command) -> Self {
        let place = Place::default();
        Self { root, command: root, option: None, positionals: 0, place, is_only_positional: false }
    }

    fn take(&mut self, word: &str) {
        if let Some(option) = self.option.take() {
            self.place.take(option, word);
            return;
        }
        if word == "--" {
            self.is_only_positional = true;
            return;
        }
        if word.starts_with('-') && word.len() > 1 && !self.is_only_positional {
            let (name, value) =
                word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            let Some(option) = self.find(name) else { return };
            let takes_value = option.get_action().takes_values()
                && option.get_num_args().is_none_or(|range| range.min_values() > 0);
            match value {
                Some(value) => self.place.take(option, value),
                None if takes_value => self.option = Some(option),
                _ => {}
            }
            return;
        }
        let command = self.command.get_subcommands().find(|command| command.get_name() == word);
        match command {
            Some(command) if self.positionals == 0 => self.command = command,
            _ => self.positionals += 1,
        }
    }

    /// The options of the command, and those of all commands.
    fn options(&self) -> impl Iterator<Item = &'a Arg> + use<'a> {
        let root = self.root.get_arguments().filter(|arg| arg.is_global_set());
        let is_root = std::ptr::eq(self.root, self.command);
        let own = self.command.get_arguments().filter(move |arg| !is_root || !arg.is_global_set());
        own.chain(root).filter(|arg| !arg.is_positional() && !arg.is_hide_set())
    }

    fn find(&self, word: &str) -> Option<&'a Arg> {
        let long = word.strip_prefix("--");
        let mut letters = word.trim_start_matches('-').chars();
        let short = letters.next().filter(|_| long.is_none() && letters.next().is_none());
        self.options().find(|arg| {
            (long.is_some() && arg.get_long() == long) || (short.is_some() && arg.get_short() == short)
        })
    }

    fn next(&self, last: &str) -> Next {
        if let Some(option) = self.option {
            return self.value(option, last);
        }
        if let Some((name, begun)) = last.split_once('=').filter(|_| last.starts_with("--")) {
            let Some(option) = self.find(name) else { return Next::Nothing };
            return match self.value(option, begun) {
                Next::Words(words) => Next::Words(
                    words.into_iter().map(|(word, help)| (format!("{name}={word}"), help)).collect(),
                ),
                _ => Next::Nothing,
            };
        }
        if last.starts_with('-') && !self.is_only_positional {
            let long = |arg: &Arg| Some((format!("--{}", arg.get_long()?), help(arg)));
            return Next::Words(fitting(self.options().filter_map(long), last));
        }
        if self.command.has_subcommands() && self.positionals == 0 {
            let shown = self.command.get_subcommands().filter(|command| !command.is_hide_set());
            let named = shown
                .map(|one| (one.get_name().to_owned(), first_line(one.get_about().map(ToString::to_string))));
            return Next::Words(fitting(named, last));
        }
        let positional = self.command.get_positionals().nth(self.positionals);
        positional.map_or(Next::Nothing, |positional| self.value(positional, last))
    }

    fn value(&self, arg: &Arg, begun: &str) -> Next {
        let possible = arg.get_possible_values();
        if !possible.is_empty() {
            let words = possible
                .iter()
                .map(|one| (one.get_name().to_owned(), first_line(one.get_help().map(ToString::to_string))));
            return Next::Words(fitting(words, begun));
        }
        match arg.get_id().as_str() {
            "name" | "selection" if arg.is_positional() => {
                Next::Experiment(self.place.clone(), begun.to_owned())
            }
            "namespace" | "run_namespace" => Next::Namespace(self.place.clone(), begun.to_owned()),
            "file" | "kubeconfig" | "templates" | "what" | "directory" | "output" => Next::File,
            _ => Next::Nothing,
        }
    }
}

fn fitting(words: impl Iterator<Item = (String, String)>, begun: &str) -> Vec<(String, String)> {
    words.filter(|(word, _)| word.starts_with(begun)).collect()
}

fn help(arg: &Arg) -> String {
    first_line(arg.get_help().map(ToString::to_string))
}

fn first_line(text: Option<String>) -> String {
    let text = text.unwrap_or_default();
    text.split(['\n', '\t']).next().unwrap_or_default().trim_end_matches('.').to_owned()
}

/// Returns a word with its description, as Cobra prints it.
#[must_use]
pub fn line(word: &str, description: &str) -> String {
    if description.is_empty() { word.to_owned() } else { format!("{word}\t{description}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use clap::CommandFactory;
    use proptest::prelude::*;
    use rstest::rstest;

    fn of(words: &[&str]) -> Next {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        next(&Cli::command(), &words)
    }

    fn words(found: Next) -> Vec<String> {
        let Next::Words(words) = found else { panic!("{found:?}") };
        words.into_iter().map(|(word, _)| word).collect()
    }

    #[rstest]
    #[case(&["re"], &["rerun", "rescue", "resume", "report"])]
    #[case(&["completion", ""], &["install", "bash", "zsh", "fish"])]
    #[case(&["list", "-o", "w"], &["wide"])]
    #[case(&["list", "--output=j"], &["--output=json"])]
    #[case(&["list", "--all"], &["--all-namespaces"])]
    #[case(&["-n", "x", "wait", "a", "--allow", "pro"], &["probe-error"])]
    #[case(&["get", "--no-c"], &["--no-color"])]
    fn words_come_from_the_definition(#[case] line: &[&str], #[case] expected: &[&str]) {
        assert_eq!(words(of(line)), expected);
    }

    #[rstest]
    #[case(&["get", "po"], None, "po")]
    #[case(&["-n", "shop", "get", ""], Some("shop"), "")]
    #[case(&["get", "--namespace=shop", "--no-color", ""], Some("shop"), "")]
    #[case(&["abort", ""], None, "")]
    #[case(&["logs", "-f", "x"], None, "x")]
    #[case(&["diff", "x"], None, "x")]
    fn names_are_those_of_experiments(
        #[case] line: &[&str],
        #[case] namespace: Option<&str>,
        #[case] prefix: &str,
    ) {
        let place = Place { namespace: namespace.map(str::to_owned), ..Place::default() };
        assert_eq!(of(line), Next::Experiment(place, prefix.to_owned()));
    }

    #[rstest]
    #[case(&["run", "-f", ""], Next::File)]
    #[case(&["check", ""], Next::File)]
    #[case(&["get", "a", ""], Next::Nothing)]
    #[case(&["get", "-n", "sh"], Next::Namespace(Place::default(), "sh".to_owned()))]
    #[case(&["--context", "c", "-n", "sh"], Next::Namespace(Place { context: Some("c".to_owned()), ..Place::default() }, "sh".to_owned()))]
    #[case(&["frobnicate", ""], Next::Nothing)]
    #[case(&["diff", "x", ""], Next::Nothing)]
    fn other_values(#[case] line: &[&str], #[case] expected: Next) {
        assert_eq!(of(line), expected);
    }

    #[test]
    fn the_hidden_command_is_not_offered() {
        assert!(!words(of(&[""])).iter().any(|word| word.starts_with('_')));
        assert_eq!(of(&[]), of(&[""]));
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd(line in prop::collection::vec("[a-z=-]{0,8}|\\PC{0,6}", 0..6)) {
            let _ = next(&Cli::command(), &line);
        }
    }
}
