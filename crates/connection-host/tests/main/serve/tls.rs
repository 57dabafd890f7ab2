//! `serve` speaks TLS by itself if the configuration names a certificate and its key.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
};

use connection_faults::certificates::Certificate;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde_json::{Value, json};

use super::{Answer, PATIENCE, Serving, ask, machine, until};
use crate::program::Machine;

pub(super) const HOST: &str = "host.example";

/// Writes a new certificate for this name, and its key, and returns the certificate.
fn issue(machine: &Machine, name: &str) -> String {
    issue_until(machine, name, 4000)
}

/// Writes a certificate that ends at the beginning of a year.
fn issue_until(machine: &Machine, name: &str, year: i32) -> String {
    write(machine, Certificate::self_signed_until(&[name], year, 1, 1))
}

fn write(machine: &Machine, issued: Certificate) -> String {
    machine.write("tls.key", issued.key.as_bytes());
    machine.write("tls.pem", issued.pem.as_bytes());
    issued.pem
}

/// Returns a machine whose `serve` speaks TLS, and its certificate.
fn secured() -> (Machine, String) {
    let mut machine = machine();
    let certificate = issue(&machine, HOST);
    machine.set("CONNECTIONS_INBOUND__TLS_CERTIFICATE", machine.path("tls.pem").to_str().unwrap());
    machine.set("CONNECTIONS_INBOUND__TLS_KEY", machine.path("tls.key").to_str().unwrap());
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &format!("https://{HOST}"));
    (machine, certificate)
}

/// Sends a request over TLS, trusting this certificate alone. `None` if the server has another one.
fn over_tls(
    address: SocketAddr,
    trusted: &str,
    host: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Option<Answer> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), HOST.try_into().unwrap()).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = StreamOwned::new(client, stream);
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{headers}content-length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

pub(super) fn get(serving: &Serving, trusted: &str, host: &str, path: &str) -> Option<Answer> {
    over_tls(serving.address, trusted, host, "GET", path, "", "")
}

#[test]
fn with_a_certificate_serve_answers_over_tls_to_its_own_name_alone() {
    let (machine, certificate) = secured();
    let serving = Serving::with_page(&machine);
    assert_eq!(serving.url, format!("https://{HOST}"));
    assert_eq!(get(&serving, &certificate, HOST, "/healthz").unwrap().status, 200);
    let code = serving.page.clone().unwrap();
    // The certificate is for the name of the public URL, so the page opens there, also on this machine.
    let code = code.strip_prefix(&format!("https://{HOST}/#code=")).unwrap_or_else(|| panic!("{code}"));
    let headers = format!("origin: https://{HOST}\r\ncontent-type: application/json\r\n");
    let body = json!({ "code": code }).to_string();
    let token = over_tls(serving.address, &certificate, HOST, "POST", "/api/v1/page-tokens", &headers, &body).unwrap();
    assert_eq!(token.status, 201, "{token:?}");
    let token: Value = serde_json::from_str(&token.body).unwrap();
    let bearer = format!("authorization: Bearer {}\r\n", token["token"].as_str().unwrap());
    let names = [(HOST, 200), (&*serving.address.to_string(), 200), ("evil.example", 421)];
    for (host, status) in names {
        let me = over_tls(serving.address, &certificate, host, "GET", "/api/v1/me", &bearer, "").unwrap();
        assert_eq!(me.status, status, "{host}: {me:?}");
    }
    for path in ["/healthz", "/", "/callback/gmail"] {
        assert_eq!(get(&serving, &certificate, "evil.example", path).unwrap().status, 421, "{path}");
    }
    let plain = ask(serving.address, HOST, "GET", "/healthz", "", b"");
    assert_eq!((plain.status, &*plain.body), (0, ""), "no answer without TLS");
    assert_eq!(get(&serving, &certificate, HOST, "/readyz").unwrap().status, 200, "the server goes on");
}

