//! Finds the known word that an unknown one is a typo of.

/// The minimum length of a key that is looked up as a part of a known key. Shorter keys are a part of too many known keys.
const MIN_PART: usize = 5;

/// Returns a word in lower case and without separators, which people often forget or add.
#[must_use]
pub fn plain(word: &str) -> String {
    word.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns the known word that a plain word is a typo of. One in four letters may be wrong.
pub(super) fn nearest<'word>(plain_word: &str, known: &[&'word str]) -> Option<&'word str> {
    let letters: Vec<char> = plain_word.chars().collect();
    let slips = known.iter().filter_map(|&candidate| {
        // Keys may have any length, so compare the lengths before the expensive part.
        let length = candidate.chars().filter(|letter| letter.is_alphanumeric()).count();
        let allowed = letters.len().max(length) / 4;
        let is_possible = letters.len().abs_diff(length) <= allowed;
        let slips = is_possible.then(|| distance(&letters, &plain(candidate).chars().collect::<Vec<_>>()))?;
        (slips <= allowed).then_some((slips, candidate))
    });
    slips.min_by_key(|(slips, _)| *slips).map(|(_, candidate)| candidate)
}

/// Returns the known word that contains a key.
pub(super) fn whole<'word>(key: &str, known: &[&'word str]) -> Option<&'word str> {
    let part = plain(key);
    known.iter().copied().find(|known| part.len() >= MIN_PART && plain(known).contains(&part))
}

/// Returns the number of letters to insert, delete, change, or swap with their neighbor to turn one word into the other.
pub(super) fn distance(left: &[char], right: &[char]) -> usize {
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for (i, letter) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in right.iter().enumerate() {
            let changed = rows[i][j] + usize::from(letter != other);
            let mut least = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == right[j - 1] && left[i - 1] == *other {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}
