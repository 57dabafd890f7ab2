//! The constraints of the authority, checked by two implementations. The control is a certificate that they permit.

use std::process::Command;

use rustls::{
    Error, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
    pki_types::{ServerName, UnixTime, pem::PemObject as _},
};

use super::*;

const NOW: i64 = 2_000_000_000;
const LIFETIME: u64 = 3600;

fn hosts(texts: &[&str]) -> BTreeSet<Host> {
    texts.iter().map(|text| Host::parse(text).unwrap()).collect()
}

fn authority(texts: &[&str]) -> RunAuthority {
    let validity = Validity::of_run(Timestamp::from_seconds(NOW), Duration::from_secs(LIFETIME));
    RunAuthority::new(&hosts(texts), validity).unwrap()
}

/// Returns the result of rustls for a certificate of the authority for this host.
fn verified(authority: &RunAuthority, host: &str, at: i64) -> Result<(), Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let (certificate, _) = authority.sign(&Host::parse(host).unwrap()).unwrap();
    let name = ServerName::try_from(host.trim_matches(['[', ']'])).unwrap();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at.unsigned_abs()));
    verifier.verify_server_cert(&certificate, &[], &name, &[], at).map(drop)
}

/// Returns the output of OpenSSL for a certificate of the authority for this host.
fn verified_by_openssl(authority: &RunAuthority, host: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let [root, leaf] = ["root.pem", "leaf.der"].map(|name| directory.path().join(name));
    let (certificate, _) = authority.sign(&Host::parse(host).unwrap()).unwrap();
    std::fs::write(&root, &authority.pem).unwrap();
    std::fs::write(&leaf, &certificate).unwrap();
    let mut command = Command::new("openssl");
    command.args(["verify", "-x509_strict", "-purpose", "sslserver", "-attime", &NOW.to_string(), "-CAfile"]);
    let output = command.arg(root).arg(leaf).output().unwrap();
    [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat()
}

#[track_caller]
fn check(authority: &RunAuthority, host: &str, is_permitted: bool) {
    match verified(authority, host, NOW) {
        Ok(()) => assert!(is_permitted, "{host} is accepted"),
        // The library of rustls for certificates gives this error no variant of its own.
        Err(error) => {
            assert!(!is_permitted && format!("{error:?}").contains("NameConstraintViolation"), "{host}: {error:?}")
        }
    }
    let found = verified_by_openssl(authority, host);
    let wanted = if is_permitted { "leaf.der: OK" } else { "subtree violation" };
    assert!(found.contains(wanted), "{host}: {found}");
}

#[test]
fn a_certificate_for_a_host_of_the_run_is_accepted_and_one_for_another_host_is_not() {
    let names = authority(&["api.acme.example", "uploads.acme.example"]);
    check(&names, "uploads.acme.example", true);
    for other in ["acme.example", "evil.example", "192.0.2.1", "[2001:db8::1]"] {
        check(&names, other, false);
    }
    let addresses = authority(&["192.0.2.1", "[2001:db8::1]"]);
    check(&addresses, "192.0.2.1", true);
    check(&addresses, "[2001:db8::1]", true);
    for other in ["192.0.2.2", "[2001:db8::2]", "acme.example"] {
        check(&addresses, other, false);
    }
    check(&authority(&[]), "acme.example", false);
}

#[test]
fn the_certificates_are_valid_from_an_hour_before_the_run_until_its_end() {
    let authority = authority(&["api.acme.example"]);
    let end = NOW + i64::try_from(LIFETIME).unwrap();
    for (at, is_valid) in [(NOW - MARGIN - 1, false), (NOW - MARGIN, true), (end, true), (end + 1, false)] {
        assert_eq!(verified(&authority, "api.acme.example", at).is_ok(), is_valid, "{at}");
    }
}

#[test]
fn a_lifetime_without_a_bound_ends_with_the_last_year_of_a_certificate() {
    let validity = Validity::of_run(Timestamp::from_seconds(NOW), Duration::MAX);
    assert_eq!(validity.end, LAST_SECOND);
    RunAuthority::new(&hosts(&["api.acme.example"]), validity).unwrap();
}
