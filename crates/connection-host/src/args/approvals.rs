//! The arguments of the command `approvals`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ApprovalsCommand {
    /// List requests that wait for you, and the last ones that are over
    List(ListApprovals),
    /// Show a whole request, and what ran before
    Show {
        /// The id, or its end
        id: String,
    },
    /// Approve a request after you have seen it; it is then sent once
    #[command(after_help = APPROVE)]
    Approve(Approve),
    /// Refuse a request, and tell the agent why
    Refuse {
        /// The id, or its end
        id: String,
        /// The reason, which the agent is told
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Print requests as they begin to wait, and what becomes of them
    Watch,
}

const APPROVE: &str = "\
The whole request is shown before the question. It is decided again when it is sent, and sent at most once; the agent
gets the answer when it sends its request again. --for widens the grant for a while instead: further requests with the
same method and path, which the same rule asks about, then pass without a question, whatever they contain.";

/// The number of approvals in a list that are over, if no other one is named.
const USUAL: u32 = 10;
const STATES: [&str; 8] = ["waiting", "approved", "executing", "answered", "refused", "lapsed", "unknown", "open"];

#[derive(Args, Debug)]
pub(crate) struct ListApprovals {
    /// Only those of this agent
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// Only those in this state; `open` is one of the first three
    #[arg(long, value_name = "STATE", value_parser = STATES)]
    pub(crate) state: Option<String>,
    /// At most this many that are over
    #[arg(long, value_name = "N", default_value_t = USUAL, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
}

impl Default for ListApprovals {
    fn default() -> Self {
        Self { agent: None, state: None, limit: USUAL }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Approve {
    /// The id, or its end
    pub(crate) id: String,
    /// Widen the grant for this many minutes, 60 at most
    #[arg(long = "for", value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) minutes: Option<u32>,
    /// Let this many further requests pass, 100 at most
    #[arg(long, value_name = "N", requires = "minutes", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) requests: Option<u32>,
    /// Approve the request with this digest, which was looked at before, without a question
    #[arg(long, value_name = "DIGEST")]
    pub(crate) digest: Option<String>,
}
