//! The arguments of the command `profiles`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ProfilesCommand {
    /// List the profiles of a kind and the account of each
    List {
        /// The kind's name
        #[arg(value_parser = super::parse_kind)]
        kind: String,
    },
    /// Create a profile
    Create(CreateProfile),
    /// Change the label or directory of a profile, and no file
    Update(UpdateProfile),
    /// Forget a profile, and keep its directory
    Remove {
        /// The kind's name
        #[arg(value_parser = super::parse_kind)]
        kind: String,
        /// A label, an id, or the end of an id
        profile: String,
    },
    /// Choose the profile to use where none is named
    Default(DefaultProfile),
    /// Show which account a directory is signed in to
    Probe {
        /// The kind's name
        #[arg(value_parser = super::parse_kind)]
        kind: String,
        /// A label, an id, or the end of an id [default: the default profile]
        profile: Option<String>,
        /// Look into this directory, of a profile or not
        #[arg(long, value_name = "DIR", conflicts_with = "profile")]
        dir: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct CreateProfile {
    /// The kind's name
    #[arg(value_parser = super::parse_kind)]
    pub(crate) kind: String,
    /// Name for the profile
    pub(crate) label: String,
    /// Directory in which the tool keeps its login; need not exist
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Make it the default profile
    #[arg(long)]
    pub(crate) default: bool,
}

#[derive(Args, Debug)]
pub(crate) struct UpdateProfile {
    /// The kind's name
    #[arg(value_parser = super::parse_kind)]
    pub(crate) kind: String,
    /// A label, an id, or the end of an id
    pub(crate) profile: String,
    /// The new label
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// The new directory
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct DefaultProfile {
    /// The kind's name
    #[arg(value_parser = super::parse_kind)]
    pub(crate) kind: String,
    /// A label, an id, or the end of an id
    #[arg(required_unless_present = "clear")]
    pub(crate) profile: Option<String>,
    /// Choose it for this slot only: a name such as that of a workspace
    #[arg(long)]
    pub(crate) slot: Option<String>,
    /// Use the default profile in the slot again
    #[arg(long, requires = "slot", conflicts_with = "profile")]
    pub(crate) clear: bool,
}
