//! The command line: what can be said, in clap's words.
//!
//! No value of an argument is ever repeated in an error: it may be a secret that was typed into the wrong place. So what
//! needs more than clap's structure is checked after it, by this crate.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, error::ContextKind, error::ContextValue, error::ErrorKind};

use crate::Error;

/// Connect accounts, see that they work, use them without touching the secret again.
#[derive(Debug, Parser)]
#[command(name = "connections", version, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args, Debug, Default)]
pub(crate) struct Global {
    /// Where connections and their key are kept
    #[arg(long, help_heading = "Everywhere", global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Another database; never with a password in it
    #[arg(long, help_heading = "Everywhere", global = true, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Another configuration file
    #[arg(long, help_heading = "Everywhere", global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Whose connections; `local` unless said
    #[arg(long, help_heading = "Everywhere", global = true, value_name = "OWNER")]
    pub(crate) owner: Option<String>,
    /// Prints one documented JSON shape per command
    #[arg(long, help_heading = "Everywhere", global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What can be connected, and what each needs
    Kinds {
        #[command(subcommand)]
        command: Option<KindsCommand>,
    },
    /// Connects an account
    Add(Add),
    /// Takes over connections that were made elsewhere; the file holds secrets, delete it afterwards
    Import(Importing),
    /// What is connected; what needs a hand comes first
    List(List),
    /// All about one connection
    Show {
        /// An id, any unique end of one, KIND, or KIND:LABEL
        connection: String,
    },
    /// Asks the providers whether connections work
    Verify {
        /// Ids, unique ends of one, KIND, or KIND:LABEL
        connections: Vec<String>,
        /// All of them; also when none is named
        #[arg(long, conflicts_with = "connections")]
        all: bool,
    },
    /// Gives a connection another label
    Rename {
        /// An id, any unique end of one, KIND, or KIND:LABEL
        connection: String,
        /// What to call it
        label: String,
    },
    /// Makes a connection the one that its kind alone names
    Default {
        /// An id, any unique end of one, KIND, or KIND:LABEL
        connection: String,
        /// Takes that back
        #[arg(long)]
        clear: bool,
    },
    /// Authorizes a connection again, in place; its id and label stay
    Reauthorize(Reauthorize),
    /// Goes back to the credential that the last re-authorization replaced
    Rollback {
        /// An id, any unique end of one, KIND, or KIND:LABEL
        connection: String,
        /// Does not ask
        #[arg(long)]
        yes: bool,
    },
    /// What happened; of one connection, also whether the record is whole
    Events {
        /// An id, also of one that was removed, any unique end of one, KIND, or KIND:LABEL
        connection: Option<String>,
    },
    /// Tells what happens, as it happens
    Watch(Watching),
    /// Removes a connection and its secret
    Remove {
        /// An id, any unique end of one, KIND, or KIND:LABEL
        connection: String,
        /// Does not ask
        #[arg(long)]
        yes: bool,
    },
    /// Sends a request with the connection's credential and prints the answer
    Send(Send),
    /// Lists and reads below the granted directories
    Files {
        /// An id, any unique end of one, KIND, or KIND:LABEL
        connection: String,
        #[command(subcommand)]
        command: FilesCommand,
    },
    /// Setups that wait for something
    Setup {
        #[command(subcommand)]
        command: SetupCommand,
    },
    /// The key of the database: which one, from where, and how much it seals
    Key {
        #[command(subcommand)]
        command: Option<KeyCommand>,
    },
    /// Checks data directory, database, key, clock and egress, and says what to do
    Doctor,
    /// Prints the completions of a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Prints the manual page
    Man,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KindsCommand {
    /// All about one kind
    Show {
        /// Its name
        kind: String,
    },
}

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

#[derive(Args, Debug)]
pub(crate) struct Add {
    /// What to connect; `connections kinds` lists them
    pub(crate) kind: String,
    /// What to call it; the account's name unless given
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// Connects the account also when it is connected already
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) input: InputArguments,
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
    /// Of every owner, and whose each is
    #[arg(long, conflicts_with = "owner")]
    pub(crate) all_owners: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Reauthorize {
    /// An id, any unique end of one, KIND, or KIND:LABEL
    pub(crate) connection: String,
    /// Also as another account than the one that it is of
    #[arg(long)]
    pub(crate) another_account: bool,
    #[command(flatten)]
    pub(crate) input: InputArguments,
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

#[derive(Args, Debug)]
pub(crate) struct Watching {
    /// An id, any unique end of one, KIND, or KIND:LABEL
    pub(crate) connection: Option<String>,
    /// Begins behind this event
    #[arg(long, value_name = "EVENT")]
    pub(crate) since: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Send {
    /// An id, any unique end of one, KIND, or KIND:LABEL
    pub(crate) connection: String,
    /// GET, POST, …
    pub(crate) method: String,
    /// Below the connection's base; begins with `/`
    pub(crate) path: String,
    /// A header; may be repeated
    #[arg(short = 'H', value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,
    /// Prints status and headers too
    #[arg(short)]
    pub(crate) include: bool,
    /// The body, from a file or from standard input
    #[arg(long, value_name = "@FILE|@-")]
    pub(crate) data: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FilesCommand {
    /// What is in a directory
    Ls {
        /// Relative to the granted directory; with several, `NAME/…` or an absolute path
        #[arg(default_value = "")]
        path: String,
    },
    /// Prints a file
    Cat {
        /// As for `ls`
        path: String,
    },
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
        input: InputArguments,
    },
    /// Ends one; nothing is kept
    Cancel {
        /// An id, or any unique end of one
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Moves the database to another key source; killed, the same command again ends it
    Change(KeyChange),
    /// Makes a new key and seals everything with it, beside whatever is running
    Rotate,
}

#[derive(Args, Debug)]
pub(crate) struct KeyChange {
    /// file, environment or command
    #[arg(long, value_name = "SOURCE")]
    pub(crate) to_source: String,
    /// As `key.file`; made when it is not there
    #[arg(long, value_name = "FILE")]
    pub(crate) to_file: Option<PathBuf>,
    /// As `key.variable`
    #[arg(long, value_name = "NAME")]
    pub(crate) to_variable: Option<String>,
    /// As `key.command`: a JSON array
    #[arg(long, value_name = "ARRAY")]
    pub(crate) to_command: Option<String>,
    /// As `key.wrap`: a JSON array
    #[arg(long, value_name = "ARRAY")]
    pub(crate) to_wrap: Option<String>,
    /// As `key.unwrap`: a JSON array
    #[arg(long, value_name = "ARRAY")]
    pub(crate) to_unwrap: Option<String>,
}

/// What clap refuses, in one sentence that repeats no value.
pub(crate) fn refusal(error: &clap::Error) -> Error {
    let name = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(argument_name(text)),
        Some(ContextValue::Strings(texts)) => {
            Some(texts.iter().map(|t| argument_name(t)).collect::<Vec<_>>().join(", "))
        }
        _ => None,
    };
    let argument = name(ContextKind::InvalidArg).unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::UnknownArgument if argument.starts_with('-') => format!("there is no option '{argument}'"),
        ErrorKind::UnknownArgument => "there is an argument too many".to_owned(),
        ErrorKind::InvalidSubcommand => "there is no such command".to_owned(),
        ErrorKind::MissingRequiredArgument => format!("missing: {argument}"),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "a command is missing".to_owned()
        }
        ErrorKind::ArgumentConflict => format!("{argument} does not go with the rest of the command"),
        ErrorKind::NoEquals | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("{argument} needs a value")
        }
        ErrorKind::InvalidValue if error.get(ContextKind::InvalidValue).is_none_or(is_empty) => {
            format!("{argument} needs a value")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => format!("{argument} does not take this value"),
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8".to_owned(),
        _ => "the command is not well formed".to_owned(),
    };
    Error::usage(message).remedy("see `connections --help`")
}

fn is_empty(value: &ContextValue) -> bool {
    matches!(value, ContextValue::String(text) if text.is_empty())
}

/// The part of an argument that names it: `--token` of `--token=value`, and nothing of a value.
fn argument_name(text: &str) -> String {
    text.split_once('=').filter(|_| text.starts_with('-')).map_or(text, |(name, _)| name).to_owned()
}
