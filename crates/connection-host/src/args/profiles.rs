//! The command `profiles`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ProfilesCommand {
    /// The profiles of a kind, and what is in their directories; the first time, there is one
    List {
        /// The kind's name
        kind: String,
    },
    /// Makes a profile
    Create(CreateProfile),
    /// Gives a profile another label or directory; the files of neither are touched
    Update(UpdateProfile),
    /// Forgets a profile; its directory stays, with all that is in it
    Remove {
        /// The kind's name
        kind: String,
        /// A label, an id, or any unique end of one
        profile: String,
    },
    /// Makes a profile the one that is meant where none is named, for all or for one slot
    Default(DefaultProfile),
    /// Whether somebody is signed in in a directory, and who, as far as its files tell
    Probe {
        /// The kind's name
        kind: String,
        /// A label, an id, or any unique end of one; the default, unless said
        profile: Option<String>,
        /// This directory instead, which need not be of a profile
        #[arg(long, value_name = "DIR", conflicts_with = "profile")]
        dir: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct CreateProfile {
    /// The kind's name
    pub(crate) kind: String,
    /// What to call it
    pub(crate) label: String,
    /// Where its tool keeps what it knows; it need not be there
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Makes it the default
    #[arg(long)]
    pub(crate) default: bool,
}

#[derive(Args, Debug)]
pub(crate) struct UpdateProfile {
    /// The kind's name
    pub(crate) kind: String,
    /// A label, an id, or any unique end of one
    pub(crate) profile: String,
    /// Another label
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// Another directory
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct DefaultProfile {
    /// The kind's name
    pub(crate) kind: String,
    /// A label, an id, or any unique end of one
    #[arg(required_unless_present = "clear")]
    pub(crate) profile: Option<String>,
    /// For this slot alone: any name of a place, such as a workspace
    #[arg(long)]
    pub(crate) slot: Option<String>,
    /// Leaves the slot with the default of the kind
    #[arg(long, requires = "slot", conflicts_with = "profile")]
    pub(crate) clear: bool,
}
