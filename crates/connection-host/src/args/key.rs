//! Commands about the key of the database.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Moves the database to another key source; killed, the same command again ends it
    Change(KeyChange),
    /// Makes a new key and seals everything with it, beside whatever is running
    Rotate,
}

#[derive(Args, Debug)]
pub(crate) struct KeyChange {
    /// file, environment, command, keyring or passphrase
    #[arg(long, visible_alias = "to", value_name = "SOURCE")]
    pub(crate) to_source: String,
    /// As `key.file`; made when it is not there
    #[arg(long, value_name = "FILE")]
    pub(crate) to_file: Option<PathBuf>,
    /// As `key.variable`
    #[arg(long, value_name = "NAME")]
    pub(crate) to_variable: Option<String>,
    /// As `key.passphrase_file`; asked for at the terminal without it
    #[arg(long, value_name = "FILE")]
    pub(crate) to_passphrase_file: Option<PathBuf>,
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
