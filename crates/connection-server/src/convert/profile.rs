//! Profiles of local tools, and their directories.

use std::path::Path;

use connection_api as api;
use connection_core::{DirectoryProbe, DirectoryState, Profile};

use super::reason;

/// Converts a profile, with the slots that use it and the state of its directory.
pub fn profile(kind: &str, profile: &Profile, slots: &[String], found: &DirectoryProbe) -> api::Profile {
    api::Profile {
        id: profile.id.to_string(),
        kind: kind.to_owned(),
        label: profile.label.to_string(),
        directory: path_text(&profile.directory),
        is_default: profile.is_default,
        is_implicit: profile.is_implicit,
        slots: slots.to_vec(),
        created_at: profile.created_at.to_rfc3339(),
        found: probe(&profile.directory, found),
    }
}

/// Converts the findings in a directory.
pub fn probe(directory: &Path, found: &DirectoryProbe) -> api::DirectoryProbe {
    api::DirectoryProbe {
        directory: path_text(directory),
        state: directory_state(&found.state),
        target: match &found.state {
            DirectoryState::Link(target) => Some(path_text(target)),
            _ => None,
        },
        exists: found.exists,
        authenticated: found.authenticated,
        reason: found.reason.as_ref().map(reason),
        account: found.account_label.as_ref().map(ToString::to_string),
    }
}

/// Converts a profile that was removed.
pub fn removed_profile(kind: &str, profile: &Profile) -> api::RemovedProfile {
    api::RemovedProfile { id: profile.id.to_string(), kind: kind.to_owned(), label: profile.label.to_string() }
}

/// Converts the state of a directory.
pub fn directory_state(state: &DirectoryState) -> api::DirectoryState {
    match state {
        DirectoryState::Gone => api::DirectoryState::Gone,
        DirectoryState::Link(_) => api::DirectoryState::Link,
        DirectoryState::NotADirectory => api::DirectoryState::NotADirectory,
        DirectoryState::NotAllowed => api::DirectoryState::NotAllowed,
        DirectoryState::There => api::DirectoryState::There,
        _ => api::DirectoryState::Unreadable,
    }
}

fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
