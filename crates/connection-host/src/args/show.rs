//! Commands that show state: `kinds`, `list`, `watch`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::KindTest;

#[derive(Debug, Subcommand)]
pub(crate) enum KindsCommand {
    /// Show what a kind asks for, where to get it, and which addresses it uses
    Show {
        /// The kind's name
        #[arg(value_parser = super::parse_kind)]
        kind: String,
    },
    /// Check files that describe kinds, and show every problem; without a file, check the catalogue
    Check {
        /// A file in TOML or JSON, or a .jsonl file with a kind on each line
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Show where the endpoints of each kind are documented
        #[arg(long)]
        sources: bool,
    },
    /// Test files that describe kinds, without a network; without a file, test the catalogue
    Test(Box<KindTest>),
    /// Print the JSON Schema of files that describe kinds
    Schema,
    /// Show how a kind changed, and accept that for its connections
    Accept {
        /// The kind's name
        #[arg(value_parser = super::parse_kind)]
        kind: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Check a file, and add the kind that it describes
    Add {
        /// A file in TOML or JSON
        file: PathBuf,
        /// Replace the file of your own that describes this kind
        #[arg(long)]
        replace: bool,
    },
    /// Remove a kind that a file of your own describes; its connections stay
    Remove {
        /// The kind's name
        #[arg(value_parser = super::parse_kind)]
        kind: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Write a file that describes a kind, from your answers to a few questions
    New {
        /// The file to write [default: the kind is added]
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Convert descriptions of another program into files that describe kinds
    Import {
        #[command(subcommand)]
        from: KindsImport,
    },
    /// Forget the OAuth application of a kind; the next setup asks for one
    ForgetClient {
        /// The kind's name
        #[arg(value_parser = super::parse_kind)]
        kind: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KindsImport {
    /// Convert your copy of Nango's providers.yaml, and report what was lost and refused
    Nango {
        /// Path of the file providers.yaml
        file: PathBuf,
        /// The directory for the files; it is created, or must be empty
        #[arg(long, value_name = "DIRECTORY", default_value = "nango-kinds")]
        output: PathBuf,
    },
}

#[derive(Args, Clone, Debug)]
pub(crate) struct List {
    /// Show only connections of this kind
    #[arg(long, value_parser = super::parse_kind)]
    pub(crate) kind: Option<String>,
    /// Show only this state: live, offline, failing or unknown; may be repeated
    #[arg(long = "state", value_name = "STATE")]
    pub(crate) states: Vec<String>,
    /// Show only connections with this label
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// Show only connections with this tag; may be repeated
    #[arg(long = "tag", value_name = "NAME=VALUE")]
    pub(crate) tags: Vec<String>,
    /// Show only what has expired or expires within seven days
    #[arg(long)]
    pub(crate) expiring: bool,
    /// Show at most N connections
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Show every connection, however many there are
    #[arg(long, conflicts_with = "after")]
    pub(crate) all: bool,
    /// Show the next page, after the place that the page before names
    #[arg(long, value_name = "PLACE", conflicts_with_all = ["states", "label", "tags", "expiring"])]
    pub(crate) after: Option<String>,
    /// Show the connections of all owners
    #[arg(long, conflicts_with = "owner")]
    pub(crate) all_owners: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Watching {
    /// KIND, KIND:LABEL, an id, or the end of an id
    pub(crate) connection: Option<String>,
    /// Begin after the event with this id
    #[arg(long, value_name = "EVENT")]
    pub(crate) since: Option<String>,
}
