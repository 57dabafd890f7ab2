//! The arguments of the commands `freeze` and `thaw`.

use clap::Args;

use super::parse_kind;

const OWNER_ALONE: &str = "`--owner OWNER` alone names an owner, with all connections of that owner. Beside another \
                           option, it says whose agent or connection is meant.";

#[derive(Args, Debug)]
#[command(after_help = OWNER_ALONE)]
pub(crate) struct Freeze {
    #[command(flatten)]
    pub(crate) thing: Thing,
    /// Show what is frozen, and the last changes
    #[arg(long, conflicts_with = "thing")]
    pub(crate) list: bool,
}

#[derive(Args, Debug)]
#[command(after_help = OWNER_ALONE)]
pub(crate) struct Thaw {
    #[command(flatten)]
    pub(crate) thing: Thing,
}

/// The thing that is frozen or thawed.
#[derive(Args, Debug)]
#[group(id = "thing", multiple = false)]
pub(crate) struct Thing {
    /// An agent, by its name or its id
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// A connection: KIND, KIND:LABEL, an id, or the end of an id
    #[arg(long, value_name = "C")]
    pub(crate) connection: Option<String>,
    /// All connections of this kind, of all owners
    #[arg(long, value_name = "KIND", value_parser = parse_kind)]
    pub(crate) kind: Option<String>,
    /// All connections of all owners
    #[arg(long)]
    pub(crate) all: bool,
    /// The owner that the option `--owner` names.
    #[arg(skip)]
    pub(crate) owner: Option<String>,
}
