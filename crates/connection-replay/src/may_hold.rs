//! Whether an answer may hold a token, although a plugin cannot read it.

use alloc::string::String;

use connection_contract::{HttpResponse, JsonError, Timestamp, Value};

/// The number of texts within each other that are read as JSON.
const MAX_LEVELS: u8 = 4;
/// The parts of the names of members that hold a token, in lower case and without separators.
const OF_TOKENS: [&str; 9] =
    ["token", "jwt", "access", "refresh", "secret", "session", "bearer", "credential", "ticket"];
/// The parts of the names of members that hold something else.
const OF_OTHERS: [&str; 14] = [
    "correlation",
    "descri",
    "error",
    "expir",
    "message",
    "msg",
    "name",
    "request",
    "scope",
    "status",
    "time",
    "trace",
    "type",
    "version",
];
/// The length from which a word with letters and digits may be a token, whatever its member is called.
const LONG_WORD: usize = 20;
/// The names of an access token, in lower case.
const NAMES: [&str; 3] = ["access_token", "access-token", "accesstoken"];
/// The attributes that have the value of a field, in a form and in the head of a page.
const VALUES: [&str; 2] = ["value", "content"];
/// Quotation marks, also as a page writes them.
const QUOTES: [&str; 5] = ["\"", "'", "&quot;", "&#34;", "&#39;"];

/// What the name of a member says about its value.
#[derive(Clone, Copy, Default)]
struct Member {
    /// The member, or one that it is in, is named like a token.
    is_named: bool,
    /// The member is named like something else.
    is_other: bool,
}

impl Member {
    fn of(name: &str) -> Self {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let name = name.to_ascii_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        // The id of a session may be its token. Other ids name a request, an entry of a log or an account.
        let is_id = name.ends_with("id") && name != "sid" && !name.contains("session");
        Self { is_named: has(&OF_TOKENS), is_other: is_id || has(&OF_OTHERS) }
    }
}

/// Returns `true` if the answer may hold a token, although a plugin cannot read it. An answer without a body does not.
/// Neither does a page, with which a gateway may answer before the provider does, nor JSON that states an error, unless an
/// access token is in it: tokens come after the warnings of a script, in a form of the type HTML, in XML without its type,
/// in a field of a page, and beside `"error": {"code": 0}`. JSON without a text that could be a token holds none either,
/// such as the number of an error with a sentence and the id of the request: a token is a word with a digit at a member that
/// is named like a token, or a long word of letters and digits at any member that is not named like something else. A text
/// that is itself JSON, as some gateways wrap an answer, is searched as the answer is.
pub fn may_hold_token(answer: &HttpResponse) -> bool {
    let body = answer.body().expose();
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    match answer.json() {
        Ok(value) => may_hold(&value, Member::default(), answer.status(), MAX_LEVELS),
        // Compressed bytes that cannot be read here may be anything, whatever their type.
        Err(JsonError::Coding) if str::from_utf8(body).is_err() => true,
        Err(_) => !body.is_empty() && (!answer.is_page() || names_access_token(body)),
    }
}

/// Returns `true` for JSON with an access token, and for JSON that has a text that could be a token and states no error.
fn may_hold(value: &Value, at: Member, status: u16, levels: u8) -> bool {
    // A number at `code` may be that of a success.
    let mut errors = value.stated_errors(status).into_iter();
    has_access_token(value, levels) || errors.all(|(name, _)| name == "code") && has_token(value, at, status, levels)
}

/// Returns the JSON that is written in a text.
fn within(text: &str, levels: u8) -> Option<Value> {
    let text = text.trim();
    let is_json = levels > 0 && text.starts_with(['{', '[', '"']);
    is_json.then(|| Value::parse(text.as_bytes()).ok()).flatten()
}

/// Returns `true` if an answer has a text at any place that could be a token.
fn has_token(value: &Value, at: Member, status: u16, levels: u8) -> bool {
    match value {
        Value::Damaged(_) | Value::Text(_) if at.is_other => false,
        Value::Damaged(text) | Value::Text(text) => match within(text, levels) {
            Some(value) => may_hold(&value, at, status, levels - 1) || at.is_named && could_be_token(text.trim(), true),
            None => could_be_token(text.trim(), at.is_named) || names_access_token(text.trim().as_bytes()),
        },
        Value::List(items) => items.iter().any(|item| has_token(item, at, status, levels)),
        Value::Map(fields) => fields.iter().any(|(name, field)| {
            let member = Member::of(name);
            has_token(field, Member { is_named: at.is_named || member.is_named, ..member }, status, levels)
        }),
        _ => false,
    }
}

