//! `rules explain FILE|PRESET METHOD PATH`: the rule that decides about a request, or why the request cannot be read.

use std::path::Path;

use connection_api::{Explanation, RulesDecision, SendRequest};
use connection_contract::Seat;
use connection_rules::Profile;
use connection_server::convert;

use super::{super::send::parse_header, given::Given};
use crate::{
    Error, Exit,
    args::{ExplainRules, ExplainedRequest},
    catalogue,
    input::{Standard, file_or_stdin},
    kind_entry::KindEntry,
    output::{Output, quoted},
    program::Program,
};

pub(super) fn run(program: &Program, arguments: &ExplainRules) -> Result<Exit, Error> {
    let mut standard = Standard::default();
    let given = Given::read(program, &arguments.rules, &mut standard).map_err(|error| match &*arguments.rules {
        name if !name.contains(['/', '.']) && !Path::new(name).exists() => {
            let way = format!("connections agents explain {} METHOD PATH", quoted(name));
            error.remedy(format!("name a file or a preset; `{way}` does this for the grant of an agent"))
        }
        _ => error,
    })?;
    let kind = match &arguments.kind {
        Some(name) => Some(program.kind(name)?),
        None => given.kind,
    };
    let profile = kind.map_or_else(Profile::strict, |kind| Profile::of_kind(&kind.descriptor, seats(program, kind)));
    let request = request(&arguments.request, &mut standard)?;
    let body = request.body_bytes().unwrap_or_default();
    print(&program.output, &convert::explanation(&given.rules, &request, &body, &profile))
}

/// Prints what rules decide about a request, and why.
pub(in crate::commands) fn print(output: &Output, explanation: &Explanation) -> Result<Exit, Error> {
    if output.json {
        output.shape(explanation)?;
        return Ok(Exit::Fine);
    }
    let Explanation { decision, steps, reason, .. } = explanation;
    steps.iter().try_for_each(|step| output.line(step))?;
    let reason = reason.as_deref().unwrap_or_default();
    output.line(match decision {
        RulesDecision::Allow => "the request is allowed".to_owned(),
        RulesDecision::Ask => "a person is asked about the request".to_owned(),
        RulesDecision::Deny => format!("the request is denied: {reason}"),
        RulesDecision::Refused => format!("the request is refused, because it can be read in two ways: {reason}"),
        _ => format!("the decision is '{decision}'"),
    })?;
    Ok(Exit::Fine)
}

/// Returns the seats of all kinds of the provider that this program knows.
fn seats(program: &Program, kind: &KindEntry) -> Vec<Seat> {
    let provider = &kind.descriptor.provider;
    let known = program.kinds.iter().filter(|other| other.descriptor.provider == *provider);
    let embedded = program.has_catalogue.then(|| catalogue::of_provider(provider)).into_iter().flatten();
    let others = embedded.filter(|other| program.known_kind(&other.descriptor.kind).is_none());
    known.flat_map(|kind| kind.seats.clone()).chain(others.flat_map(|other| other.seats)).collect()
}

/// Returns the request that the arguments describe.
pub(in crate::commands) fn request(
    arguments: &ExplainedRequest,
    standard: &mut Standard,
) -> Result<SendRequest, Error> {
    if !arguments.path.starts_with('/') {
        return Err(Error::usage("the path must begin with '/'; it is relative to the connection's base address"));
    }
    let mut request = SendRequest::new(arguments.method.to_ascii_uppercase(), arguments.path.as_str());
    let mut has_type = false;
    for header in &arguments.headers {
        let (name, value) = parse_header(header)?;
        has_type |= name == "content-type";
        request = request.header(name, value);
    }
    let Some(file) = &arguments.body else { return Ok(request) };
    let request = if has_type { request } else { request.header("content-type", "application/json") };
    Ok(request.body(file_or_stdin(file, standard, "--body")?.expose().to_vec()))
}
