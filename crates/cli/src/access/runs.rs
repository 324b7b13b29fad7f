//! The runs of experiments as reports show them: from statuses, and from the journals that are kept.

use k8s_openapi::api::core::v1::ConfigMap;

use chaostoolkit_api::{Experiment, names};
use chaostoolkit_report::text::one_line;
use chaostoolkit_report::{Options, Run, join};

use crate::access::Access;
use crate::access::experiments::{read, to_value};
use crate::failure::{Failure, Outcome};
use crate::model::runs;
use crate::model::select::Number;

impl Access {
    /// Reads one run of an experiment with its journal, or all runs that the status has, the oldest first. A run says so if its
    /// journal is gone. Fails if a journal cannot be read.
    pub async fn runs(
        &self,
        experiment: &Experiment,
        wanted: Option<Number>,
        options: Options,
    ) -> Outcome<Vec<Run>> {
        let mut runs = selected(experiment, wanted)?;
        let mut journals = Vec::new();
        for run in &mut runs {
            let kept = run.source.config_map.clone();
            // The status may not have it yet.
            let number = run.number.filter(|number| *number > 0 && run.finished_at.is_some());
            let expected = number.map(|number| names::journal(experiment.uid(), number));
            let Some(name) = kept.clone().or(expected) else { continue };
            match self.journal_map(&name).await? {
                Some(map) => journals.extend(read_map(&map, options)?),
                None if kept.is_some() => {
                    run.source.problem = Some(format!("ConfigMap {}/{name} is gone", self.namespace));
                }
                None => {}
            }
        }
        Ok(join(runs, journals))
    }

    /// Reads the runs of all experiments of the namespace, and the journals of those that are gone.
    pub async fn all_runs(&self, options: Options) -> Outcome<Vec<Run>> {
        let mut experiments = Vec::new();
        self.pages(false, None, |page| {
            experiments.extend(page);
            Ok(())
        })
        .await?;
        let mut statuses = Vec::new();
        for stored in experiments {
            statuses.extend(Run::from_status(&read(to_value(&stored)?)?));
        }
        let mut journals = Vec::new();
        for map in self.journal_names().await? {
            let name = map.metadata.name.unwrap_or_default();
            if let Some(map) = self.journal_map(&name).await? {
                journals.extend(read_map(&map, options)?);
            }
        }
        Ok(join(statuses, journals))
    }
}

/// Returns a run as far as it is known: as it was read with its journal, or else as the status has it, with what kept the journal
/// from being read. `None` if there is no such run.
#[must_use]
pub fn known(experiment: &Experiment, wanted: Number, read: &Outcome<Vec<Run>>) -> Option<Run> {
    let failure = match read {
        Ok(runs) => return runs.first().cloned(),
        Err(failure) => failure,
    };
    let mut run = selected(experiment, Some(wanted)).ok()?.into_iter().next()?;
    run.source.problem = Some(one_line(&failure.message));
    Some(run)
}

/// Returns one run of a status, or all of them.
fn selected(experiment: &Experiment, wanted: Option<Number>) -> Outcome<Vec<Run>> {
    let mut found = Run::from_status(experiment);
    if let Some(wanted) = wanted {
        let view = runs::find(experiment, wanted).map_err(Failure::new)?;
        found.retain(|run| run.number == Some(view.run.number));
    }
    Ok(found)
}

fn read_map(map: &ConfigMap, options: Options) -> Outcome<Vec<Run>> {
    Run::from_config_map(map, options).map_err(|error| Failure::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_run_whose_journal_cannot_be_read_is_known_from_its_status() {
        let experiment: Experiment = serde_json::from_value(json!({"metadata": {"name": "x", "namespace": "n"}, "status": {
            "phase": "Completed", "result": "Passed", "outcome": "Passed", "run": {"number": 2, "podName": "p",
            "finishedAt": "2026-01-01T00:00:00Z"}}}))
        .unwrap();
        let run = known(&experiment, Number::Latest, &Err(Failure::new("no rights"))).unwrap();
        assert_eq!((run.word(), run.source.problem.as_deref()), ("Passed", Some("no rights")));
        assert!(known(&experiment, Number::Of(1), &Err(Failure::new("no rights"))).is_none());
        let read = Ok(vec![Run { number: Some(2), ..Run::default() }]);
        assert_eq!(known(&experiment, Number::Latest, &read).and_then(|run| run.source.problem), None);
    }
}
