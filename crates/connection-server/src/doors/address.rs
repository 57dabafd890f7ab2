//! The address of a request at a door: the connection that it names, and the path at the provider.

use connection_contract::{Kind, encode};
use connection_core::{AgentCaller, AgentError, ConnectionId, ConnectionRegistry, Error, Filter};
use connection_rules::Place;

use super::{Doors, refusal::Refusal};

/// The path below which the connections are.
const USE: &str = "/use/";

/// The address of a request, as it was sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    /// The segment that names the connection, and perhaps an origin.
    segment: &'a str,
    /// The path after it, which is empty or begins with `/`.
    path: &'a str,
}

/// The reason why an address names no connection.
#[derive(Debug)]
pub(super) enum Unresolved {
    Ambiguous,
    NotGranted,
    Error(Error),
}

impl From<Error> for Unresolved {
    fn from(error: Error) -> Self {
        match error {
            Error::Agent(AgentError::NotGranted { .. }) | Error::NotFound(_) => Self::NotGranted,
            error => Self::Error(error),
        }
    }
}

impl Unresolved {
    /// Returns the error, if it is more than a name of no connection that is granted.
    pub(super) fn error(&self) -> Option<&Error> {
        match self {
            Self::Error(error) => Some(error),
            Self::Ambiguous | Self::NotGranted => None,
        }
    }

    pub(super) fn refusal(self, doors: &Doors) -> Refusal {
        match self {
            Self::Ambiguous => Refusal::ambiguous_name(),
            Self::NotGranted => Refusal::not_granted(),
            Self::Error(error) => Refusal::of(doors)(error),
        }
    }
}

impl<'a> Address<'a> {
    /// Reads the path of a request, without decoding it.
    pub(super) fn read(path: &'a str) -> Option<Self> {
        let rest = path.strip_prefix(USE)?;
        let end = rest.find('/').unwrap_or(rest.len());
        let (segment, path) = rest.split_at(end);
        (!segment.is_empty()).then_some(Self { segment, path })
    }

    /// Returns the path and the query at the provider, byte for byte. Without both, it is empty: the request is for the
    /// base address itself.
    pub(super) fn target(&self, query: Option<&str>) -> String {
        let Some(query) = query else { return self.path.to_owned() };
        format!("{}?{query}", if self.path.is_empty() { "/" } else { self.path })
    }

    /// Takes segments off the beginning of the path, which must be those of `prefix` when they are decoded. Returns
    /// whether they were there.
    pub(super) fn strip(&mut self, prefix: &str) -> bool {
        let mut rest = self.path;
        for wanted in prefix.split('/').skip(1) {
            let Some(path) = rest.strip_prefix('/') else { return false };
            let (segment, after) = path.split_at(path.find('/').unwrap_or(path.len()));
            if encode::from_percent(segment).as_deref() != Some(wanted) {
                return false;
            }
            rest = after;
        }
        self.path = rest;
        true
    }

    /// Returns the name of the connection as it was sent, without an origin.
    pub(super) fn connection(&self) -> &'a str {
        self.parts().0
    }

    /// Returns the name of the connection and the host of an origin, which is split off before anything is decoded.
    fn parts(&self) -> (&'a str, Option<&'a str>) {
        match self.segment.rsplit_once('@') {
            Some((connection, host)) => (connection, Some(host)),
            None => (self.segment, None),
        }
    }

    /// Returns the connection and the place to which the path is relative.
    pub(super) async fn resolve(
        &self,
        registry: &ConnectionRegistry,
        caller: &AgentCaller,
    ) -> Result<(ConnectionId, Place), Unresolved> {
        let (connection, host) = self.parts();
        let Some(host) = host else { return Ok((named(connection, registry, caller).await?, Place::Base)) };
        match named(self.segment, registry, caller).await {
            Ok(_) => return Err(Unresolved::Ambiguous),
            Err(Unresolved::NotGranted) => {}
            Err(other) => return Err(other),
        }
        let id = named(connection, registry, caller).await?;
        // Nobody learns the origins of a connection that is not granted.
        caller.granted(id).await?;
        let origins = registry.connection(id).await?.origins().await?;
        let is_named = |origin: &&connection_contract::Origin| {
            origin.as_str().split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
        };
        let origin = origins.iter().find(is_named).ok_or(Unresolved::NotGranted)?;
        Ok((id, Place::Origin(origin.as_str().to_owned())))
    }
}

/// Returns the place and the target by which the rules decide about a request. An address below the base is relative to the
/// base, also if the client named its origin: the forward door names nothing else. The request is sent to the same address
/// in either form.
pub(super) fn placed(to: &Place, target: String, base: &str) -> (Place, String) {
    let Place::Origin(origin) = to else { return (Place::Base, target) };
    let url = format!("{origin}{target}");
    match url.strip_prefix(base.trim_end_matches('/')) {
        Some(rest) if rest.starts_with('/') => (Place::Base, rest.to_owned()),
        Some("") if url == base => (Place::Base, String::new()),
        _ => (to.clone(), target),
    }
}

