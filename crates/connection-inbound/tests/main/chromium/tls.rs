//! TLS in front of a server, with a certificate for the names in tests, which the browser is configured to accept.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use connection_faults::certificates::Certificate;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The time limit for a browser that connects in advance and sends nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns a port at which a server of this machine answers over TLS, one request per connection, until the process
/// ends.
pub(super) fn before(server: SocketAddr) -> u16 {
    let config = Certificate::self_signed(&["host.example", "login.example"]).server_config();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let config = config.clone();
            // Ignore clients that close the connection.
            thread::spawn(move || relay(stream?, config, server));
        }
    });
    port
}

/// Relays a request and its response.
fn relay(stream: TcpStream, config: Arc<ServerConfig>, server: SocketAddr) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut secured = StreamOwned::new(ServerConnection::new(config).map_err(io::Error::other)?, stream);
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        secured.read_exact(&mut byte)?;
        request.extend(byte);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length = head.split_once("content-length: ").map_or("0", |(_, rest)| rest.split("\r\n").next().unwrap_or("0"));
    let mut body = vec![0; length.parse().map_err(io::Error::other)?];
    secured.read_exact(&mut body)?;
    request.truncate(request.len() - 2);
    request.extend(b"connection: close\r\n\r\n");
    let mut plain = TcpStream::connect(server)?;
    plain.write_all(&[request, body].concat())?;
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer)?;
    secured.write_all(&answer)?;
    secured.conn.send_close_notify();
    secured.flush()
}
