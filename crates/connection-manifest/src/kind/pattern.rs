//! Regular expressions of fields: checked when a file is read, and compiled when a value is checked.

use regex::Regex;
use regex_syntax::hir::{Hir, HirKind};

/// The maximum length of a pattern in bytes.
const MAX_LENGTH: usize = 500;

const BROKEN: &str = "the pattern is not a regular expression of the `regex` crate, or is too large; correct it";

/// A pattern that a whole value must match.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Regex);

impl Pattern {
    pub(crate) fn new(text: &str) -> Option<Self> {
        Regex::new(&whole(text)).ok().map(Self)
    }

    pub(crate) fn matches(&self, value: &str) -> bool {
        self.0.is_match(value)
    }
}

/// Checks a pattern.
///
/// The syntax is parsed here; only a pattern with large or many repetitions is compiled, to see that it is not too large.
pub(crate) fn check(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_LENGTH {
        return Err("the pattern is longer than 500 bytes; shorten it");
    }
    parse(text).ok_or(BROKEN)?;
    // In the mode of (?x), a comment at the end would hide the end of the group.
    parse(&whole(text)).ok_or(BROKEN)?;
    // Two repetitions of less than a hundred each stay small, even if one is in the other.
    let has_large_count = text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > 2);
    let is_nested = text.matches('{').count() > 2;
    if (has_large_count || is_nested) && Pattern::new(text).is_none() {
        return Err(BROKEN);
    }
    Ok(())
}

/// Returns the expression that a whole value matches.
fn whole(text: &str) -> String {
    format!("^(?:{text})$")
}

fn parse(text: &str) -> Option<Hir> {
    regex_syntax::ParserBuilder::new().nest_limit(32).build().parse(text).ok()
}

/// Returns the literal ends of everything that a pattern matches, or `None` if an end is not literal.
pub(crate) fn fixed_suffixes(text: &str) -> Option<Vec<String>> {
    fn ends(hir: &Hir) -> Option<Vec<String>> {
        match hir.kind() {
            HirKind::Literal(literal) => Some(vec![String::from_utf8(literal.0.to_vec()).ok()?]),
            HirKind::Capture(capture) => ends(&capture.sub),
            HirKind::Concat(parts) => {
                // An anchor at the end changes nothing, because the whole value must match anyway.
                ends(parts.iter().rev().find(|part| !matches!(part.kind(), HirKind::Look(_)))?)
            }
            HirKind::Alternation(branches) => {
                let mut all = Vec::new();
                for branch in branches {
                    all.extend(ends(branch)?);
                }
                Some(all)
            }
            HirKind::Class(_) | HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => None,
        }
    }
    ends(&parse(text)?)
}
