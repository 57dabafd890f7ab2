//! A path, read once: its segments as rules see them.

use crate::{
    ambiguous::{Ambiguous, RequestPart},
    profile::Profile,
    text::{EscapeFault, decode, fold},
};

/// One decoded segment of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Segment {
    /// The decoded text.
    pub(crate) text: String,
    /// The text without a difference of letter case, without what follows a `;`, and without spaces around it.
    pub(crate) loose: String,
}

impl Segment {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let before = text.split(';').next().unwrap_or_default().trim_matches(' ');
        let loose = fold(before).into_owned();
        Self { text, loose }
    }
}

/// A path as rules see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Path {
    pub(crate) segments: Vec<Segment>,
    /// `true` if a `/` follows the last segment.
    pub(crate) has_end_slash: bool,
}

/// Escapes that a server which decodes twice reads as a part of the path's structure, or as an overlong form of it.
const DECODED_TWICE: &[&str] = &["%2e", "%2f", "%5c", "%00", "%c0", "%c1", "%u00"];

impl Path {
    /// Reads the path of a target, which is the part before the first `?`. A target that is empty, which stands for the
    /// base address itself, has the path `/`.
    pub(crate) fn read(raw: &str, profile: &Profile) -> Result<Self, Ambiguous> {
        if raw.is_empty() {
            return Ok(Self::default());
        }
        let Some(relative) = raw.strip_prefix('/') else {
            return Err(fault("does not begin with \"/\"", "send a path, not an address"));
        };
        if relative.starts_with('/') {
            return Err(fault("begins with \"//\", which some systems take for a host", "send one \"/\""));
        }
        if let Some(problem) = raw.bytes().find_map(raw_problem) {
            return Err(problem);
        }
        if relative.is_empty() {
            return Ok(Self::default());
        }
        let mut raw_segments: Vec<&str> = relative.split('/').collect();
        let has_end_slash = raw_segments.last().is_some_and(|last| last.is_empty());
        if has_end_slash {
            raw_segments.pop();
        }
        let segments = raw_segments.into_iter().map(|raw| segment(raw, profile)).collect::<Result<_, _>>()?;
        Ok(Self { segments, has_end_slash })
    }
}

fn fault(problem: &'static str, way_out: &'static str) -> Ambiguous {
    Ambiguous::new(RequestPart::Path, problem, way_out)
}

/// Returns the problem with a byte that stands in a path as it is.
fn raw_problem(byte: u8) -> Option<Ambiguous> {
    match byte {
        b'\\' => Some(fault("has a \"\\\", which some systems take for \"/\"", "send \"/\", or \"%5C\" if it is data")),
        b'#' => Some(fault("has a \"#\", after which some systems ignore the rest", "send it as \"%23\"")),
        0..=0x20 | 0x7f => Some(fault("has a space or a control character", "send a space as \"%20\"")),
        b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80.. => {
            Some(fault("has a character that must be percent-encoded", "percent-encode it"))
        }
        _ => None,
    }
}

fn segment(raw: &str, profile: &Profile) -> Result<Segment, Ambiguous> {
    if raw.is_empty() && !profile.is_empty_segment_data {
        return Err(fault("has an empty segment, which some systems leave out", "send one \"/\" between segments"));
    }
    let text = decode(raw, false).map_err(|problem| match problem {
        EscapeFault::Incomplete => fault("has an incomplete escape", "send \"%\" as \"%25\""),
        EscapeFault::NotUtf8 => fault("has an escape that is overlong or not UTF-8", "encode text as UTF-8"),
    })?;
    if text.chars().any(char::is_control) {
        return Err(fault("has an encoded control character", "leave it out"));
    }
    if text.contains(['/', '\\']) && !profile.is_encoded_slash_data {
        return Err(fault(
            "has an encoded \"/\" or \"\\\", which some systems take for the end of a segment",
            "send \"/\" as it is, or name in the kind's file that an encoded one is data",
        ));
    }
    if text.split(['/', '\\']).any(is_dots) {
        return Err(fault("has a segment that is \".\" or \"..\"", "send the path to which it leads"));
    }
    if text.contains('%') {
        let folded = fold(&text);
        if DECODED_TWICE.iter().any(|escape| folded.contains(escape)) {
            return Err(fault(
                "is encoded twice, and servers that decode twice read another path",
                "encode each segment once",
            ));
        }
    }
    if has_session(&text) {
        return Err(fault("has a session after \";\", which is a second identity", "leave it out"));
    }
    Ok(Segment::new(text))
}

/// Returns `true` for `.` and `..`, also with parameters after `;` or with spaces around, which some systems remove.
fn is_dots(part: &str) -> bool {
    let name = part.split(';').next().unwrap_or_default().trim();
    matches!(name, "." | "..")
}

/// Returns `true` if a segment has a parameter by which Java and PHP servers receive a session.
fn has_session(text: &str) -> bool {
    text.split(';').skip(1).any(|parameter| {
        let name = parameter.split('=').next().unwrap_or_default().trim();
        ["jsessionid", "phpsessid", "sessionid", "sid"].iter().any(|session| name.eq_ignore_ascii_case(session))
    })
}
