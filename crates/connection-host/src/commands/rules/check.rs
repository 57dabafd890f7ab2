//! `rules check FILE`: reads rules, and says in words what they permit.

use serde::Serialize;

use super::given;
use crate::{Error, Exit, input::Standard, program::Program};

/// Rules that were read, for `--json`.
#[derive(Serialize)]
struct RulesCheckedBody {
    words: Vec<String>,
}

pub(super) fn run(program: &Program, file: &str) -> Result<Exit, Error> {
    let words = given::file(file, &mut Standard::default())?.words();
    if program.output.json {
        program.output.shape(&RulesCheckedBody { words })?;
        return Ok(Exit::Fine);
    }
    program.output.line("A program with these rules:")?;
    for line in words {
        program.output.line(format!("  {line}"))?;
    }
    Ok(Exit::Fine)
}
