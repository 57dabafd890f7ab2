//! The JSON shapes, which are a contract, see `docs/spec/words.md`. They are separate types, converted by hand.

mod backup;
mod config;
mod event;
mod extension;
mod key;
mod other;
mod profile;

use connection_api::Reason;
use serde::Serialize;

pub(crate) use backup::{BackupBody, RestoredBody};
pub(crate) use config::ConfigBody;
pub(crate) use event::details;
pub(crate) use extension::{granted_name, granted_secrets, unadded_remedy};
pub(crate) use key::{KeyBody, KeyChangeBody, KeyRotationBody};
pub(crate) use other::{DoctorBody, ForgottenBody, ImportedBody, ServingBody};
pub(crate) use profile::ProfileSlotBody;

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
    let Error { code, message, remedy, .. } = error.clone();
    Reason { code, message, remedy }
}
