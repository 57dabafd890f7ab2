//! The shapes of profiles of local tools, and of their directories.

use std::path::Path;

use connection_core::{DirectoryProbe, DirectoryState, Profile, ProfileId};
use serde::Serialize;

use super::ErrorContent;

/// An element of `profiles list`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProfileBody {
    id: String,
    kind: String,
    label: String,
    directory: String,
    is_default: bool,
    is_implicit: bool,
    slots: Vec<String>,
    created_at: String,
    found: ProbeBody,
}

/// The shape of `profiles probe`.
#[derive(Debug, Serialize)]
pub(crate) struct ProbeBody {
    directory: String,
    state: &'static str,
    exists: bool,
    authenticated: Option<bool>,
    reason: Option<ErrorContent>,
    account: Option<String>,
}

/// The shape of `profiles remove`.
#[derive(Debug, Serialize)]
pub(crate) struct ProfileRemovedBody {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) label: String,
}

/// The shape of `profiles default --slot`.
#[derive(Debug, Serialize)]
pub(crate) struct ProfileSlotBody {
    pub(crate) kind: String,
    pub(crate) slot: String,
    pub(crate) profile: Option<String>,
}

impl ProfileBody {
    /// Returns the shape of a profile, with the slots that use it and the state of its directory.
    pub(crate) fn of(kind: &str, profile: &Profile, slots: &[String], found: &DirectoryProbe) -> Self {
        Self {
            id: profile.id.to_string(),
            kind: kind.to_owned(),
            label: profile.label.to_string(),
            directory: path_text(&profile.directory),
            is_default: profile.is_default,
            is_implicit: profile.is_implicit,
            slots: slots.to_vec(),
            created_at: profile.created_at.to_rfc3339(),
            found: ProbeBody::of(&profile.directory, found),
        }
    }
}

impl ProbeBody {
    pub(crate) fn of(directory: &Path, found: &DirectoryProbe) -> Self {
        Self {
            directory: path_text(directory),
            state: state_word(&found.state),
            exists: found.exists,
            authenticated: found.authenticated,
            reason: found.reason.as_ref().map(ErrorContent::from),
            account: found.account_label.as_ref().map(ToString::to_string),
        }
    }
}

impl ProfileRemovedBody {
    pub(crate) fn of(kind: &str, profile: &Profile) -> Self {
        Self { id: profile.id.to_string(), kind: kind.to_owned(), label: profile.label.to_string() }
    }
}

impl ProfileSlotBody {
    pub(crate) fn of(kind: &str, slot: &str, profile: Option<ProfileId>) -> Self {
        Self { kind: kind.to_owned(), slot: slot.to_owned(), profile: profile.map(|id| id.to_string()) }
    }
}

pub(crate) fn state_word(state: &DirectoryState) -> &'static str {
    match state {
        DirectoryState::Gone => "gone",
        DirectoryState::Link(_) => "link",
        DirectoryState::NotADirectory => "notADirectory",
        DirectoryState::NotAllowed => "notAllowed",
        DirectoryState::There => "there",
        _ => "unreadable",
    }
}

fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
