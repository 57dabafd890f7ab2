//! Commands that make connections: `add`, `reauthorize`, `setup`, `import`.

use clap::{Args, Subcommand};

/// Sources of answers if no person is asked
#[derive(Args, Debug, Default)]
pub(crate) struct InputArguments {
    /// Read all fields from one JSON object; `-` is standard input
    #[arg(long, value_name = "FILE|-")]
    pub(crate) input: Option<String>,
    /// Read one field from a file or standard input; wins over --input
    #[arg(long = "field", value_name = "NAME=@FILE|@-")]
    pub(crate) fields: Vec<String>,
    /// Read one field from an environment variable; wins over --input
    #[arg(long = "from-env", value_name = "NAME=VARIABLE")]
    pub(crate) from_env: Vec<String>,
    /// Ask for optional fields, too
    #[arg(long)]
    pub(crate) all_fields: bool,
}

/// How to finish at the provider [default: every way that the kind has]
#[derive(Args, Debug, Default)]
pub(crate) struct FinishArguments {
    /// Finish by entering a code on another device
    #[arg(long, conflicts_with = "paste")]
    pub(crate) device: bool,
    /// Finish by pasting the address the browser ends on
    #[arg(long)]
    pub(crate) paste: bool,
    /// Print the address and open no browser
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Do not ask whether the account is the right one
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Add {
    /// The kind to connect, or the address of an MCP server [default: chosen from a list]
    #[arg(value_parser = super::parse_kind_or_address)]
    pub(crate) kind: Option<String>,
    /// Name for the connection [default: the account's name]
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// Connect this profile of a local tool: a label or an id
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,
    /// Allow a second connection to the same account
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) finish: FinishArguments,
    #[command(flatten)]
    pub(crate) input: InputArguments,
}

#[derive(Args, Debug)]
pub(crate) struct Reauthorize {
    /// KIND, KIND:LABEL, an id, or the end of an id
    pub(crate) connection: String,
    /// Allow a different account than before
    #[arg(long)]
    pub(crate) another_account: bool,
    /// Ask for another scope that the kind allows
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    #[command(flatten)]
    pub(crate) finish: FinishArguments,
    #[command(flatten)]
    pub(crate) input: InputArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SetupCommand {
    /// List setups that have not ended
    List,
    /// Continue a setup
    Resume {
        /// An id, or the end of an id [default: the only setup]
        id: Option<String>,
        #[command(flatten)]
        finish: FinishArguments,
        #[command(flatten)]
        input: InputArguments,
    },
    /// End a setup and keep nothing
    Cancel {
        /// An id, or the end of an id
        id: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Importing {
    /// One JSON object on each line; `-` is standard input
    #[arg(value_name = "FILE|-")]
    pub(crate) file: String,
    /// Allow a second connection to the same account
    #[arg(long)]
    pub(crate) again: bool,
    /// Ask the providers whether each credential works
    #[arg(long)]
    pub(crate) verify: bool,
}
