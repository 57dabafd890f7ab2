//! The kind against a fake host; nothing leaves the process.
//!
//! Names such as `Q7` and `S2` refer to the lists of deviations and of attacks in `docs/spec/oauth2.md`.

mod answers;
mod authorize;
mod callback;
mod client;
mod config;
mod conformance;
mod device;
mod device_waits;
mod discovery;
mod known_codes;
mod lifetimes;
mod places;
mod probe;
mod redirects;
mod refresh;
mod refusals;
mod registered;
mod remedies;
mod repeatable;
mod revoke;
mod secrets;
mod sets;

use connection_contract::prelude::*;
use connection_oauth2::{Account, Client, Endpoint, OAuth2, OAuth2Builder, OAuth2Config, OAuth2Credential, oauth2};
use connection_testkit::{Expected, FakeHost, Input, Reply, hmac_sha256};

const ID: &str = "client-canary-0a1b";
const SECRET: &str = "secret-canary-5e6f7a8b";
const ACCESS: &str = "access-canary-11aa22bb";
const REFRESH: &str = "refresh-canary-33cc44dd";
const CODE: &str = "code-canary-55ee66ff";
const CALLBACK: &str = "https://host.example/callback/acme";
const AUTHORIZE: &str = "https://id.acme.example/authorize";
const TOKEN: &str = "https://id.acme.example/token";
const API: &str = "https://api.acme.example";
/// 2026-01-31T10:20:30Z, at which the fake host's clock begins.
const NOW: i64 = 1_769_854_830;

/// A provider that follows the standards.
fn acme() -> OAuth2Builder {
    OAuth2Config::builder(Kind::from_static("acme"), "Acme")
        .api(API)
        .endpoint(Endpoint::Authorize, AUTHORIZE)
        .endpoint(Endpoint::Token, TOKEN)
        .client(Client::Configured { id: ID.to_owned(), secret: Some(SECRET.into()) })
        .scope("read")
        .account(Account::probe("/me", "/id", "/name"))
}

fn kind(builder: OAuth2Builder) -> OAuth2 {
    oauth2(builder.build().expect("a configuration"))
}

/// Returns a host that receives callbacks.
fn host(builder: OAuth2Builder) -> FakeHost<OAuth2> {
    FakeHost::new(kind(builder)).inbound_http(CALLBACK).key_value()
}

/// Returns the n-th 32 random bytes of a setup, as text.
fn drawn(n: usize) -> String {
    encode::base64url(&hmac_sha256(b"connection-testkit", format!("random {n}").as_bytes()))
}

/// Returns the `state` of the first callback that the fake host gives.
fn state() -> String {
    encode::base64url(&hmac_sha256(b"connection-testkit", b"state 1"))
}

fn back() -> Input {
    Input::callback(&[("code", CODE)])
}

fn redeem() -> Expected {
    Expected::post(TOKEN).no_redirect().header("accept", "application/json")
}

/// Returns the form of a code's exchange.
fn form() -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", "authorization_code".into()),
        ("code", CODE.into()),
        ("code_verifier", drawn(0)),
        ("redirect_uri", CALLBACK.into()),
        ("client_id", ID.into()),
        ("client_secret", SECRET.into()),
    ]
}

fn fields<'f>(form: &'f [(&'static str, String)]) -> Vec<(&'static str, &'f str)> {
    form.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

fn tokens() -> Reply {
    Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}", "expires_in": 3600}}"#))
}

fn me() -> Expected {
    with_token(ACCESS)
}

fn with_token(token: &str) -> Expected {
    Expected::get("https://api.acme.example/me")
        .header("authorization", &format!("Bearer {token}"))
        .answer(Reply::json(200, r#"{"id": "42", "name": "Ada"}"#))
}

/// Connects an account, with this response of the token endpoint.
#[track_caller]
fn connected(builder: OAuth2Builder, reply: Reply) -> (FakeHost<OAuth2>, SetupResult<OAuth2Credential>) {
    let host = host(builder).expect(redeem().answer(reply)).expect(me());
    let made = host.setup([back()]).run().unwrap_or_else(|failure| panic!("{}: {failure}", failure.code));
    (host, made)
}

/// Returns the failure of a setup, with this response of the token endpoint.
#[track_caller]
fn refused(builder: OAuth2Builder, reply: Reply) -> SetupFailure {
    host(builder).expect(redeem().answer(reply)).setup([back()]).run().expect_err("no connection")
}

/// Returns the parameters of the address that the first step opens.
fn opened(host: &FakeHost<OAuth2>, inputs: Vec<Input>) -> Vec<(String, String)> {
    let run = host.setup(inputs).trace();
    let link = run.steps.iter().find_map(|step| step.open.clone()).expect("an address");
    encode::from_form(link.as_str().split_once('?').expect("a query").1)
}

fn parameter<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Returns the expected refresh request, without the parts that a test is about.
fn renew() -> Expected {
    renew_by(REFRESH)
}

fn renew_by(token: &str) -> Expected {
    Expected::post(TOKEN).no_redirect().form(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", ID),
        ("client_secret", SECRET),
    ])
}

fn secret_text(secret: Option<Secret>) -> Option<String> {
    secret.and_then(|secret| secret.expose_str().map(str::to_owned))
}

/// Returns the code of a setup that fails before it sends a request to the API.
#[track_caller]
fn refused_after(builder: OAuth2Builder, reply: Reply) -> String {
    refused(builder, reply).code.to_string()
}
