//! Commands about the versions of the program that use a database.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum UpgradeCommand {
    /// Let only this version and newer ones write (cannot be undone)
    Finish {
        /// Only show what would change
        #[arg(long)]
        dry_run: bool,
    },
}
