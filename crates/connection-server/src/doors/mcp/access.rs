//! `request_access`: how a person connects an account, repairs one, or permits more.

use connection_contract::{Kind, Liveness, reason};
use connection_core::{ConnectionInfo, Error, for_grantee};

use super::{
    arguments::{AccessArguments, Need},
    reply::Reply,
    request,
    session::{Session, name_of, quoted},
};
use crate::view;

/// A request to a person.
struct Asked {
    /// The sentences for the model.
    text: String,
    /// The end of the sentence that begins with "The agent NAME asks you to".
    to_do: String,
    page: Option<String>,
}

/// Answers `request_access`.
pub(super) async fn request(session: &Session, arguments: &AccessArguments) -> Reply {
    let AccessArguments { need, why, kind, connection } = arguments;
    let asked = match (need, kind.as_deref(), connection.as_deref()) {
        (Need::Connect, Some(kind), _) => match connect(session, kind).await {
            Ok(Some(asked)) => asked,
            Ok(None) => {
                return Reply::failed(
                    "There is no such kind of connection. An MCP server is of the kind 'mcp'; the person finds all \
                     others with `connections kinds --all`, or on the page.",
                );
            }
            Err(error) => return session.error(error),
        },
        (Need::Connect, None, _) => return Reply::failed("Name in 'kind' what is to be connected."),
        (Need::Repair | Need::Permit, _, None) => {
            return Reply::failed("Name in 'connection' what is to be repaired or permitted.");
        }
        (need, _, Some(name)) => {
            let found = match request::connection(name, &session.registry, &session.caller).await {
                Ok(found) => found,
                Err(unresolved) => return session.refused(&unresolved.refusal(&session.doors)),
            };
            match need {
                Need::Repair => repair(session, found.info()),
                _ => permit(session, found.info()),
            }
        }
    };
    let Asked { text, to_do, page } = asked;
    let agent = session.caller.agent().name();
    let reply = Reply::failed(text).line("Tell the person why you need it.");
    let reply = page.iter().fold(reply, |reply, page| reply.line(&format!("Page: {page}")));
    reply.open(page, format!("The agent {agent} asks you to {to_do}. It says: {}", quoted(why)))
}

async fn connect(session: &Session, kind: &str) -> Result<Option<Asked>, Error> {
    let agent = session.caller.agent().name();
    let Some(kind) = Kind::parse(kind) else { return Ok(None) };
    if view::descriptor(&session.registry, &kind).await?.is_none() {
        return Ok(None);
    }
    Ok(Some(Asked {
        text: format!(
            "This call connects nothing. The person connects the account with `connections add {kind}`, and grants it \
             to you with `connections agents grant {agent} {kind}`."
        ),
        to_do: format!("connect an account of the kind {kind}"),
        page: session.page(&format!("/connect/{kind}")),
    }))
}

fn repair(session: &Session, info: &ConnectionInfo) -> Asked {
    let name = name_of(info);
    let state = match info.current_liveness() {
        Liveness::Live => "The connection works by its last check.",
        _ => "The connection does not work by its last check.",
    };
    let why = info.reason.clone().map(for_grantee);
    let remedy = why.as_ref().and_then(|why| why.remedy.as_ref());
    let remedy = remedy.map(|remedy| format!(" What helps: {}.", quoted(&remedy.to_string()))).unwrap_or_default();
    // The remedy says what is mended in place of the connection.
    let again = match why.is_some_and(|why| reason::is_mended_elsewhere(&why.code)) {
        true => String::new(),
        false => format!(" The person authorizes it again with `connections reauthorize {name}`."),
    };
    Asked {
        text: format!("{state}{remedy}{again}"),
        to_do: format!("look after the connection {name}"),
        page: session.page(&format!("/connections/{}", info.id)),
    }
}

fn permit(session: &Session, info: &ConnectionInfo) -> Asked {
    let (agent, name) = (session.caller.agent().name(), name_of(info));
    Asked {
        text: format!(
            "This call permits nothing more. The person changes your rules with \
             `connections agents grant {agent} {name} --rules FILE`."
        ),
        to_do: format!("permit more with the connection {name}"),
        page: session.page(&format!("/agents/{agent}")),
    }
}