/// Returns the connection with this name, which is percent-encoded.
async fn named(text: &str, registry: &ConnectionRegistry, caller: &AgentCaller) -> Result<ConnectionId, Unresolved> {
    granted(&encode::from_percent(text).ok_or(Unresolved::NotGranted)?, registry, caller).await
}

/// Returns the connection with this id, or the one that is granted to the agent and has this kind and label.
pub(super) async fn granted(
    text: &str,
    registry: &ConnectionRegistry,
    caller: &AgentCaller,
) -> Result<ConnectionId, Unresolved> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let (kind, label) = text.split_once(':').ok_or(Unresolved::NotGranted)?;
    let kind = Kind::parse(kind).ok_or(Unresolved::NotGranted)?;
    let page = registry.list_connections(Filter::new().kind(kind).label(label).limit(2)).await?;
    let found = page.items.first().ok_or(Unresolved::NotGranted)?;
    caller.granted(found.id).await?;
    Ok(found.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_after_the_connection_is_kept_byte_for_byte() {
        for (path, query, connection, target) in [
            ("/use/acme:work/issues", None, "acme:work", "/issues"),
            ("/use/acme%3Awork/a%2Fb//c/", Some("q=%20"), "acme%3Awork", "/a%2Fb//c/?q=%20"),
            ("/use/acme:work", Some(""), "acme:work", "/?"),
            ("/use/acme:work", None, "acme:work", ""),
            ("/use/acme:work/", None, "acme:work", "/"),
            ("/use/acme:me%40work@uploads.acme.example/x@y", None, "acme:me%40work", "/x@y"),
        ] {
            let address = Address::read(path).unwrap();
            assert_eq!((address.connection(), &*address.target(query)), (connection, target), "{path}");
        }
        assert!(Address::read("/use//x").is_none() && Address::read("/api").is_none());
    }

    #[test]
    fn an_address_below_the_base_is_relative_to_it_also_if_its_origin_is_named() {
        let at = |origin: &str| Place::Origin(origin.to_owned());
        let (api, files) = ("https://api.acme.example", "https://files.acme.example");
        for (to, target, base, wanted) in [
            (Place::Base, "/issues", "https://api.acme.example/v1", (Place::Base, "/issues")),
            (at(api), "/issues?q=a%2Fb", "https://api.acme.example/", (Place::Base, "/issues?q=a%2Fb")),
            (at(api), "/v1/issues//7/", "https://api.acme.example/v1", (Place::Base, "/issues//7/")),
            (at(api), "/v1/issues", "https://api.acme.example/v1/", (Place::Base, "/issues")),
            (at(api), "/v1", "https://api.acme.example/v1", (Place::Base, "")),
            // What would be sent in another form, or is read in another one, stays as it is.
            (at(api), "/v1?q=1", "https://api.acme.example/v1", (at(api), "/v1?q=1")),
            (at(api), "/v1", "https://api.acme.example/v1/", (at(api), "/v1")),
            (at(api), "/%761/issues", "https://api.acme.example/v1", (at(api), "/%761/issues")),
            // Nothing else is below the base.
            (at(api), "/v12/issues", "https://api.acme.example/v1", (at(api), "/v12/issues")),
            (at(api), "/", "https://api.acme.example/v1", (at(api), "/")),
            (at(files), "/v1/issues", "https://api.acme.example/v1", (at(files), "/v1/issues")),
        ] {
            let found = placed(&to, target.to_owned(), base);
            assert_eq!(found, (wanted.0, wanted.1.to_owned()), "{to:?} {target} {base}");
        }
    }

    #[test]
    fn a_beginning_of_the_path_is_taken_off_by_whole_segments() {
        for (path, prefix, rest) in [
            ("/use/bot:1/bot1:x/getMe", "/bot1:x", Some("/getMe")),
            ("/use/bot:1/bot1%3Ax/getMe", "/bot1:x", Some("/getMe")),
            ("/use/bot:1/bot1:x", "/bot1:x", Some("")),
            ("/use/bot:1/v1/x/rest/a%2Fb/", "/v1/x/rest", Some("/a%2Fb/")),
            ("/use/bot:1/bot1:xy/getMe", "/bot1:x", None),
            ("/use/bot:1/v1%2Fx/getMe", "/v1/x", None),
            ("/use/bot:1/a/bot1:x", "/bot1:x", None),
        ] {
            let mut address = Address::read(path).unwrap();
            assert_eq!(address.strip(prefix).then(|| address.target(None)).as_deref(), rest, "{path}");
        }
    }
}
