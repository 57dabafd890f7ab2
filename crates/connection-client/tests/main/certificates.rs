//! The certificate of the server must be trusted, before the token is sent.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    thread,
};

use connection_client::{Client, ConnectionFilter, Error};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// Starts a TLS server for one connection with a certificate for `name`, and returns its address and certificate. It
/// answers as no server of Connections does.
fn serve(name: &str) -> (String, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream);
        // If the client does not trust this server, there is no request to read.
        if stream.read(&mut [0; 4096]).is_ok() {
            stream.write_all(b"HTTP/1.1 418 Tea\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
    });
    (format!("https://localhost:{port}"), cert.pem())
}

async fn request_error(name: &str, trusts: bool) -> Error {
    let (address, pem) = serve(name);
    let client = Client::builder(address, "cn_token".into());
    let client = if trusts { client.root_certificate_pem(pem) } else { client };
    client.build().unwrap().connections(&ConnectionFilter::new()).await.unwrap_err()
}

#[tokio::test]
async fn a_server_is_asked_only_if_its_certificate_is_trusted_and_names_it() {
    let answered = request_error("localhost", true).await;
    assert!(matches!(answered, Error::UnexpectedAnswer { status: 418, .. }), "{answered:?}");
    for (name, trusts) in [("localhost", false), ("other.example", true)] {
        let refused = request_error(name, trusts).await;
        assert!(refused.to_string().contains("certificate"), "{refused}");
        assert!(matches!(refused, Error::Unreachable { .. }), "{refused:?}");
    }
}

#[test]
fn what_is_no_certificate_is_refused() {
    let client = Client::builder("https://localhost", "cn_token".into()).root_certificate_pem("nothing");
    assert!(matches!(client.build().unwrap_err(), Error::Certificates(_)));
}
