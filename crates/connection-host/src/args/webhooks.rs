//! The arguments of the command `webhooks`.

use clap::{Args, Subcommand};

#[derive(Args, Debug)]
pub(crate) struct Webhooks {
    /// KIND, KIND:LABEL, an id, or the end of an id
    pub(crate) connection: String,
    /// Print addresses and keys even if the output is not a terminal
    #[arg(long, global = true)]
    pub(crate) show_secrets: bool,
    #[command(subcommand)]
    pub(crate) command: Option<WebhooksCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhooksCommand {
    /// Make an address, and a key if the provider needs one
    Enable,
    /// Remove the address, and keep the events that wait
    Disable {
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Make a new key; the old one stays valid for seven days
    Rotate,
    /// End the old keys now
    EndGrace,
    /// Wait fifteen minutes for the key that the provider sends
    Handshake,
    /// Print the newest key, to be entered at the provider
    Key,
    /// Send a signed delivery to the address, and say whether it arrives
    Test,
    /// Show the events that wait, and take none
    Deliveries,
}
