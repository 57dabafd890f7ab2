//! The shapes of profiles of local tools, and of their directories.

use std::path::Path;

use connection_core::{DirectoryProbe, DirectoryState, Profile};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ReasonBody, words};

/// A profile of a local tool: a directory with an identity of its own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Profile)]
#[serde(rename_all = "camelCase")]
pub struct ProfileBody {
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

/// The findings in the directory of a tool.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DirectoryProbe)]
pub struct ProbeBody {
    directory: String,
    #[schema(value_type = words::DirectoryState)]
    state: &'static str,
    exists: bool,
    authenticated: Option<bool>,
    reason: Option<ReasonBody>,
    account: Option<String>,
}

/// A profile that was removed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RemovedProfile)]
#[non_exhaustive]
pub struct ProfileRemovedBody {
    /// The id of the profile.
    pub id: String,
    /// The kind of the tool.
    pub kind: String,
    /// The label of the profile.
    pub label: String,
}

impl ProfileBody {
    /// Returns the position in a list: by tool, and by the time at which a profile was made.
    pub(crate) fn position(&self) -> [String; 3] {
        [self.kind.clone(), self.created_at.clone(), self.id.clone()]
    }

    /// Returns the shape of a profile, with the slots that use it and the state of its directory.
    pub fn of(kind: &str, profile: &Profile, slots: &[String], found: &DirectoryProbe) -> Self {
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
    /// Converts the findings in a directory.
    pub fn of(directory: &Path, found: &DirectoryProbe) -> Self {
        Self {
            directory: path_text(directory),
            state: state_word(&found.state),
            exists: found.exists,
            authenticated: found.authenticated,
            reason: found.reason.as_ref().map(ReasonBody::from),
            account: found.account_label.as_ref().map(ToString::to_string),
        }
    }
}

impl ProfileRemovedBody {
    /// Converts a profile that was removed.
    pub fn of(kind: &str, profile: &Profile) -> Self {
        Self { id: profile.id.to_string(), kind: kind.to_owned(), label: profile.label.to_string() }
    }
}

/// Returns the word for the state of a directory, such as `there`.
pub fn state_word(state: &DirectoryState) -> &'static str {
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
