//! The authority of the run, as other programs read it. Its constraints are tested beside its code, because its key is
//! gone when the door is open.

use std::time::Duration;

use connection_contract::Timestamp;
use connection_egress::ManualClock;
use connection_forward::{ForwardDoor, ForwardSettings, SYSTEM_ROOTS, bundle};

use crate::fixture::{HOST, Run, exchange};

#[tokio::test]
async fn openssl_reads_critical_constraints_to_the_hosts_of_the_run() {
    let run = Run::start().await;
    let output =
        run.command("openssl").args(["x509", "-noout", "-text", "-in"]).arg(run.roots()).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let constraints = text.split_once("X509v3 Name Constraints: critical").unwrap().1;
    let constraints = constraints.split_once("X509v3").unwrap().0;
    let permitted: Vec<_> = constraints.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(
        permitted,
        [
            "Permitted:",
            "IP:192.0.2.7/255.255.255.255",
            "DNS:api.example.test",
            "DNS:uploads.example.test",
            "Excluded:",
            "IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0",
        ]
    );
    assert!(text.contains("CA:TRUE, pathlen:0") && text.contains("ASN1 OID: prime256v1"), "{text}");
}

#[tokio::test]
async fn http_2_is_not_negotiated() {
    let run = Run::start().await;
    let target = format!("{HOST}:443");
    let mut stream = run.tls_with(&target, HOST, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let request = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    assert_eq!(exchange(&mut stream, request.as_bytes()).await.status, 200);
    let only = run.tls_with(&target, HOST, &["h2"]).await.unwrap_err();
    assert!(only.to_string().contains("NoApplicationProtocol"), "{only}");
}

#[tokio::test]
async fn two_runs_have_different_authorities_and_no_key_leaves_the_door() {
    let (one, other) = (Run::start().await, Run::start().await);
    assert_ne!(one.door.authority_pem(), other.door.authority_pem());
    let file = std::fs::read_to_string(one.roots()).unwrap();
    assert_eq!(file.matches("-----BEGIN").count(), 1);
    assert!(file.starts_with("-----BEGIN CERTIFICATE-----"));
    // Only the fixture has written a file.
    assert_eq!(std::fs::read_dir(one.roots().parent().unwrap()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_bundle_with_the_roots_of_the_system_holds_both() {
    let run = Run::start().await;
    let system = SYSTEM_ROOTS.iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap();
    let both = bundle(run.door.authority_pem(), Some(&system));
    let count = |text: &str| text.matches("-----BEGIN CERTIFICATE-----").count();
    assert_eq!(count(&both), count(run.door.authority_pem()) + count(&system));
}

#[tokio::test]
async fn the_authority_is_valid_by_the_clock_that_the_door_was_opened_with() {
    let run = Run::start().await;
    let clock = ManualClock::at(Timestamp::from_seconds(2_000_000_000));
    let settings = ForwardSettings::new("http://127.0.0.1:8745/use", Duration::from_secs(12 * 60 * 60));
    let door = ForwardDoor::open(settings, &clock).await.unwrap();
    std::fs::write(run.roots(), door.authority_pem()).unwrap();
    let output =
        run.command("openssl").args(["x509", "-noout", "-dates", "-in"]).arg(run.roots()).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, "notBefore=May 18 02:33:20 2033 GMT\nnotAfter=May 18 15:33:20 2033 GMT\n");
}
