//! What is refused of profiles, with the way out.

use connection_contract::Kind;

use crate::{ProfileId, ToolNotAllowed};

/// Why profiles are as they were.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// One is always the default, so it cannot go or stop being it by itself.
    #[error("the profile '{label}' of kind '{kind}' is the default, and there is always one")]
    Default {
        /// The kind.
        kind: Kind,
        /// The label of the default.
        label: String,
    },
    /// The directory cannot be one.
    #[error("the directory '{path}' {problem}")]
    Directory {
        /// As it was given.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The directory has another name than the tool looks for.
    #[error("the directory '{path}' must be called '{wanted}', since its tool looks for that name")]
    DirectoryName {
        /// As it was given.
        path: String,
        /// The name that the tool looks for.
        wanted: String,
    },
    /// Another profile has the directory.
    #[error("the profile '{label}' of kind '{kind}' has the directory '{path}'")]
    DirectoryTaken {
        /// The kind.
        kind: Kind,
        /// The label of the one that has it.
        label: String,
        /// The directory.
        path: String,
    },
    /// Sessions of the host, connections or slots use it.
    #[error("the profile '{label}' of kind '{kind}' is in use: {by}")]
    InUse {
        /// The kind.
        kind: Kind,
        /// Its label.
        label: String,
        /// By what, with the number or the names.
        by: String,
    },
    /// There is another profile with this label.
    #[error("there is already a profile '{label}' of kind '{kind}'")]
    LabelTaken {
        /// The kind.
        kind: Kind,
        /// The label.
        label: String,
    },
    /// It is the only one.
    #[error("the profile '{label}' is the only one of kind '{kind}'")]
    Last {
        /// The kind.
        kind: Kind,
        /// Its label.
        label: String,
    },
    /// The environment does not say where the tool's own directory is, or it is not this owner's environment.
    #[error("nothing says where the directory is that the tool of kind '{kind}' uses by itself")]
    NoHome {
        /// The kind.
        kind: Kind,
    },
    /// The host's [policy for tools](crate::ToolPolicy) does not allow what the kind says of its tool.
    #[error("the profiles of kind '{kind}' cannot be used: {why}")]
    NotAllowed {
        /// The kind.
        kind: Kind,
        /// What is not allowed.
        why: ToolNotAllowed,
    },
    /// No profile with this id belongs to this owner and kind.
    #[error("there is no profile {id} of kind '{kind}'")]
    NotFound {
        /// The kind.
        kind: Kind,
        /// What was asked for.
        id: ProfileId,
    },
    /// The directory, which its tool does not make, cannot be made.
    #[error("the directory '{path}' cannot be made: {problem}")]
    NotMade {
        /// Where.
        path: String,
        /// What the system says.
        problem: String,
    },
    /// The text cannot name a slot.
    #[error("the name of the slot {0}")]
    Slot(&'static str),
    /// Its tool has one identity.
    #[error("kind '{kind}' has no profiles: nothing says how its tool would be pointed at another directory")]
    Unsupported {
        /// The kind.
        kind: Kind,
    },
}

impl ProfileError {
    /// For programs; listed in `docs/spec/words.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Default { .. } => "profile_default",
            Self::Directory { .. } | Self::DirectoryName { .. } => "invalid_directory",
            Self::DirectoryTaken { .. } => "directory_taken",
            Self::InUse { .. } => "profile_in_use",
            Self::LabelTaken { .. } => "label_taken",
            Self::Last { .. } => "profile_last",
            Self::NoHome { .. } => "no_home",
            Self::NotAllowed { why, .. } => why.code(),
            Self::NotFound { .. } => "profile_not_found",
            Self::NotMade { .. } => "directory_not_made",
            Self::Slot(_) => "invalid_slot",
            Self::Unsupported { .. } => "not_supported",
        }
    }

    /// What to do, where something can be done.
    pub fn remedy(&self) -> Option<String> {
        let text = match self {
            Self::Default { .. } => "make another one the default first",
            Self::Directory { .. } => "write an absolute path from the root on, without ~ and variables",
            Self::DirectoryName { wanted, .. } => {
                return Some(format!("name a directory that ends in '{wanted}', such as one inside this one"));
            }
            Self::DirectoryTaken { label, .. } => return Some(format!("use '{label}', or name another directory")),
            Self::InUse { .. } => "end or remove what uses it, or give it another profile",
            Self::LabelTaken { .. } => "choose another label",
            Self::Last { .. } => "create another one first",
            Self::NoHome { .. } => {
                "create a profile with a directory of your own; where this program has one owner, HOME may say it, too"
            }
            Self::NotAllowed { why, .. } => return Some(why.remedy()),
            Self::NotFound { .. } => "list the profiles to see their ids, or create one",
            Self::NotMade { .. } => "make it, or give the profile another directory",
            Self::Slot(_) => "name it by a text that people can see",
            Self::Unsupported { .. } => return None,
        };
        Some(text.to_owned())
    }
}
