//! `rules`: checks, explains and compares rules. The commands read files and presets, and open no database.

mod check;
mod diff;
mod explain;
mod given;
mod presets;

pub(super) use explain::{print as print_explanation, request as explained_request};
pub(super) use given::given_rules;

use crate::{Error, Exit, args::RulesCommand, program::Program};

pub(super) fn run(program: &Program, command: RulesCommand) -> Result<Exit, Error> {
    match command {
        RulesCommand::Check { file } => check::run(program, &file),
        RulesCommand::Explain(arguments) => explain::run(program, &arguments),
        RulesCommand::Diff { before, after } => diff::run(program, &before, &after),
        RulesCommand::Presets { kind } => presets::run(program, kind.as_deref()),
    }
}
