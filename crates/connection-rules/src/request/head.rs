//! Reading the head of a request.

use crate::{
    ambiguous::{Ambiguous, RequestPart},
    identity::{NameUse, has_path_seat, header_use, is_credential_in_subprotocols, parameter_use},
    media::Media,
    parameters::{Parameter, Parameters},
    path::Path,
    profile::Profile,
    request::parts::{Place, RequestParts},
    text::is_token,
};

/// Maximum number of bytes of path and query.
const MAX_TARGET: usize = 16 * 1024;
/// Maximum number of headers.
const MAX_HEADERS: usize = 128;

/// The head of a request that can be read in one way only.
///
/// A head is the first half of a [`Request`](crate::Request): [`Rules::wants_body`](crate::Rules::wants_body) says
/// whether the body must be read, and [`with_body`](RequestHead::with_body) or [`streamed`](RequestHead::streamed)
/// makes the request. It has no setters, so that what was read is what is decided and sent.
///
/// ```
/// use connection_rules::{Profile, RequestHead, RequestParts};
///
/// let parts = RequestParts::new("GET", "/search%20all/issues?q=open");
/// let head = RequestHead::read(parts, &Profile::strict()).unwrap();
/// assert_eq!(head.segments().collect::<Vec<_>>(), ["search all", "issues"]);
/// assert_eq!(head.target(), "/search%20all/issues?q=open");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    pub(crate) parts: RequestParts,
    pub(crate) profile: Profile,
    pub(crate) path: Path,
    pub(crate) query: Parameters,
    pub(crate) media: Option<Media>,
    pub(crate) is_encoded: bool,
    pub(crate) upgrade: Option<String>,
}

impl RequestHead {
    /// Reads the head of a request.
    ///
    /// # Errors
    ///
    /// [`Ambiguous`] if two systems could read the head in different ways, or if it carries a second identity.
    pub fn read(parts: RequestParts, profile: &Profile) -> Result<Self, Ambiguous> {
        read_method(&parts.method)?;
        if parts.target.len() > MAX_TARGET {
            return Err(Ambiguous::new(RequestPart::Path, "is longer than 16 KiB", "send a shorter one"));
        }
        let (raw_path, raw_query) = parts.target.split_once('?').unwrap_or((&parts.target, ""));
        let path = Path::read(raw_path, profile)?;
        if has_path_seat(path.segments.iter().map(|segment| segment.text.as_str()), profile) {
            return Err(second_identity(RequestPart::Path));
        }
        let query = Parameters::read(raw_query, &RequestPart::Query)?;
        let Headers { media, is_encoded, upgrade } = read_headers(&parts, profile)?;
        check_parameters(&query, &RequestPart::Query, profile)?;
        let has_body = parts.body_length != Some(0);
        if has_body && media.is_none() {
            return Err(Ambiguous::new(
                RequestPart::Header("content-type".to_owned()),
                "is missing, and some systems take a body without it for a form",
                "name the media type of the body",
            ));
        }
        Ok(Self { profile: profile.clone(), path, query, media, is_encoded, upgrade, parts })
    }

    /// Returns the method, exactly as it was sent.
    pub fn method(&self) -> &str {
        &self.parts.method
    }

    /// Returns the place to which the path is relative.
    pub fn place(&self) -> &Place {
        &self.parts.place
    }

    /// Returns path and query, exactly as they were sent.
    pub fn target(&self) -> &str {
        &self.parts.target
    }

    /// Returns the headers, exactly as they were sent.
    pub fn headers(&self) -> &[(String, Vec<u8>)] {
        &self.parts.headers
    }

    /// Returns the decoded segments of the path, as rules see them.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.path.segments.iter().map(|segment| segment.text.as_str())
    }

    /// Returns the length of the body, or `None` if it is not known.
    pub fn body_length(&self) -> Option<u64> {
        self.parts.body_length
    }

    /// Returns the protocol to which the request asks to upgrade its connection, in lower case.
    pub fn upgrade(&self) -> Option<&str> {
        self.upgrade.as_deref()
    }

    pub(crate) fn has_body(&self) -> bool {
        self.parts.body_length != Some(0)
    }

    /// Returns `true` if the body is a form, which is always read, because its parameters may replace the method.
    pub(crate) fn is_form(&self) -> bool {
        self.has_body() && self.media.as_ref().is_some_and(Media::is_form)
    }
}

