//! `list_connections`, and `describe_connection`.

use connection_contract::Liveness;
use connection_core::{AgentGrant, Connection, ConnectionInfo, Error};

use super::{
    arguments::{DescribeArguments, ListArguments},
    reply::Reply,
    request,
    session::{Session, name_of, quoted, sentence},
};

/// The maximum number of connections in a list.
const MAX: usize = 50;
/// The size in bytes after which a list takes no further connection.
const MAX_BYTES: usize = 5_000;
/// The maximum number of rules in a description.
const MAX_RULES: usize = 40;
/// The maximum number of characters of the scopes in a description.
const MAX_SCOPES: usize = 500;

/// Lists the connections that are granted to the agent.
pub(super) async fn list(session: &Session, arguments: &ListArguments) -> Reply {
    match listed(session, &arguments.contains).await {
        Ok(reply) => reply,
        Err(error) => session.error(error),
    }
}

async fn listed(session: &Session, contains: &str) -> Result<Reply, Error> {
    let (now, contains) = (session.registry.clock().now(), contains.to_lowercase());
    let (mut lines, mut bytes, mut others) = (Vec::new(), 0, 0_usize);
    for grant in session.caller.agent().grants().await?.iter().filter(|grant| grant.is_live(now)) {
        let connection = match session.registry.connection(grant.connection).await {
            Ok(connection) => connection,
            Err(Error::NotFound(_)) => continue,
            Err(error) => return Err(error),
        };
        let line = line(connection.info());
        match line.to_lowercase().contains(&contains) {
            false => {}
            true if lines.len() < MAX && bytes < MAX_BYTES => {
                bytes += line.len();
                lines.push(line);
            }
            true => others += 1,
        }
    }
    lines.sort();
    if lines.is_empty() {
        let text = match contains.is_empty() {
            true => "No connection is granted to you. Call request_access to ask the person for one.",
            false => "No connection that is granted to you has this text. Call list_connections without 'contains'.",
        };
        return Ok(Reply::done(text));
    }
    if others > 0 {
        lines.push(format!("and {others} more: call list_connections with 'contains' to find them."));
    }
    Ok(Reply::done(lines.join("\n")))
}

/// Returns what a list says of a connection. Whatever comes from the provider is in quotes.
fn line(info: &ConnectionInfo) -> String {
    let (name, account) = (name_of(info), quoted(&info.identity.label.to_string()));
    let label = match name.contains(':') {
        true => String::new(),
        false => format!("{} {}, ", info.kind, quoted(&info.label.to_string())),
    };
    format!("{name} ({label}account {account}): {}", state(info))
}

/// Returns the state of a connection in words.
fn state(info: &ConnectionInfo) -> &'static str {
    match info.current_liveness() {
        _ if info.frozen => "frozen by a person, and not used until it is thawed",
        Liveness::Live => "works",
        Liveness::Failing => "does not work",
        Liveness::Offline => "its provider cannot be reached",
        _ => "was not checked yet",
    }
}

/// Describes what an agent may do with a connection.
pub(super) async fn describe(session: &Session, arguments: &DescribeArguments) -> Reply {
    let connection = match request::connection(&arguments.connection, &session.registry, &session.caller).await {
        Ok(connection) => connection,
        Err(unresolved) => return session.refused(&unresolved.refusal(&session.doors)),
    };
    match described(session, &connection).await {
        Ok(text) => Reply::done(text),
        Err(error) => session.error(error),
    }
}

async fn described(session: &Session, connection: &Connection) -> Result<String, Error> {
    let (info, now) = (connection.info(), session.registry.clock().now());
    let grants = session.caller.agent().grants().await?;
    let grant = grants.iter().find(|grant| grant.connection == info.id && grant.is_live(now));
    let mut said = vec![line(info)];
    if let Some(why) = info.reason.as_ref().filter(|_| info.current_liveness() != Liveness::Live) {
        said.push(sentence(&why.message.to_string()));
        said.push(match info.current_liveness() == Liveness::Offline {
            true => "Try it again later.".to_owned(),
            false => "Call request_access with need = 'repair' to ask the person for it.".to_owned(),
        });
    }
    let base = connection.base_url().await?;
    said.push(format!("Base address: {base}"));
    let others = connection.origins().await?;
    let others: Vec<_> =
        others.iter().filter(|origin| *origin != base.origin()).map(|origin| origin.as_str()).collect();
    if !others.is_empty() {
        said.push(format!("Further addresses of the provider: {}", others.join(", ")));
    }
    if let Some(scopes) = info.scopes.as_ref().filter(|scopes| !scopes.is_empty()) {
        let scopes: String = scopes.join(" ").chars().take(MAX_SCOPES).collect();
        said.push(format!("Scopes that the provider names: {scopes:?}"));
    }
    if let Some(grant) = grant {
        said.extend(granted(grant));
    }
    Ok(said.join("\n"))
}

/// Returns what a grant allows, in words.
fn granted(grant: &AgentGrant) -> Vec<String> {
    let words = grant.rules.words();
    let more = words.len().saturating_sub(MAX_RULES);
    let mut said = vec!["Rules, of which the first that matches decides:".to_owned()];
    said.extend(words.into_iter().take(MAX_RULES).map(|words| format!("- {words}")));
    if more > 0 {
        said.push(format!("- and {more} more: check_request says what is decided about a request."));
    }
    if let Some(left) = grant.left {
        said.push(format!("Requests that are left of the budget until {}: {}", left.until.to_rfc3339(), left.requests));
    }
    said.push(format!("The grant ends at {}.", grant.expires_at.to_rfc3339()));
    said
}
