//! `rerun`: asks for one more run.

use chaostoolkit_api::Trigger;
use chaostoolkit_journal::ExitCode;
use chaostoolkit_operator::experiment::intent::Intent;

use crate::access::Access;
use crate::args::{Format, RerunArgs};
use crate::commands::now;
use crate::commands::waiting::{Wanted, until_end};
use crate::failure::{Failure, Outcome};
use crate::model::waited::goal;
use crate::output::objects;
use crate::output::ui::Ui;

/// Asks for one more run, and waits for its end if that is asked for.
pub async fn rerun(access: &Access, ui: Ui, args: &RerunArgs) -> Outcome {
    let name = &args.name;
    let before = access.experiment(name).await?;
    let intent = Intent::of(&before);
    let resume = format!("`kubectl chaostoolkit resume {name} -n {}` takes that back", access.namespace);
    if intent.abort {
        return Err(
            Failure::new(format!("experiment {} is aborted, so no run starts", before.key())).hint(resume)
        );
    }
    // Each value that differs from the one before asks for a run.
    let stored = access.ask_for_rerun(name, &now().to_string()).await?;
    if intent.suspend {
        ui.warn(&format!("experiment {} is suspended, so the run waits; {resume}", before.key()));
    }
    if !args.waiting.wait && !args.waiting.follow {
        match args.output {
            Format::Table | Format::Wide => {
                ui.line(&format!("{} asked for one more run", objects::name(name)))?;
            }
            format => objects::print(ui, &stored, format)?,
        }
        return Ok(ExitCode::Passed);
    }
    ui.say(&format!("{} asked for one more run", objects::name(name)));
    let goal = goal(&before, Some(Trigger::Rerun));
    let wanted = Wanted {
        name,
        goal,
        is_followed: args.waiting.follow,
        timeout: args.waiting.timeout,
        allow: &args.waiting.allow,
        reports: &args.waiting.report,
        output: args.output,
        total: None,
    };
    until_end(access, ui, wanted).await
}
