//! Why a tool is not run in a container; nothing was started.

use connection_contract::Kind;

use crate::ToolNotAllowed;

/// Why a container was not composed, prepared or built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// A private copy could not be made or kept.
    #[error("the copy of '{path}' for the container could not be made: {problem}")]
    Copy {
        /// What was to be copied, or where to.
        path: String,
        /// Why not.
        problem: String,
    },
    /// A private copy would hold more than the host allows.
    #[error("'{path}' is too large to be copied for the container: {setting} allows {allowed}, and it holds {found}")]
    CopyTooLarge {
        /// What was to be copied.
        path: String,
        /// The setting: `sandbox.copy_size` or `sandbox.copy_entries`.
        setting: &'static str,
        /// What the setting allows, with its unit.
        allowed: String,
        /// What is there, with its unit.
        found: String,
    },
    /// The program that runs containers failed.
    #[error("{engine} could not build the image: {problem}")]
    Engine {
        /// Which.
        engine: &'static str,
        /// How.
        problem: String,
    },
    /// The name of the image cannot be one.
    #[error("the image '{image}' {problem}")]
    Image {
        /// As it was given.
        image: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Something cannot be mounted.
    #[error("'{path}' cannot be mounted: {problem}")]
    Mount {
        /// What, or where to.
        path: String,
        /// Why not.
        problem: &'static str,
    },
    /// The network would not be one of the container's own.
    #[error("the network '{0}' cannot be that of a container here: it would be the host's or another container's")]
    Network(String),
    /// The host's [policy for tools](crate::ToolPolicy) does not allow what the kind says of its tool.
    #[error("the container of kind '{kind}' cannot be used: {why}")]
    NotAllowed {
        /// The kind.
        kind: Kind,
        /// What is not allowed.
        why: ToolNotAllowed,
    },
    /// No profile is applied, and what the tool uses by itself is another owner's.
    #[error("no profile of kind '{kind}' is applied, and what its tool uses by itself is not this owner's")]
    NoProfile {
        /// The kind.
        kind: Kind,
    },
    /// The profile's directory is not there: the tool would make another one in the container, which goes with it.
    #[error("'{path}' cannot be mounted: it is not there, or cannot be read")]
    NoDirectory {
        /// Where it should be.
        path: String,
    },
    /// The tool in the container would not see the profile.
    #[error("the container of kind '{kind}' has no place for a profile's directory")]
    NoProfileMount {
        /// The kind.
        kind: Kind,
    },
    /// The start is pointed at a directory of another owner.
    #[error("a profile of another owner is applied to what is started in the container of kind '{kind}'")]
    OtherOwner {
        /// The kind of the container.
        kind: Kind,
    },
    /// The start is pointed at a directory of another tool.
    #[error("a profile of kind '{of}' is applied to what is started in the container of kind '{kind}'")]
    OtherProfile {
        /// The kind of the container.
        kind: Kind,
        /// The kind of the profile.
        of: Kind,
    },
    /// Nothing is known of a container for it.
    #[error("kind '{kind}' has no container: nothing says in which image its tool is")]
    Unsupported {
        /// The kind.
        kind: Kind,
    },
    /// A variable cannot be handed over.
    #[error("the variable '{name}' cannot be handed to the container: {problem}")]
    Variable {
        /// Its name, as far as it can be shown.
        name: String,
        /// Why not.
        problem: &'static str,
    },
}

impl SandboxError {
    /// For programs; listed in `docs/spec/words.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } | Self::NoProfileMount { .. } => "not_supported",
            Self::NoProfile { .. } => "no_home",
            Self::NotAllowed { why, .. } => why.code(),
            Self::Copy { .. } | Self::CopyTooLarge { .. } | Self::Engine { .. } => "sandbox_failed",
            Self::Image { .. }
            | Self::Mount { .. }
            | Self::Network(_)
            | Self::OtherOwner { .. }
            | Self::NoDirectory { .. }
            | Self::OtherProfile { .. }
            | Self::Variable { .. } => "invalid_sandbox",
        }
    }

    /// What to do, where something can be done.
    pub fn remedy(&self) -> Option<String> {
        let text = match self {
            Self::Unsupported { .. } => "run it without a container, if that is what is wanted",
            Self::NoProfile { .. } => "create a profile with a directory of this owner's, and apply it before",
            Self::NotAllowed { why, .. } => return Some(why.remedy()),
            Self::NoProfileMount { .. } => "run it without the profile or without the container",
            Self::Image { .. } => "name it with its tag, as in localhost/tools/name:1",
            Self::Mount { .. } => "move or rename it, or name another one",
            Self::Network(_) => "name a network of the engine, or none",
            Self::OtherOwner { .. } => "apply a profile of the owner who runs the container",
            Self::NoDirectory { .. } => {
                "sign in outside of a container once, or make the directory and hand over a token in a variable"
            }
            Self::OtherProfile { .. } => "apply a profile of the container's kind",
            Self::Variable { .. } => "leave it out",
            Self::CopyTooLarge { setting, .. } => {
                return Some(format!(
                    "raise {setting}, remove what the tool no longer needs, or leave the largest subdirectories out of the \
                     copy by making them writable with sandbox.writable.KIND"
                ));
            }
            Self::Copy { .. } | Self::Engine { .. } => return None,
        };
        Some(text.to_owned())
    }
}
