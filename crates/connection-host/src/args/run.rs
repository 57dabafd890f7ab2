//! Commands about local tools: `run`, `sandbox`, `usage`.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Subcommand};

#[derive(Args, Debug)]
pub(crate) struct Run {
    /// The kind whose tool is run
    pub(crate) kind: String,
    /// A profile's label, its id, or any unique end of one; the default of the slot or the kind, unless said
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,
    /// Where no profile is named, that of this slot
    #[arg(long)]
    pub(crate) slot: Option<String>,
    /// In a container, with the profile's directory and the workspace and nothing else of this machine
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// In a container, a variable that it has as this program has it; it is named, and its value is in no argument
    #[arg(long, value_name = "NAME", requires = "sandbox")]
    pub(crate) env: Vec<String>,
    /// Where the tool works; the current directory, unless said
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// Runs nothing, and prints what would be run
    #[arg(long, visible_alias = "print")]
    pub(crate) dry_run: bool,
    /// What the tool is given
    #[arg(last = true)]
    pub(crate) args: Vec<OsString>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Makes the image of a kind on this machine
    Build {
        /// The kind's name
        kind: String,
        /// Of this file, beside which is what it copies; of the one that comes with the kind, unless said
        #[arg(long, value_name = "CONTAINERFILE")]
        file: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Usage {
    /// Of this kind, or of the connection KIND:LABEL; of all, unless said
    pub(crate) kind: Option<String>,
    /// Of this profile of the kind: a label, an id, or any unique end of one
    #[arg(long, value_name = "PROFILE", requires = "kind")]
    pub(crate) profile: Option<String>,
    /// Read what a running session tells, in the tool's own form [@FILE, or @- for standard input]
    #[arg(long, value_name = "@FILE", requires = "kind", conflicts_with = "watch")]
    pub(crate) session: Option<String>,
    /// Goes on, and shows what changes
    #[arg(long)]
    pub(crate) watch: bool,
}
