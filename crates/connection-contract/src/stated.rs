//! The errors that an answer states in its data, beside its status, and the texts that stand for no value.

use alloc::vec::Vec;

use crate::Value;

/// The texts that programs write where a value is missing, in lower case.
const MISSING: [&str; 5] = ["null", "undefined", "none", "nil", "(null)"];
/// The members that state an error if they have a value. Zero and `false` say that there is none.
const ERRORS: [&str; 5] = ["error", "error_code", "errorCode", "errcode", "errors"];
/// The members that state an error with `false` or zero.
const SUCCESSES: [&str; 2] = ["ok", "success"];

impl Value {
    /// Returns `true` for `null`, for a text in which nothing stands, and for a word that programs write in place of a
    /// missing value: `null`, `undefined`, `None`, `nil` or `(null)`, in any case.
    ///
    /// ```
    /// use connection_contract::Value;
    ///
    /// assert!(Value::Null.is_missing() && Value::from(" ").is_missing() && Value::from("None").is_missing());
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
    /// empty, [missing](Self::is_missing), zero or the status of the answer, and by `false` or zero at `ok` or `success`. A
    /// number and a Boolean may also be written as a text, as in a form.
    ///
    /// ```
    /// use connection_contract::Value;
    ///
    /// let stated = |json: &str| Value::parse(json.as_bytes()).unwrap().stated_errors(200).len();
    /// assert_eq!((stated(r#"{"errcode": "61023"}"#), stated(r#"{"ok": false, "error": "no"}"#)), (1, 2));
    /// assert_eq!((stated(r#"{"error_code": "0", "errors": []}"#), stated(r#"{"error": 200}"#)), (0, 0));
    /// ```
    pub fn stated_errors(&self, status: u16) -> Vec<(&'static str, &Self)> {
        let errors = ERRORS.into_iter().filter(|name| is_error(&self[*name], status));
        let failures = SUCCESSES.into_iter().filter(|name| is_no(&self[*name]));
        errors.chain(failures).map(|name| (name, &self[name])).collect()
    }
}

fn is_missing(text: &str) -> bool {
    text.is_empty() || MISSING.into_iter().any(|word| word.eq_ignore_ascii_case(text))
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
