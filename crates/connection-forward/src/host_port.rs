//! A host and a port. `CONNECT`, `Host`, TLS, origins and settings are all read here, so that one host has one form.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// The port of an `https` address that states none.
pub(crate) const HTTPS: u16 = 443;
/// The greatest length of a name (RFC 1035, section 2.3.4), without a period at its end.
const MAX_NAME: usize = 253;

/// A host: the address if it is written as one, otherwise the name in lower case and without a period at its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Host {
    Address(IpAddr),
    Name(String),
}

impl Host {
    /// Reads a host as it stands in an address: an IPv6 address is in brackets.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let address: Ipv6Addr = rest.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Address(address.into()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if let Ok(address) = name.parse::<Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        let fits =
            name.len() <= MAX_NAME && name.bytes().all(is_plain) && name.split('.').all(|label| !label.is_empty());
        fits.then(|| Self::Name(name.to_ascii_lowercase()))
    }

    /// Returns `true` for a host of this machine: a loopback address, or a name that never leaves it (RFC 6761).
    pub(crate) fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => is_own(*address),
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct HostPort {
    pub(crate) host: Host,
    pub(crate) port: u16,
}

impl HostPort {
    /// Reads `HOST:PORT`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = split(text);
        Some(Self { host: Host::parse(host)?, port: number(port?)? })
    }

    /// Reads `HOST:PORT` or `HOST`, with the port of `https` if there is none.
    pub(crate) fn parse_https(text: &str) -> Option<Self> {
        let (host, port) = split(text);
        Some(Self { host: Host::parse(host)?, port: port.map_or(Some(HTTPS), number)? })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

/// Returns `true` for an address at which this machine reaches itself.
pub(crate) fn is_own(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || address.is_unspecified()
}

fn split(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    }
}

/// Reads a port of digits alone: the standard library would also take a plus sign.
fn number(text: &str) -> Option<u16> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_spellings_of_one_host_are_equal() {
        let expected = HostPort::parse("api.acme.example:443");
        assert!(expected.is_some());
        for text in ["API.acme.Example:443", "api.acme.example.:443", "api.acme.example", "api.acme.example:0443"] {
            assert_eq!(HostPort::parse_https(text), expected, "{text}");
        }
        assert_eq!(HostPort::parse("[::1]:443"), HostPort::parse_https("[0:0::1]"));
        assert_eq!(HostPort::parse("192.0.2.1.:443"), HostPort::parse_https("192.0.2.1"));
        assert_eq!(HostPort::parse("[::1]:8443").unwrap().to_string(), "[::1]:8443");
    }

    #[test]
    fn a_text_that_is_no_host_and_port_is_refused() {
        for text in [
            "",
            ":443",
            "a:",
            "a:+443",
            "a:65536",
            "a:b:443",
            "::1:443",
            "[::1",
            "[a]:443",
            "user@a:443",
            "a..b:443",
            "..:443",
            "[fe80::1%1]:443",
            "a/b:443",
        ] {
            assert_eq!(HostPort::parse(text), None, "{text}");
        }
        assert_eq!(HostPort::parse("a"), None);
    }
}
