//! `next`: when runs of schedules are due.

use chaostoolkit_api::Experiment;
use chaostoolkit_report::text::{count, one_line};
use chaostoolkit_report::times;

use crate::access::Access;
use crate::access::experiments::read;
use crate::access::hindrances::Freezes;
use crate::args::{Format, NextArgs};
use crate::commands::now;
use crate::failure::{Failure, Outcome};
use crate::model::due::{Due, due, in_order, is_scheduled};
use crate::output::objects::{self, Items};
use crate::output::table;
use crate::output::ui::Ui;

/// How many times of each schedule a table has.
const SHOWN: usize = 10;

/// Lists the times, the earliest first.
pub async fn next(access: &Access, ui: Ui, args: &NextArgs) -> Outcome<()> {
    let now = now();
    let mut all: Vec<Due> = Vec::new();
    let mut freezes = Freezes::default();
    if let Some(name) = &args.name {
        let experiment = access.experiment(name).await?;
        let hindrances = access.hindrances(&experiment, &mut freezes).await?;
        all.push(due(&experiment, &hindrances, now, args.days).ok_or_else(|| {
            Failure::new(format!("experiment {} has no schedule", experiment.key()))
                .hint(format!("`kubectl chaostoolkit rerun {name}` runs it once more"))
        })?);
    } else {
        let mut experiments: Vec<Experiment> = Vec::new();
        let each = |page: Vec<kube::api::DynamicObject>| {
            for object in page {
                let value = serde_json::to_value(&object).unwrap_or_default();
                // One that cannot be read does not hide the others.
                experiments.extend(read(value).ok().filter(is_scheduled));
            }
            Ok(())
        };
        access.pages(args.all_namespaces, None, each).await?;
        for experiment in experiments {
            let hindrances = access.hindrances(&experiment, &mut freezes).await?;
            all.extend(due(&experiment, &hindrances, now, args.days));
        }
    }
    for namespace in &freezes.unread {
        ui.hint(&format!("you may not list the freezes of namespace {namespace}, so they do not count here"));
    }
    match args.output {
        Format::Table | Format::Wide => shown(ui, &all, args, now),
        Format::Name => ui.lines(&all.iter().map(|due| objects::name(&due.name)).collect::<Vec<_>>()),
        format => {
            let mut items = Items::new(format);
            all.iter().try_for_each(|due| items.add(ui, due))?;
            items.end(ui)
        }
    }
}

fn shown(ui: Ui, all: &[Due], args: &NextArgs, now: k8s_openapi::jiff::Timestamp) -> Outcome<()> {
    let place = |due: &Due| {
        if args.all_namespaces { format!("{}/{}", due.namespace, due.name) } else { due.name.clone() }
    };
    let row = |(time, due): (k8s_openapi::jiff::Timestamp, &Due)| {
        let seconds = time.as_second() - now.as_second();
        vec![
            times::date_time(time),
            times::age(seconds),
            one_line(&place(due)),
            one_line(&due.cron),
            local(time, due),
        ]
    };
    let rows: Vec<Vec<String>> = in_order(all, SHOWN).into_iter().map(row).collect();
    if rows.is_empty() {
        ui.say(&format!("no run is due within {}", count(i64::from(args.days), "day")));
    } else {
        ui.lines(&table::lines(&["TIME (UTC)", "IN", "NAME", "SCHEDULE", "LOCAL TIME"], &rows))?;
    }
    for due in all {
        if let Some(first) = due.skipped.first() {
            let runs = count(i64::try_from(due.skipped_count).unwrap_or(i64::MAX), "run");
            ui.say(&format!(
                "{runs} of {} will be skipped, first that of {}: {}",
                one_line(&place(due)),
                times::date_time(first.time),
                one_line(&first.reason)
            ));
        }
        if let Some(held) = &due.held {
            ui.say(&format!("no run of {} starts: {held}", one_line(&place(due))));
        } else if due.has_more || due.times.len() > SHOWN {
            ui.hint(&format!(
                "{} has more than these {SHOWN}; -o json has up to 1000",
                one_line(&place(due))
            ));
        }
    }
    Ok(())
}

/// The time in the zone of the schedule, if it has one.
fn local(time: k8s_openapi::jiff::Timestamp, due: &Due) -> String {
    let zone = due.time_zone.as_deref().and_then(|zone| jiff::tz::TimeZone::get(zone).ok());
    zone.map(|zone| time.to_zoned(zone).strftime("%a %H:%M %Z").to_string()).unwrap_or_default()
}
