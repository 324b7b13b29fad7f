//! The keys of journals in their `ConfigMap`s.

use std::fmt;

/// The key of the journal that the verdict is from, compressed with gzip.
pub const JOURNAL_KEY: &str = "journal.json.gz";

/// How the keys of other journals begin and end.
const OTHERS: (&str, &str) = ("journal-", ".json.gz");

/// Which journal is under a key of a `ConfigMap`. The one that the verdict is from is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JournalKey {
    /// The journal that the verdict is from, under [`JOURNAL_KEY`].
    Verdict,
    /// The journal of another start of the toolkit in the same container, such as `journal-2.json.gz`.
    Start(u32),
}

impl JournalKey {
    /// Reads a key. Returns `None` if it is not that of a journal: only what [`fmt::Display`] writes is.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        if key == JOURNAL_KEY {
            return Some(Self::Verdict);
        }
        let start = key.strip_prefix(OTHERS.0)?.strip_suffix(OTHERS.1)?.parse().ok()?;
        // `+2` and `02` are numbers, too.
        Some(Self::Start(start)).filter(|found| found.to_string() == key)
    }
}

impl fmt::Display for JournalKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verdict => formatter.write_str(JOURNAL_KEY),
            Self::Start(start) => write!(formatter, "{}{start}{}", OTHERS.0, OTHERS.1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::check_data_key;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("journal.json.gz", Some(JournalKey::Verdict))]
    #[case("journal-2.json.gz", Some(JournalKey::Start(2)))]
    #[case("journal-4294967295.json.gz", Some(JournalKey::Start(u32::MAX)))]
    #[case("journal-4294967296.json.gz", None)]
    #[case("journal-.json.gz", None)]
    #[case("journal-02.json.gz", None)]
    #[case("journal-+2.json.gz", None)]
    #[case("journal--2.json.gz", None)]
    #[case("journal-1/../x.json.gz", None)]
    #[case("journal-2.json", None)]
    #[case("other", None)]
    fn only_the_keys_that_are_written_are_read(#[case] key: &str, #[case] expected: Option<JournalKey>) {
        assert_eq!(JournalKey::parse(key), expected);
    }

    proptest! {
        #[test]
        fn a_key_that_is_written_is_read_again(start in any::<u32>()) {
            let written = JournalKey::Start(start);
            prop_assert!(check_data_key(&written.to_string()).is_ok());
            prop_assert_eq!(JournalKey::parse(&written.to_string()), Some(written));
        }

        #[test]
        fn a_key_that_is_read_is_written_the_same(key in "journal-[-+0-9 ]{0,12}\\.json\\.gz|\\PC{0,20}") {
            if let Some(read) = JournalKey::parse(&key) {
                prop_assert_eq!(read.to_string(), key);
            }
        }
    }
}
