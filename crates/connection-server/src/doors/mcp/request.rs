//! A request that a tool names: the connection, and the place and path at its provider.

use connection_core::{AgentCaller, Connection, ConnectionId, ConnectionRegistry};
use connection_rules::{Place, RequestParts};

use super::arguments::RequestArguments;
use crate::doors::address::{self, Unresolved};

/// A request of a tool, before it is decided.
pub(super) struct ToolRequest {
    pub(super) connection: Connection,
    pub(super) parts: RequestParts,
    pub(super) body: Vec<u8>,
}

/// The reason why a tool does not know what is meant.
#[derive(Debug)]
pub(super) enum NoRequest {
    /// The sentence for arguments that are not valid.
    Arguments(String),
    Unresolved(Unresolved),
}

impl From<String> for NoRequest {
    fn from(sentence: String) -> Self {
        Self::Arguments(sentence)
    }
}

impl From<Unresolved> for NoRequest {
    fn from(unresolved: Unresolved) -> Self {
        Self::Unresolved(unresolved)
    }
}

/// Returns the connection with this name or id, if it is granted to the agent.
pub(super) async fn connection(
    name: &str,
    registry: &ConnectionRegistry,
    caller: &AgentCaller,
) -> Result<Connection, Unresolved> {
    let id: ConnectionId = address::granted(name, registry, caller).await?;
    // Nobody learns anything about a connection that is not granted.
    caller.granted(id).await?;
    Ok(registry.connection(id).await?)
}

impl ToolRequest {
    /// Reads a request of a tool.
    pub(super) async fn read(
        arguments: &RequestArguments,
        registry: &ConnectionRegistry,
        caller: &AgentCaller,
    ) -> Result<Self, NoRequest> {
        let (target, headers, body) = (arguments.target()?, arguments.headers()?, arguments.body());
        let connection = connection(&arguments.connection, registry, caller).await?;
        let base = connection.base_url().await.map_err(Unresolved::from)?;
        let (place, target) = place(&target, &base.to_string())?;
        let parts = RequestParts::new(&*arguments.method, target).place(place);
        let parts = parts.body_length(Some(body.len() as u64));
        let parts = headers.into_iter().fold(parts, |parts, (name, value)| parts.header(name, value));
        Ok(Self { connection, parts, body })
    }
}

/// Splits the address of a request into the place to which it is relative and the rest, byte for byte.
fn place(target: &str, base: &str) -> Result<(Place, String), String> {
    if target.is_empty() || target.starts_with(['/', '?']) {
        let target = if target.starts_with('?') { format!("/{target}") } else { target.to_owned() };
        return Ok((Place::Base, target));
    }
    if let Some(rest) = target.strip_prefix(base.trim_end_matches('/'))
        && (rest.is_empty() || rest.starts_with(['/', '?']))
    {
        return place(rest, base);
    }
    let authority = target.strip_prefix("https://").or_else(|| target.strip_prefix("http://"));
    let Some(authority) = authority else {
        return Err(format!("The path is below {base} and begins with '/', or it is a whole address."));
    };
    let end = authority.find(['/', '?']).unwrap_or(authority.len());
    let (origin, rest) = target.split_at(target.len() - authority.len() + end);
    let rest = match rest {
        "" => "/".to_owned(),
        rest if rest.starts_with('?') => format!("/{rest}"),
        rest => rest.to_owned(),
    };
    Ok((Place::Origin(origin.to_owned()), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_below_the_base_or_at_an_origin() {
        let base = "https://api.acme.example/v1";
        let origin = |origin: &str| Place::Origin(origin.to_owned());
        for (target, wanted, rest) in [
            ("/issues?q=a%2Fb", Place::Base, "/issues?q=a%2Fb"),
            ("", Place::Base, ""),
            ("?q=1", Place::Base, "/?q=1"),
            ("https://api.acme.example/v1", Place::Base, ""),
            ("https://api.acme.example/v1/issues", Place::Base, "/issues"),
            ("https://api.acme.example/v1?q=1", Place::Base, "/?q=1"),
            ("https://api.acme.example/v12/x", origin("https://api.acme.example"), "/v12/x"),
            ("https://files.acme.example", origin("https://files.acme.example"), "/"),
            ("https://files.acme.example?a=1", origin("https://files.acme.example"), "/?a=1"),
            ("http://files.acme.example:8080/x//y", origin("http://files.acme.example:8080"), "/x//y"),
        ] {
            assert_eq!(place(target, base), Ok((wanted, rest.to_owned())), "{target}");
        }
        for target in ["issues", "ftp://acme.example/"] {
            assert!(place(target, base).is_err(), "{target}");
        }
    }
}
