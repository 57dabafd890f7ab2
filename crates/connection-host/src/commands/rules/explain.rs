//! `rules explain FILE|PRESET METHOD PATH`: the rule that decides about a request, or why the request cannot be read.

use connection_rules::{Ambiguous, Decision, Profile, Request, RequestHead, RequestParts, Rules};
use serde::Serialize;

use super::{super::send::parse_header, given::Given};
use crate::{
    Error, Exit,
    args::ExplainRules,
    input::{Standard, file_or_stdin},
    program::Program,
};

/// The decision about a request, for `--json`.
#[derive(Serialize)]
struct ExplanationBody {
    /// `allow`, `ask`, `deny`, or `refused` for a request that cannot be read in one way only.
    decision: &'static str,
    rule: Option<String>,
    /// The rules that were compared, one sentence for each.
    steps: Vec<String>,
    reason: Option<String>,
}

pub(super) fn run(program: &Program, arguments: &ExplainRules) -> Result<Exit, Error> {
    let mut standard = Standard::default();
    let given = Given::read(program, &arguments.rules, &mut standard)?;
    let kind = match &arguments.kind {
        Some(name) => Some(program.kind(name)?),
        None => given.kind,
    };
    let profile = kind.map_or_else(Profile::strict, |kind| Profile::of_kind(&kind.descriptor));
    let (parts, body) = parts(arguments, &mut standard)?;
    let output = &program.output;
    let (explanation, text) = match read(parts, body, &profile, &given.rules) {
        Ok(request) => explained(&given.rules, &request),
        Err(ambiguous) => {
            let reason = ambiguous.to_string();
            let text = format!("the request is refused, because it can be read in two ways: {reason}");
            (ExplanationBody { decision: "refused", rule: None, steps: Vec::new(), reason: Some(reason) }, text)
        }
    };
    if output.json {
        output.shape(&explanation)?;
        return Ok(Exit::Fine);
    }
    for line in text.lines() {
        output.line(line)?;
    }
    Ok(Exit::Fine)
}

/// Returns the parts of the request that the arguments describe, and its body.
fn parts(arguments: &ExplainRules, standard: &mut Standard) -> Result<(RequestParts, Vec<u8>), Error> {
    if !arguments.path.starts_with('/') {
        return Err(Error::usage("the path must begin with '/'; it is relative to the connection's base address"));
    }
    let mut parts = RequestParts::new(arguments.method.to_ascii_uppercase(), arguments.path.as_str());
    let mut has_type = false;
    for header in &arguments.headers {
        let (name, value) = parse_header(header)?;
        has_type |= name == "content-type";
        parts = parts.header(name, value);
    }
    let Some(file) = &arguments.body else { return Ok((parts, Vec::new())) };
    let body = file_or_stdin(file, standard, "--body")?.expose().to_vec();
    if !has_type {
        parts = parts.header("content-type", "application/json");
    }
    Ok((parts.body_length(Some(body.len() as u64)), body))
}

/// Reads the request as a door does.
fn read(parts: RequestParts, body: Vec<u8>, profile: &Profile, rules: &Rules) -> Result<Request, Ambiguous> {
    let head = RequestHead::read(parts, profile)?;
    match rules.wants_body(&head) {
        Some(limit) if body.len() as u64 <= limit => head.with_body(body),
        _ => head.streamed(),
    }
}

fn explained(rules: &Rules, request: &Request) -> (ExplanationBody, String) {
    let explanation = rules.explain(request);
    let decision = explanation.decision();
    let reason = match &decision {
        Decision::Deny { remedy, .. } => Some(remedy.to_string()),
        Decision::Allow { .. } | Decision::Ask { .. } => None,
    };
    let body = ExplanationBody {
        decision: decision.effect().as_str(),
        rule: decision.rule().map(|rule| rule.name().to_owned()),
        steps: explanation.steps().iter().map(ToString::to_string).collect(),
        reason,
    };
    (body, explanation.to_string())
}
