//! The proxies before a server, and the peers whose requests they pass on.
//!
//! A header is believed from a configured proxy alone. Each proxy adds the address of its own peer at the right of
//! `X-Forwarded-For`, so the rightmost address that is no proxy is the one that nobody else could write.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use axum::http::HeaderMap;

/// The header in which proxies name their peers.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// A network of addresses, such as `10.0.0.0/8`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// The number of bits that all addresses of the network share.
    prefix: u32,
}

/// An error for a text that is not a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidNetwork;

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a network is an address, or the first address of a network with the length of its prefix, such as 10.0.0.0/8")
    }
}

impl std::error::Error for InvalidNetwork {}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let length = length(address);
        let is_number = |prefix: &str| !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = match prefix {
            Some(prefix) if is_number(prefix) => prefix.parse().map_err(|_| InvalidNetwork)?,
            Some(_) => return Err(InvalidNetwork),
            None => length,
        };
        let network = Self { address, prefix };
        // An address that is not the first one of its network may be a single proxy with a wrong prefix.
        let is_first = prefix <= length && bits(address) & !network.mask() == 0;
        is_first.then_some(network).ok_or(InvalidNetwork)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Network {
    /// Returns `true` for an address in the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && bits(address) & self.mask() == bits(self.address)
    }

    /// Returns the shared bits, at the left of 128.
    fn mask(&self) -> u128 {
        u128::MAX.checked_shl(128_u32.saturating_sub(self.prefix)).unwrap_or(0)
    }
}

/// Returns the number of bits of an address.
fn length(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Returns the bits of an address, at the left of 128.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The proxies that are trusted to name their peers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies(Arc<[Network]>);

impl Proxies {
    pub(crate) fn new(networks: impl IntoIterator<Item = Network>) -> Self {
        Self(networks.into_iter().collect())
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Returns the peer whose request a trusted proxy passed on; `None` for a request that came otherwise, or whose
    /// header does not name the peer.
    pub(super) fn forwarded(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        if !self.contains(peer) {
            return None;
        }
        let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
        for line in lines.into_iter().rev() {
            for text in line.to_str().ok()?.rsplit(',') {
                let address = address(text.trim())?;
                if !self.contains(address) {
                    return Some(address);
                }
            }
        }
        None
    }
}

/// Returns an address that may have a port.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    plain.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(networks: &[&str]) -> Proxies {
        Proxies::new(networks.iter().map(|network| network.parse().unwrap()))
    }

    #[test]
    fn a_network_has_the_addresses_that_share_its_prefix() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", &["10.0.0.0", "10.255.1.2", "::ffff:10.1.1.1"][..], &["11.0.0.1", "::", "fd00::1"][..]),
            ("192.0.2.7", &["192.0.2.7"], &["192.0.2.8", "192.0.2.6"]),
            ("0.0.0.0/0", &["8.8.8.8"], &["2001:db8::1"]),
            ("fd00::/8", &["fd12:3456::1"], &["fe80::1", "10.0.0.1"]),
            ("::1", &["::1"], &["::2", "127.0.0.1"]),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(inside.iter().all(|address| network.contains(address.parse().unwrap())), "{network}");
            assert!(!outside.iter().any(|address| network.contains(address.parse().unwrap())), "{network}");
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "10.0.0.0/+8", "fd00::/129", "example.com", "10/8"]
        {
            assert_eq!(wrong.parse::<Network>(), Err(InvalidNetwork), "{wrong}");
        }
    }

    #[test]
    fn the_peer_is_the_rightmost_address_that_is_no_proxy() {
        let proxies = proxies(&["10.0.0.0/8", "127.0.0.1"]);
        let named = |peer: &str, lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_FOR, line.parse().unwrap());
            }
            proxies.forwarded(peer.parse().unwrap(), &headers).map(|peer| peer.to_string())
        };
        let cases: &[(&str, &[&'static str], Option<&str>)] = &[
            ("10.0.0.1", &["192.0.2.1"], Some("192.0.2.1")),
            // What the peer wrote itself stands further to the left.
            ("10.0.0.1", &["198.51.100.9, 192.0.2.1"], Some("192.0.2.1")),
            ("10.0.0.1", &["198.51.100.9", "192.0.2.1, 10.0.0.7"], Some("192.0.2.1")),
            ("127.0.0.1", &["192.0.2.1:4711, 10.0.0.2"], Some("192.0.2.1")),
            ("10.0.0.1", &["[2001:db8::1]:80"], Some("2001:db8::1")),
            ("10.0.0.1", &["2001:db8::1"], Some("2001:db8::1")),
            // A proxy that names nobody.
            ("10.0.0.1", &[], None),
            ("10.0.0.1", &["10.0.0.2"], None),
            ("10.0.0.1", &["192.0.2.1, unknown"], None),
            // The control: nobody else is believed.
            ("192.0.2.9", &["192.0.2.1"], None),
        ];
        for (peer, lines, expected) in cases {
            assert_eq!(named(peer, lines).as_deref(), *expected, "{peer} {lines:?}");
        }
    }
}
