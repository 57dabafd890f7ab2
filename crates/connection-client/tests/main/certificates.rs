//! The certificate of the server must be trusted, before the token is sent.

use std::collections::BTreeSet;

use connection_client::{Client, ConnectionFilter, Error};
use connection_contract::{CertificateFault, HttpError, Timestamp};
use connection_faults::certificates::{Authority, Certificate, serve_plain};

/// An answer that no server of Connections gives.
const ANSWER: &str = "HTTP/1.1 418 Tea\r\ncontent-length: 0\r\n\r\n";

async fn request_error(name: &str, trusts: bool) -> Error {
    let certificate = Certificate::self_signed(&[name]);
    asked(certificate.serve(ANSWER), trusts.then_some(certificate.pem)).await
}

/// Returns the error of a request to this port by a client that trusts this authority.
async fn asked(port: u16, trusted: Option<String>) -> Error {
    let client = Client::builder(format!("https://localhost:{port}"), "cn_token".into());
    let client = trusted.into_iter().fold(client, |client, pem| client.root_certificate_pem(pem));
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

#[tokio::test]
async fn six_servers_without_a_usable_certificate_are_the_six_sentences_of_a_provider() {
    let (ours, unknown) = (Authority::new(), Authority::new());
    let clock = Timestamp::from_seconds(0);
    let name = "localhost";
    let servers = [
        (
            ours.sign_between(name, 1999, 2000).serve(ANSWER),
            HttpError::Certificate(CertificateFault::Expired { clock }),
        ),
        (
            ours.sign_between(name, 2400, 2500).serve(ANSWER),
            HttpError::Certificate(CertificateFault::NotYetValid { clock }),
        ),
        (ours.sign("other.example").serve(ANSWER), HttpError::Certificate(CertificateFault::OtherName)),
        (unknown.sign(name).serve(ANSWER), HttpError::Certificate(CertificateFault::UnknownAuthority)),
        (Certificate::self_signed(&[name]).serve(ANSWER), HttpError::Certificate(CertificateFault::SelfSigned)),
        (serve_plain(ANSWER.as_bytes()), HttpError::NotTls),
    ];
    let mut said = BTreeSet::new();
    for (port, fault) in servers {
        let error = asked(port, Some(ours.pem.clone())).await;
        // The sentence without the time of the clock.
        let sentence = fault.to_string();
        let sentence = sentence.split(" says ").next().unwrap();
        assert!(
            error.to_string().starts_with(&format!("cannot reach https://localhost:{port}: {sentence}")),
            "{error}"
        );
        assert_eq!(error.remedy(), fault.remedy().as_ref().map(|remedy| remedy.as_str()), "{error}");
        said.insert((sentence.to_owned(), error.remedy().map(str::to_owned)));
    }
    assert_eq!(said.len(), 6, "{said:?}");
}

#[test]
fn what_is_no_certificate_is_refused() {
    let client = Client::builder("https://localhost", "cn_token".into()).root_certificate_pem("nothing");
    assert!(matches!(client.build().unwrap_err(), Error::Certificates(_)));
}
