//! Pods of others: what they cost the operator.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use crate::common::create;
use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::variables::number;
use crate::load;
use crate::process::{Usage, mib};
use crate::table::Table;

pub async fn measure(table: &mut Table) {
    let count = number("BENCH_FOREIGN", 20_000);
    let install = Install::new("foreign").await;
    install.with_experiment("{}").await;
    let memory = async || {
        let operator = Operator::start_as_shipped(&install).await;
        // What a start needs is given back after a moment.
        tokio::time::sleep(Duration::from_secs(10)).await;
        Usage::of(operator.id()).resident
    };
    let before = memory().await;
    let pods = install.pods();
    load::all(load::names("other", count), async |name| {
        let metadata = json!({"name": name, "labels": {"app": "chaostoolkit"}});
        let spec = json!({"containers": [{"name": "chaostoolkit", "image": "i"}]});
        let _: Pod = create(&pods, json!({"metadata": metadata, "spec": spec})).await;
    })
    .await;
    let after = memory().await;
    table.row(format!("memory for {count} pods of others"), mib(after.saturating_sub(before)), "2 MiB");
}
