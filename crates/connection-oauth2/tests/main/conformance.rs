//! The conformance suite of the contract, for two configurations.

use connection_contract::prelude::*;
use connection_oauth2::{CLIENT_KEY, Client, Endpoint, Response, client_value};
use connection_testkit::{Expected, Input, Reply, conformance::Suite};

use crate::{ACCESS, CALLBACK, ID, REFRESH, SECRET, acme, back, kind, me, redeem, renew, tokens};

const REVOKE: &str = "https://id.acme.example/revoke";

fn revoke(token: &str, hint: &str) -> Expected {
    let form = [("token", token), ("token_type_hint", hint), ("client_id", ID), ("client_secret", SECRET)];
    Expected::post(REVOKE).form(&form)
}

/// R-INSEAM-070, R-INSEAM-076
#[test]
fn every_sentence_of_the_contract_holds() {
    Suite::new(|| kind(acme().client(Client::Prompted).endpoint(Endpoint::Revocation, REVOKE)))
        .host(|host| host.inbound_http(CALLBACK).secret_value(CLIENT_KEY, client_value(ID, Some(&SECRET.into()))))
        .setup([back()], [redeem().answer(tokens()), me()])
        .verify([me()])
        .refresh([renew().answer(Reply::json(200, r#"{"access_token": "second-canary-1", "expires_in": 60}"#))])
        .teardown([revoke(REFRESH, "refresh_token"), revoke(ACCESS, "access_token")])
        .check();
}

/// R-INSEAM-078: a stored credential with two sets of tokens, captured values and its own application.
#[test]
fn every_sentence_holds_for_all_that_is_stored() {
    let answer = format!(
        r#"{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}", "expires_in": 3600, "refresh_token_expires_in": 604800, "scope": "read write", "team": "t1", "authed_user": {{"access_token": "user-canary-77", "refresh_token": "user-refresh-77"}}}}"#
    );
    let response = || Response::new().extra_tokens("user", "/authed_user").capture("team", "/team");
    let application = Input::answers(&[("clientId", ID), ("clientSecret", SECRET)]);
    Suite::new(move || kind(acme().client(Client::PerConnection).response(response())))
        .host(|host| host.inbound_http(CALLBACK))
        .setup([application, back()], [redeem().answer(Reply::json(200, &answer)), me()])
        .verify([me()])
        .recorded("tests/fixtures/credential")
        .check();
}

#[test]
fn all_tokens_and_the_secret_of_an_application_are_secrets_without_a_name() {
    let record = Record::new().with("version", "1").with("clientId", ID).with("clientSecret", "application-1");
    let record = record.with("access", "access-1").with("refresh", "refresh-1");
    let record = record.with("set", "user").with("access", "access-2").with("refresh", "refresh-2").encode();
    let oauth2 = kind(acme());
    let credential = oauth2.parse_credential(record.expose()).unwrap();
    let secrets = oauth2.secrets().unwrap().unnamed(&credential);
    let mut found: Vec<_> = secrets.iter().map(|secret| secret.expose_str().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, ["access-1", "access-2", "application-1", "refresh-1", "refresh-2"]);
}

/// R-INSEAM-078, R-INSEAM-085: a credential of a later version, or of no version, is not read: nothing is guessed.
#[test]
fn only_what_this_version_knows_is_read() {
    let parse = |record: Record| kind(acme()).parse_credential(record.encode().expose()).is_ok();
    let record = |version: &str| Record::new().with("version", version).with("clientId", ID);
    assert!(parse(record("1").with("access", ACCESS)));
    assert!(!parse(record("2").with("access", ACCESS)));
    assert!(!parse(record("1")));
    assert!(!parse(record("1").with("access", ACCESS).with("sub", "42")));
    assert!(!parse(record("1").with("access", ACCESS).with("bySubject", "perhaps")));
    // A credential of an earlier version does not say whether its subject names the account: its scopes do.
    for (scopes, expected) in [("openid read", true), ("read", false)] {
        let earlier = record("1").with("access", ACCESS).with("scopes", scopes).encode();
        let read = kind(acme()).parse_credential(earlier.expose()).unwrap();
        assert_eq!(read.is_by_subject(), expected);
    }
    assert!(!parse(record("1").with("access", ACCESS).with("until", "soon")));
    assert!(!parse(record("1").with("access", ACCESS).with("is", "value of nothing")));
    assert!(!parse(record("1").with("access", ACCESS).with("set", "user")));
}
