//! `wait`: waits until a run has ended.

use crate::access::Access;
use crate::args::WaitArgs;
use crate::commands::waiting::{Wanted, until_end};
use crate::failure::Outcome;
use crate::model::waited::goal;
use crate::output::ui::Ui;

/// Waits for the run that goes on. With a schedule, for the next one that ends.
pub async fn wait(access: &Access, ui: Ui, args: &WaitArgs) -> Outcome {
    let WaitArgs { name, timeout, allow, report, output } = args;
    let experiment = access.experiment(name).await?;
    let goal = goal(&experiment, None);
    let wanted = Wanted {
        name,
        goal,
        is_followed: false,
        timeout: *timeout,
        allow,
        reports: report,
        output: *output,
        total: None,
    };
    until_end(access, ui, wanted).await
}
