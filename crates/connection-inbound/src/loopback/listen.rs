//! The loopback sockets: the same port for IPv4 and IPv6.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, TcpListener},
};

/// The number of attempts to find a port that is free in both families.
const MAX_TRIES: usize = 8;

/// Bound sockets that accept no connections yet.
pub(super) struct Sockets {
    port: u16,
    pub(super) four: TcpListener,
    /// `None` if the machine has no IPv6. The redirect URI names `127.0.0.1`, so nothing depends on this socket.
    pub(super) six: Option<TcpListener>,
}

impl Sockets {
    /// Binds this port, or any free port for 0.
    pub(super) fn bind(port: u16) -> io::Result<Self> {
        for _ in 0..MAX_TRIES {
            let four = listen(TcpListener::bind((Ipv4Addr::LOCALHOST, port))?)?;
            let bound = four.local_addr()?.port();
            match TcpListener::bind((Ipv6Addr::LOCALHOST, bound)).and_then(listen) {
                Ok(six) => return Ok(Self { port: bound, four, six: Some(six) }),
                // Another program has the port in this family; try another port.
                Err(error) if port == 0 && error.kind() == io::ErrorKind::AddrInUse => {}
                Err(_) => return Ok(Self { port: bound, four, six: None }),
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

fn listen(listener: TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    Ok(listener)
}
