//! The errors of running a tool in a container. When one is returned, nothing was started.

use connection_contract::{DisplayText, Kind};
use connection_core::{ToolNotAllowed, sandbox_rules};

/// The reason why a container was not composed, prepared or built.
///
/// # Examples
///
/// ```
/// use connection_agent::SandboxError;
///
/// let error = SandboxError::Network("host".to_owned());
/// assert_eq!(error.code(), "invalid_sandbox");
/// assert_eq!(error.remedy().as_deref(), Some("use a network of the engine, or none"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// A private copy could not be created or kept.
    #[error("the copy of '{path}' for the container could not be created: {problem}")]
    Copy {
        /// The path of the source or of the copy.
        path: String,
        /// The problem, as the rest of the message.
        problem: String,
    },
    /// A private copy would be larger than the host allows.
    #[error("'{path}' is too large to be copied for the container: {setting} allows {allowed}, and it holds {found}")]
    CopyTooLarge {
        /// The path of the file or directory that was to be copied.
        path: String,
        /// The setting with the limit: `sandbox.copy_size` or `sandbox.copy_entries`.
        setting: &'static str,
        /// The limit of the setting: `512 MiB` or `20000 entries`.
        allowed: String,
        /// The size that was found, in the unit of the limit.
        found: String,
    },
    /// The program that runs containers failed.
    #[error("{engine} could not build the image: {problem}")]
    Engine {
        /// The program that builds images, `podman` or `docker`.
        engine: &'static str,
        /// The problem, as the rest of the message.
        problem: String,
    },
    /// The name of the image is not valid.
    #[error("the image '{image}' {problem}")]
    Image {
        /// The name of the image, as the policy or the kind states it.
        image: String,
        /// The problem with the name, as a predicate: `has a malformed digest`.
        problem: &'static str,
    },
    /// A file or directory cannot be mounted.
    #[error("'{path}' cannot be mounted: {problem}")]
    Mount {
        /// The source or the target of the mount.
        path: String,
        /// The problem, as the rest of the message.
        problem: &'static str,
    },
    /// The network would not isolate the container.
    #[error("a container cannot use the network '{0}': it is the host's or another container's")]
    Network(String),
    /// The host's [policy for tools](connection_core::ToolPolicy) does not allow what the kind declares for its tool.
    #[error("the container of kind '{kind}' cannot be used: {why}")]
    NotAllowed {
        /// The kind whose tool was to run in the container.
        kind: Kind,
        /// The part of the kind's declaration that is not allowed.
        why: ToolNotAllowed,
    },
    /// No profile is applied, and the directory that the tool uses by itself belongs to another owner.
    #[error("no profile of kind '{kind}' is applied, and the tool's own directory does not belong to this owner")]
    NoProfile {
        /// The kind of which no profile is applied.
        kind: Kind,
    },
    /// The profile's directory does not exist. The tool would create one in the container, where it is lost.
    #[error("'{path}' cannot be mounted: it does not exist, or cannot be read")]
    NoDirectory {
        /// The path that does not exist or cannot be read.
        path: String,
    },
    /// The tool in the container would not see the profile.
    #[error("the container of kind '{kind}' has no place for a profile's directory")]
    NoProfileMount {
        /// The kind whose container mounts no directory of a profile.
        kind: Kind,
    },
    /// The applied profile belongs to another owner.
    #[error("a profile of another owner is applied to the command in the container of kind '{kind}'")]
    OtherOwner {
        /// The kind whose tool was to run in the container.
        kind: Kind,
    },
    /// The applied profile belongs to another kind.
    #[error("a profile of kind '{of}' is applied to the command in the container of kind '{kind}'")]
    OtherProfile {
        /// The kind whose tool was to run in the container.
        kind: Kind,
        /// The kind of the applied profile.
        of: Kind,
    },
    /// No plugin of this kind is registered.
    #[error("no plugin of kind '{0}' is registered")]
    UnknownKind(Kind),
    /// The kind declares no container.
    #[error("kind '{kind}' has no container: its plugin names no image for its tool")]
    Unsupported {
        /// The kind that declares no container.
        kind: Kind,
    },
    /// A variable cannot be passed to the container.
    #[error("the variable '{name}' cannot be passed to the container: {problem}")]
    Variable {
        /// The name of the variable, as far as it can be shown.
        name: String,
        /// The problem, as the rest of the message.
        problem: &'static str,
    },
}

impl SandboxError {
    /// Checks the name of an image.
    pub(super) fn check_image(image: &str) -> Result<(), Self> {
        sandbox_rules::check_image(image).map_err(|problem| {
            let image = DisplayText::from(image.to_owned()).to_string();
            Self::Image { image, problem }
        })
    }

    /// Returns the stable code for programs, as listed in `docs/spec/words.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownKind(_) => "unknown_kind",
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

    /// Returns what a person can do about the error, if anything.
    pub fn remedy(&self) -> Option<String> {
        let text = match self {
            Self::UnknownKind(_) => "list the kinds to see which are registered",
            Self::Unsupported { .. } => "run it without a container if you accept that",
            Self::NoProfile { .. } => "create a profile with a directory of this owner, and apply it first",
            Self::NotAllowed { why, .. } => return Some(why.remedy()),
            Self::NoProfileMount { .. } => "run it without the profile or without the container",
            Self::Image { .. } => "name the image with its tag, as in localhost/tools/name:1",
            Self::Mount { .. } => "move or rename it, or use another path",
            Self::Network(_) => "use a network of the engine, or none",
            Self::OtherOwner { .. } => "apply a profile of the owner who runs the container",
            Self::NoDirectory { .. } => {
                "sign in once outside of a container, or create the directory and pass a token in a variable"
            }
            Self::OtherProfile { .. } => "apply a profile of the container's kind",
            Self::Variable { .. } => "leave the variable out",
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
