//! The arguments of the command `uses`.

use clap::{Args, Subcommand};

const OUTCOMES: &str = "Outcomes: answered (by the provider, with any status), failed, broken and cancelled (no whole \
                        answer), cut, denied, asked, ambiguous, budget, frozen, not_granted (nothing was sent), \
                        released (secrets were handed out), unknown (no end is recorded).";

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, after_help = OUTCOMES)]
pub(crate) struct Uses {
    #[command(subcommand)]
    pub(crate) command: Option<UsesCommand>,
    #[command(flatten)]
    pub(crate) filter: UsesFilter,
    /// Print at most this number of uses, the last ones
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
    /// Then print further uses as they happen
    #[arg(long)]
    pub(crate) follow: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UsesCommand {
    /// Print uses for other programs, one JSON object per line (OCSF API Activity)
    Export {
        #[command(flatten)]
        filter: UsesFilter,
    },
    /// Erase what old entries say
    Erase {
        /// A time (RFC 3339), or a duration before now, such as 90d
        #[arg(long, value_name = "TIME")]
        before: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

/// The uses to print.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct UsesFilter {
    /// Of this connection: KIND, KIND:LABEL, an id, or the end of an id
    #[arg(value_name = "CONNECTION")]
    pub(crate) connection: Option<String>,
    /// By this agent: its name, or its id if it was removed
    #[arg(long, value_name = "NAME", conflicts_with = "extension")]
    pub(crate) agent: Option<String>,
    /// By this extension
    #[arg(long, value_name = "NAME")]
    pub(crate) extension: Option<String>,
    /// By the program with this token: its id
    #[arg(long, value_name = "ID")]
    pub(crate) token: Option<String>,
    /// Decided by the rule with this name
    #[arg(long, value_name = "NAME")]
    pub(crate) rule: Option<String>,
    /// With this outcome
    #[arg(long, value_name = "OUTCOME")]
    pub(crate) outcome: Option<String>,
    /// Not before this time (RFC 3339), or this duration before now, such as 8h
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Before this time (RFC 3339), or this duration before now
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}
