//! The media type of a body.

use crate::text::is_token;

/// A media type with the parameters that change how a body is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Media {
    /// Type and subtype, in lower case.
    pub(crate) essence: String,
    charset: Option<String>,
}

/// The media type of forms.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
/// The media type of forms in parts.
pub(crate) const MULTIPART_FORM: &str = "multipart/form-data";

impl Media {
    /// Reads the value of `Content-Type`. A value that systems read differently is `None`.
    pub(crate) fn read(value: &str) -> Option<Self> {
        let mut parts = value.split(';');
        let essence = parts.next()?.trim_matches([' ', '\t']).to_ascii_lowercase();
        if !is_essence(&essence) {
            return None;
        }
        let mut charset = None;
        for parameter in parts.map(|part| part.trim_matches([' ', '\t'])).filter(|part| !part.is_empty()) {
            let (name, value) = parameter.split_once('=')?;
            if !is_token(name) {
                return None;
            }
            if name.eq_ignore_ascii_case("charset") {
                let value = value.trim_matches('"').to_ascii_lowercase();
                if charset.replace(value).is_some() {
                    return None;
                }
            }
        }
        Some(Self { essence, charset })
    }

    /// Returns `true` if the text of the body is UTF-8 according to the media type.
    pub(crate) fn is_utf8(&self) -> bool {
        matches!(self.charset.as_deref(), None | Some("utf-8" | "utf8" | "us-ascii"))
    }

    pub(crate) fn is_form(&self) -> bool {
        self.essence == FORM
    }

    pub(crate) fn is_json(&self) -> bool {
        is_json(&self.essence)
    }

    /// Returns `true` for forms in parts, which can also hold a parameter that replaces the method.
    pub(crate) fn is_multipart_form(&self) -> bool {
        self.essence == MULTIPART_FORM
    }
}

pub(crate) fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence.ends_with("+json")
}

/// Returns `true` for a type and a subtype in lower case.
pub(crate) fn is_essence(text: &str) -> bool {
    let is_part = |part: &str| is_token(part) && !part.bytes().any(|byte| byte.is_ascii_uppercase() || byte == b'*');
    text.split_once('/').is_some_and(|(kind, subtype)| is_part(kind) && is_part(subtype))
}
