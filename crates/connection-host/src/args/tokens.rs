//! The arguments of the command `tokens`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// List the tokens, also those that have ended in the last week
    List,
    /// Make a token for a program, and print it once
    Create(CreateToken),
    /// Make tokens useless at once
    Revoke(RevokeTokens),
}

#[derive(Args, Debug)]
pub(crate) struct CreateToken {
    /// A name by which you recognize the program
    pub(crate) name: String,
    /// `read` shows connections, `use` also sends with them, `manage` also changes them and makes such tokens, `admin`
    /// also makes tokens that administer
    #[arg(long, value_name = "ROLE", default_value = "read", value_parser = ["approve", "read", "use", "manage", "admin"])]
    pub(crate) role: String,
    /// Make a token for one extension, which can use what was granted to it and nothing else
    #[arg(long, value_name = "EXTENSION", conflicts_with_all = ["role", "every_owner"])]
    pub(crate) extension: Option<String>,
    /// Let the token act for every owner, and not only for this one
    #[arg(long, conflicts_with = "owner")]
    pub(crate) every_owner: bool,
    /// The number of days after which it ends, from 1 to 366
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub(crate) days: u32,
}

#[derive(Args, Debug)]
pub(crate) struct RevokeTokens {
    /// Any number of: an id, the end of an id, or a name
    #[arg(required_unless_present_any = ["pages", "all"])]
    pub(crate) tokens: Vec<String>,
    /// Revoke the tokens of all pages that are open in a browser
    #[arg(long, conflicts_with_all = ["tokens", "all"])]
    pub(crate) pages: bool,
    /// Revoke all tokens that act for this owner, with those that act for every owner
    #[arg(long, conflicts_with = "tokens")]
    pub(crate) all: bool,
}
