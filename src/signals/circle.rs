//! Circles of experiments that wait for each other: pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// For whom each experiment of a namespace waits, by its name.
pub type Waiting = BTreeMap<String, BTreeSet<String>>;

/// Experiments that wait for each other, so that none of them ever starts. The last one waits for the first one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circle(Vec<String>);

/// How many experiments of a circle a message names.
const MAX_NAMED: usize = 10;

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in self.0.iter().take(MAX_NAMED) {
            write!(f, "{name} → ")?;
        }
        if self.0.len() > MAX_NAMED {
            write!(f, "{} more → ", self.0.len() - MAX_NAMED)?;
        }
        f.write_str(self.0.first().map_or("", String::as_str))
    }
}

/// Finds a circle for which an experiment waits, directly or through others. Each experiment is looked at once.
#[must_use]
pub fn circle(from: &str, waiting: &Waiting) -> Option<Circle> {
    let (name, others) = waiting.get_key_value(from)?;
    let mut seen = BTreeSet::from([name.as_str()]);
    let mut done = BTreeSet::new();
    // The path to the current experiment, each with those for which it waits and that were not looked at yet.
    let mut path = vec![(name.as_str(), others.iter())];
    while let Some((name, others)) = path.last_mut() {
        let Some(next) = others.next() else {
            done.insert(*name);
            path.pop();
            continue;
        };
        let Some((next, others)) = waiting.get_key_value(next) else { continue };
        if seen.insert(next) {
            path.push((next, others.iter()));
        } else if !done.contains(next.as_str()) {
            let names = path.iter().map(|(name, _)| *name);
            return Some(Circle(names.skip_while(|name| name != next).map(str::to_owned).collect()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn waiting(edges: &[(&str, &str)]) -> Waiting {
        let mut waiting = Waiting::new();
        for (from, to) in edges {
            waiting.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        waiting
    }

    #[rstest]
    #[case(&[("a", "a")], Some("a → a"))]
    #[case(&[("a", "b"), ("b", "a")], Some("a → b → a"))]
    #[case(&[("a", "b"), ("b", "c"), ("c", "b")], Some("b → c → b"))]
    #[case(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")], None)]
    #[case(&[("a", "b"), ("c", "c")], None)]
    #[case(&[("a", "missing")], None)]
    #[case(&[("b", "b")], None)]
    #[case(&[], None)]
    fn a_circle_has_its_path(#[case] edges: &[(&str, &str)], #[case] expected: Option<&str>) {
        let found = circle("a", &waiting(edges)).map(|circle| circle.to_string());
        assert_eq!(found.as_deref(), expected);
    }

    #[rstest]
    #[case(
        10,
        "n000000 → n000001 → n000002 → n000003 → n000004 → n000005 → n000006 → n000007 → n000008 → n000009 → n000000"
    )]
    #[case(
        11,
        "n000000 → n000001 → n000002 → n000003 → n000004 → n000005 → n000006 → n000007 → n000008 → n000009 → 1 more → n000000"
    )]
    fn a_long_path_is_cut(#[case] length: usize, #[case] expected: &str) {
        assert_eq!(circle("n000000", &ring(length)).unwrap().to_string(), expected);
    }

    fn ring(length: usize) -> Waiting {
        let name = |number: usize| format!("n{:06}", number % length);
        (0..length).map(|number| (name(number), BTreeSet::from([name(number + 1)]))).collect()
    }

    #[test]
    fn a_very_long_chain_is_no_problem() {
        assert_eq!(circle("n000000", &ring(20_000)).unwrap().0.len(), 20_000);
    }

    proptest! {
        #[test]
        fn a_circle_is_found_if_and_only_if_there_is_one(edges in proptest::collection::vec((0..8_usize, 0..8_usize), 0..16)) {
            let name = |number: &usize| number.to_string();
            let mut waiting = Waiting::new();
            for (from, to) in &edges {
                waiting.entry(name(from)).or_default().insert(name(to));
            }
            // Who waits for whom, directly or through others.
            let mut reach = [[false; 8]; 8];
            for (from, to) in &edges {
                reach[*from][*to] = true;
            }
            for middle in 0..8 {
                for from in 0..8 {
                    for to in 0..8 {
                        reach[from][to] |= reach[from][middle] && reach[middle][to];
                    }
                }
            }
            for from in 0..8 {
                let expected = (0..8).any(|other| reach[other][other] && (other == from || reach[from][other]));
                let found = circle(&name(&from), &waiting);
                prop_assert_eq!(found.is_some(), expected);
                for (at, one) in found.iter().flat_map(|circle| circle.0.iter().enumerate()) {
                    let path = &found.as_ref().unwrap().0;
                    prop_assert!(waiting[one].contains(&path[(at + 1) % path.len()]));
                }
            }
        }
    }
}
