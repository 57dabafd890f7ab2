//! Addresses of the connection's own origins in the headers of an answer. They are rewritten to the door, so that the
//! next request comes through it, too.

use axum::http::{HeaderMap, HeaderValue, header};
use connection_core::{ConnectionId, ConnectionRegistry};
use connection_rules::Place;

/// Rewrites the headers `Location` and `Link`. `door` is the address of the door and the name of the connection.
pub(super) async fn rewrite(
    headers: &mut HeaderMap,
    registry: &ConnectionRegistry,
    connection: ConnectionId,
    door: &str,
    name: &str,
    to: &Place,
) {
    if !headers.contains_key(header::LOCATION) && !headers.contains_key(header::LINK) {
        return;
    }
    let Ok(connection) = registry.connection(connection).await else { return };
    let (Ok(base), Ok(origins)) = (connection.base_url().await, connection.origins().await) else { return };
    let origins = origins.iter().map(|origin| origin.as_str().to_owned()).collect();
    let links = match to {
        Place::Base => {
            let at = base.origin().as_str().to_owned();
            Links { door, name, base: Some(base.to_string().trim_end_matches('/').to_owned()), origins, at }
        }
        Place::Origin(origin) => Links { door, name, base: None, origins, at: origin.clone() },
    };
    replace(headers, &header::LOCATION, |value| links.rewritten(value));
    replace(headers, &header::LINK, |value| Some(links.all(value)));
}

fn replace(headers: &mut HeaderMap, name: &header::HeaderName, change: impl Fn(&str) -> Option<String>) {
    let values: Vec<_> = headers.get_all(name).iter().cloned().collect();
    headers.remove(name);
    for value in values {
        let changed = value.to_str().ok().and_then(&change).and_then(|value| HeaderValue::from_str(&value).ok());
        headers.append(name.clone(), changed.unwrap_or(value));
    }
}

struct Links<'a> {
    door: &'a str,
    name: &'a str,
    /// `None` if the request named an origin, as the forward door does, which knows the addresses of origins alone.
    base: Option<String>,
    origins: Vec<String>,
    /// The origin that answered.
    at: String,
}

impl Links<'_> {
    /// Returns the address at the door; `None` for an address of another origin, and for one that is relative to the
    /// path of the request, which is so at the door, too.
    fn rewritten(&self, url: &str) -> Option<String> {
        let whole = match url {
            url if url.starts_with("//") => format!("{}:{url}", self.at.split_once("://")?.0),
            url if url.starts_with('/') => format!("{}{url}", self.at),
            url => url.to_owned(),
        };
        let (door, name) = (self.door, self.name);
        if let Some(rest) = self.base.as_deref().and_then(|base| below(&whole, base)) {
            return Some(format!("{door}{name}{rest}"));
        }
        let (origin, rest) = self.origins.iter().find_map(|origin| Some((origin, below(&whole, origin)?)))?;
        let (_, host) = origin.split_once("://")?;
        Some(format!("{door}{name}@{host}{rest}"))
    }

    /// Rewrites each address in a header `Link` (RFC 8288, section 3).
    fn all(&self, value: &str) -> String {
        let mut written = String::with_capacity(value.len());
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('<') {
            let Some((url, after)) = after.split_once('>') else { break };
            let url = self.rewritten(url).unwrap_or_else(|| url.to_owned());
            written.extend([before, "<", &url, ">"]);
            rest = after;
        }
        written + rest
    }
}

/// Returns what follows a base in an address below it.
fn below<'a>(url: &'a str, base: &str) -> Option<&'a str> {
    url.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_connection_lead_to_the_door_and_others_stay() {
        let links = Links {
            door: "https://door.example/use/",
            name: "acme:work",
            base: Some("https://api.acme.example/v1".to_owned()),
            origins: vec!["https://api.acme.example".to_owned(), "https://uploads.acme.example".to_owned()],
            at: "https://api.acme.example".to_owned(),
        };
        for (url, expected) in [
            ("https://api.acme.example/v1/issues?page=2", Some("https://door.example/use/acme:work/issues?page=2")),
            ("/v1/issues", Some("https://door.example/use/acme:work/issues")),
            ("/v10", Some("https://door.example/use/acme:work@api.acme.example/v10")),
            ("https://uploads.acme.example/a", Some("https://door.example/use/acme:work@uploads.acme.example/a")),
            ("//uploads.acme.example/a", Some("https://door.example/use/acme:work@uploads.acme.example/a")),
            ("https://api.acme.example.evil.example/v1", None),
            ("https://files.example/x", None),
            ("?page=2", None),
        ] {
            assert_eq!(links.rewritten(url).as_deref(), expected, "{url}");
        }
        let link = r#"<https://api.acme.example/v1/issues?page=2>; rel="next", <https://files.example/>; rel="help""#;
        let expected =
            r#"<https://door.example/use/acme:work/issues?page=2>; rel="next", <https://files.example/>; rel="help""#;
        assert_eq!(links.all(link), expected);
        let links = Links { base: None, ..links };
        let expected = "https://door.example/use/acme:work@api.acme.example/v1/issues";
        assert_eq!(links.rewritten("/v1/issues").as_deref(), Some(expected));
    }
}
