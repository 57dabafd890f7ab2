//! What the codes in an answer to a login say. A login can be repeated and uses nothing up.

use connection_contract::{HttpResponse, Value};

use super::{
    refusal::{Meaning, Occasion, Stated, before_sentence, normal},
    text,
};
use crate::config::Response;

/// The codes of a server that cannot answer now, in lower case and without separators. The sources are with all codes.
const OUTAGES: [&str; 8] = [
    "fatalerror",
    "internalerror",
    "internalservererror",
    "requesttimeout",
    "servererror",
    "serviceunavailable",
    "teamaddedtoorg",
    "temporarilyunavailable",
];
/// The other codes of RFC 6749, section 5.2, which refuse what a person answered.
const REFUSALS: [&str; 4] = ["invalidrequest", "invalidscope", "unauthorizedclient", "unsupportedgranttype"];

/// What the codes in an answer to a login say. A code that it holds is a known one, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginAnswer {
    /// The server asks to wait.
    Limit,
    /// The server cannot answer now.
    Outage(String),
    /// The server refuses the login.
    Refused(String),
    /// The answer has no known code.
    Unclear,
}

/// Reads the codes in an answer to a login, at the places and with the meanings that they have in answers of token
/// endpoints. The status alone says nothing here.
///
/// ```
/// use connection_contract::{HttpResponse, Timestamp};
/// use connection_oauth2::{LoginAnswer, login_answer};
///
/// let of = |body: &str| login_answer(&HttpResponse::new(400, Vec::new(), body, Timestamp::from_seconds(0)));
/// assert_eq!(of(r#"{"error": "INVALID-GRANT"}"#), LoginAnswer::Refused("invalid-grant".to_owned()));
/// assert_eq!(of(r#"{"code": "slow_down"}"#), LoginAnswer::Limit);
/// assert_eq!(of(r#"{"message": "no"}"#), LoginAnswer::Unclear);
/// ```
pub fn login_answer(response: &HttpResponse) -> LoginAnswer {
    let status = response.status();
    let value = text::value(response).unwrap_or(Value::Null);
    let stated = Stated::of(&Response::default(), &value, status);
    let is = |code: &str, words: &[&str]| words.contains(&normal(code).as_str());
    match stated.known(Occasion::Login, status) {
        Some((Meaning::Later, code)) if is(code, &OUTAGES) => LoginAnswer::Outage(code.to_ascii_lowercase()),
        Some((Meaning::Later, _)) => LoginAnswer::Limit,
        Some((_, code)) => LoginAnswer::Refused(code.to_ascii_lowercase()),
        None => {
            let refusal = stated.codes.iter().find(|code| is(code, &REFUSALS));
            refusal
                .map_or(LoginAnswer::Unclear, |code| LoginAnswer::Refused(before_sentence(code).to_ascii_lowercase()))
        }
    }
}
