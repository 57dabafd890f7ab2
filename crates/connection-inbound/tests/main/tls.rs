//! A server that speaks TLS itself, over real sockets.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{Router, routing::get};
use connection_contract::Secret;
use connection_faults::certificates::Certificate;
use connection_inbound::{InvalidTls, Server, ServerTls};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Handle,
    task::JoinHandle,
};
use tokio_rustls::TlsConnector;

fn certified() -> Certificate {
    Certificate::self_signed(&["host.example"])
}

fn tls(pem: &str, key: &str) -> Result<ServerTls, InvalidTls> {
    ServerTls::from_pem(pem.as_bytes(), &Secret::from(key))
}

/// Serves until the task is aborted.
async fn serving(tls: ServerTls) -> (SocketAddr, JoinHandle<()>) {
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap().tls(tls);
    let address = server.address();
    let routes = Router::new().route("/", get(async || "here"));
    let url = "https://host.example".parse().unwrap();
    (address, Handle::current().spawn(async move { server.serve(routes, &url, std::future::pending()).await }))
}

/// Sends a request over this version of TLS, trusting this certificate alone, and returns the answer.
async fn answer_over_tls(
    address: SocketAddr,
    version: &'static SupportedProtocolVersion,
    trusted: &Certificate,
    host: &str,
) -> io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(address).await?;
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect("host.example".try_into().unwrap(), stream).await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// T09: no proxy checks the names.
#[tokio::test]
async fn with_a_certificate_it_answers_over_tls_to_its_own_names_alone() {
    let ours = certified();
    let (address, serving) = serving(tls(&ours.pem, &ours.key).unwrap()).await;
    for version in [&TLS12, &TLS13] {
        for (host, status) in [("host.example", "200"), (&address.to_string(), "200"), ("elsewhere.example", "421")] {
            let answer = answer_over_tls(address, version, &ours, host).await.unwrap();
            assert_eq!(answer.split(' ').nth(1), Some(status), "{host}: {answer}");
            assert_eq!(answer.ends_with("here"), status == "200", "{host}: {answer}");
            assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{host}: {answer}");
        }
    }
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: host.example\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // The connection may be reset.
    drop(plain.read_to_end(&mut answer).await);
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.contains("HTTP") && !answer.contains("here"), "{answer}");
    serving.abort();
}

#[tokio::test]
async fn new_connections_get_a_replaced_certificate_unless_it_is_invalid() {
    let [former, later] = [certified(), certified()];
    let tls = tls(&former.pem, &former.key).unwrap();
    let (address, serving) = serving(tls.clone()).await;
    let trusts = async |trusted| answer_over_tls(address, &TLS13, trusted, "host.example").await.is_ok();
    assert!(trusts(&former).await && !trusts(&later).await);
    let invalid = tls.replace_pem(later.pem.as_bytes(), &Secret::from(former.key.clone()));
    assert_eq!(invalid, Err(InvalidTls::OtherKey));
    assert!(trusts(&former).await && !trusts(&later).await);
    tls.replace_pem(later.pem.as_bytes(), &Secret::from(later.key.clone())).unwrap();
    assert!(trusts(&later).await && !trusts(&former).await);
    serving.abort();
}

#[test]
fn a_certificate_and_a_key_that_are_no_pair_are_refused_with_the_reason() {
    let [ours, other] = [certified(), certified()];
    let chain = format!("{}{}", ours.pem, other.pem);
    let unreadable = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let unusable = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let encrypted = ours.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert!(tls(&ours.pem, &ours.key).is_ok() && tls(&chain, &ours.key).is_ok(), "the control");
    for (pem, key, refused) in [
        (&*ours.key, &*ours.key, InvalidTls::NoCertificate),
        ("", &*ours.key, InvalidTls::NoCertificate),
        (unreadable, &*ours.key, InvalidTls::UnusableCertificate),
        (&*ours.pem, &*ours.pem, InvalidTls::NoKey),
        (&*ours.pem, &*encrypted, InvalidTls::NoKey),
        (&*ours.pem, unusable, InvalidTls::UnusableKey),
        (&*ours.pem, &*other.key, InvalidTls::OtherKey),
        (&*chain, &*other.key, InvalidTls::OtherKey),
    ] {
        assert_eq!(tls(pem, key).unwrap_err(), refused);
        assert!(!refused.remedy().is_empty());
    }
    let shown = format!("{:?}", tls(&ours.pem, &ours.key));
    assert_eq!(shown, "Ok(ServerTls { .. })");
}
