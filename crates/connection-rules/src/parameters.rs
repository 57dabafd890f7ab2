//! Parameters of a query or a form, read once.

use crate::{
    ambiguous::{Ambiguous, RequestPart},
    text::{EscapeFault, decode, lenient_name},
};

/// The name of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) text: String,
    /// The name as lenient systems compare it.
    pub(crate) lenient: String,
}

impl Name {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { lenient: lenient_name(&text), text }
    }
}

/// One decoded parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: Name,
    pub(crate) value: String,
}

/// Decoded parameters in the order in which they were sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Parameters(pub(crate) Vec<Parameter>);

impl Parameters {
    /// Reads a query or a form in the encoding of forms.
    pub(crate) fn read(raw: &str, part: &RequestPart) -> Result<Self, Ambiguous> {
        let fault = |problem, way_out| Ambiguous::new(part.clone(), problem, way_out);
        if let Some((problem, way_out)) = raw.bytes().find_map(raw_problem) {
            return Err(fault(problem, way_out));
        }
        let mut parameters = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = |text| {
                decode(text, true).map_err(|problem| match problem {
                    EscapeFault::Incomplete => fault("has an incomplete escape", "send \"%\" as \"%25\""),
                    EscapeFault::NotUtf8 => fault("has an escape that is overlong or not UTF-8", "use UTF-8"),
                })
            };
            let (name, value) = (decoded(name)?, decoded(value)?);
            if name.chars().any(char::is_control) || value.chars().any(is_refused_control) {
                return Err(fault("has an encoded control character", "leave it out"));
            }
            parameters.push(Parameter { name: Name::new(name), value: value.into_owned() });
        }
        Ok(Self(parameters))
    }
}

/// Lines and tabs are parts of texts. All other control characters are refused in a value.
fn is_refused_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

fn raw_problem(byte: u8) -> Option<(&'static str, &'static str)> {
    match byte {
        b';' => Some(("has a \";\", at which some systems begin another parameter", "send it as \"%3B\"")),
        b'#' => Some(("has a \"#\", after which some systems ignore the rest", "send it as \"%23\"")),
        0..=0x20 | 0x7f => Some(("has a space or a control character", "send a space as \"%20\"")),
        b'"' | b'<' | b'>' | b'\\' | b'`' | 0x80.. => {
            Some(("has a character that must be percent-encoded", "percent-encode it"))
        }
        _ => None,
    }
}
