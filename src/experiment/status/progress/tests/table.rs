//! The table of docs/reference.md.

use strum::VariantArray;

use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Phase, Text};

const REFERENCE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference.md"));

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    pub number: usize,
    phases: Vec<&'static str>,
    /// The reasons; none stands for all that no other row of the phase has.
    reasons: Vec<&'static str>,
    pub condition: Option<&'static str>,
    pub kstatus: &'static str,
    pub argo: &'static str,
}

/// Every phase with every reason.
pub fn all() -> impl Iterator<Item = (Phase, Reason)> {
    Phase::VARIANTS.iter().flat_map(|phase| Reason::VARIANTS.iter().map(|reason| (*phase, *reason)))
}

/// Reads the table.
pub fn read() -> Vec<Row> {
    let section = REFERENCE.split("\n### Progress\n").nth(1).unwrap().split("\n### ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<Row> = lines.enumerate().map(|(number, line)| row_of(number, line)).collect();
    assert!(rows.len() > 10, "{rows:?}");
    rows
}

fn row_of(number: usize, line: &'static str) -> Row {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [phases, reasons, condition, kstatus, argo] = cells[..] else { panic!("{line}") };
    Row {
        number,
        phases: words(phases),
        reasons: if reasons.starts_with("any") { Vec::new() } else { words(reasons) },
        condition: words(condition).first().copied(),
        kstatus: words(kstatus)[0],
        argo: words(argo)[0],
    }
}

/// The words of a cell that are set as code.
fn words(cell: &'static str) -> Vec<&'static str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The row for a phase and a reason.
pub fn row(table: &[Row], phase: Phase, reason: Reason) -> &Row {
    let mut of_phase = table.iter().filter(|row| row.phases.contains(&phase.as_str()));
    let named = of_phase.clone().find(|row| row.reasons.contains(&reason.as_str()));
    named
        .or_else(|| of_phase.find(|row| row.reasons.is_empty()))
        .unwrap_or_else(|| panic!("{phase:?} {reason:?}"))
}
