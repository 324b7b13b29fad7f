//! Spans of time, and what is left of them.

use jiff::Timestamp;

/// A span of time. It begins at `from`, and `to` is no longer in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub to: Timestamp,
}

impl Span {
    /// Returns the span between two times, unless it is empty.
    pub(crate) fn between(from: Timestamp, to: Timestamp) -> Option<Self> {
        (from < to).then_some(Self { from, to })
    }

    /// Returns the part of the span that is in another one.
    pub(crate) fn within(self, other: Self) -> Option<Self> {
        Self::between(self.from.max(other.from), self.to.min(other.to))
    }

    /// Returns whether a time is in the span.
    pub(crate) fn holds(self, time: Timestamp) -> bool {
        self.from <= time && time < self.to
    }
}

/// Sorts spans, and merges those that overlap or follow each other without a pause.
pub(crate) fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
            _ => merged.push(span),
        }
    }
    merged
}

/// Returns what is left of merged spans without others, which are merged too.
pub(crate) fn without(spans: Vec<Span>, taken: &[Span]) -> Vec<Span> {
    let mut left = Vec::new();
    let mut taken = taken.iter().peekable();
    for mut span in spans {
        while taken.next_if(|next| next.to <= span.from).is_some() {}
        // The last one may go on into the next span.
        while let Some(next) = taken.peek().filter(|next| next.from < span.to) {
            left.extend(Span::between(span.from, next.from));
            span.from = next.to;
            if span.from >= span.to {
                break;
            }
            taken.next();
        }
        left.extend(Span::between(span.from, span.to));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spans() -> impl Strategy<Value = Vec<Span>> {
        let span = (0..60_i64, 1..12_i64).prop_map(|(from, length)| Span {
            from: Timestamp::from_second(from).unwrap(),
            to: Timestamp::from_second(from + length).unwrap(),
        });
        prop::collection::vec(span, 0..8)
    }

    fn seconds(spans: &[Span]) -> Vec<i64> {
        let is_in = |second: &i64| {
            let time = Timestamp::from_second(*second).unwrap();
            spans.iter().any(|span| span.holds(time))
        };
        (0..80).filter(is_in).collect()
    }

    proptest! {
        #[test]
        fn merging_keeps_each_second_and_leaves_gaps_between_spans(spans in spans()) {
            let merged = merged(spans.clone());
            prop_assert_eq!(seconds(&merged), seconds(&spans));
            prop_assert!(merged.windows(2).all(|pair| pair[0].to < pair[1].from));
        }

        #[test]
        fn what_is_left_is_in_one_and_not_in_the_other(spans in spans(), taken in spans()) {
            let left = without(merged(spans.clone()), &merged(taken.clone()));
            let taken = seconds(&taken);
            let mut expected = seconds(&spans);
            expected.retain(|second| !taken.contains(second));
            prop_assert_eq!(seconds(&left), expected);
            prop_assert!(left.windows(2).all(|pair| pair[0].to < pair[1].from));
        }
    }
}