#[test]
fn a_certificate_that_is_replaced_while_serve_runs_is_used() {
    let (machine, former) = secured();
    let mut serving = Serving::start(&machine);
    assert!(get(&serving, &former, HOST, "/healthz").is_some());
    let later = issue(&machine, HOST);
    until("the new certificate is used", || get(&serving, &later, HOST, "/healthz").is_some());
    assert!(get(&serving, &former, HOST, "/healthz").is_none());
    serving.says("tls.pem has changed and is now in use");
}

#[test]
fn files_with_which_serve_cannot_speak_tls_are_refused_by_name() {
    let (mut machine, _) = secured();
    let key = machine.path("tls.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    machine.run(&["serve"]).exits(2).warns("inbound.tls_key").warns("can be read or changed").warns("chmod 600");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    machine.write("tls.key", Certificate::self_signed(&[HOST]).key.as_bytes());
    machine.run(&["serve"]).exits(2).warns("inbound.tls_key").warns("does not belong to the first certificate");
    machine.write("tls.pem", b"nothing");
    machine.run(&["serve"]).exits(2).warns("inbound.tls_certificate").warns("contains no certificate");
    machine.unset("CONNECTIONS_INBOUND__TLS_KEY");
    machine.run(&["serve"]).exits(2).warns("inbound.tls_certificate is set, and inbound.tls_key is not");
}

/// The name resolves to this machine, and the certificate is trusted by the configuration.
#[test]
fn a_running_server_with_tls_is_found_again_and_its_callbacks_are_checked() {
    let (mut machine, _) = secured();
    issue(&machine, "localhost");
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("https://localhost:{}", address.port());
    machine.set("CONNECTIONS_INBOUND__LISTEN", &address.to_string());
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &url);
    machine.set("CONNECTIONS_HTTP__ROOT_CERTIFICATE", machine.path("tls.pem").to_str().unwrap());
    let serving = Serving::start(&machine);
    let again = machine.run(&["serve", "--print-page"]).exits(0);
    again.says(&format!("Open this address within 60 seconds: {url}/#code="));
    machine.run(&["doctor", "--callback"]).exits(0).says(&format!("callbacks arrive at {url}"));
    drop(serving);
    machine.run(&["doctor", "--callback"]).exits(0).says("stood in for it");
}

#[test]
fn the_end_of_the_certificate_is_told_by_the_doctor_the_api_and_the_log() {
    let (machine, certificate) = secured();
    machine.run(&["doctor"]).says("ok      certificate").says("tls.pem ends on 4000-01-01T00:00:00Z");
    let mut serving = Serving::with_page(&machine);
    let code = serving.page.clone().unwrap();
    let code = code.strip_prefix(&format!("https://{HOST}/#code=")).unwrap();
    let json_type = format!("origin: https://{HOST}\r\ncontent-type: application/json\r\n");
    let body = json!({ "code": code }).to_string();
    let token = over_tls(serving.address, &certificate, HOST, "POST", "/api/v1/page-tokens", &json_type, &body);
    let token: Value = serde_json::from_str(&token.unwrap().body).unwrap();
    let headers = format!("authorization: Bearer {}\r\n{json_type}", token["token"].as_str().unwrap());
    let read = |trusted: &str, method, path, body| -> Value {
        let answer = over_tls(serving.address, trusted, HOST, method, path, &headers, body).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_str(&answer.body).unwrap()
    };
    let system = read(&certificate, "GET", "/api/v1/system", "");
    assert_eq!(system["certificate"]["endsAt"], "4000-01-01T00:00:00Z");
    assert_eq!(system["certificate"]["remedy"], Value::Null);

    // A client of this test does not compare the time, so it still reads the answers.
    issue_until(&machine, HOST, 2020);
    machine.run(&["doctor"]).exits(1).says("failed  certificate").says("ended on 2020-01-01T00:00:00Z").says("renew it");
    serving.says("tls.pem ended on 2020-01-01T00:00:00Z; browsers and programs refuse it");
}
