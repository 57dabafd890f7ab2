//! The client sends nothing to a server whose certificate it does not trust.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
    thread,
};

use connection_contract::{CertificateFault, HttpError, HttpRequest, classify};
use connection_faults::{
    certificates::{Authority, Certificate, serve_plain},
    server::{Reply, TestServer},
};
use rustls::{CertificateError, Error, ServerConnection, StreamOwned};

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
    let untrusted = HttpError::Certificate(CertificateFault::SelfSigned);
    assert_eq!(ask(HttpPolicy::new(), "api.example.com", port).await, Err(untrusted));
}

#[tokio::test]
async fn a_certificate_that_the_host_added_is_trusted_for_its_own_name() {
    let (port, pem) = serve("api.example.com");
    assert_eq!(ask(HttpPolicy::new().root_certificate_pem(pem), "api.example.com", port).await, Ok(200));
    let (port, pem) = serve("other.example.com");
    let policy = HttpPolicy::new().root_certificate_pem(pem);
    let other = HttpError::Certificate(CertificateFault::OtherName);
    assert_eq!(ask(policy, "api.example.com", port).await, Err(other));
}

/// `openssl req -x509` makes a certificate that may sign others, too, and devices present theirs themselves.
#[tokio::test]
async fn a_certificate_of_an_authority_that_is_presented_itself_is_trusted_if_the_host_added_it() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let name = "api.example.com";
    let own = Certificate::self_signed_authority(&[name]);
    let port = own.serve(answer);
    let policy = |pem: &str| HttpPolicy::new().root_certificate_pem(pem.to_owned());
    assert_eq!(ask(policy(&own.pem), name, port).await, Ok(200));
    let fault = |fault| Err(HttpError::Certificate(fault));
    assert_eq!(ask(HttpPolicy::new(), name, port).await, fault(CertificateFault::SelfSigned));
    let other = Certificate::self_signed_authority(&[name]);
    assert_eq!(ask(policy(&other.pem), name, port).await, fault(CertificateFault::SelfSigned));
    let elsewhere = Certificate::self_signed_authority(&["other.example.com"]);
    assert_eq!(ask(policy(&elsewhere.pem), name, elsewhere.serve(answer)).await, fault(CertificateFault::OtherName));
}

