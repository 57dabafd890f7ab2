//! The options for every command, which take precedence over the configuration.

use std::path::PathBuf;

use clap::Args;

use crate::Error;

/// Options of every command
#[derive(Args, Debug, Default)]
pub(crate) struct Global {
    /// Keep connections and their key in DIR
    #[arg(long, help_heading = "Options for every command", global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Use this database; put no password in it
    #[arg(long, help_heading = "Options for every command", global = true, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Read this configuration file
    #[arg(long, help_heading = "Options for every command", global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Talk to the server at this address instead
    #[arg(long, help_heading = "Options for every command", global = true, value_name = "URL")]
    pub(crate) host: Option<String>,
    /// Read the token for --host from this file
    #[arg(long, help_heading = "Options for every command", global = true, value_name = "FILE")]
    pub(crate) host_token_file: Option<PathBuf>,
    /// Act for this owner [default: local]
    #[arg(long, help_heading = "Options for every command", global = true, value_name = "OWNER")]
    pub(crate) owner: Option<String>,
    /// Print one documented JSON shape per command
    #[arg(long, help_heading = "Options for every command", global = true)]
    pub(crate) json: bool,
}

impl Global {
    /// Refuses options of the local store beside a server, and a token without one.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let local = [("--data-dir", self.data_dir.is_some()), ("--database", self.database.is_some())];
        match local.iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) if self.host.is_some() => {
                Err(Error::usage(format!("{option} cannot be used with --host, which leaves the local store alone")))
            }
            _ if self.host.is_none() && self.host_token_file.is_some() => {
                Err(Error::usage("--host-token-file needs --host"))
            }
            _ => Ok(()),
        }
    }
}
