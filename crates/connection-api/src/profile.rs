//! The profiles of local tools on the machine of a server.

use serde::{Deserialize, Serialize};

use crate::{Reason, words::words};

words! {
    /// The state of a directory of a tool.
    DirectoryState {
        /// The directory exists.
        There = "there",
        /// The directory does not exist.
        Gone = "gone",
        /// The path is a link.
        Link = "link",
        /// The path is something else than a directory.
        NotADirectory = "notADirectory",
        /// The owner may not have the directory.
        NotAllowed = "notAllowed",
        /// The directory cannot be read.
        Unreadable = "unreadable",
        _ => Unrecognized,
    }
}

/// A profile of a local tool: a directory with an identity of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// The id of the profile, which never changes.
    pub id: String,
    /// The kind whose tool uses the profile, such as `claude`.
    pub kind: String,
    /// The label, which is unique among the profiles of the tool.
    pub label: String,
    /// The path of the directory in which the tool keeps the profile.
    pub directory: String,
    /// `true` for the profile with which the tool is run unless another one is named.
    pub is_default: bool,
    /// `true` for the directory that the tool uses by itself.
    pub is_implicit: bool,
    /// The slots that use the profile.
    pub slots: Vec<String>,
    /// The time at which it was created.
    pub created_at: String,
    /// The state of the directory and of the login in it.
    pub found: DirectoryProbe,
}

/// The findings in the directory of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DirectoryProbe {
    /// The path of the directory in which the tool keeps the profile.
    pub directory: String,
    /// The state of the directory.
    pub state: DirectoryState,
    /// The path to which the directory leads if it is a link.
    pub target: Option<String>,
    /// `true` if the directory exists and the tool has used it.
    pub exists: bool,
    /// `true` if the directory holds a login of the tool, `false` if the tool is signed out there, and `null` if that
    /// is not known.
    pub authenticated: Option<bool>,
    /// The reason why it is not known whether the tool is signed in, because a file cannot be judged.
    pub reason: Option<Reason>,
    /// The account of the login, if it is known.
    pub account: Option<String>,
}

/// A profile that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RemovedProfile {
    /// The id of the profile.
    pub id: String,
    /// The kind of the tool.
    pub kind: String,
    /// The label of the profile.
    pub label: String,
}

/// A profile to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewProfile {
    /// The kind of the tool.
    pub kind: String,
    /// The label of the profile.
    pub label: String,
    /// The absolute path of its directory.
    pub directory: String,
}

/// A change of a profile. What is not named stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeProfile {
    /// The new label.
    pub label: Option<String>,
    /// The absolute path of its directory.
    pub directory: Option<String>,
    /// `true` makes it the profile with which its tool is run unless another one is named.
    #[serde(default)]
    pub default: bool,
}

/// A change of the slots that use a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeProfileSlot {
    /// The name of the slot, such as that of a workspace.
    pub slot: String,
    /// `false` makes the slot use the default profile of its tool again.
    #[serde(default = "yes")]
    pub uses: bool,
}

fn yes() -> bool {
    true
}
