//! The sockets of loopback: the same port for IPv4 and IPv6.
//!
//! Any user of the machine could listen at the address of the other family, to which `localhost` may lead.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
};

use tokio::net::TcpStream;

/// The number of attempts to find a port that is free in both families.
const MAX_TRIES: usize = 8;

/// Bound sockets that accept no connections yet.
pub(crate) struct Sockets {
    port: u16,
    four: TcpListener,
    /// `None` if the machine has no IPv6, and if the port is not to be had there.
    six: Option<TcpListener>,
    /// The reason why there is no socket for IPv6 though the machine has it, such as another program at the port.
    failed: Option<io::Error>,
}

impl Sockets {
    /// Binds this port, or any port for 0 that is free in both families. Another port may be taken for IPv6.
    pub(crate) fn bind(port: u16) -> io::Result<Self> {
        for _ in 0..MAX_TRIES {
            let four = listen(TcpListener::bind((Ipv4Addr::LOCALHOST, port))?)?;
            let bound = four.local_addr()?.port();
            match TcpListener::bind((Ipv6Addr::LOCALHOST, bound)).and_then(listen) {
                Ok(six) => return Ok(Self { port: bound, four, six: Some(six), failed: None }),
                Err(error) if is_without_family(&error) => {
                    return Ok(Self { port: bound, four, six: None, failed: None });
                }
                // Try another port.
                Err(error) if port == 0 && error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Ok(Self { port: bound, four, six: None, failed: Some(error) }),
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    /// Returns the sockets, or the reason why the machine has IPv6 and there is no socket for it.
    pub(crate) fn both(self) -> io::Result<Self> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// Sockets that accept connections.
#[derive(Debug)]
pub(crate) struct Listeners {
    first: tokio::net::TcpListener,
    /// The same port of the other loopback address.
    second: Option<tokio::net::TcpListener>,
}

impl Listeners {
    /// Returns the sockets, to be used in this runtime.
    pub(crate) fn of(sockets: Sockets) -> io::Result<Self> {
        let second = sockets.six.map(tokio::net::TcpListener::from_std).transpose()?;
        Ok(Self { first: tokio::net::TcpListener::from_std(sockets.four)?, second })
    }

    /// Returns the sockets with that for IPv6 as the first one.
    pub(crate) fn of_six(sockets: Sockets) -> io::Result<Self> {
        let Self { first, second } = Self::of(sockets)?;
        match second {
            Some(six) => Ok(Self { first: six, second: Some(first) }),
            None => Err(io::ErrorKind::AddrNotAvailable.into()),
        }
    }

    /// Returns a socket without another one.
    pub(crate) fn one(first: tokio::net::TcpListener) -> Self {
        Self { first, second: None }
    }

    /// Returns the address of the first socket.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.first.local_addr()
    }

    /// Accepts the next connection of either socket.
    pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let second = async {
            match &self.second {
                Some(second) => second.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = self.first.accept() => accepted,
            accepted = second => accepted,
        }
    }

    /// Returns each socket.
    pub(crate) fn each(self) -> impl Iterator<Item = tokio::net::TcpListener> {
        [Some(self.first), self.second].into_iter().flatten()
    }
}

/// Returns `true` if an error says that the machine has no IPv6: the address is not there, or the family is not (the
/// numbers of `EAFNOSUPPORT` on Linux and macOS, and of `WSAEAFNOSUPPORT`).
fn is_without_family(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || matches!(error.raw_os_error(), Some(97 | 47 | 10047))
}

fn listen(listener: TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    Ok(listener)
}