/// Returns `true` for a word with a digit, or a long one, at a member that is named like a token, and for a long word of
/// letters and digits at any other place. An address, a path and a time are no tokens.
fn could_be_token(word: &str, is_named: bool) -> bool {
    let is_long = word.len() >= LONG_WORD;
    let has_digit = word.contains(|c: char| c.is_ascii_digit());
    let has_letter = word.contains(char::is_alphabetic);
    let is_other = word.contains(char::is_whitespace)
        || word.contains("://")
        || word.starts_with('/') && !is_named
        || Timestamp::parse(word).is_some();
    !is_other && (if is_named { has_digit || is_long } else { has_digit && has_letter && is_long })
}

/// Returns `true` if an answer has an access token at any place.
fn has_access_token(value: &Value, levels: u8) -> bool {
    let is_text = |value: &Value| matches!(value, Value::Damaged(_) | Value::Text(_)) && !value.is_missing();
    match value {
        Value::Damaged(text) | Value::Text(text) => {
            within(text, levels).is_some_and(|value| has_access_token(&value, levels - 1))
        }
        Value::List(items) => items.iter().any(|item| has_access_token(item, levels)),
        Value::Map(fields) => fields
            .iter()
            .any(|(name, field)| name == "access_token" && is_text(field) || has_access_token(field, levels)),
        _ => false,
    }
}

/// Returns `true` for a text that has an access token beside its name: as a member of JSON, also an escaped one, in a form,
/// as an element of XML that is named like any token, or as a field of a page. A script of a page that only uses the name
/// has none.
fn names_access_token(body: &[u8]) -> bool {
    let is_form = !body.iter().any(|byte| byte.is_ascii_whitespace() || *byte == b'<');
    rests(body).any(|rest| match rest.strip_prefix(b"<") {
        Some(tag) => is_tag_of_token(tag),
        None => after_name(rest).is_some_and(|rest| has_value(rest, is_form)),
    })
}

/// Returns what is left of a text at each of its bytes.
fn rests(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    (0..text.len()).filter_map(move |at| text.get(at..))
}

/// Returns what follows the name of an access token.
fn after_name(text: &[u8]) -> Option<&[u8]> {
    NAMES.iter().find_map(|name| {
        let (found, rest) = text.split_at_checked(name.len())?;
        found.eq_ignore_ascii_case(name.as_bytes()).then_some(rest)
    })
}

/// Returns `true` if a value follows after a colon or an equals sign: a word in quotation marks, which may be escaped, or one
/// with a digit. In a form, it may be any word.
fn has_value(mut rest: &[u8], is_form: bool) -> bool {
    let (mut is_quoted, mut is_set) = (false, false);
    loop {
        if let Some(after) = QUOTES.iter().find_map(|quote| rest.strip_prefix(quote.as_bytes())) {
            (is_quoted, rest) = (is_set, after);
            continue;
        }
        match rest.split_first() {
            Some((b':' | b'=', after)) => (is_quoted, is_set, rest) = (false, true, after),
            Some((byte, after)) if *byte == b'\\' || byte.is_ascii_whitespace() => rest = after,
            _ => break,
        }
    }
    let word = word(rest);
    // A sign before a word puts texts together, in a script.
    let is_word = word.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '%'));
    let is_certain = is_quoted || is_form || word.contains(|c: char| c.is_ascii_digit());
    is_set && is_certain && is_word && !Value::from(word).is_missing()
}

/// Returns `true` for the tag of an element of XML that is named like a token and has one, and for that of a field of a page
/// that has an access token. `rest` begins after the `<`.
fn is_tag_of_token(rest: &[u8]) -> bool {
    let end = rest.iter().position(|byte| matches!(byte, b'<' | b'>')).unwrap_or(rest.len());
    let (tag, content) = rest.split_at(end);
    let name = tag.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let name = str::from_utf8(name).unwrap_or_default();
    let member = Member::of(name.rsplit(':').next().unwrap_or_default());
    let content = content.strip_prefix(b">").unwrap_or_default().trim_ascii_start();
    let content = content.strip_prefix(b"<![CDATA[").unwrap_or(content).trim_ascii_start();
    let is_element =
        !tag.starts_with(b"/") && member.is_named && !member.is_other && could_be_token(word(content), true);
    let is_value = |rest: &[u8]| {
        let mut found = VALUES.iter().filter_map(|value| rest.strip_prefix(value.as_bytes()));
        found.any(|rest| has_value(rest, false))
    };
    is_element || rests(tag).any(|rest| after_name(rest).is_some()) && rests(tag).any(is_value)
}

/// Returns the word with which a text begins.
fn word(text: &[u8]) -> &str {
    let is_end = |byte: &u8| !byte.is_ascii_graphic() || b"\"'`<>&\\,;(){}[]".contains(byte);
    let end = text.iter().position(is_end).unwrap_or(text.len());
    text.get(..end).and_then(|word| str::from_utf8(word).ok()).unwrap_or_default()
}
