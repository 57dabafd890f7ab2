//! Building a request from the choices of the search.

use crate::{
    diff::{
        body::{Body, SHORT, Skeleton},
        domain::Choice,
        member::add,
    },
    media::{FORM, is_json},
    parameters::Parameter,
    profile::Profile,
    request::{Place, Request, RequestHead, RequestParts},
    text::{encode, is_plain_in_parameter, is_plain_in_segment},
};

/// The choices of the search for one request.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    pub(super) segments: Vec<&'a str>,
    pub(super) has_end_slash: bool,
    pub(super) query: Vec<&'a Parameter>,
    pub(super) fields: Vec<&'a Parameter>,
    pub(super) pointers: Vec<&'a str>,
}

impl<'a> Parts<'a> {
    /// Adds the value of a variable. `is_query` tells parameters of the query from those of a form.
    pub(super) fn add(&mut self, choice: &'a Choice, is_query: bool) {
        match choice {
            Choice::Form { segments, has_end_slash } => {
                self.segments = vec!["other"; *segments];
                self.has_end_slash = *has_end_slash;
            }
            Choice::Segment(_) => {}
            Choice::Parameters(parameters) if is_query => self.query.extend(parameters),
            Choice::Parameters(parameters) => self.fields.extend(parameters),
            Choice::Pointer(pointer) => self.pointers.extend(pointer.as_deref()),
        }
    }
}

/// How a body gets a length that is longer than its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// The length is only declared, which suffices for a decision.
    Declared,
    /// The body has bytes of no meaning.
    Sent,
}

/// Builds the request, or returns `None` if no kind could read it in one way.
pub(super) fn build(skeleton: &Skeleton, parts: &Parts<'_>, padding: Padding) -> Option<Request> {
    let mut target = String::new();
    for segment in &parts.segments {
        target.push('/');
        target.push_str(&encode(segment, is_plain_in_segment));
    }
    if target.is_empty() || parts.has_end_slash {
        target.push('/');
    }
    let mut query = form(&parts.query);
    if skeleton.has_document && !parts.query.iter().any(|parameter| parameter.name.lenient == "query") {
        query = if query.is_empty() { "query=x".to_owned() } else { format!("{query}&query=x") };
    }
    if !query.is_empty() {
        target = format!("{target}?{query}");
    }
    let mut request = RequestParts::new(skeleton.method.clone(), target);
    if skeleton.is_outside {
        request = request.place(Place::Origin("https://other.example".to_owned()));
    }
    if let Some(protocol) = &skeleton.upgrade {
        request = request.header("upgrade", protocol.as_bytes());
    }
    let mut profile = Profile::strict().encoded_slash_is_data().empty_segment_is_data();
    let names = parts.query.iter().chain(&parts.fields).map(|parameter| parameter.name.text.clone());
    profile.exempt_names.extend(names);
    let with_media = |request: RequestParts, media: &str, length| {
        RequestHead::read(request.header("content-type", media).body_length(length), &profile).ok()
    };
    let (media, mut bytes, length, filler) = match &skeleton.body {
        Body::None => return RequestHead::read(request, &profile).ok()?.streamed().ok(),
        // JSON that is short is read, and cannot be.
        Body::Streamed { media, length: Some(length) } if is_json(media) && *length == SHORT => {
            (media.as_str(), b"{".to_vec(), None, b' ')
        }
        Body::Streamed { media, length } => return with_media(request, media, *length)?.streamed().ok(),
        Body::Form { length } => (FORM, fields(&parts.fields), *length, b'&'),
        // Spaces after a value belong to it.
        Body::Json { media, value, length } => {
            (media.as_str(), add(value.clone(), &parts.pointers).to_string().into_bytes(), *length, b' ')
        }
    };
    let head = with_media(request, media, None)?;
    match (length, padding) {
        (Some(length), Padding::Declared) => Some(head.with_body(bytes).ok()?.with_length(length)),
        (Some(length), Padding::Sent) => {
            bytes.resize(usize::try_from(length).ok()?, filler);
            head.with_body(bytes).ok()
        }
        (None, _) => head.with_body(bytes).ok(),
    }
}

/// Returns the bytes of a form. One without fields has a field that no rule names, because it would be no body.
fn fields(fields: &[&Parameter]) -> Vec<u8> {
    let text = form(fields);
    if text.is_empty() { b"&".to_vec() } else { text.into_bytes() }
}

fn form(parameters: &[&Parameter]) -> String {
    let encoded = |text: &str| encode(text, is_plain_in_parameter);
    let pairs =
        parameters.iter().map(|parameter| format!("{}={}", encoded(&parameter.name.text), encoded(&parameter.value)));
    pairs.collect::<Vec<_>>().join("&")
}
