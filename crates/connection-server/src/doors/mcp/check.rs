//! `check_request`: what the rules would decide, and what became of a request about which a person is asked.

use std::time::Duration;

use connection_core::Error;
use connection_rules::{Decision, Place};

use super::{
    arguments::{CheckArguments, RequestArguments},
    reply::Reply,
    request::{NoRequest, ToolRequest},
    send,
    session::{Session, sentence},
};
use crate::{agents, doors::refusal::Refusal, view};

/// Answers `check_request`.
pub(super) async fn check(session: &Session, arguments: &CheckArguments) -> Reply {
    match arguments {
        CheckArguments::Request(request) => request_checked(session, request).await,
        CheckArguments::Approval(id) => match id.parse() {
            Ok(id) => send::approval(session, id, Duration::ZERO).await,
            Err(_) => session.refused(&Refusal::no_approval()),
        },
    }
}

async fn request_checked(session: &Session, arguments: &RequestArguments) -> Reply {
    let request = match ToolRequest::read(arguments, &session.registry, &session.caller).await {
        Ok(request) => request,
        Err(NoRequest::Arguments(sentence)) => return Reply::failed(sentence),
        Err(NoRequest::Unresolved(unresolved)) => return session.refused(&unresolved.refusal(&session.doors)),
    };
    match decided(session, request).await {
        Ok(reply) => reply,
        Err(error) => session.error(error),
    }
}

async fn decided(session: &Session, request: ToolRequest) -> Result<Reply, Error> {
    let ToolRequest { connection, parts, body } = request;
    let permit = session.caller.granted(connection.id()).await?;
    if let Place::Origin(origin) = &parts.place
        && !connection.origins().await?.iter().any(|known| known.as_str() == origin)
    {
        return Ok(Reply::done(format!("It would be refused: the connection has no address at {origin}.")));
    }
    if parts.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("upgrade")) {
        return Ok(Reply::done("It would be refused: only a GET at a door may upgrade its connection.".to_owned()));
    }
    let descriptor = view::descriptor(&session.registry, &connection.info().kind).await?;
    let profile = agents::profile(&session.registry, connection.info(), descriptor.as_ref()).await?;
    let request = match permit.rules().read_request(parts, &body, &profile) {
        Ok(request) => request,
        Err(ambiguous) => return Ok(Reply::done(format!("It would be refused. {}", sentence(&ambiguous.to_string())))),
    };
    let decision = permit.decide(&request);
    let rule = decision.rule().map(|rule| format!("the rule '{}'", rule.name()));
    let rule = rule.unwrap_or_else(|| "default".to_owned());
    Ok(Reply::done(match decision {
        Decision::Allow { .. } => format!("By {rule}, it is allowed. Call send_request to send it."),
        Decision::Ask { .. } => {
            format!(
                "By {rule}, a person is asked about it. Call send_request to ask; it is sent once after the answer."
            )
        }
        Decision::Deny { remedy, .. } => format!(
            "By {rule}, it is denied. {} Call request_access with need = 'permit' to ask the person for it.",
            sentence(&remedy.to_string())
        ),
    }))
}
