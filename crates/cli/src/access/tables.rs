//! Lists of experiments as tables, whose cells the API server makes. So a list of any length takes little memory and time.
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables>

use http::HeaderValue;
use http::header::ACCEPT;
use kube::Resource;
use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;
use serde_json::Value;

use chaostoolkit_api::Experiment;

use crate::access::Access;
use crate::access::experiments::{PAGE, place};
use crate::failure::{Failure, Outcome};
use chaostoolkit_operator::cluster;
use chaostoolkit_report::text::one_line;

/// What is asked for.
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// A page of a table.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Page {
    metadata: PageMetadata,
    column_definitions: Vec<Column>,
    rows: Vec<Row>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PageMetadata {
    #[serde(rename = "continue")]
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Column {
    name: String,
    /// Columns above 0 are for wide tables.
    priority: i32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Row {
    cells: Vec<Value>,
    object: RowObject,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RowObject {
    metadata: RowMetadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RowMetadata {
    namespace: String,
}

impl Page {
    /// Returns the names of the columns.
    #[must_use]
    pub fn header(&self, is_wide: bool, has_namespace: bool) -> Vec<String> {
        let shown = self.column_definitions.iter().filter(|column| is_wide || column.priority == 0);
        let names = shown.map(|column| one_line(&column.name).to_uppercase());
        has_namespace.then(|| "NAMESPACE".to_owned()).into_iter().chain(names).collect()
    }

    /// Returns the cells of the rows.
    #[must_use]
    pub fn rows(&self, is_wide: bool, has_namespace: bool) -> Vec<Vec<String>> {
        let row = |row: &Row| {
            let cells = row.cells.iter().zip(&self.column_definitions);
            let shown = cells.filter(|(_, column)| is_wide || column.priority == 0);
            let texts = shown.map(|(cell, _)| text(cell));
            let namespace = has_namespace.then(|| one_line(&row.object.metadata.namespace));
            namespace.into_iter().chain(texts).collect()
        };
        self.rows.iter().map(row).collect()
    }
}

fn text(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) => one_line(text),
        other => one_line(&other.to_string()),
    }
}

impl Access {
    /// Reads the experiments of a namespace, or of all of them, as pages of a table.
    pub async fn tables(
        &self,
        is_everywhere: bool,
        selector: Option<&str>,
        mut each: impl FnMut(Page) -> Outcome<()>,
    ) -> Outcome<()> {
        let namespace = (!is_everywhere).then_some(self.namespace.as_str());
        let mut parameters =
            ListParams { label_selector: selector.map(str::to_owned), ..ListParams::default().limit(PAGE) };
        let url = Experiment::url_path(&(), namespace);
        loop {
            let mut request =
                Request::new(&url).list(&parameters).map_err(|error| Failure::usage(error.to_string()))?;
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static(TABLE));
            let doing = format!("list experiments{}", place(namespace));
            let page: Result<Page, cluster::Error> =
                self.cluster.call(doing, self.client.request(request)).await;
            let page = page.map_err(|error| self.failure(&error))?;
            let next = page.metadata.next.clone().filter(|next| !next.is_empty());
            each(page)?;
            let Some(next) = next else { return Ok(()) };
            parameters.continue_token = Some(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_of_any_type_become_texts() {
        let page: Page = serde_json::from_value(json!({
            "metadata": {"continue": "x"},
            "columnDefinitions": [{"name": "Name"}, {"name": "Runs"}, {"name": "Pod", "priority": 1}],
            "rows": [{"cells": ["a\u{1b}[2J", 3, "p"], "object": {"metadata": {"namespace": "n"}}}, {"cells": ["b", null, null]}],
        }))
        .unwrap();
        assert_eq!(page.header(false, true), ["NAMESPACE", "NAME", "RUNS"]);
        assert_eq!(page.rows(false, true), [["n", "a", "3"], ["", "b", ""]]);
        assert_eq!(page.header(true, false), ["NAME", "RUNS", "POD"]);
        assert_eq!(page.rows(true, false), [["a", "3", "p"], ["b", "", ""]]);
    }
}