fn read_method(method: &str) -> Result<(), Ambiguous> {
    let fault = |problem, way_out| Err(Ambiguous::new(RequestPart::Method, problem, way_out));
    if !is_token(method) || method.len() > 32 {
        return fault("is not a method of HTTP", "send one, such as GET");
    }
    if method.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return fault("has small letters, which some systems change", "write it in capital letters");
    }
    if matches!(method, "CONNECT" | "TRACE") {
        return fault("is CONNECT or TRACE, which pass on or repeat the whole request", "use another method");
    }
    Ok(())
}

/// The parts of the headers that matter to the reading.
#[derive(Default)]
struct Headers {
    media: Option<Media>,
    is_encoded: bool,
    upgrade: Option<String>,
}

fn read_headers(parts: &RequestParts, profile: &Profile) -> Result<Headers, Ambiguous> {
    let mut headers = Headers::default();
    if parts.headers.len() > MAX_HEADERS {
        return Err(Ambiguous::new(RequestPart::Headers, "has more than 128 entries", "send fewer headers"));
    }
    for (name, value) in &parts.headers {
        let lower = name.to_ascii_lowercase();
        let fault = |problem, way_out| Err(Ambiguous::new(RequestPart::Header(lower.clone()), problem, way_out));
        if !is_token(name) {
            return fault("has a name that is not one of HTTP", "leave it out");
        }
        if value.iter().any(|byte| matches!(byte, 0..=8 | 10..=31 | 127)) {
            return fault("has a control character in its value", "leave it out");
        }
        let text = std::str::from_utf8(value).ok().map(|text| text.trim_matches([' ', '\t']));
        match header_use(name, profile) {
            NameUse::Credential => return Err(second_identity(RequestPart::Header(lower))),
            NameUse::PathOverride => return fault("replaces the path or the origin at some servers", "leave it out"),
            NameUse::MethodOverride => return fault("replaces the method at some servers", "send that method"),
            NameUse::Plain => {}
        }
        match lower.replace('_', "-").as_str() {
            "content-type" => {
                if headers.media.is_some() || lower.contains('_') {
                    return fault("comes twice, or with \"_\"", "send it once");
                }
                let Some(media) = text.and_then(Media::read) else {
                    return fault("is not one media type", "send one, such as application/json");
                };
                headers.media = Some(media);
            }
            "content-encoding" => headers.is_encoded |= !text.is_some_and(|text| text.eq_ignore_ascii_case("identity")),
            "sec-websocket-protocol" if text.is_none_or(is_credential_in_subprotocols) => {
                return Err(second_identity(RequestPart::Header(lower)));
            }
            "upgrade" => {
                let protocol = text.filter(|text| is_token(&text.replace('/', ".")) && headers.upgrade.is_none());
                let Some(protocol) = protocol else {
                    return fault("names more than one protocol, or none", "send it once, with one protocol");
                };
                headers.upgrade = Some(protocol.to_ascii_lowercase());
            }
            _ => {}
        }
    }
    Ok(headers)
}

/// Refuses parameters that hold a credential or replace the method.
pub(crate) fn check_parameters(
    parameters: &Parameters,
    part: &RequestPart,
    profile: &Profile,
) -> Result<(), Ambiguous> {
    for Parameter { name, .. } in &parameters.0 {
        match parameter_use(&name.lenient, profile) {
            NameUse::Credential => return Err(second_identity(part.clone())),
            NameUse::MethodOverride | NameUse::PathOverride => {
                return Err(Ambiguous::new(
                    part.clone(),
                    "has a parameter that replaces the method at some servers",
                    "send that method",
                ));
            }
            NameUse::Plain => {}
        }
    }
    Ok(())
}

fn second_identity(part: RequestPart) -> Ambiguous {
    Ambiguous::new(
        part,
        "holds a credential beside that of the connection",
        "leave it out, or name in the kind's file that it is no credential",
    )
}
