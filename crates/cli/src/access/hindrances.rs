//! What keeps runs from starting at times to come: calendars with their files, and freezes.

use std::collections::{BTreeMap, BTreeSet};

use kube::api::ListParams;
use serde_json::Value;

use chaostoolkit_api::Experiment;
use chaostoolkit_api::spec::CalendarSpec;
use chaostoolkit_operator::experiment::decide::plan::calendar::{Files, calendar};
use chaostoolkit_operator::experiment::freezes::over::{Reach, Read};

use crate::access::experiments::PAGE;
use crate::access::{Access, HOME};
use crate::failure::Outcome;
use crate::model::hindrance::Hindrances;

/// The freezes that were read, by namespace.
#[derive(Clone, Debug, Default)]
pub struct Freezes {
    known: BTreeMap<String, Vec<Read>>,
    /// The namespaces whose freezes the user may not list.
    pub unread: BTreeSet<String>,
}

impl Access {
    /// Reads what may keep the runs of an experiment from starting.
    pub async fn hindrances(&self, experiment: &Experiment, freezes: &mut Freezes) -> Outcome<Hindrances> {
        let status = experiment.status.clone().unwrap_or_default();
        let mut found = Hindrances {
            home: HOME.to_owned(),
            reach: Reach::of_status(experiment, &status),
            ..Hindrances::default()
        };
        let namespaces: BTreeSet<String> =
            found.reach.namespaces().chain([HOME]).map(str::to_owned).collect();
        for namespace in namespaces {
            if !freezes.known.contains_key(&namespace) {
                let read = self.read_freezes(&namespace, freezes).await?;
                freezes.known.insert(namespace.clone(), read);
            }
            found.freezes.extend(freezes.known.get(&namespace).into_iter().flatten().cloned());
        }
        let spec =
            experiment.spec.as_ref().and_then(|spec| spec.get("calendar")).filter(|spec| !spec.is_null());
        if let Some(spec) = spec {
            match self.calendar(experiment.namespace(), spec).await? {
                Ok(calendar) => found.calendar = Some(calendar),
                Err(problem) => found.problem = Some(format!("its calendar cannot be read: {problem}")),
            }
        }
        Ok(found)
    }

    /// Reads a calendar with the files that it names.
    async fn calendar(
        &self,
        namespace: &str,
        spec: &Value,
    ) -> Outcome<Result<chaostoolkit_calendar::Calendar, String>> {
        let spec: CalendarSpec = match serde_json::from_value(spec.clone()) {
            Ok(spec) => spec,
            Err(problem) => return Ok(Err(problem.to_string())),
        };
        let mut files = Files::new();
        let api = self.cluster.config_maps(namespace).map_err(|error| self.failure(&error))?;
        for file in spec.holidays.iter().flatten().take(chaostoolkit_calendar::MAX_HOLIDAYS) {
            let name = &file.config_map_name;
            let map = match self.cluster.find(&api, "ConfigMap", name).await {
                Ok(map) => map.unwrap_or_default(),
                Err(error) if error.is_forbidden() => {
                    return Ok(Err(format!(
                        "you may not read ConfigMap {namespace}/{name} with its holidays"
                    )));
                }
                Err(error) => return Err(self.failure(&error)),
            };
            let text = map.data.and_then(|data| data.get(&file.key).map(|text| text.clone().into_bytes()));
            let bytes = text.or_else(|| Some(map.binary_data?.get(&file.key)?.0.clone()));
            files.extend(bytes.map(|bytes| ((name.clone(), file.key.clone()), bytes)));
        }
        Ok(calendar(&spec, &files).map_err(|invalid| invalid.to_string()))
    }

    /// Lists the freezes of a namespace. An operator of an earlier version has none.
    async fn read_freezes(&self, namespace: &str, freezes: &mut Freezes) -> Outcome<Vec<Read>> {
        let api = self.cluster.freezes(namespace).map_err(|error| self.failure(&error))?;
        let doing = format!("list freezes in namespace {namespace}");
        match self.cluster.call(doing, api.list(&ListParams::default().limit(PAGE))).await {
            Ok(list) => Ok(list.items.iter().map(Read::of).collect()),
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) if error.is_forbidden() => {
                freezes.unread.insert(namespace.to_owned());
                Ok(Vec::new())
            }
            Err(error) => Err(self.failure(&error)),
        }
    }
}
