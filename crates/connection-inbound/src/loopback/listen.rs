//! The sockets: the same port for both families, on this machine alone.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, TcpListener},
};

/// How often a port is looked for that is free in both families.
const MOST_TRIES: usize = 8;

/// Bound, and not yet asked.
pub(super) struct Sockets {
    port: u16,
    pub(super) four: TcpListener,
    /// Without, where the machine has no IPv6. The redirect URI says `127.0.0.1`, so that nothing depends on it.
    pub(super) six: Option<TcpListener>,
}

impl Sockets {
    /// On that port, or on any for 0.
    pub(super) fn bind(port: u16) -> io::Result<Self> {
        for _ in 0..MOST_TRIES {
            let four = listen(TcpListener::bind((Ipv4Addr::LOCALHOST, port))?)?;
            let bound = four.local_addr()?.port();
            match TcpListener::bind((Ipv6Addr::LOCALHOST, bound)).and_then(listen) {
                Ok(six) => return Ok(Self { port: bound, four, six: Some(six) }),
                // Somebody else's there, and another one is as good.
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
