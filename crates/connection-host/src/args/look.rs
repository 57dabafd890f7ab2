//! Commands that show what is there: `kinds`, `list`, `watch`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum KindsCommand {
    /// All about one kind
    Show {
        /// Its name
        kind: String,
    },
    /// Forgets the application that the first setup of a kind asked for; the next setup asks again
    ForgetClient {
        /// The kind's name
        kind: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct List {
    /// Of this kind
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// In this state: live, offline, failing or unknown; repeated, in any of them
    #[arg(long = "state", value_name = "STATE")]
    pub(crate) states: Vec<String>,
    /// With exactly this label
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// What expires within seven days, or has expired
    #[arg(long)]
    pub(crate) expiring: bool,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Show every connection, however many there are
    #[arg(long, conflicts_with = "after")]
    pub(crate) all: bool,
    /// Show the page after this place
    #[arg(long, value_name = "PLACE", conflicts_with_all = ["states", "label", "expiring"])]
    pub(crate) after: Option<String>,
    /// Of every owner, and whose each is
    #[arg(long, conflicts_with = "owner")]
    pub(crate) all_owners: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Watching {
    /// An id, any unique end of one, KIND, or KIND:LABEL
    pub(crate) connection: Option<String>,
    /// Begins behind this event
    #[arg(long, value_name = "EVENT")]
    pub(crate) since: Option<String>,
}
