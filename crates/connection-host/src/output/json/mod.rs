//! The JSON shapes, which are a contract, see `docs/spec/words.md`. They are separate types, converted by hand.

mod backup;
mod config;
mod event;
mod extension;
mod key;
mod moving;
mod other;
mod profile;
mod upgrade;

use connection_api::Reason;
use serde::Serialize;

pub(crate) use backup::{BackupBody, RestoredBody};
pub(crate) use config::ConfigBody;
pub(crate) use event::details;
pub(crate) use extension::{granted_name, granted_secrets, unadded_remedy};
pub(crate) use key::{KeyBody, KeyChangeBody, KeyRotationBody};
pub(crate) use moving::{MoveUndoneBody, MovedBody};
pub(crate) use other::{DoctorBody, ForgottenBody, ImportedBody, ServingBody};
pub(crate) use profile::ProfileSlotBody;
pub(crate) use upgrade::UpgradeBody;

use crate::Error;

/// The shape of an error: `{"error": {code, message, remedy}}`.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody {
    error: Reason,
}

impl From<&Error> for ErrorBody {
    fn from(error: &Error) -> Self {
        Self { error: reason(error) }
    }
}

/// Returns the code, the message and the remedy of an error.
pub(crate) fn reason(error: &Error) -> Reason {
    let Error { code, message, remedy, provider_text, .. } = error.clone();
    Reason { code, message, remedy, provider_text: provider_text.map(|words| words.as_str().to_owned()) }
}
