//! Compares the output of a command with the output in its document.
//!
//! `...` or `…` matches any text within a line, or any lines if it is alone on a line. Blank lines around the output
//! and spaces at the end of lines are ignored.

/// Returns `true` if the output matches the expected lines.
pub(crate) fn matches(expected: &[String], actual: &str) -> bool {
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    let actual: Vec<&str> = actual.lines().collect();
    lines_match(trimmed(&expected), trimmed(&actual))
}

fn trimmed<'a, 'b>(lines: &'a [&'b str]) -> &'a [&'b str] {
    let is_text = |line: &&str| !line.trim().is_empty();
    let start = lines.iter().position(is_text).unwrap_or(lines.len());
    let end = lines.iter().rposition(is_text).map_or(start, |last| last + 1);
    lines.get(start..end).unwrap_or_default()
}

fn lines_match(expected: &[&str], actual: &[&str]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((line, rest)) if is_wild(line) => {
            (0..=actual.len()).any(|skipped| lines_match(rest, actual.get(skipped..).unwrap_or_default()))
        }
        Some((line, rest)) => actual.split_first().is_some_and(|(first, others)| {
            line_matches(line.trim_end(), first.trim_end()) && lines_match(rest, others)
        }),
    }
}

fn is_wild(line: &str) -> bool {
    matches!(line.trim(), "..." | "…")
}

fn line_matches(expected: &str, actual: &str) -> bool {
    let expected = expected.replace("...", "…");
    let mut parts = expected.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = actual.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}
