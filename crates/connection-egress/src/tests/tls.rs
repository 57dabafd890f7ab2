//! The client sends nothing to a server whose certificate it does not trust.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
    thread,
};

use connection_contract::{HttpError, HttpRequest};
use connection_faults::{
    certificates::Certificate,
    server::{Reply, TestServer},
};

use super::{Names, base, client_with, named};
use crate::{
    HttpPolicy,
    tls::{self, Trusted},
};

/// Starts a TLS server with a certificate for `name`, and returns its port and certificate.
fn serve(name: &str) -> (u16, String) {
    let certificate = Certificate::self_signed(&[name]);
    (certificate.serve("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), certificate.pem)
}

async fn ask(policy: HttpPolicy, host: &str, port: u16) -> Result<u16, HttpError> {
    let origin = format!("https://{host}:{port}");
    let client = client_with(policy, Names::of(&[("api.example.com", &["127.0.0.1"])]));
    let response = client.send(&named(&origin), HttpRequest::get(&base(&origin), "/")).await;
    response.map(|response| response.status())
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_a_tls_error() {
    let (port, _) = serve("api.example.com");
    assert_eq!(ask(HttpPolicy::new(), "api.example.com", port).await, Err(HttpError::Tls));
}

#[tokio::test]
async fn a_certificate_that_the_host_added_is_trusted_for_its_own_name() {
    let (port, pem) = serve("api.example.com");
    assert_eq!(ask(HttpPolicy::new().root_certificate_pem(pem), "api.example.com", port).await, Ok(200));
    let (port, pem) = serve("other.example.com");
    let policy = HttpPolicy::new().root_certificate_pem(pem);
    assert_eq!(ask(policy, "api.example.com", port).await, Err(HttpError::Tls));
}

#[tokio::test]
async fn the_certificates_of_the_system_are_read_at_the_first_handshake() {
    let trusted = Arc::new(Trusted::new(&[]).unwrap());
    let tls = tls::config(Arc::clone(&trusted)).unwrap();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap();
    let plain = TestServer::start(|_| Reply::ok("plain")).await;
    assert_eq!(client.get(plain.origin()).send().await.unwrap().status(), 200);
    assert!(!trusted.is_read());
    let (port, _) = serve("127.0.0.1");
    assert!(client.get(format!("https://127.0.0.1:{port}")).send().await.is_err());
    assert!(trusted.is_read());
}

#[tokio::test]
async fn a_server_without_tls_is_a_tls_error_and_hears_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 hello, this is no TLS\r\n").unwrap();
        let mut heard = Vec::new();
        // The client may reset the connection; the bytes before that are in `heard`.
        drop(stream.read_to_end(&mut heard));
        heard
    });
    assert_eq!(ask(HttpPolicy::new(), "127.0.0.1", port).await, Err(HttpError::Tls));
    let heard = heard.join().unwrap();
    assert!(!heard.windows(3).any(|bytes| bytes == b"GET"), "{heard:?}");
}
