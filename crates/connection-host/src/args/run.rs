//! Commands about local tools: `run`, `sandbox`, `usage`.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Subcommand};

#[derive(Args, Debug)]
pub(crate) struct Run {
    /// The kind of the tool
    #[arg(value_parser = super::parse_kind)]
    pub(crate) kind: String,
    /// A label, an id, or the end of an id [default: the profile of --slot, else of the kind]
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,
    /// Use the profile of this slot
    #[arg(long)]
    pub(crate) slot: Option<String>,
    /// Run the tool in a container that sees only the profile's directory and the workspace
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Give the container the doors of this agent, through inbound.unix_socket
    #[arg(long, value_name = "AGENT", requires = "sandbox")]
    pub(crate) with: Option<String>,
    /// Pass this variable into the container, without its value in any argument; may be repeated
    #[arg(long, value_name = "NAME", requires = "sandbox")]
    pub(crate) env: Vec<String>,
    /// The directory in which the tool works [default: the current directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// Print what would be run, and run nothing
    #[arg(long, visible_alias = "print")]
    pub(crate) dry_run: bool,
    /// The arguments of the tool
    #[arg(last = true)]
    pub(crate) args: Vec<OsString>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Build the image of a kind on this machine
    Build {
        /// The kind's name
        #[arg(value_parser = super::parse_kind)]
        kind: String,
        /// Build from this file, in its directory [default: the file that comes with the kind]
        #[arg(long, value_name = "CONTAINERFILE")]
        file: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Usage {
    /// A kind, or the connection KIND:LABEL [default: all]
    pub(crate) kind: Option<String>,
    /// Only this profile of the kind: a label, an id, or the end of an id
    #[arg(long, value_name = "PROFILE", requires = "kind")]
    pub(crate) profile: Option<String>,
    /// Read what a running session reports, from a file or standard input (`@-`)
    #[arg(long, value_name = "@FILE", requires = "kind", conflicts_with = "watch")]
    pub(crate) session: Option<String>,
    /// Continue, and show what changes
    #[arg(long)]
    pub(crate) watch: bool,
}
