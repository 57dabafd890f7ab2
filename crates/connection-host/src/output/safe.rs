//! Text that a terminal shows as it is: a text of a server or of a provider changes nothing at the terminal.

use std::borrow::Cow;

use connection_contract::DisplayText;

use super::table::PAINTS;

/// Removes what a terminal would obey and what nobody sees, except line breaks and the colours of this program.
pub(super) fn safe(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == '\n' || is_shown(c)) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if let Some(paint) = PAINTS.into_iter().find(|paint| rest.starts_with(paint)) {
            safe.push_str(paint);
            rest = rest.get(paint.len()..).unwrap_or_default();
            continue;
        }
        if next == '\n' || is_shown(next) {
            safe.push(next);
        }
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
    }
    Cow::Owned(safe)
}

/// As [`safe`], for a text within a line.
pub(super) fn safe_in_line(text: String) -> String {
    match text.chars().all(is_shown) {
        true => text,
        false => text.chars().filter(|c| is_shown(*c)).collect(),
    }
}

fn is_shown(c: char) -> bool {
    // The contract decides what is hidden.
    c.is_ascii_graphic() || c == ' ' || !DisplayText::from(c.to_string()).as_str().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_changes_nothing_at_the_terminal() {
        for (text, shown) in [
            ("plain, häßlich, 漢字", "plain, häßlich, 漢字"),
            ("two\nlines", "two\nlines"),
            ("\u{1b}[32mlive\u{1b}[0m", "\u{1b}[32mlive\u{1b}[0m"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}gone", "[2J]0;titlegone"),
            ("over\rwritten\u{8}", "overwritten"),
            ("right\u{202e}left\u{200b}", "rightleft"),
            ("\u{9b}31m", "31m"),
        ] {
            assert_eq!(safe(text), shown, "{text:?}");
        }
        assert_eq!(safe_in_line("a\nb\u{1b}[32m".to_owned()), "ab[32m");
    }
}
