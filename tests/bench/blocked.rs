//! Experiments that wait for something, beside some that could run.

use serde_json::json;

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::variables::number;
use crate::common::wait_for_reason;
use crate::load::{self, LIMIT};
use crate::seen::Seen;
use crate::table::{Table, shares};

pub async fn measure(table: &mut Table) {
    let (waiting, ready) = (number("BENCH_BLOCKED", 500), 50);
    let install = Install::new("blocked").await;
    install.with_experiment("{}").await;
    let _operator = Operator::start_as_shipped(&install).await;
    load::all(load::names("blocked", waiting), async |name| {
        let missing = json!({"pod": {"experiment": {"configMapName": "missing"}}});
        install.apply_experiment(&name, missing).await;
    })
    .await;
    for name in load::names("blocked", waiting) {
        wait_for_reason(&install.experiments(), &name, "ConfigMapMissing").await;
    }
    let mut seen = Seen::watch(&install);
    let applied = load::apply(&install, "ready", ready).await;
    let times = seen.until(LIMIT, "each has a pod", |times| times.pods.len() == ready).await;
    let pods = load::between(&applied, times.pods.iter().map(|(name, (when, _))| (name, when)));
    table.row(
        format!("{ready} experiments beside {waiting} that wait: from apply to the pod"),
        shares(&pods),
        "",
    );
}
