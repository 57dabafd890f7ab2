//! The errors that an answer states in its data, beside its status, and the texts that stand for no value.

use alloc::vec::Vec;

use crate::Value;

/// The texts that programs write where a value is missing, in lower case.
const MISSING: [&str; 5] = ["null", "undefined", "none", "nil", "(null)"];
/// The characters that programs write in place of each character of a value that they hide: stars, dots and bullets.
const MASK: [char; 10] =
    ['*', '.', '\u{b7}', '\u{2022}', '\u{2026}', '\u{2219}', '\u{22c5}', '\u{22ef}', '\u{25cf}', '\u{26ab}'];
/// The members that state an error if they have a value. Zero and `false` say that there is none.
const ERRORS: [&str; 5] = ["error", "error_code", "errorCode", "errcode", "errors"];
/// The members that state an error with `false` or zero.
const SUCCESSES: [&str; 2] = ["ok", "success"];
/// The members that state an error with a word for a failure.
const OUTCOMES: [&str; 2] = ["status", "result"];
const FAILURES: [&str; 4] = ["error", "fail", "failed", "failure"];
/// The members that state an error with the number of a status that is one.
const STATUSES: [&str; 3] = ["status", "statusCode", "status_code"];
/// The least status that is an error.
const FIRST_ERROR: u64 = 400;
/// The member that states an error with a number, if one of [`EXPLANATIONS`] says what the number means.
const CODE: &str = "code";
const EXPLANATIONS: [&str; 2] = ["message", "msg"];
/// The first words of the messages of a success, in lower case. Some providers give a success a number of its own.
const DONE: [&str; 5] = ["ok", "success", "succeeded", "successful", "successfully"];

impl Value {
    /// Returns `true` for `null`, for a text in which nothing stands, for a word that programs write in place of a missing
    /// value (`null`, `undefined`, `None`, `nil` or `(null)`, in any case), and for a text of stars, dots or bullets alone,
    /// behind which an answer hides a value.
    ///
    /// ```
    /// use connection_contract::Value;
    ///
    /// assert!(Value::Null.is_missing() && Value::from(" ").is_missing() && Value::from("None").is_missing());
    /// assert!(Value::from("********").is_missing() && !Value::from("****7").is_missing());
    /// assert!(!Value::from("none-1").is_missing() && !Value::from(0).is_missing());
    /// ```
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => is_missing(text.trim()),
            _ => false,
        }
    }

    /// Returns the members of an answer that state an error, whatever its status, each with its name.
    ///
    /// An error is stated by a value at `error`, `error_code`, `errorCode`, `errcode` or `errors`, unless it is `false`,
    /// empty, [missing](Self::is_missing), zero or the status of the answer, and by `false` or zero at `ok` or `success`. So
    /// do a word for a failure at `status` or `result`, a number from 400 on at `status`, `statusCode` or `status_code`, and
    /// a number at `code` beside a text at `message` or `msg`, unless the number is zero, a status of success or that of
    /// the answer, or the text says that the request succeeded. A number and a Boolean may also be written as a text, as in
    /// a form.
    ///
    /// ```
    /// use connection_contract::Value;
    ///
    /// let stated = |json: &str| Value::parse(json.as_bytes()).unwrap().stated_errors(200).len();
    /// assert_eq!((stated(r#"{"errcode": "61023"}"#), stated(r#"{"ok": false, "error": "no"}"#)), (1, 2));
    /// assert_eq!((stated(r#"{"error_code": "0", "errors": []}"#), stated(r#"{"error": 200}"#)), (0, 0));
    /// assert_eq!((stated(r#"{"code": 5, "msg": "no"}"#), stated(r#"{"code": 0, "msg": "ok"}"#)), (1, 0));
    /// ```
    pub fn stated_errors(&self, status: u16) -> Vec<(&'static str, &Self)> {
        let errors = ERRORS.into_iter().filter(|name| is_error(&self[*name], status));
        let failures = SUCCESSES.into_iter().filter(|name| is_no(&self[*name]));
        let outcomes = OUTCOMES.into_iter().filter(|name| is_failure(&self[*name]));
        let statuses = STATUSES.into_iter().filter(|name| is_error_status(&self[*name]));
        let code = Some(CODE).filter(|name| is_error_code(&self[*name], status) && self.says_why());
        errors.chain(failures).chain(outcomes).chain(statuses).chain(code).map(|name| (name, &self[name])).collect()
    }

    /// Returns `true` if there is a message, and it is not that of a success.
    fn says_why(&self) -> bool {
        let mut messages = EXPLANATIONS.into_iter().filter_map(|name| self[name].as_str()).map(str::trim);
        messages.any(|message| !is_missing(message) && !is_done(message))
    }
}

fn is_missing(text: &str) -> bool {
    // No character of an empty text is another one.
    text.chars().all(|c| MASK.contains(&c)) || MISSING.into_iter().any(|word| word.eq_ignore_ascii_case(text))
}
fn is_error(found: &Value, status: u16) -> bool {
    let is_number = |digits: &str| !has_no_value(digits) && digits.parse() != Ok(status);
    match found {
        Value::Null => false,
        Value::Bool(is_error) => *is_error,
        Value::Number(digits) => is_number(digits),
        Value::List(items) => !items.is_empty(),
        Value::Map(fields) => !fields.is_empty(),
        Value::Text(text) | Value::Damaged(text) => match text.trim() {
            text if is_missing(text) || text.eq_ignore_ascii_case("false") => false,
            text => !is_digits(text) || is_number(text),
        },
    }
}

fn is_no(found: &Value) -> bool {
    match found {
        Value::Bool(is_done) => !is_done,
        Value::Number(digits) => has_no_value(digits),
        Value::Text(text) => text.trim().eq_ignore_ascii_case("false") || is_digits(text.trim()) && has_no_value(text),
        _ => false,
    }
}

fn is_failure(found: &Value) -> bool {
    let word = found.as_str().unwrap_or_default().trim();
    FAILURES.into_iter().any(|failure| failure.eq_ignore_ascii_case(word))
}

fn is_error_status(found: &Value) -> bool {
    digits(found).is_some_and(|digits| digits.parse::<u64>().is_ok_and(|number| number >= FIRST_ERROR))
}

/// Returns `true` for a number that is neither zero nor a status of success, nor the status of the answer.
fn is_error_code(found: &Value, status: u16) -> bool {
    let is_harmless = |number: u16| number == status || (200..300).contains(&number);
    digits(found).is_some_and(|digits| !has_no_value(digits) && !digits.parse::<u16>().is_ok_and(is_harmless))
}

/// Returns `true` for a message that begins with a word for a success.
fn is_done(message: &str) -> bool {
    let word = message.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    DONE.into_iter().any(|done| done.eq_ignore_ascii_case(word))
}

/// Returns the digits of a number, which may be written as a text.
fn digits(found: &Value) -> Option<&str> {
    match found {
        Value::Number(digits) => Some(digits),
        Value::Text(text) => Some(text.trim()).filter(|text| is_digits(text)),
        _ => None,
    }
}

/// Returns `true` for a text that is a number, as a form has it.
fn is_digits(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit()) && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Returns `true` for a number that is zero, in any of the forms of JSON.
fn has_no_value(digits: &str) -> bool {
    let significand = digits.split(['e', 'E']).next().unwrap_or_default();
    !significand.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}
