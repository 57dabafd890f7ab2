//! The JSON shapes; contract, see `docs/spec/words.md`. Own types, converted by hand.

mod connection;
mod kind;
mod other;

use serde::Serialize;

pub(crate) use connection::ConnectionBody;
pub(crate) use kind::{KindBody, auth_word, input_word, need_word};
pub(crate) use other::{
    AnswerBody, CheckBody, DoctorBody, FileBody, FileContentBody, HeaderBody, RemovedBody, SetupBody, body_text,
};

use crate::Error;

/// `{"error": {code, message, remedy}}`
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody {
    error: ErrorContent,
}

#[derive(Debug, Serialize)]
struct ErrorContent {
    code: String,
    message: String,
    remedy: Option<String>,
}

impl From<&Error> for ErrorBody {
    fn from(error: &Error) -> Self {
        let Error { code, message, remedy, .. } = error.clone();
        Self { error: ErrorContent { code, message, remedy } }
    }
}
