//! Errors of profiles, each with a code and, where there is one, a remedy.

use connection_contract::Kind;

use crate::{ProfileId, ToolNotAllowed, error::table::codes_and_remedies};

/// The reason why an operation on profiles failed. No profile was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The profile is the default, so it cannot be removed or stop being the default: a kind always has one.
    #[error("the profile '{label}' of kind '{kind}' is the default, and there is always a default")]
    Default {
        /// The kind whose default profile it is.
        kind: Kind,
        /// The label of the default profile.
        label: String,
    },
    /// The directory cannot be used for a profile.
    #[error("the directory '{path}' {problem}")]
    Directory {
        /// The path as it was given, shortened and without control characters.
        path: String,
        /// The problem with the path, as a predicate: `is not an absolute path`.
        problem: String,
    },
    /// The directory does not have the name that the tool looks for.
    #[error("the directory '{path}' must be called '{wanted}', because its tool looks for that name")]
    DirectoryName {
        /// The path as it was given, shortened and without control characters.
        path: String,
        /// The name that the tool looks for.
        wanted: String,
    },
    /// Another profile of the same owner and kind has the directory.
    #[error("the directory '{path}' already belongs to the profile '{label}' of kind '{kind}'")]
    DirectoryTaken {
        /// The kind of both profiles. The profiles that an owner has of a kind have different directories.
        kind: Kind,
        /// The label of the profile that has the directory.
        label: String,
        /// The directory, as an absolute path.
        path: String,
    },
    /// The profile is used by sessions of the host, by connections or by slots.
    #[error("the profile '{label}' of kind '{kind}' is in use: {by}")]
    InUse {
        /// The kind of the profile that is in use.
        kind: Kind,
        /// The label of the profile that is in use.
        label: String,
        /// A description of the users, with their number or names.
        by: String,
    },
    /// Another profile of the same owner and kind has this label.
    #[error("there is already a profile '{label}' of kind '{kind}'")]
    LabelTaken {
        /// The kind of both profiles. Labels are unique among the profiles that an owner has of a kind.
        kind: Kind,
        /// The label that was requested.
        label: String,
    },
    /// The profile is the only one of its kind, so it cannot be removed.
    #[error("the profile '{label}' is the only one of kind '{kind}'")]
    Last {
        /// The kind, which would have no profile left.
        kind: Kind,
        /// The label of the only profile.
        label: String,
    },
    /// The environment does not say where the tool's own directory is, or it is not the environment of this owner.
    #[error("the directory that the tool of kind '{kind}' uses by default is unknown")]
    NoHome {
        /// The kind whose default directory is unknown.
        kind: Kind,
    },
    /// The host's [policy for tools](crate::ToolPolicy) does not allow what the kind declares for its tool.
    #[error("the profiles of kind '{kind}' cannot be used: {why}")]
    NotAllowed {
        /// The kind that declares the tool.
        kind: Kind,
        /// The declaration that is not allowed.
        why: ToolNotAllowed,
    },
    /// No profile with this id belongs to this owner and kind.
    #[error("there is no profile {id} of kind '{kind}'")]
    NotFound {
        /// The kind for which the profile was requested.
        kind: Kind,
        /// The id that was not found.
        id: ProfileId,
    },
    /// The directory could not be created for a tool that does not create it itself.
    #[error("the directory '{path}' cannot be created: {problem}")]
    NotMade {
        /// The directory that was to be created, as it is shown to people.
        path: String,
        /// The error of the operating system, or another clause that says what failed.
        problem: String,
    },
    /// The text cannot name a slot.
    #[error("the name of the slot {0}")]
    Slot(&'static str),
    /// The tool of the kind has a single identity.
    #[error("kind '{kind}' has no profiles: its plugin does not say how its tool is given another directory")]
    Unsupported {
        /// The kind that has no profiles.
        kind: Kind,
    },
}

codes_and_remedies! {
    ProfileError {
        Self::Default { .. } => "profile_default", "make another profile the default first";
        Self::Directory { .. } => "invalid_directory", "write the path of a directory from the root, in at most 1,024 bytes and without ~, variables and '..'";
        Self::DirectoryName { wanted, .. } => "invalid_directory",
            format!("name a directory that ends in '{wanted}', such as one inside this one");
        Self::DirectoryTaken { label, .. } => "directory_taken", format!("use '{label}', or name another directory");
        Self::InUse { .. } => "profile_in_use",
            "stop or remove everything that uses it, or choose another profile there";
        Self::LabelTaken { .. } => "label_taken", "choose another label";
        Self::Last { .. } => "profile_last", "create another profile first";
        Self::NoHome { .. } => "no_home",
            "create a profile with a directory of your own; if this program has only one owner, you can also set HOME";
        Self::NotAllowed { why, .. } => why.code(), why.remedy();
        Self::NotFound { .. } => "profile_not_found", "list the profiles to see their ids, or create one";
        Self::NotMade { .. } => "directory_not_made", "create the directory, or give the profile another one";
        Self::Slot(_) => "invalid_slot", "use a name with visible characters";
        Self::Unsupported { .. } => "not_supported";
    }
}