#[tokio::test]
async fn a_certificate_that_the_host_added_is_refused_after_its_end() {
    let name = "api.example.com";
    let ended = Certificate::self_signed_until(&[name], 2000, 1, 1);
    let port = ended.serve("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let error = ask(HttpPolicy::new().root_certificate_pem(ended.pem), name, port).await.unwrap_err();
    let found = classify(Err(error)).unwrap_err();
    let message = found.reason.message.as_str();
    assert!(message.contains("its certificate has expired (the clock of this machine says "), "{message}");
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
    assert_eq!(ask(HttpPolicy::new(), "127.0.0.1", port).await, Err(HttpError::NotTls));
    let heard = heard.join().unwrap();
    assert!(!heard.windows(3).any(|bytes| bytes == b"GET"), "{heard:?}");
}

#[tokio::test]
async fn a_server_that_speaks_tls_and_fails_is_told_apart_from_one_without_tls() {
    for (bytes, error) in [
        // The alerts `handshake_failure` and `protocol_version`, and a `ServerHello` without contents.
        (&b"\x15\x03\x03\x00\x02\x02\x28"[..], HttpError::Tls),
        (b"\x15\x03\x01\x00\x02\x02\x46", HttpError::Tls),
        (b"\x16\x03\x03\x00\x04\x02\x00\x00\x00", HttpError::Tls),
        (b"SSH-2.0-OpenSSH_9.9\r\n", HttpError::NotTls),
        (b"<html>", HttpError::NotTls),
        (b"\x00\x00\x00\x05\x00\x00", HttpError::NotTls),
    ] {
        assert_eq!(ask(HttpPolicy::new(), "127.0.0.1", serve_plain(bytes)).await, Err(error), "{bytes:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_no_longer_tls_after_the_request_gave_no_valid_answer() {
    let certificate = Certificate::self_signed(&["127.0.0.1"]);
    let config = certificate.server_config();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
        let read = stream.read(&mut [0; 4096]);
        drop(read.and_then(|_| stream.sock.write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")));
    });
    let policy = HttpPolicy::new().root_certificate_pem(certificate.pem);
    assert_eq!(ask(policy, "127.0.0.1", port).await, Err(HttpError::Protocol));
}

#[tokio::test]
async fn an_address_that_the_certificate_does_not_name_is_another_host() {
    let ours = Authority::new();
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let other = Err(HttpError::Certificate(CertificateFault::OtherName));
    for (name, expected) in [("api.example.com", other), ("127.0.0.2", other), ("127.0.0.1", Ok(200))] {
        let policy = HttpPolicy::new().root_certificate_pem(ours.pem.clone());
        assert_eq!(ask(policy, "127.0.0.1", ours.sign(name).serve(answer)).await, expected, "{name}");
    }
}

/// A revoked certificate, one of a bad form and one with an algorithm that is not accepted end in the same way.
#[tokio::test]
async fn a_certificate_with_another_fault_is_told_with_the_host_and_a_way_out() {
    let ours = Authority::new();
    let name = "api.example.com";
    let port = ours.sign_for_a_client(name).serve("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let policy = HttpPolicy::new().root_certificate_pem(ours.pem.clone());
    let client = client_with(policy, Names::of(&[(name, &["127.0.0.1"])]));
    let origin = format!("https://{name}:{port}");
    let egress = named(&origin);
    let failed = client.send(&egress, HttpRequest::get(&base(&origin), "/")).await.map(|answer| answer.status());
    assert_eq!(failed, Err(HttpError::Tls));
    let found = classify(Err(HttpError::Tls)).unwrap_err();
    let found = egress.heard.describe_reason(found, connection_contract::Timestamp::from_seconds(0));
    let message = found.reason.message.as_str();
    assert_eq!(message, format!("cannot reach {name}:{port}: no TLS connection could be made"));
    let remedy = found.reason.remedy.unwrap();
    assert!(remedy.as_str().contains("ask the server's operator to check its certificate"), "{remedy}");
    for fault in [CertificateError::Revoked, CertificateError::BadEncoding, CertificateError::InvalidPurpose] {
        assert_eq!(tls::fault(&Error::InvalidCertificate(fault)), HttpError::Tls);
    }
}

#[tokio::test]
async fn six_servers_without_a_usable_certificate_are_six_sentences_with_their_ways_out() {
    let (ours, unknown) = (Authority::new(), Authority::new());
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let portal = serve_plain(b"HTTP/1.1 302 Found\r\nlocation: http://portal.example/\r\ncontent-length: 0\r\n\r\n");
    let name = "api.example.com";
    let servers = [
        (
            ours.sign_between(name, 1999, 2000).serve(answer),
            "its certificate has expired (the clock of this machine says ",
        ),
        (
            ours.sign_between(name, 2400, 2500).serve(answer),
            "its certificate is not valid yet (the clock of this machine ",
        ),
        (ours.sign("other.example.com").serve(answer), "its certificate is for another host name"),
        (
            unknown.sign(name).serve(answer),
            "its certificate is not trusted here, because no authority that this host knows issued it",
        ),
        (
            Certificate::self_signed(&[name]).serve(answer),
            "its certificate is self-signed, so no authority vouches for it",
        ),
        (portal, "it does not speak TLS on this port"),
    ];
    let mut said = Vec::new();
    for (port, sentence) in servers {
        let policy = HttpPolicy::new().root_certificate_pem(ours.pem.clone());
        let client = client_with(policy, Names::of(&[(name, &["127.0.0.1"])]));
        let origin = format!("https://{name}:{port}");
        let egress = named(&origin);
        let failed = client.send(&egress, HttpRequest::get(&base(&origin), "/")).await.map(|answer| answer.status());
        let error = failed.unwrap_err();
        let found = classify(Err(error)).unwrap_err();
        assert!(found.reason.message.as_str().contains(sentence), "{error:?}: {}", found.reason.message.as_str());
        let found = egress.heard.describe_reason(found, connection_contract::Timestamp::from_seconds(0));
        let message = found.reason.message.as_str().to_owned();
        assert!(message.starts_with(&format!("cannot reach {name}:{port}: {sentence}")), "{message}");
        assert_eq!(&*found.reason.code, connection_contract::reason::TLS);
        said.push((sentence, found.reason.remedy.unwrap().as_str().to_owned()));
    }
    let ways: std::collections::BTreeSet<_> = said.iter().map(|(_, way)| way).collect();
    assert_eq!(ways.len(), 6, "each has its own way out: {said:?}");
    let trusted = HttpPolicy::new().root_certificate_pem(ours.pem.clone());
    assert_eq!(ask(trusted, name, ours.sign(name).serve(answer)).await, Ok(200), "the control");
}
