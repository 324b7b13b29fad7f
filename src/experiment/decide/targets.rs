//! Draws the namespaces of a run: pure.

use chaostoolkit_api::{Targets, names};

/// Returns the targets of a run from the namespaces that were found. `run` tells the run from the others of its experiment.
///
/// Each namespace has a rank that follows from the experiment, the run and its own name. So the same run draws the same one, also
/// if others come or go meanwhile. Other runs draw others.
#[must_use]
pub fn draw(uid: &str, run: &str, found: Vec<String>) -> Targets {
    let total = i32::try_from(found.len()).unwrap_or(i32::MAX);
    let mut ranked: Vec<(String, String)> =
        found.into_iter().map(|name| (rank(uid, run, &name), name)).collect();
    ranked.sort();
    ranked.dedup();
    ranked.truncate(Targets::MAX);
    let drawn = ranked.first().map(|(_, name)| name.clone()).unwrap_or_default();
    let mut namespaces: Vec<String> = ranked.into_iter().map(|(_, name)| name).collect();
    namespaces.sort();
    Targets { total, namespaces, drawn }
}

fn rank(uid: &str, run: &str, name: &str) -> String {
    names::suffix(&format!("{uid}/{run}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|at| format!("team-{at}")).collect()
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(draw("uid", "1", Vec::new()), Targets::default());
    }

    #[test]
    fn each_namespace_is_drawn_about_as_often() {
        let mut counts = std::collections::BTreeMap::<String, usize>::new();
        for run in 0..1000 {
            *counts.entry(draw("uid", &run.to_string(), names(5)).drawn).or_default() += 1;
        }
        assert_eq!(counts.len(), 5);
        // By chance alone, less than one of a million such tests fails.
        assert!(counts.values().all(|count| (130..=270).contains(count)), "{counts:?}");
    }

    #[test]
    fn of_very_many_some_are_drawn_and_others_by_other_runs() {
        let drawn = |run: &str| draw("uid", run, names(300));
        let first = drawn("1");
        assert_eq!((first.total, first.namespaces.len()), (300, Targets::MAX));
        assert_eq!(first, drawn("1"));
        assert_ne!(first.namespaces, drawn("2").namespaces);
    }

    proptest! {
        #[test]
        fn the_draw_is_one_of_them_and_stays_if_others_go(
            uid in "[a-f0-9-]{1,36}",
            run in "[a-z0-9-]{1,36}",
            found in prop::collection::btree_set("[a-z][a-z0-9-]{0,8}", 1..60),
        ) {
            let all: Vec<String> = found.into_iter().collect();
            let targets = draw(&uid, &run, all.clone());
            prop_assert!(targets.namespaces.contains(&targets.drawn));
            prop_assert!(targets.namespaces.iter().all(|name| all.contains(name)));
            prop_assert_eq!(targets.namespaces.len(), all.len().min(Targets::MAX));
            prop_assert_eq!(usize::try_from(targets.total), Ok(all.len()));
            let mut other = all.clone();
            other.reverse();
            prop_assert_eq!(&draw(&uid, &run, other), &targets, "their order does not count");
            let gone = all.iter().find(|name| **name != targets.drawn).cloned();
            let left: Vec<String> = all.into_iter().filter(|name| Some(name) != gone.as_ref()).collect();
            prop_assert_eq!(draw(&uid, &run, left).drawn, targets.drawn);
        }

        #[test]
        fn every_one_of_them_is_reachable(uid in "[a-f0-9-]{8,36}", count in 1_usize..6) {
            let reached: std::collections::BTreeSet<String> =
                (0..400).map(|run| draw(&uid, &run.to_string(), names(count)).drawn).collect();
            prop_assert_eq!(reached.len(), count);
        }
    }
}
