//! Commands about the key of the database.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Move the key to another source (safe to repeat after an interruption)
    Change(KeyChange),
    /// Make a new key and seal everything with it (safe while programs run)
    Rotate,
}

#[derive(Args, Debug)]
pub(crate) struct KeyChange {
    /// The new source: file, environment, command, keyring or passphrase
    #[arg(long, visible_alias = "to", value_name = "SOURCE")]
    pub(crate) to_source: String,
    /// The new `key.file`, which is made if it does not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) to_file: Option<PathBuf>,
    /// The new `key.variable`
    #[arg(long, value_name = "NAME")]
    pub(crate) to_variable: Option<String>,
    /// The new `key.passphrase_file` [default: ask at the terminal]
    #[arg(long, value_name = "FILE")]
    pub(crate) to_passphrase_file: Option<PathBuf>,
    /// The new `key.command`, as a JSON array
    #[arg(long, value_name = "ARRAY")]
    pub(crate) to_command: Option<String>,
    /// The new `key.wrap`, as a JSON array
    #[arg(long, value_name = "ARRAY")]
    pub(crate) to_wrap: Option<String>,
    /// The new `key.unwrap`, as a JSON array
    #[arg(long, value_name = "ARRAY")]
    pub(crate) to_unwrap: Option<String>,
}
