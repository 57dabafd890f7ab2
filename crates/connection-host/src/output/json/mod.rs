//! The JSON shapes, which are a contract, see `docs/spec/words.md`. They are separate types, converted by hand.

mod backup;
mod config;
mod event;
mod extension;
mod key;
mod kind;
mod other;
mod profile;
mod run;

use serde::Serialize;

pub(crate) use backup::{BackupBody, RestoredBody};
pub(crate) use config::ConfigBody;
pub(crate) use connection_server::checks::{CheckBody, RedirectUriBody};
pub(crate) use connection_server::shapes::{
    AccountBody, AnswerBody, ConnectionBody, DeliveryBody, EventBody, ExtensionBody, ExtensionRemovedBody, FileBody,
    FileContentBody, GrantBody, HandOffBody, IssuedTokenBody, KindChangeBody, OpenSetupBody, PreferencesBody,
    ProbeBody, ProfileBody, ProfileRemovedBody, ReasonBody as ErrorContent, RefreshedBody, RemovedBody, RequiredBody,
    SetupLinkBody, TokenBody, UsageBody, WebhookBody,
};
pub(crate) use connection_server::shapes::{auth_word, input_word, need_word, way_word};
pub(crate) use event::details;
pub(crate) use extension::{granted_name, granted_secrets, unadded_remedy};
pub(crate) use key::{KeyBody, KeyChangeBody, KeyRotationBody};
pub(crate) use kind::{KindBody, ToolBody};
pub(crate) use other::{AcceptedBody, DoctorBody, ForgottenBody, ImportedBody, ServingBody};
pub(crate) use profile::ProfileSlotBody;
pub(crate) use run::{ImageBody, RunBody};

use crate::Error;

/// The shape of an error: `{"error": {code, message, remedy}}`.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody {
    error: ErrorContent,
}

impl From<&Error> for ErrorBody {
    fn from(error: &Error) -> Self {
        Self { error: error.into() }
    }
}

impl From<&Error> for ErrorContent {
    fn from(error: &Error) -> Self {
        let Error { code, message, remedy, .. } = error.clone();
        Self::new(code, message, remedy)
    }
}
