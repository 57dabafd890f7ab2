//! Commands about extensions: `resolve`, `extensions`, `preferences`, `exec`, `open-settings`.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::{FinishArguments, InputArguments};

#[derive(Debug, Subcommand)]
pub(crate) enum ExtensionsCommand {
    /// List extensions, the state of what they need, and what each may use
    List,
    /// Add an extension, or replace the one of the same name
    Add {
        /// The manifest of the extension; `-` is standard input
        #[arg(value_name = "FILE|-")]
        file: String,
        /// List the parts of the manifest that are not read
        #[arg(long)]
        verbose: bool,
    },
    /// Remove an extension with its grants and preferences
    Remove {
        /// The extension's name
        name: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Let an extension use a connection
    Grant(Grant),
    /// Choose the connection an extension uses
    Use(Use),
    /// Take a connection away from an extension
    Revoke {
        /// The extension's name
        name: String,
        /// KIND, KIND:LABEL, an id, or the end of an id [default: all that it may use]
        connection: Option<String>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Grant {
    /// The extension's name
    pub(crate) name: String,
    /// KIND, KIND:LABEL, an id, or the end of an id
    pub(crate) connection: String,
    /// Hand out this secret; may be repeated [default: all that it declares]
    #[arg(long = "name", value_name = "SECRET")]
    pub(crate) names: Vec<String>,
    /// Let it send requests, and hand out no secret
    #[arg(long, conflicts_with = "names")]
    pub(crate) no_secrets: bool,
    /// Let it send the requests that these rules allow, and hand out no secret: a preset of the connection's kind, or a
    /// file: a name with a `/`, or one that ends in .toml or .json
    #[arg(long, value_name = "PRESET|FILE", conflicts_with = "names")]
    pub(crate) rules: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Use {
    /// The extension's name
    pub(crate) name: String,
    /// KIND, KIND:LABEL, an id, or the end of an id
    #[arg(required_unless_present = "default")]
    pub(crate) connection: Option<String>,
    /// Undo the choice: use the only granted connection, else the default
    #[arg(long, conflicts_with = "connection")]
    pub(crate) default: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PreferencesCommand {
    /// Show the preferences of an extension
    Get {
        /// The extension's name
        extension: String,
        /// Only for this command of the extension
        #[arg(long, value_name = "COMMAND")]
        command: Option<String>,
        /// Show only this preference
        key: Option<String>,
    },
    /// Set a preference, which is never a secret
    Set {
        /// The extension's name
        extension: String,
        /// Only for this command of the extension
        #[arg(long, value_name = "COMMAND")]
        command: Option<String>,
        /// Name of the preference
        key: String,
        /// The value as JSON, or as text for a preference that takes text
        #[arg(allow_negative_numbers = true, required_unless_present = "unset")]
        value: Option<String>,
        /// Return to the default
        #[arg(long, conflicts_with = "value")]
        unset: bool,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Exec {
    /// The extension's name
    pub(crate) extension: String,
    /// Run it for this command of the extension
    #[arg(long, value_name = "COMMAND")]
    pub(crate) command: Option<String>,
    /// Pass this secret in this variable instead of its own, such as GH_TOKEN=accessToken; may be repeated
    #[arg(long, value_name = "VARIABLE=SECRET")]
    pub(crate) env: Vec<String>,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub(crate) program: Vec<OsString>,
}

#[derive(Args, Debug)]
pub(crate) struct OpenSettings {
    /// The extension's name
    pub(crate) extension: String,
    /// Only for this command of the extension
    #[arg(long, value_name = "COMMAND")]
    pub(crate) command: Option<String>,
    /// The kind to connect with, where the provider has several
    #[arg(long, value_name = "KIND", value_parser = super::parse_kind)]
    pub(crate) kind: Option<String>,
    /// Show the result of an earlier `open-settings`
    #[arg(long, value_name = "TICKET", conflicts_with_all = ["kind", "device", "paste", "input", "fields", "from_env"])]
    pub(crate) retry: Option<String>,
    #[command(flatten)]
    pub(crate) finish: FinishArguments,
    #[command(flatten)]
    pub(crate) input: InputArguments,
}
