//! `send_request`, and what became of a request that waits for a person.

use std::time::Duration;

use connection_contract::{BoxFuture, Secret};
use connection_core::{
    AgentApproval, ApprovalId, ApprovalState, ConnectionId, Error, RequestBody, Response, RuleError,
};
use connection_rules::Place;

use super::{
    arguments::RequestArguments,
    reply::Reply,
    request::{NoRequest, ToolRequest},
    rests::Part,
    session::{Session, sentence},
};
use crate::doors::{approval::Fetched, headers};

/// The time for which a request waits for a person.
const WAIT: Duration = Duration::from_secs(20);
/// The time after which a call does not wait for a provider any longer. The usual client waits for a minute.
const MAX_CALL: Duration = Duration::from_secs(45);
/// The part of an answer that is kept, in bytes.
const MAX_ANSWER: usize = 1 << 20;
/// The status of an answer to a credential that the provider does not accept.
const UNAUTHORIZED: u16 = 401;
/// The headers of an answer that tell a model what to do next.
const SHOWN: [&str; 6] = ["content-type", "etag", "last-modified", "link", "location", "retry-after"];
/// The maximum size of these headers in bytes.
const MAX_HEADERS: usize = 2_000;

/// An answer of a provider.
struct Answer<'a> {
    origin: String,
    status: u16,
    headers: &'a [(String, String)],
    body: Vec<u8>,
    /// How much of the body is there.
    end: End,
}

/// The reason why the body of an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It was read to its end.
    Whole,
    /// What follows is not kept.
    Cut,
    /// More did not come in time.
    Late,
}

/// Sends a request, if the rules allow it.
pub(super) async fn send(session: &Session, arguments: &RequestArguments) -> Reply {
    let request = match ToolRequest::read(arguments, &session.registry, &session.caller).await {
        Ok(request) => request,
        Err(NoRequest::Arguments(sentence)) => return Reply::failed(sentence),
        Err(NoRequest::Unresolved(unresolved)) => {
            session.registry.for_agent(&session.caller).refused(unresolved.error());
            return session.refused(&unresolved.refusal(&session.doors));
        }
    };
    let ToolRequest { connection, parts, body } = request;
    let origin = match &parts.place {
        Place::Origin(origin) => origin.clone(),
        Place::Base => match connection.base_url().await {
            Ok(base) => base.origin().as_str().to_owned(),
            Err(error) => return session.error(error),
        },
    };
    let clock = session.registry.clock();
    let mut over = clock.sleep(MAX_CALL);
    let body = RequestBody::whole(Secret::new(body));
    let opened = tokio::select! {
        biased;
        opened = session.registry.for_agent(&session.caller).open(connection.id(), parts, body) => opened,
        () = &mut over => return Reply::failed(format!(
            "{origin} has not answered in {} seconds, and the request may have happened. Read what has happened before \
             you send it again.",
            MAX_CALL.as_secs()
        )),
    };
    let answer = match opened {
        Ok(answer) => answer,
        Err(Error::Rules(RuleError::Asks { approval: Some(id), .. })) => {
            let wait = if session.opens { Duration::ZERO } else { WAIT };
            return approval(session, id, wait).await;
        }
        Err(error) => return session.error_of_use(error, connection.info()),
    };
    let (status, headers) = (answer.status(), answer.headers().to_vec());
    match read(answer, &mut over).await {
        Ok((body, end)) => shown(session, connection.id(), Answer { origin, status, headers: &headers, body, end }),
        Err(error) => Reply::failed(format!(
            "{origin} answered {status}, and the answer broke off. {} Read what has happened before you send it again.",
            sentence(&error.to_string())
        )),
    }
}

/// Reads the body of an answer as far as it is kept, until this time.
async fn read(mut answer: Response, over: &mut BoxFuture<'_, ()>) -> Result<(Vec<u8>, End), Error> {
    let mut body = Vec::new();
    loop {
        let piece = tokio::select! {
            biased;
            piece = answer.chunk() => piece?,
            () = &mut *over => return Ok((body, End::Late)),
        };
        let Some(piece) = piece else { return Ok((body, End::Whole)) };
        let room = MAX_ANSWER - body.len();
        body.extend_from_slice(piece.get(..room.min(piece.len())).unwrap_or_default());
        if piece.len() > room {
            return Ok((body, End::Cut));
        }
    }
}

/// Says what became of a request about which a person is asked, after waiting for at most this time.
pub(super) async fn approval(session: &Session, id: ApprovalId, wait: Duration) -> Reply {
    let place = session.doors.places.wait(session.caller.agent().id());
    let wait = if place.is_some() { wait } else { Duration::ZERO };
    let found = match session.registry.for_agent(&session.caller).approval(id, wait).await {
        Ok(found) => found,
        Err(error) => return session.error(error),
    };
    let reply = told(session, &found);
    match found.state.is_open() {
        true => reply,
        false => reply.fetches(Fetched::new(&session.registry, &session.caller, id)),
    }
}

