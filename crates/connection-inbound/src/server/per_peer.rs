//! The number of connections and requests that one peer has at once.

use std::net::{IpAddr, Ipv6Addr};

/// The maximum number of connections at once from one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PerPeer {
    /// Each address except those of this machine and of private networks, which usually belong to a proxy.
    Public(usize),
    /// Each address except those of this machine.
    Remote(usize),
}

impl PerPeer {
    /// Returns the address under which a peer is counted and its maximum; `None` for a peer that is not counted.
    pub(super) fn counted(self, peer: IpAddr) -> Option<(IpAddr, usize)> {
        let peer = peer.to_canonical();
        let (most, is_counted) = match self {
            Self::Public(most) => (most, !peer.is_loopback() && !is_private(peer)),
            Self::Remote(most) => (most, !peer.is_loopback()),
        };
        is_counted.then(|| (network(peer), most))
    }

    /// Returns the address under which a peer is counted whose request a trusted proxy passed on. It is no proxy itself, so
    /// a private one is counted, too.
    pub(super) fn counted_behind_proxy(self, peer: IpAddr) -> Option<(IpAddr, usize)> {
        let (Self::Public(most) | Self::Remote(most)) = self;
        let peer = peer.to_canonical();
        (!peer.is_loopback()).then(|| (network(peer), most))
    }
}

/// Returns the network of a peer: a peer with an IPv6 address controls the 2^64 addresses beside it.
fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(peer) => Ipv6Addr::from_bits(peer.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// Returns `true` for an address that is not on the Internet: private, link-local, or shared by a carrier (RFC 1918,
/// 3927, 4193 and 6598).
fn is_private(peer: IpAddr) -> bool {
    match peer {
        IpAddr::V4(peer) => {
            let [first, second, ..] = peer.octets();
            peer.is_private() || peer.is_link_local() || first == 100 && second & 0b1100_0000 == 64
        }
        IpAddr::V6(peer) => peer.is_unique_local() || peer.is_unicast_link_local(),
    }
}
