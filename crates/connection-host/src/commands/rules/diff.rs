//! `rules diff A B`: a request that B permits and A treats more strictly.

use connection_server::convert;

use super::given::Given;
use crate::{Error, Exit, input::Standard, program::Program};

pub(super) fn run(program: &Program, before: &str, after: &str) -> Result<Exit, Error> {
    let mut standard = Standard::default();
    let before = Given::read(program, before, &mut standard)?.rules;
    let after = Given::read(program, after, &mut standard)?.rules;
    let none = match after.releases() && !before.releases() {
        true => "B permits no request that A does not permit, and lets the secret itself be handed out",
        false => "B permits nothing that A does not permit",
    };
    let body = convert::rules_difference(&before.diff(&after), none);
    match program.output.json {
        true => program.output.shape(&body)?,
        false => program.output.line(body.message)?,
    }
    Ok(Exit::Fine)
}
