//! A provider whose certificate is from a private authority, which `http.root_certificate` makes trusted.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use connection_faults::certificates::Authority;
use rustls::{ServerConnection, StreamOwned};

use crate::{program::Machine, provider::TOKEN};

/// Starts a GitHub that speaks TLS, with a certificate of a test authority. Returns its origin and the authority's
/// certificate.
fn github() -> (String, String) {
    let authority = Authority::new();
    let config = authority.sign("127.0.0.1").server_config();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("https://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that does not trust the server hangs up.
            drop(answer(StreamOwned::new(ServerConnection::new(config.clone()).expect("a server"), stream)));
        }
    });
    (origin, authority.pem)
}

fn answer(mut stream: StreamOwned<ServerConnection, std::net::TcpStream>) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.extend(byte);
    }
    let known = String::from_utf8_lossy(&request).contains(&format!("Bearer {TOKEN}"));
    let (status, body) = if known { (200, r#"{"id": 7, "login": "octocat"}"#) } else { (401, "{}") };
    let head = "connection: close\r\ncontent-type: application/json\r\n";
    write!(stream, "HTTP/1.1 {status} Told\r\n{head}content-length: {}\r\n\r\n{body}", body.len())?;
    stream.conn.send_close_notify();
    stream.flush()
}

#[test]
fn a_certificate_of_an_own_authority_is_trusted_where_the_configuration_names_it() {
    let machine = Machine::new();
    let (origin, root) = github();
    let endpoints = format!("[http.endpoints]\n\"https://api.github.com\" = \"{origin}\"\n");
    machine.configure(&endpoints);
    let refused = machine.add_github("work").exits(3).warns("its certificate is not trusted here");
    refused.warns("name its file in http.root_certificate").warns("connections setup resume");
    let path = machine.write("root.pem", root.as_bytes());
    machine.configure(&format!("http.root_certificate = \"{path}\"\n{endpoints}"));
    // The answers are kept, and the setup continues with them.
    machine.run(&["setup", "resume"]).exits(0).says("Connected octocat");
    machine.run(&["verify", "github"]).exits(0).says("live");
    // The control: the certificate of another authority does not help.
    let (_, other) = github();
    let path = machine.write("other.pem", other.as_bytes());
    machine.configure(&format!("http.root_certificate = \"{path}\"\n{endpoints}"));
    let refused = machine.run(&["verify", "github"]);
    assert_ne!(refused.exit, 0, "{refused:?}");
    let shown = machine.run(&["show", "github"]).exits(0).says("its certificate is not trusted here");
    shown.says("name its file in http.root_certificate");
}
