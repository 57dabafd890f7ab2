//! The known word that is nearest to a misspelled one.

/// The minimum length of an abbreviation.
const MIN_ABBREVIATION: usize = 3;

/// Returns the nearest word if what was typed may be a misspelling of it, or else one that abbreviates the other.
pub(crate) fn misspelled<'w>(typed: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let words: Vec<_> = words.into_iter().collect();
    let longest = |word: &str| typed.chars().count().max(word.chars().count());
    let slip = nearest(typed, words.iter().copied());
    slip.filter(|word| distance(typed, word) <= (longest(word) / 3).max(1)).or_else(|| {
        let abbreviates = |short: &str, long: &str| short.len() >= MIN_ABBREVIATION && long.starts_with(short);
        nearest(typed, words.into_iter().filter(|word| abbreviates(typed, word) || abbreviates(word, typed)))
    })
}

/// Returns the word with the smallest distance from what was typed, or the first of several; `None` without words.
fn nearest<'w>(typed: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    words.into_iter().min_by_key(|word| distance(typed, word))
}

/// Returns the number of characters that were left out, added, replaced or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or_default();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = at(&above, j) + usize::from(x != y);
            let mut least = replaced.min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    at(&above, b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: Option<&str>) {
        assert_eq!(misspelled(typed, ["add", "list", "kinds", "verify", "reauthorize"]), expected, "{typed}");
    }

    #[test]
    fn a_slip_finds_its_word() {
        check("lsit", Some("list"));
        check("kind", Some("kinds"));
        check("verfy", Some("verify"));
        check("reautorise", Some("reauthorize"));
        check("ad", Some("add"));
    }

    #[test]
    fn an_abbreviation_finds_its_word_and_a_longer_form_the_abbreviation() {
        check("reauth", Some("reauthorize"));
        check("listing", Some("list"));
        check("ver", Some("verify"));
        // A slip is more likely than an abbreviation.
        assert_eq!(misspelled("use", ["user-settings", "usage", "used"]), Some("used"));
    }

    #[test]
    fn another_word_finds_none() {
        check("explode", None);
        check("re", None);
        check("", None);
    }

    #[test]
    fn each_slip_counts_once() {
        for (a, b, expected) in
            [("", "abc", 3), ("abc", "acb", 1), ("abc", "abd", 1), ("abc", "ab", 1), ("ab", "ba", 1)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
