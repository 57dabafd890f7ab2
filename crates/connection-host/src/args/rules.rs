//! Commands about rules, which say what a program may do with an account.

use clap::{Args, Subcommand};

use super::parse_kind;

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Check a file of rules, and say what it permits
    Check {
        /// A file in TOML, or in JSON if it ends in .json; `-` is standard input
        #[arg(value_name = "FILE|-")]
        file: String,
    },
    /// Say which rule decides about a request, and why
    Explain(ExplainRules),
    /// Show a request that B permits and A does not
    Diff {
        /// A file, or a preset such as `github/read`
        #[arg(value_name = "A")]
        before: String,
        /// A file, or a preset such as `github/read`
        #[arg(value_name = "B")]
        after: String,
    },
    /// List the presets of kinds, with what they permit
    Presets {
        /// List the presets of this kind alone
        #[arg(value_parser = parse_kind)]
        kind: Option<String>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct ExplainRules {
    /// A file, or a preset such as `github/read`
    #[arg(value_name = "FILE|PRESET")]
    pub(crate) rules: String,
    #[command(flatten)]
    pub(crate) request: ExplainedRequest,
    /// Read the path as this kind does [default: that of the preset]
    #[arg(long, value_parser = parse_kind)]
    pub(crate) kind: Option<String>,
}

/// A request that is explained and not sent.
#[derive(Args, Debug)]
pub(crate) struct ExplainedRequest {
    /// GET, POST or another method
    pub(crate) method: String,
    /// The path at the provider's API; begins with `/`
    pub(crate) path: String,
    /// A header of the request; may be repeated
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,
    /// Read the body from a file; JSON unless a header says otherwise
    #[arg(long, value_name = "FILE|-")]
    pub(crate) body: Option<String>,
}
