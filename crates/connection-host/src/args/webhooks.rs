//! The command `webhooks`.

use clap::{Args, Subcommand};

#[derive(Args, Debug)]
pub(crate) struct Webhooks {
    /// An id, any unique end of one, KIND, or KIND:LABEL
    pub(crate) connection: String,
    /// Prints addresses and keys also where no person reads them
    #[arg(long, global = true)]
    pub(crate) show_secrets: bool,
    #[command(subcommand)]
    pub(crate) command: Option<WebhooksCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhooksCommand {
    /// Gives it an address, and a key where the provider is told one
    Enable,
    /// Takes the address away; what waits stays
    Disable {
        /// Does not ask
        #[arg(long)]
        yes: bool,
    },
    /// Makes another key; the former one is good beside it for seven days
    Rotate,
    /// Ends the former keys now, when the provider has the new one or one was lost
    EndGrace,
    /// Waits fifteen minutes for the key that the provider tells
    Handshake,
    /// The newest key, to be entered at the provider
    Key,
    /// Sends a signed delivery to the address, and says whether it arrives
    Test,
    /// What waits to be dealt with; nothing is taken
    Deliveries,
}
