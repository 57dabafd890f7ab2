//! The words of a provider in its answer, and what was sent, which they may repeat.
//!
//! Only JSON and forms are read: a page is written for a browser, and by anybody between this host and the provider.

use connection_contract::{
    AnswerClass, HeaderValue, HttpRequest, HttpResponse, ProviderText, Seat, Secret, Value, encode, host,
};

use crate::redact::{MIN_IN_WORDS, attached_secrets, cover};

/// The places of a provider's words, in the order in which they are read: of OAuth (RFC 6749, section 5.2), of the usual
/// APIs, and of problem details (RFC 9457, section 3.1). A code alone comes last.
const PLACES: &[&str] = &[
    "/error_description",
    "/error/error_description",
    "/error/message",
    "/message",
    "/Message",
    "/error_message",
    "/errorMessage",
    "/error_msg",
    "/errmsg",
    "/errors/0/message",
    "/errors/0/detail",
    "/0/message",
    "/detail",
    "/description",
    "/msg",
    "/title",
    "/errors/0",
    "/error",
    "/error/code",
    "/error/type",
    "/errors/0/code",
    "/code",
];

/// The parameters whose values are words of the protocol (RFC 6749, section 11.2; RFC 7009; RFC 7523; RFC 7636).
const PROTOCOL: &[&str] =
    &["client_assertion_type", "code_challenge_method", "grant_type", "response_type", "scope", "token_type_hint"];

/// The length from which a word with letters and digits may be a token.
const MIN_TOKEN: usize = 20;
/// The longest text that is taken for words of a provider, in bytes. A longer one is no sentence.
const MAX_SAID: usize = 16 * 1024;

/// The greatest number of texts that are remembered of the requests of one call of a plugin, and their size in bytes. After
/// more, no words are told.
const MAX_TEXTS: usize = 512;
const MAX_BYTES: usize = 256 * 1024;

/// The statement of an answer.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// `true` if the answer states an error, whatever its status.
    pub(super) is_error: bool,
    /// What the answer says; about an error, if it states one.
    words: Option<Secret>,
}

impl Said {
    /// Reads the statement of an answer.
    pub(super) fn of(response: &HttpResponse) -> Self {
        let is_success = response.class() == AnswerClass::Success;
        let Ok(value) = response.json_or_form() else { return Self { is_error: !is_success, words: None } };
        let is_error = !is_success || !value.stated_errors(response.status()).is_empty();
        let is_sentence = |text: &&str| !text.is_empty() && !is_document(text) && text.len() <= MAX_SAID;
        let at = |place: &&str| value.pointer(place)?.as_str().map(str::trim).filter(is_sentence).map(Secret::from);
        let words = PLACES.iter().find_map(at);
        Self { is_error, words }
    }

    /// Returns the statement for words that a plugin found.
    pub(super) fn found(words: &ProviderText) -> Self {
        Self { is_error: true, words: Some(Secret::from(words.as_str())) }
    }

    /// Returns the words, in which everything that was sent is covered.
    pub(super) fn words(&self, sent: &Sent) -> Option<ProviderText> {
        let mut words = self.words.as_ref()?.expose_str()?.to_owned();
        let texts = sent.texts.as_deref()?;
        cover(texts, &mut words);
        // A secret that was hidden by invisible characters appears when they are removed.
        host::provider_text(&words, |clean| {
            cover(texts, clean);
            cover_tokens(clean);
        })
    }
}

/// Returns `true` for a page or another document with elements. A sentence may begin with a word between `<` and `>`.
fn is_document(text: &str) -> bool {
    const STARTS: [&str; 5] = ["<!", "<?", "<html", "<head", "<body"];
    let begins = |start: &&str| text.get(..start.len()).is_some_and(|it| it.eq_ignore_ascii_case(start));
    text.starts_with('<') && (text.contains("</") || STARTS.iter().any(begins))
}

