//! The known word that is nearest to a misspelled one.
//!
//! The distance of two words is the number of characters that were left out, added, replaced or swapped with their
//! neighbour.

use strsim::osa_distance as distance;

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
}
