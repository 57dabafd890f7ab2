//! `rules diff A B`: a request that B permits and A treats more strictly.

use connection_rules::Diff;
use serde::Serialize;

use super::given::Given;
use crate::{Error, Exit, input::Standard, program::Program};

/// The difference of two rule sets, for `--json`.
#[derive(Serialize)]
struct RulesDiffBody {
    /// `null` if the rules have too many combinations to be compared.
    differs: Option<bool>,
    method: Option<String>,
    path: Option<String>,
    before: Option<&'static str>,
    after: Option<&'static str>,
    message: String,
}

impl RulesDiffBody {
    fn of(diff: Diff) -> Self {
        let without_request = |differs, message: &str| Self {
            differs,
            method: None,
            path: None,
            before: None,
            after: None,
            message: message.to_owned(),
        };
        match diff {
            Diff::None => without_request(Some(false), "B permits nothing that A does not permit"),
            Diff::Unknown => {
                without_request(None, "the rules have too many combinations to be compared; take them for different")
            }
            Diff::Found(difference) => {
                let head = difference.request().head();
                Self {
                    differs: Some(true),
                    method: Some(head.method().to_owned()),
                    path: Some(head.target().to_owned()),
                    before: Some(difference.before().as_str()),
                    after: Some(difference.after().as_str()),
                    message: difference.to_string(),
                }
            }
        }
    }
}

pub(super) fn run(program: &Program, before: &str, after: &str) -> Result<Exit, Error> {
    let mut standard = Standard::default();
    let before = Given::read(program, before, &mut standard)?.rules;
    let after = Given::read(program, after, &mut standard)?.rules;
    let body = RulesDiffBody::of(before.diff(&after));
    match program.output.json {
        true => program.output.shape(&body)?,
        false => program.output.line(body.message)?,
    }
    Ok(Exit::Fine)
}
