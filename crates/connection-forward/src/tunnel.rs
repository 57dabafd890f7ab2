//! Tunnels to hosts that belong to no granted connection.

use std::{collections::HashSet, io, net::SocketAddr, time::Duration};

use connection_egress::is_public;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{TcpStream, lookup_host},
    time::timeout,
};

use crate::{
    ForwardError, ForwardSettings,
    host_port::{Host, HostPort, is_own},
    refusal::Refusal,
    settings::OtherHosts,
};

/// The longest time for finding the addresses of a host and connecting to one of them.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The rules for tunnels.
pub(crate) struct Tunnels {
    other_hosts: OtherHosts,
    /// The tunnels that may lead to an address that is not public.
    allowed: HashSet<HostPort>,
    /// The origins of several connections, to which no tunnel leads.
    ambiguous: HashSet<HostPort>,
    /// The address of the doors, to which no tunnel leads.
    doors: HostPort,
}

impl Tunnels {
    pub(crate) fn new(settings: &ForwardSettings, doors: HostPort) -> Result<Self, ForwardError> {
        let read = |(host, port): &(String, u16)| {
            // A person may write an IPv6 address without brackets here, because the port is not part of the text.
            let address = host.parse().ok().map(Host::Address);
            let host =
                address.or_else(|| Host::parse(host)).ok_or_else(|| ForwardError::Tunnel { host: host.clone() })?;
            Ok(HostPort { host, port: *port })
        };
        let allowed = settings.tunnels.iter().map(read).collect::<Result<_, _>>()?;
        let ambiguous = settings.ambiguous.iter().filter_map(|origin| {
            let (_, authority) = origin.as_str().split_once("://")?;
            HostPort::parse_https(authority)
        });
        Ok(Self { other_hosts: settings.other_hosts, allowed, ambiguous: ambiguous.collect(), doors })
    }

    /// Connects to a host, if a tunnel may lead there.
    ///
    /// All addresses of the host are checked before the first connection, and no name is looked up again after that.
    pub(crate) async fn connect(&self, target: &HostPort) -> Result<TcpStream, Refusal> {
        if *target == self.doors {
            return Err(Refusal::own_address(target));
        }
        if self.ambiguous.contains(target) {
            return Err(Refusal::ambiguous_origin(target));
        }
        if self.other_hosts == OtherHosts::Refused && !self.allowed.contains(target) {
            return Err(Refusal::not_granted(target));
        }
        let connected = timeout(CONNECT_TIMEOUT, async {
            let addresses = addresses(target).await.map_err(|_| Refusal::unreachable(target))?;
            self.check(target, &addresses)?;
            // Tokio tries the addresses in their order, until one accepts.
            TcpStream::connect(addresses.as_slice()).await.map_err(|_| Refusal::unreachable(target))
        });
        connected.await.unwrap_or_else(|_| Err(Refusal::unreachable(target)))
    }

    fn check(&self, target: &HostPort, addresses: &[SocketAddr]) -> Result<(), Refusal> {
        if addresses.iter().any(|address| self.is_of_doors(*address)) {
            return Err(Refusal::own_address(target));
        }
        if !self.allowed.contains(target) && addresses.iter().any(|address| !is_public(address.ip())) {
            return Err(Refusal::private_address(target));
        }
        Ok(())
    }

    /// Returns `true` for the address of the doors. If they are on loopback, it has several spellings.
    fn is_of_doors(&self, address: SocketAddr) -> bool {
        let is_same_host = match &self.doors.host {
            host if host.is_loopback() => is_own(address.ip()),
            Host::Address(doors) => doors.to_canonical() == address.ip().to_canonical(),
            // Only the name is compared. A public address of the doors is open to everyone, and a tunnel to any other
            // address needs permission.
            Host::Name(_) => false,
        };
        is_same_host && address.port() == self.doors.port
    }
}

async fn addresses(target: &HostPort) -> io::Result<Vec<SocketAddr>> {
    let found = match &target.host {
        Host::Address(address) => vec![SocketAddr::new(*address, target.port)],
        Host::Name(name) => lookup_host((name.as_str(), target.port)).await?.collect(),
    };
    if found.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(found) }
}

/// Copies bytes in both directions until both sides have ended, or one of them fails.
pub(crate) async fn copy(client: Upgraded, mut server: impl AsyncRead + AsyncWrite + Unpin) {
    if let Err(error) = copy_bidirectional(&mut TokioIo::new(client), &mut server).await {
        tracing::debug!(%error, "a tunnel broke off");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tunnels(doors: &str, allowed: &[(&str, u16)]) -> Tunnels {
        let settings = ForwardSettings::new("", Duration::ZERO);
        let settings = allowed.iter().fold(settings, |settings, (host, port)| settings.tunnel(*host, *port));
        Tunnels::new(&settings, HostPort::parse(doors).unwrap()).unwrap()
    }

    #[track_caller]
    fn check(tunnels: &Tunnels, target: &str, addresses: &[&str], code: Option<&str>) {
        let addresses: Vec<_> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let checked = tunnels.check(&HostPort::parse(target).unwrap(), &addresses);
        assert_eq!(checked.err().map(|refusal| refusal.code()), code, "{target} {addresses:?}");
    }

    #[test]
    fn a_name_with_one_address_that_is_not_public_is_refused() {
        let tunnels = tunnels("127.0.0.1:8745", &[]);
        check(&tunnels, "two.example:443", &["93.184.215.14:443", "[2606:2800::1]:443"], None);
        check(&tunnels, "two.example:443", &["93.184.215.14:443", "10.0.0.1:443"], Some("private_address"));
        check(&tunnels, "mapped.example:443", &["[::ffff:169.254.169.254]:443"], Some("private_address"));
        check(&tunnels, "mapped.example:443", &["[::ffff:127.0.0.1]:8745"], Some("own_address"));
    }

    #[test]
    fn an_allowed_tunnel_is_one_of_host_and_port() {
        let tunnels = tunnels("127.0.0.1:8745", &[("db.example", 5432), ("::1", 80)]);
        check(&tunnels, "DB.example.:5432", &["10.0.0.1:5432"], None);
        check(&tunnels, "db.example:5433", &["10.0.0.1:5433"], Some("private_address"));
        check(&tunnels, "other.example:5432", &["10.0.0.1:5432"], Some("private_address"));
        check(&tunnels, "[::1]:80", &["[::1]:80"], None);
    }

    #[test]
    fn no_tunnel_leads_to_the_doors_under_any_spelling() {
        for doors in ["127.0.0.1:8745", "localhost:8745", "[::1]:8745"] {
            let tunnels = tunnels(doors, &[("localhost", 8745), ("0.0.0.0", 8745), ("localhost", 80)]);
            for address in ["127.0.0.1:8745", "127.9.9.9:8745", "[::1]:8745", "0.0.0.0:8745", "[::]:8745"] {
                check(&tunnels, "localhost:8745", &[address], Some("own_address"));
            }
            check(&tunnels, "localhost:80", &["127.0.0.1:80"], None);
        }
        let elsewhere = tunnels("192.0.2.7:8745", &[("box.example", 8745)]);
        check(&elsewhere, "box.example:8745", &["192.0.2.7:8745"], Some("own_address"));
        check(&elsewhere, "box.example:8745", &["192.0.2.8:8745"], None);
    }
}
