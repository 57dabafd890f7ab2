//! The command line: what can be said, in clap's words.
//!
//! No value of an argument is ever repeated in an error: it may be a secret that was typed into the wrong place. So what
//! needs more than clap's structure is checked after it, by this crate.

mod credential;
mod extension;
mod key;
mod look;
mod profiles;
mod refusal;
mod run;
mod setup;
mod webhooks;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use credential::{FilesCommand, Send};
pub(crate) use extension::{Exec, ExtensionsCommand, Grant, OpenSettings, PreferencesCommand};
pub(crate) use key::{KeyChange, KeyCommand};
pub(crate) use look::{KindsCommand, List, Watching};
pub(crate) use profiles::{CreateProfile, DefaultProfile, ProfilesCommand, UpdateProfile};
pub(crate) use refusal::refusal;
pub(crate) use run::{Run, SandboxCommand, Usage};
pub(crate) use setup::{Add, FinishArguments, Importing, InputArguments, Reauthorize, SetupCommand};
pub(crate) use webhooks::{Webhooks, WebhooksCommand};

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
    /// Renews a connection's credential now, whether or not it is time
    Refresh {
        /// An id, any unique end of one, KIND, or KIND:LABEL
        connection: String,
        /// Ask a provider that refused to renew it once more
        #[arg(long)]
        force: bool,
    },
    /// Where a connection receives what its provider sends by itself
    Webhooks(Webhooks),
    /// What happened; of one connection, also whether the record is whole
    Events {
        /// An id, also of one that was removed, any unique end of one, KIND, or KIND:LABEL
        connection: Option<String>,
        /// Goes on with what happens, as it happens
        #[arg(long)]
        follow: bool,
    },
    /// Tells what happens from now on, as it happens
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
    /// What becomes of what an extension needs: connected, failed, missing or unsupported
    Resolve {
        /// Its manifest; `-` is standard input
        #[arg(value_name = "FILE|-")]
        file: String,
    },
    /// The extensions that use connections
    Extensions {
        #[command(subcommand)]
        command: Option<ExtensionsCommand>,
    },
    /// What extensions are set to; none of it is a secret
    Preferences {
        #[command(subcommand)]
        command: PreferencesCommand,
    },
    /// Runs a program with what an extension declared and was granted, in variables of its environment
    Exec(Exec),
    /// What an extension needs, and the way to it; at a terminal, or with input, connects and grants it
    OpenSettings(OpenSettings),
    /// The identities of a local tool, each with a directory of its own
    Profiles {
        #[command(subcommand)]
        command: ProfilesCommand,
    },
    /// Runs a local tool as one of its identities; what stands behind `--` is for the tool
    Run(Run),
    /// What `run --sandbox` needs
    Sandbox {
        #[command(subcommand)]
        command: SandboxCommand,
    },
    /// How much of each account is used
    Usage(Usage),
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
    /// Is there: takes callbacks and webhooks, renews credentials, goes on with setups, until it is told to end
    Serve,
    /// Checks data directory, database, key, clock and egress, and says what to do
    Doctor {
        /// Also whether callbacks arrive, and what to register at providers
        #[arg(long)]
        callback: bool,
    },
    /// Prints the completions of a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Prints the manual page
    Man,
}
