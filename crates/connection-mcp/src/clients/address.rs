//! The address of a remote server, as it is written in a configuration.

use std::fmt;

/// The address of a remote server. It may contain a secret, so `Display` and `Debug` show neither a password nor the
/// values in its query.
///
/// ```
/// use connection_mcp::clients::Address;
///
/// let address = Address::new("https://mcp.example.com/mcp?project=shop&key=s3cret");
/// assert_eq!(address.to_string(), "https://mcp.example.com/mcp?project=…&key=…");
/// assert_eq!(address.expose(), "https://mcp.example.com/mcp?project=shop&key=s3cret");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// Creates an address from the text in a configuration.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the whole address.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the scheme in lower case, without its colon.
    pub(super) fn scheme(&self) -> Option<String> {
        let (scheme, _) = self.0.split_once("://")?;
        Some(scheme.to_ascii_lowercase())
    }

    /// Returns `true` if a user name or password is part of the address.
    pub(super) fn has_user(&self) -> bool {
        self.authority().contains('@')
    }

    /// Returns `true` for the host of this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let authority = self.authority().to_ascii_lowercase();
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Returns `true` for an address with a host and without characters that readers interpret differently.
    pub(super) fn is_plain(&self) -> bool {
        let strange = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
        !self.authority().is_empty() && !self.0.contains(strange)
    }

    /// Returns the last part of the path, without the query.
    pub(super) fn last_segment(&self) -> &str {
        let path = self.0.split(['?', '#']).next().unwrap_or_default();
        path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }

    fn authority(&self) -> &str {
        let after = self.0.split_once("://").map(|(_, after)| after).unwrap_or_default();
        after.split(['/', '?', '#']).next().unwrap_or_default()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, query) = match self.0.split_once(['?', '#']) {
            Some((path, query)) => (path, Some(query)),
            None => (self.0.as_str(), None),
        };
        match path.split_once("://") {
            Some((scheme, rest)) if self.has_user() => {
                // The password itself may contain the sign, so the last one counts.
                let host = self.authority().rfind('@').and_then(|sign| rest.get(sign..)).unwrap_or_default();
                write!(f, "{scheme}://…{host}")?;
            }
            _ => f.write_str(path)?,
        }
        for (index, pair) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
            f.write_str(if index == 0 { "?" } else { "&" })?;
            match pair.split_once('=') {
                Some((name, _)) => write!(f, "{name}=…")?,
                None => f.write_str("…")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}
