//! The JSON shapes, which are a contract, see `docs/spec/words.md`. They are separate types, converted by hand.

mod event;
mod extension;
mod key;
mod kind;
mod other;
mod profile;
mod run;
mod usage;
mod webhook;

use connection_contract::Reason;
use serde::Serialize;

pub(crate) use connection_server::shapes::{
    AccountBody, ConnectionBody, EventBody, OpenSetupBody, RefreshedBody, RemovedBody,
};
pub(crate) use connection_server::shapes::{auth_word, input_word, need_word, way_word};
pub(crate) use event::details;
pub(crate) use extension::{
    ExtensionBody, ExtensionRemovedBody, GrantBody, OpenSettingsBody, PreferencesBody, RequiredBody,
};
pub(crate) use key::{KeyBody, KeyChangeBody, KeyRotationBody};
pub(crate) use kind::{KindBody, ToolBody};
pub(crate) use other::{
    AcceptedBody, AnswerBody, CheckBody, DoctorBody, FileBody, FileContentBody, ForgottenBody, HeaderBody,
    ImportedBody, KindChangeBody, RedirectUriBody, ServingBody, body_text,
};
pub(crate) use profile::{ProbeBody, ProfileBody, ProfileRemovedBody, ProfileSlotBody};
pub(crate) use run::{ImageBody, RunBody};
pub(crate) use usage::UsageBody;
pub(crate) use webhook::{DeliveryBody, WebhookBody};

use crate::Error;

/// The shape of an error: `{"error": {code, message, remedy}}`.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody {
    error: ErrorContent,
}

/// The members of an error.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorContent {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) remedy: Option<String>,
}

impl From<&Error> for ErrorBody {
    fn from(error: &Error) -> Self {
        Self { error: error.into() }
    }
}

impl From<&Reason> for ErrorContent {
    fn from(reason: &Reason) -> Self {
        Self {
            code: reason.code.to_string(),
            message: reason.message.to_string(),
            remedy: reason.remedy.as_ref().map(ToString::to_string),
        }
    }
}

impl From<&Error> for ErrorContent {
    fn from(error: &Error) -> Self {
        let Error { code, message, remedy, .. } = error.clone();
        Self { code, message, remedy }
    }
}
