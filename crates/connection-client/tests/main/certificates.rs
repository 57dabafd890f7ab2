//! The certificate of the server must be trusted, before the token is sent.

use connection_client::{Client, ConnectionFilter, Error};
use connection_faults::certificates::Certificate;

async fn request_error(name: &str, trusts: bool) -> Error {
    let certificate = Certificate::self_signed(&[name]);
    // No server of Connections answers so.
    let port = certificate.serve("HTTP/1.1 418 Tea\r\ncontent-length: 0\r\n\r\n");
    let client = Client::builder(format!("https://localhost:{port}"), "cn_token".into());
    let client = if trusts { client.root_certificate_pem(certificate.pem) } else { client };
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
