//! What the probes of the hypothesis measured over the run.

use crate::model::{Activity, Chart, Run, Series};

/// The maximum number of series in a chart.
const MAX_SERIES: usize = 12;

/// Puts the numbers that a probe of Prometheus returned each time into one chart over time. A probe that was played once has
/// none.
pub(crate) fn over_time(run: &Run) -> Vec<(String, Chart)> {
    let mut found: Vec<(String, Chart)> = Vec::new();
    for probe in run.hypothesis.all().flat_map(|(_, state)| &state.probes.items) {
        add(&mut found, probe);
    }
    found.retain(|(_, chart)| chart.series.iter().any(|series| series.points.len() > 1));
    found
}

fn add(found: &mut Vec<(String, Chart)>, probe: &Activity) {
    let Some((chart, time)) = probe.charts.iter().find_map(|chart| Some((chart, chart.time?))) else {
        return;
    };
    let at = found.iter().position(|(name, _)| *name == probe.name).unwrap_or_else(|| {
        let title = chart.title.clone();
        found.push((probe.name.clone(), Chart { title, is_time: true, ..Chart::default() }));
        found.len() - 1
    });
    let Some((_, all)) = found.get_mut(at) else { return };
    let values = chart.series.iter().flat_map(|series| &series.points).map(|point| point.1);
    for (label, value) in chart.labels.iter().zip(values) {
        let is_full = all.series.len() >= MAX_SERIES;
        match all.series.iter_mut().find(|series| series.name == *label) {
            Some(series) => series.points.push((time, value)),
            None if is_full => {}
            None => all.series.push(Series { name: label.clone(), points: vec![(time, value)] }),
        }
    }
}