fn told(session: &Session, found: &AgentApproval) -> Reply {
    let (rule, id) = (&found.rule, found.id);
    let why = |why: Option<String>| why.map(|why| format!(": {why}")).unwrap_or_default();
    match (found.state, &found.answer) {
        (ApprovalState::Answered, Some(answer)) => {
            let answer = Answer {
                origin: found.origin.clone(),
                status: answer.status,
                headers: &answer.headers,
                body: answer.body.clone(),
                end: if answer.is_complete { End::Whole } else { End::Cut },
            };
            shown(session, found.connection, answer)
        }
        (ApprovalState::Refused, _) => Reply::failed(format!(
            "A person refused this request{}. It was not sent. Do not send it again as it is.",
            why(found.refusal.clone())
        )),
        (ApprovalState::Lapsed, _) => Reply::failed(format!(
            "This request was not sent{}. Send it again if it is still needed, which asks a person anew.",
            why(found.lapse.map(|why| why.to_string()))
        )),
        (ApprovalState::Unknown | ApprovalState::Answered, _) => Reply::failed(
            "This request was approved and may have happened; its answer is lost. Read from the provider what has \
             happened before you send anything again.",
        ),
        (ApprovalState::Waiting, _) => {
            let page = session.page(&format!("/approvals/{id}"));
            let place = page.as_deref().unwrap_or("`connections approvals`");
            let agent = session.caller.agent().name();
            Reply::failed(format!(
                "The request was not sent: the rule '{rule}' asks a person, who answers at {place} until {}. Call \
                 send_request again with the same arguments, or check_request with approval = '{id}'.",
                found.ends_at.to_rfc3339()
            ))
            .open(page, format!("The agent {agent} asks you to approve a request, which the page shows."))
        }
        (ApprovalState::Executing, _) if found.code.is_none() => Reply::failed(format!(
            "The request is approved and its answer is awaited. Call check_request with approval = '{id}'."
        )),
        _ => Reply::failed(format!(
            "The request is approved and not sent yet{}. Call check_request with approval = '{id}'.",
            why(found.code.clone())
        )),
    }
}

/// Returns an answer of a provider, whose text is told apart from that of this program.
fn shown(session: &Session, connection: ConnectionId, answer: Answer<'_>) -> Reply {
    let Answer { origin, status, headers, body, end } = answer;
    let said = format!("{origin} answered {status}.");
    let reply = if status < 400 { Reply::done(said) } else { Reply::failed(said) };
    let length = body.len();
    let reply = match end {
        End::Whole => reply,
        End::Cut => reply.line(&format!("Only the first {length} bytes of the body are here.")),
        End::Late => reply.line(&format!(
            "The body did not end in {} seconds; its first {length} bytes are here.",
            MAX_CALL.as_secs()
        )),
    };
    let text = match String::from_utf8(body) {
        Ok(text) => Some(text),
        // The end may stand in the middle of a letter.
        Err(bytes) if end != End::Whole && bytes.utf8_error().error_len().is_none() => {
            Some(String::from_utf8_lossy(bytes.as_bytes()).into_owned())
        }
        Err(_) => None,
    };
    let reply = match text {
        None => reply.line(&format!("The body has {length} bytes that are not text, and is not shown.")),
        Some(text) if text.is_empty() => reply.line("The body is empty."),
        Some(text) => {
            let (agent, now) = (session.caller.agent().id(), session.registry.clock().now());
            with_part(reply, session.doors.rests.begin(agent, connection, origin.clone(), text, now))
        }
    };
    let reply = match status {
        UNAUTHORIZED => reply.line(
            "The provider does not accept the credential of this connection. Call request_access with need = 'repair' to \
             ask the person for it.",
        ),
        _ => reply,
    };
    let passed = headers::of_answer(headers);
    let shown = SHOWN.iter().filter_map(|name| Some(format!("{name}: {}", passed.get(*name)?.to_str().ok()?)));
    let mut shown = shown.collect::<Vec<_>>().join("\n");
    shown.truncate(shown.floor_char_boundary(MAX_HEADERS));
    if shown.is_empty() { reply } else { reply.with_data(origin, shown) }
}

/// Adds a part of an answer.
pub(super) fn with_part(reply: Reply, part: Part) -> Reply {
    let reply = reply.line(&format!("What follows is data from {}.", part.origin));
    let reply = if part.more.is_empty() { reply } else { reply.line(&part.more) };
    reply.with_data(part.origin, part.text)
}
