//! The codes of an error that is neither JSON nor a form with its type: a word of a short text, an element of XML, or a member
//! of a form.

use connection_contract::{AnswerClass, HttpResponse, JsonError, Value, encode};

/// The greatest length in bytes of a text in which a code is looked for. A longer one is about other things, too.
const MAX_LENGTH: usize = 1024;
/// The elements of XML that hold a code, in lower case and without separators. HTML has the first one, too.
const ELEMENTS: [&str; 3] = ["code", "error", "errorcode"];
/// The member under which the words of a text are read. Only a known code counts there.
const WORDS: &str = "error_in_text";

/// Reads an answer as JSON or a form, or reads the codes in the text of an error.
///
/// # Errors
///
/// [`JsonError::Syntax`] if the answer is nothing of these, and [`JsonError::Coding`] if it is in a content coding that the
/// host could not decode.
pub(crate) fn value(response: &HttpResponse) -> Result<Value, JsonError> {
    response.json_or_form().or_else(|error| match error {
        JsonError::Coding => Err(error),
        error => of_error(response).ok_or(error),
    })
}

fn of_error(response: &HttpResponse) -> Option<Value> {
    if AnswerClass::of(response.status()) == AnswerClass::Success {
        return None;
    }
    let text = str::from_utf8(response.body().expose()).ok()?.trim_start_matches('\u{feff}').trim();
    if text.len() > MAX_LENGTH {
        return None;
    }
    if text.starts_with('<') {
        return Some(words(elements(text, response.is_page())));
    }
    if text.contains('=') && !text.contains(char::is_whitespace) {
        let fields = encode::from_form(text).into_iter().map(|(name, value)| (name, Value::Text(value)));
        return Some(Value::Map(fields.collect()));
    }
    let is_of_code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    Some(words(std::iter::once(text).chain(text.split(|c: char| !is_of_code(c)))))
}

/// Returns the texts of the elements that hold a code.
fn elements(text: &str, is_page: bool) -> impl Iterator<Item = &str> {
    text.split('<').filter_map(move |part| {
        let (tag, content) = part.split_once('>')?;
        let name = tag.split_whitespace().next()?.rsplit(':').next()?;
        let name: String = name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect();
        let is_of_code = ELEMENTS.contains(&name.as_str()) && !(is_page && name == "code");
        is_of_code.then(|| content.trim())
    })
}

fn words<'t>(found: impl Iterator<Item = &'t str>) -> Value {
    Value::object([(WORDS, Value::List(found.filter(|word| !word.is_empty()).map(Value::from).collect()))])
}
