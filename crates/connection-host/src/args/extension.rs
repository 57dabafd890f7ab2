//! Commands about extensions: `resolve`, `extensions`, `preferences`, `exec`, `open-settings`.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::{FinishArguments, InputArguments};

#[derive(Debug, Subcommand)]
pub(crate) enum ExtensionsCommand {
    /// Those that were added, what becomes of what they need, and what each may use
    List,
    /// Adds one; in the place of the one with that name
    Add {
        /// Its manifest; `-` is standard input
        #[arg(value_name = "FILE|-")]
        file: String,
        /// List what of the manifest is not read
        #[arg(long)]
        verbose: bool,
    },
    /// Removes one with its preferences; it may use nothing any more
    Remove {
        /// Its name
        name: String,
        /// Does not ask
        #[arg(long)]
        yes: bool,
    },
    /// Lets one use a connection
    Grant(Grant),
    /// Choose the connection an extension uses
    Use(Use),
    /// Lets one use a connection no more; or any, unless one is named
    Revoke {
        /// Its name
        name: String,
        /// An id, any unique end of one, KIND, or KIND:LABEL
        connection: Option<String>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Grant {
    /// The extension's name
    pub(crate) name: String,
    /// An id, any unique end of one, KIND, or KIND:LABEL
    pub(crate) connection: String,
    /// A secret that it may have; repeated for several; all that it declares, unless said
    #[arg(long = "name", value_name = "SECRET")]
    pub(crate) names: Vec<String>,
    /// It sends requests, and is given no secret
    #[arg(long, conflicts_with = "names")]
    pub(crate) no_secrets: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Use {
    /// The extension's name
    pub(crate) name: String,
    /// An id, any unique end of one, KIND, or KIND:LABEL
    #[arg(required_unless_present = "default")]
    pub(crate) connection: Option<String>,
    /// Use the default of the provider again
    #[arg(long, conflicts_with = "connection")]
    pub(crate) default: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PreferencesCommand {
    /// What it is set to, or what holds while nobody has set it
    Get {
        /// The extension's name
        extension: String,
        /// Of this command of it
        #[arg(long, value_name = "COMMAND")]
        command: Option<String>,
        /// This one alone
        key: Option<String>,
    },
    /// Sets one; never a secret
    Set {
        /// The extension's name
        extension: String,
        /// Of this command of it
        #[arg(long, value_name = "COMMAND")]
        command: Option<String>,
        /// Which
        key: String,
        /// JSON; or text, for one that takes text
        #[arg(allow_negative_numbers = true, required_unless_present = "unset")]
        value: Option<String>,
        /// Its default holds again
        #[arg(long, conflicts_with = "value")]
        unset: bool,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Exec {
    /// The extension's name
    pub(crate) extension: String,
    /// For this command of it
    #[arg(long, value_name = "COMMAND")]
    pub(crate) command: Option<String>,
    /// The program, and what it is started with
    #[arg(last = true, required = true, value_name = "ARGS")]
    pub(crate) program: Vec<OsString>,
}

#[derive(Args, Debug)]
pub(crate) struct OpenSettings {
    /// The extension's name
    pub(crate) extension: String,
    /// Of this command of it
    #[arg(long, value_name = "COMMAND")]
    pub(crate) command: Option<String>,
    /// The kind to connect with, where the provider has several
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// What came of what was opened before
    #[arg(long, value_name = "TICKET", conflicts_with_all = ["kind", "device", "paste", "input", "fields", "from_env"])]
    pub(crate) retry: Option<String>,
    #[command(flatten)]
    pub(crate) finish: FinishArguments,
    #[command(flatten)]
    pub(crate) input: InputArguments,
}
