//! `spec.gates` and `spec.stopConditions`: what a spec asks for, checked: pure.

mod kinds;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::signals::gate::Gate;
use crate::signals::signal::Signal;
use crate::signals::watch::StopCondition;
use chaostoolkit_api::spec::{GateSpec, InvalidSpec, MAX_SIGNALS, Mistakes, StopConditionSpec};
use chaostoolkit_api::{Spec, names};

/// How long a run waits for a gate by default, in seconds. An hour, as `startDeadlineSeconds`, whose clock stands still meanwhile.
const TIMEOUT: i64 = 3600;

/// The seconds between two readings of a stop condition: by default, and from when to when.
const INTERVAL: (i64, i64, i64) = (10, 5, 3600);

/// How many readings in a row stop a run: by default, and from when to when.
const THRESHOLD: (i64, i64, i64) = (1, 1, 100);

/// Returns the gates of a spec. An error names all mistakes.
pub fn gates(spec: &Spec, run_namespace: &str) -> Result<Vec<Gate>, InvalidSpec> {
    let specs = spec.gates.as_deref().unwrap_or_default();
    all("spec.gates", specs, |gate| &gate.name, |at, gate| self::gate(at, gate, run_namespace))
}

/// Returns the stop conditions of a spec. An error names all mistakes.
pub fn stop_conditions(spec: &Spec, run_namespace: &str) -> Result<Vec<StopCondition>, InvalidSpec> {
    let specs = spec.stop_conditions.as_deref().unwrap_or_default();
    all("spec.stopConditions", specs, |one| &one.name, |at, one| stop_condition(at, one, run_namespace))
}

/// Returns the names of the experiments for whose ends the gates of a spec wait.
#[must_use]
pub fn waits_for(spec: &Spec) -> BTreeSet<String> {
    let gates = spec.gates.iter().flatten().take(MAX_SIGNALS);
    gates.filter_map(|gate| gate.experiment.as_ref()).map(|experiment| experiment.name.clone()).collect()
}

/// Reads each entry of a list. Its names have to differ.
fn all<S, T>(
    list: &str,
    specs: &[S],
    name: impl Fn(&S) -> &String,
    read: impl Fn(&str, &S) -> Result<T, InvalidSpec>,
) -> Result<Vec<T>, InvalidSpec> {
    if specs.len() > MAX_SIGNALS {
        let problem = format!("has {} entries; at most {MAX_SIGNALS} are possible", specs.len());
        return Err(InvalidSpec::new(list, problem));
    }
    let (mut mistakes, mut names) = (Mistakes::default(), BTreeSet::new());
    let mut read_ones = Vec::with_capacity(specs.len());
    for (index, spec) in specs.iter().enumerate() {
        let (at, name) = (format!("{list}[{index}]"), name(spec));
        let label = names::check_dns_label(name).and_then(|()| {
            if names.insert(name) { Ok(()) } else { Err(format!("{name:?} is the name of another one, too")) }
        });
        mistakes.or(label.map_err(|problem| InvalidSpec::new(format!("{at}.name"), problem)), ());
        read_ones.extend(mistakes.or(read(&at, spec).map(Some), None));
    }
    mistakes.none().map(|()| read_ones)
}

fn gate(at: &str, spec: &GateSpec, run_namespace: &str) -> Result<Gate, InvalidSpec> {
    let GateSpec {
        name,
        prometheus,
        alertmanager,
        http,
        resource,
        experiment,
        on_closed,
        on_error,
        timeout_seconds,
    } = spec;
    let found = [
        prometheus.as_ref().map(|spec| kinds::prometheus(at, spec)),
        alertmanager.as_ref().map(|spec| kinds::alertmanager(at, spec)),
        http.as_ref().map(|spec| kinds::http(at, spec)),
        resource.as_ref().map(|spec| kinds::resource(at, spec, run_namespace)),
        experiment.as_ref().map(|spec| kinds::experiment(at, spec)),
    ];
    let mut mistakes = Mistakes::default();
    let timeout = number(at, "timeoutSeconds", *timeout_seconds, (TIMEOUT, 0, i64::MAX));
    let timeout = mistakes.or(timeout, 0);
    let signal = one_of(at, "prometheus, alertmanager, http, resource and experiment", found);
    let signal = beside(signal, mistakes)?;
    Ok(Gate {
        name: name.clone(),
        signal,
        on_closed: on_closed.unwrap_or_default(),
        on_error: on_error.unwrap_or_default(),
        timeout: (timeout > 0).then(|| Duration::from_secs(timeout.unsigned_abs())),
    })
}

fn stop_condition(
    at: &str,
    spec: &StopConditionSpec,
    run_namespace: &str,
) -> Result<StopCondition, InvalidSpec> {
    let StopConditionSpec {
        name,
        prometheus,
        alertmanager,
        http,
        resource,
        interval_seconds,
        failure_threshold,
        on_error,
    } = spec;
    let found = [
        prometheus.as_ref().map(|spec| kinds::prometheus(at, spec)),
        alertmanager.as_ref().map(|spec| kinds::alertmanager(at, spec)),
        http.as_ref().map(|spec| kinds::http(at, spec)),
        resource.as_ref().map(|spec| kinds::resource(at, spec, run_namespace)),
    ];
    let mut mistakes = Mistakes::default();
    let interval = mistakes.or(number(at, "intervalSeconds", *interval_seconds, INTERVAL), 0);
    let threshold = mistakes.or(number(at, "failureThreshold", *failure_threshold, THRESHOLD), 0);
    let signal = beside(one_of(at, "prometheus, alertmanager, http and resource", found), mistakes)?;
    Ok(StopCondition {
        name: name.clone(),
        signal,
        interval: Duration::from_secs(interval.unsigned_abs()),
        failure_threshold: u32::try_from(threshold).unwrap_or(1),
        on_error: on_error.unwrap_or_default(),
    })
}

/// Returns a signal, unless something else in its entry is wrong. An error names all mistakes.
fn beside(signal: Result<Signal, InvalidSpec>, mut mistakes: Mistakes) -> Result<Signal, InvalidSpec> {
    match signal {
        Ok(signal) => mistakes.none().map(|()| signal),
        Err(invalid) => {
            mistakes.add(invalid.clone());
            Err(mistakes.none().err().unwrap_or(invalid))
        }
    }
}

/// Returns the one signal of an entry.
fn one_of<const N: usize>(
    at: &str,
    kinds: &str,
    found: [Option<Result<Signal, InvalidSpec>>; N],
) -> Result<Signal, InvalidSpec> {
    let mut found: Vec<_> = found.into_iter().flatten().collect();
    match (found.pop(), found.len()) {
        (Some(one), 0) => one,
        (Some(_), more) => {
            Err(InvalidSpec::new(at, format!("has {} of {kinds}: only one is possible", more + 1)))
        }
        (None, _) => Err(InvalidSpec::new(at, format!("has none of {kinds}: add one"))),
    }
}

fn number(
    at: &str,
    field: &str,
    value: Option<i64>,
    (default, least, most): (i64, i64, i64),
) -> Result<i64, InvalidSpec> {
    let value = value.unwrap_or(default);
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    let range =
        if most == i64::MAX { format!("at least {least}") } else { format!("from {least} to {most}") };
    Err(InvalidSpec::new(format!("{at}.{field}"), format!("is {value}; it must be {range}")))
}

#[cfg(test)]
mod tests;
