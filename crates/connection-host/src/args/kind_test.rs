//! `kinds test`: files that describe kinds, without a network or against a server of their author.

use std::path::PathBuf;

use clap::Args;

use super::{FinishArguments, InputArguments};

#[derive(Args, Debug)]
pub(crate) struct KindTest {
    /// A file in TOML or JSON; several may extend each other
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Connect an account, with every request sent to URL
    #[arg(long, value_name = "URL", requires = "files")]
    pub(crate) against: Option<String>,
    #[command(flatten)]
    pub(crate) finish: FinishArguments,
    #[command(flatten)]
    pub(crate) input: InputArguments,
}

impl KindTest {
    /// Returns `true` if an option was given that has a meaning only while an account is connected.
    pub(crate) fn connects(&self) -> bool {
        let FinishArguments { device, paste, no_browser, yes } = self.finish;
        let InputArguments { input, fields, from_env, all_fields } = &self.input;
        let answers = input.is_some() || !fields.is_empty() || !from_env.is_empty();
        device || paste || no_browser || yes || *all_fields || answers
    }
}
