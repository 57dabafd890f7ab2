//! Patterns of paths.

use std::fmt;

use crate::{
    path::{Path, Segment},
    text::{decode, encode, is_plain_in_segment},
};

/// Maximum number of bytes of a pattern.
const MAX_LENGTH: usize = 1024;
/// Maximum number of segments of a pattern.
const MAX_SEGMENTS: usize = 32;

/// A pattern of paths, such as `/repos/acme/{repo}/issues/**`.
///
/// `{name}` matches one segment, and `**` as the last segment matches the rest, which may be empty. All other segments
/// match themselves. A literal `/`, `{`, `}`, `*` or `%` in a segment is percent-encoded.
///
/// ```
/// use connection_rules::PathPattern;
///
/// let pattern = PathPattern::read("/repos/acme/{repo}/issues/**").unwrap();
/// assert_eq!(pattern.to_string(), "/repos/acme/{repo}/issues/**");
/// assert!(PathPattern::read("/repos/**/issues").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathPattern {
    pub(crate) segments: Vec<PatternSegment>,
    /// `true` if `**` follows the segments.
    pub(crate) has_rest: bool,
    /// `true` if the pattern ends with `/`.
    pub(crate) has_end_slash: bool,
}

/// One segment of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum PatternSegment {
    /// The segment is this text.
    Literal(Segment),
    /// The segment is any text, which has this name.
    Any(String),
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// The problem, as a clause that follows the text.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let relative = text.strip_prefix('/').ok_or("must begin with \"/\"")?;
        if text.len() > MAX_LENGTH {
            return Err("is longer than 1024 bytes");
        }
        let mut pattern = Self { segments: Vec::new(), has_rest: false, has_end_slash: false };
        if relative.is_empty() {
            return Ok(pattern);
        }
        let mut parts: Vec<&str> = relative.split('/').collect();
        if parts.last() == Some(&"**") {
            pattern.has_rest = true;
            parts.pop();
        } else if parts.last() == Some(&"") {
            pattern.has_end_slash = true;
            parts.pop();
        }
        if parts.len() > MAX_SEGMENTS {
            return Err("has more than 32 segments");
        }
        for part in parts {
            let segment = PatternSegment::read(part)?;
            if matches!(segment, PatternSegment::Any(_)) && pattern.segments.contains(&segment) {
                return Err("has the same name in two places");
            }
            pattern.segments.push(segment);
        }
        Ok(pattern)
    }

    /// Returns `true` if a path matches. A loose comparison is that of rules that deny or ask.
    pub(crate) fn fits(&self, path: &Path, is_loose: bool) -> bool {
        self.fits_form(path.segments.len(), path.has_end_slash, is_loose)
            && self.segments.iter().zip(&path.segments).all(|(pattern, segment)| pattern.fits(segment, is_loose))
    }

    /// Returns the text of a path that matches.
    pub(super) fn example(&self) -> String {
        let mut example = Self { has_rest: false, ..self.clone() };
        for segment in &mut example.segments {
            if let PatternSegment::Any(_) = segment {
                *segment = PatternSegment::Literal(Segment::new("x"));
            }
        }
        example.to_string()
    }

    /// Returns `true` if a path with this number of segments can match.
    pub(crate) fn fits_form(&self, segments: usize, has_end_slash: bool, is_loose: bool) -> bool {
        if self.has_rest {
            return segments >= self.segments.len();
        }
        segments == self.segments.len() && (is_loose || has_end_slash == self.has_end_slash)
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.segments.is_empty() && !self.has_rest {
            return f.write_str("/");
        }
        for segment in &self.segments {
            match segment {
                PatternSegment::Literal(literal) => {
                    let is_plain = |byte| is_plain_in_segment(byte) && byte != b'*';
                    write!(f, "/{}", encode(&literal.text, is_plain))?;
                }
                PatternSegment::Any(name) => write!(f, "/{{{name}}}")?,
            }
        }
        f.write_str(if self.has_rest {
            "/**"
        } else if self.has_end_slash {
            "/"
        } else {
            ""
        })
    }
}

impl PatternSegment {
    fn read(text: &str) -> Result<Self, &'static str> {
        if let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let is_name = !name.is_empty()
                && name.len() <= 64
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
            return if is_name {
                Ok(Self::Any(name.to_owned()))
            } else {
                Err("has a name in braces that is not 1 to 64 letters, digits, \"-\" or \"_\"")
            };
        }
        if text.is_empty() {
            return Err("has an empty segment");
        }
        if text.contains('*') {
            return Err("has a \"*\" that is not \"**\" as the last segment; write a literal one as \"%2A\"");
        }
        if text.contains(['{', '}']) {
            return Err("has a brace inside of a segment; `{name}` stands for a whole segment");
        }
        if text.contains(['?', '#', '\\', ' ']) {
            return Err("has a character that must be percent-encoded; a query belongs in \"query\"");
        }
        let decoded = decode(text, false).map_err(|_| "has an escape that is incomplete or not UTF-8")?;
        if decoded.chars().any(char::is_control) {
            return Err("has a control character");
        }
        if matches!(&*decoded, "." | "..") {
            return Err("has a segment \".\" or \"..\", which no request has");
        }
        Ok(Self::Literal(Segment::new(decoded)))
    }

    /// Returns `true` if a segment matches.
    ///
    /// A loose comparison ignores letter case, what follows a `;`, spaces around the text, and one ending such as
    /// `.json`.
    pub(crate) fn fits(&self, segment: &Segment, is_loose: bool) -> bool {
        match self {
            Self::Any(_) => true,
            Self::Literal(literal) if is_loose => {
                let rest = segment.loose.strip_prefix(literal.loose.as_str());
                rest.is_some_and(|rest| {
                    rest.is_empty() || rest.strip_prefix('.').is_some_and(|ending| !ending.contains('.'))
                })
            }
            Self::Literal(literal) => segment.text == literal.text,
        }
    }
}
