//! Prints a report of journals: `cargo run -p chaostoolkit-report --example render -- FORMAT [--outputs] FILE…`
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example")]

use chaostoolkit_report::{Options, Report, Run, Style, render};

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let outputs = arguments.iter().position(|argument| argument == "--outputs");
    let outputs = outputs.map(|at| arguments.remove(at)).is_some();
    let format = arguments.remove(0).parse().unwrap();
    let read =
        |file: &String| Run::from_journal(file, &std::fs::read(file).unwrap(), Options { outputs }).unwrap();
    let report = Report::new(arguments.iter().map(read).collect());
    let color = std::env::var_os("COLOR").is_some();
    print!("{}", render(&report, format, Style { width: 100, color }).unwrap());
}
