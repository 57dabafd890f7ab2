//! Commands that make connections: `add`, `reauthorize`, `setup`, `import`.

use clap::{Args, Subcommand};

/// Where answers come from when nobody is asked.
#[derive(Args, Debug, Default)]
pub(crate) struct InputArguments {
    /// One JSON object of field to value, for all prompts; `-` is standard input
    #[arg(long, value_name = "FILE|-")]
    pub(crate) input: Option<String>,
    /// One field, from a file or from standard input; wins over --input
    #[arg(long = "field", value_name = "NAME=@FILE|@-")]
    pub(crate) fields: Vec<String>,
    /// One field, from an environment variable; wins over --input
    #[arg(long = "from-env", value_name = "NAME=VARIABLE")]
    pub(crate) from_env: Vec<String>,
}

/// How what leads to the provider is finished; every way that the kind has, unless one is chosen.
#[derive(Args, Debug, Default)]
pub(crate) struct FinishArguments {
    /// With a code that is typed at the provider, on any machine
    #[arg(long, conflicts_with = "paste")]
    pub(crate) device: bool,
    /// In any browser, on any machine; where it ends is pasted here
    #[arg(long)]
    pub(crate) paste: bool,
    /// Opens no browser; the address is printed in any case
    #[arg(long)]
    pub(crate) no_browser: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Add {
    /// What to connect; `connections kinds` lists them
    pub(crate) kind: String,
    /// What to call it; the account's name unless given
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// As which identity of a local tool: a profile's label, its id, or any unique end of one
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,
    /// Connects the account also when it is connected already
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) finish: FinishArguments,
    #[command(flatten)]
    pub(crate) input: InputArguments,
}

#[derive(Args, Debug)]
pub(crate) struct Reauthorize {
    /// An id, any unique end of one, KIND, or KIND:LABEL
    pub(crate) connection: String,
    /// Also as another account than the one that it is of
    #[arg(long)]
    pub(crate) another_account: bool,
    #[command(flatten)]
    pub(crate) finish: FinishArguments,
    #[command(flatten)]
    pub(crate) input: InputArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SetupCommand {
    /// Setups that have not ended
    List,
    /// Goes on with one
    Resume {
        /// An id, or any unique end of one
        id: String,
        #[command(flatten)]
        finish: FinishArguments,
        #[command(flatten)]
        input: InputArguments,
    },
    /// Ends one; nothing is kept
    Cancel {
        /// An id, or any unique end of one
        id: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Importing {
    /// One JSON object a line; `-` is standard input
    #[arg(value_name = "FILE|-")]
    pub(crate) file: String,
    /// Connects accounts also when they are connected already
    #[arg(long)]
    pub(crate) again: bool,
    /// Asks the providers whether each works
    #[arg(long)]
    pub(crate) verify: bool,
}