/// Replaces words that may be tokens: a provider may repeat one that another request had, or name a new one.
fn cover_tokens(words: &mut String) {
    let is_end = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '='));
    let mut covered = String::with_capacity(words.len());
    for part in words.split_inclusive(is_end) {
        let (word, end) = part.split_at(part.trim_end_matches(is_end).len());
        let has = |is: fn(&u8) -> bool| word.as_bytes().iter().any(is);
        if word.len() >= MIN_TOKEN && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) {
            covered.extend(std::iter::repeat_n('*', word.len()));
        } else {
            covered.push_str(word);
        }
        covered.push_str(end);
    }
    *words = covered;
}

/// The texts of all requests of one call of a plugin, which an answer may repeat.
#[derive(Debug)]
pub(super) struct Sent {
    /// `None` after more than are remembered.
    texts: Option<Vec<Secret>>,
    bytes: usize,
}

impl Default for Sent {
    fn default() -> Self {
        Self { texts: Some(Vec::new()), bytes: 0 }
    }
}

impl Sent {
    /// Remembers what a request sends. If it has a body that cannot be read, no words are told.
    pub(super) fn add_request(&mut self, request: &HttpRequest) {
        match texts(request) {
            Some(texts) => self.add(texts),
            None => self.texts = None,
        }
    }

    /// Remembers further texts.
    pub(super) fn add(&mut self, further: Vec<Secret>) {
        let Some(texts) = &mut self.texts else { return };
        for text in further {
            if !texts.iter().any(|known| known.expose() == text.expose()) {
                self.bytes = self.bytes.saturating_add(text.expose().len());
                texts.push(text);
            }
        }
        if texts.len() > MAX_TEXTS || self.bytes > MAX_BYTES {
            self.texts = None;
        }
    }
}

/// Returns the texts in a request that may be secret; `None` if its body is neither JSON nor a form.
fn texts(request: &HttpRequest) -> Option<Vec<Secret>> {
    let mut texts = attached_secrets(request, &[Seat::BasicUser, Seat::BasicPassword]);
    for (_, value) in &request.headers {
        let HeaderValue::Secret(value) = value else { continue };
        let parts = value.expose_str().unwrap_or_default().split([' ', ';', ',', '=', '"']);
        texts.extend(parts.filter(|part| part.len() >= MIN_IN_WORDS).map(Secret::from));
    }
    let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
    let pairs = |text: &str| encode::from_form(text).into_iter().filter(|(name, _)| !PROTOCOL.contains(&name.as_str()));
    texts.extend(pairs(query).map(|(_, value)| Secret::from(value)));
    texts.extend(
        path.split('/').skip(3).filter(|part| is_unusual(part)).filter_map(encode::from_percent).map(Secret::from),
    );
    let body = &request.body;
    if !body.is_empty() {
        match Value::parse(body.expose()) {
            Ok(value) => leaves(&value, &mut texts),
            Err(_) if is_form(request) => {
                texts.extend(pairs(body.expose_str()?).map(|(_, value)| Secret::from(value)));
            }
            Err(_) => return None,
        }
    }
    Some(texts)
}

fn is_form(request: &HttpRequest) -> bool {
    let mut headers = request.headers.iter();
    headers.any(|(name, value)| {
        name.eq_ignore_ascii_case("content-type") && value.expose().starts_with(b"application/x-www-form-urlencoded")
    })
}

/// Returns `true` for a part of a path that is no word: it is long, or has a digit.
fn is_unusual(part: &str) -> bool {
    part.len() >= 20 || part.bytes().any(|byte| byte.is_ascii_digit())
}

/// Adds the texts and numbers of a JSON value, but not those that are words of the protocol.
fn leaves(value: &Value, texts: &mut Vec<Secret>) {
    match value {
        Value::Text(text) | Value::Number(text) | Value::Damaged(text) => texts.push(Secret::from(text.as_str())),
        Value::List(items) => items.iter().for_each(|item| leaves(item, texts)),
        Value::Map(fields) => {
            let told = fields.iter().filter(|(name, _)| !PROTOCOL.contains(&name.as_str()));
            told.for_each(|(_, value)| leaves(value, texts));
        }
        Value::Null | Value::Bool(_) => {}
    }
}
