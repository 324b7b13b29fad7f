//! `list`: the experiments of a namespace, page by page, so that a list of any length takes little memory.

use crate::access::Access;
use crate::access::tables::Page;
use crate::args::{Format, ListArgs};
use crate::failure::Outcome;
use crate::output::objects::{self, Items};
use crate::output::table::Table;
use crate::output::ui::Ui;

/// Lists experiments.
pub async fn list(access: &Access, ui: Ui, args: &ListArgs) -> Outcome<()> {
    match args.output {
        Format::Table | Format::Wide => table(access, ui, args).await,
        Format::Name => {
            let each = |page: Page| {
                // The name is the first column of each table.
                let names = page.rows(false, false).into_iter().filter_map(|row| row.into_iter().next());
                ui.lines(&names.map(|name| objects::name(&name)).collect::<Vec<_>>())
            };
            access.tables(args.all_namespaces, args.selector.as_deref(), each).await
        }
        format => {
            let mut items = Items::of_objects(format);
            let each = |page: Vec<kube::api::DynamicObject>| {
                page.iter().try_for_each(|object| items.add(ui, object))
            };
            access.pages(args.all_namespaces, args.selector.as_deref(), each).await?;
            items.end(ui)
        }
    }
}

async fn table(access: &Access, ui: Ui, args: &ListArgs) -> Outcome<()> {
    let (is_wide, has_namespace) = (args.output == Format::Wide, args.all_namespaces);
    let mut table = None;
    let each = |page: Page| {
        let rows = page.rows(is_wide, has_namespace);
        if rows.is_empty() {
            return Ok(());
        }
        let is_first = table.is_none();
        let header = page.header(is_wide, has_namespace);
        let table = table.get_or_insert_with(|| Table::fitting(std::iter::once(&header).chain(&rows)));
        let head = is_first.then(|| table.line(&header, false));
        let lines: Vec<String> =
            head.into_iter().chain(rows.iter().map(|row| table.line(row, true))).collect();
        ui.lines(&lines)
    };
    access.tables(args.all_namespaces, args.selector.as_deref(), each).await?;
    if table.is_none() {
        let place = if args.all_namespaces {
            "in no namespace".to_owned()
        } else {
            format!("in namespace {}", access.namespace)
        };
        ui.say(&format!("there are no experiments {place}"));
        if !args.all_namespaces {
            ui.hint("-A lists those of all namespaces, and -n chooses a namespace");
        }
    }
    Ok(())
}
