//! The conformance suite for each way to connect a server, which also checks that no secret is shown.
//!
//! The rule about failures has tests of its own here. The suite applies it to each request of a verification, and a
//! verification of this plugin also sends a request without the credential, whose refusal is what shows that the
//! credential means something.

use connection_contract::prelude::*;
use connection_plugin_mcp::Mcp;
use connection_testkit::{Expected, FakeHost, Input, Reply, conformance::Suite, oauth2, offline};

use crate::{
    CALLBACK, DISCOVERED, ISSUER, ISSUER_METADATA, METADATA, ROOT_METADATA, SERVER, TOKEN, TOOLS, address, found, host,
    issuer, missing, post, refused, resource,
};

/// The rule of the suite that does not fit a verification with a request that is refused.
const FAILURES: &str = "failures";
const KEY: &str = "canary-key-5d3e9f10";
const REVOKE: &str = "https://auth.example/revoke";
const OTHER_METADATA: &str = "https://mcp.example/.well-known/oauth-authorization-server";
const OPENID_METADATA: &str = "https://mcp.example/.well-known/openid-configuration";

/// Runs the suite on hosts that reach the server and its authorization server after a setup, too.
#[track_caller]
fn check(suite: Suite<Mcp>) {
    let suite = suite.host(|host| {
        let host = host.key_value().inbound_http(CALLBACK);
        host.discovered("https://mcp.example").discovered("https://auth.example")
    });
    let results = suite.results();
    assert_eq!(results.len(), 8, "{results:?}");
    for result in results.iter().filter(|result| result.name != FAILURES) {
        assert_eq!(result.problem, None, "{}", result.rule);
    }
}

fn with_key() -> Input {
    Input::answers(&[("url", SERVER), ("headerName", "X-Key"), ("headerValue", KEY)])
}

fn named() -> Input {
    Input::answers(&[("name", "Ada")])
}

/// Expects a request with the key, and then the same request without it, which the server refuses.
fn key_and_no_key() -> [Expected; 2] {
    [
        post().header("x-key", KEY).no_redirect().answer(Reply::json(200, DISCOVERED)),
        refused().without_header("x-key").no_redirect(),
    ]
}

/// Expects the requests that a server answers without a credential.
fn greeted() -> [Expected; 2] {
    [DISCOVERED, TOOLS].map(|body| post().without_header("authorization").answer(Reply::json(200, body)))
}

fn authorized() -> Expected {
    oauth2::with_token(post()).no_redirect().answer(Reply::json(200, DISCOVERED))
}

/// Expects the requests with a new token, of which the last one is for what people see of the server.
fn accepted() -> [Expected; 2] {
    [authorized(), authorized().answer(Reply::json(200, TOOLS))]
}

/// Expects a request with the token, and then the same request without it, which the server refuses.
fn token_and_no_token() -> [Expected; 2] {
    [authorized(), refused().without_header("authorization").no_redirect()]
}

/// Expects a sign-in at the authorization server with these requests in the place of a registration.
fn signed_in(document: &str, registered: Option<Expected>) -> Vec<Expected> {
    let before = [refused(), found(METADATA, &resource(SERVER, ISSUER)), found(ISSUER_METADATA, document)];
    let redeemed = oauth2::redeem(TOKEN).form_field("resource", SERVER);
    before.into_iter().chain(registered).chain([redeemed]).chain(accepted()).collect()
}

#[test]
fn every_sentence_of_the_contract_holds_for_a_server_that_asks_for_nothing() {
    let setup = greeted().into_iter().chain([missing(METADATA), missing(ROOT_METADATA)]);
    check(Suite::new(|| Mcp).setup([address(SERVER)], setup).verify(greeted()).seats([]));
}

#[test]
fn every_sentence_of_the_contract_holds_for_a_key_in_a_header() {
    let suite = Suite::new(|| Mcp).setup([with_key(), named()], key_and_no_key()).verify(key_and_no_key());
    check(suite.seats([Seat::header("x-key")]));
}

#[test]
fn every_sentence_of_the_contract_holds_for_a_pasted_token() {
    let setup = [refused()]
        .into_iter()
        .chain([METADATA, ROOT_METADATA, OTHER_METADATA, OPENID_METADATA].map(missing))
        .chain(accepted());
    let token = Input::answers(&[("accessToken", oauth2::ACCESS_TOKEN)]);
    check(Suite::new(|| Mcp).setup([address(SERVER), token, named()], setup).verify(token_and_no_token()));
}

#[test]
fn every_sentence_of_the_contract_holds_for_a_sign_in_with_a_browser() {
    let document = issuer(&format!(r#", "revocation_endpoint": "{REVOKE}""#));
    let registered = Expected::post("https://auth.example/register");
    let registered = registered.no_redirect().answer(Reply::json(201, r#"{"client_id": "own"}"#));
    let suite = Suite::new(|| Mcp)
        .setup([address(SERVER), oauth2::back(), named()], signed_in(&document, Some(registered)))
        .verify(token_and_no_token())
        .refresh([oauth2::renew(TOKEN).form_field("client_id", "own").form_field("resource", SERVER)])
        .teardown(oauth2::revoke(REVOKE));
    check(suite);
}

#[test]
fn every_sentence_of_the_contract_holds_for_an_application_that_a_person_registered() {
    let document = issuer("").replace(r#"["none"]"#, r#"["client_secret_post"]"#);
    let application =
        Input::answers(&[("url", SERVER), ("clientId", oauth2::CLIENT_ID), ("clientSecret", oauth2::CLIENT_SECRET)]);
    let suite = Suite::new(|| Mcp)
        .setup([application, oauth2::back(), named()], signed_in(&document, None))
        .verify(token_and_no_token())
        .refresh([oauth2::renew(TOKEN).form_field("client_secret", oauth2::CLIENT_SECRET)]);
    check(suite);
}

/// Returns the ways in which a server cannot be asked now.
fn transient() -> impl Iterator<Item = fn() -> Reply> {
    let ways: [fn() -> Reply; 9] = [
        || Reply::error(HttpError::Connect),
        || Reply::error(HttpError::Dns),
        || Reply::error(HttpError::Protocol),
        || Reply::error(HttpError::Timeout),
        || Reply::error(HttpError::Tls),
        || Reply::error(HttpError::TooLarge),
        || Reply::status(429),
        || Reply::text(500, "<html>busy</html>"),
        || Reply::text(503, "<html>busy</html>"),
    ];
    ways.into_iter()
}

/// Returns the liveness that a verification of a connection with a key finds by these requests.
#[track_caller]
fn verified(requests: impl IntoIterator<Item = Expected>) -> Liveness {
    let made = key_and_no_key().into_iter().fold(host(), FakeHost::expect).setup([with_key(), named()]).run().unwrap();
    let host = requests.into_iter().fold(host().discovered("https://mcp.example"), FakeHost::expect);
    let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
    let has_reason = matches!(found.liveness, Liveness::Failing | Liveness::Offline);
    assert_eq!(found.reason.is_some(), has_reason, "{found:?}");
    found.liveness
}

#[test]
fn a_verification_of_a_server_that_cannot_be_asked_is_offline() {
    for reply in transient() {
        assert_eq!(verified([post().answer(reply())]), Liveness::Offline);
        // The server does not answer the request without the credential, nor those after it.
        let [with, without] = key_and_no_key();
        let requests = [with, without.answer(reply()), post().header("x-key", KEY).answer(reply())];
        assert_eq!(verified(requests), Liveness::Offline);
        // The server answers all but the request without the credential, which shows what the credential means.
        let [with, without] = key_and_no_key();
        let tools = post().header("x-key", KEY).answer(Reply::json(200, TOOLS));
        assert_eq!(verified([with, without.answer(reply()), tools]), Liveness::Offline);
    }
}

#[test]
fn a_verification_of_a_refused_key_is_failing() {
    assert_eq!(verified([refused().header("x-key", KEY)]), Liveness::Failing);
}

#[test]
fn a_verification_of_a_server_that_answers_anybody_says_nothing_about_the_key() {
    let with = || post().header("x-key", KEY);
    let without = || post().without_header("x-key");
    let requests = [
        with().answer(Reply::json(200, DISCOVERED)),
        without().answer(Reply::json(200, DISCOVERED)),
        without().answer(Reply::json(200, TOOLS)),
        with().answer(Reply::json(200, TOOLS)),
    ];
    assert_eq!(verified(requests), Liveness::Unknown);
}

/// Runs a setup in which request number `at` meets each transient failure after `given` inputs. The setup waits, and
/// then goes on without other answers.
#[track_caller]
fn goes_on(inputs: impl Fn() -> Vec<Input>, requests: impl Fn() -> Vec<Expected>, at: usize, given: usize) {
    for reply in transient() {
        let lost = || requests().swap_remove(at).answer(reply());
        let failing = requests().into_iter().take(at).chain([lost()]).fold(host(), FakeHost::expect);
        let failure = failing.setup(inputs().into_iter().take(given)).run().unwrap_err();
        assert!(offline(&failure).is_some(), "request {at}: {}: {}", failure.code, failure.message);
        let (mut all_inputs, mut all_requests) = (inputs(), requests());
        all_inputs.insert(given, Input::Resume);
        all_requests.insert(at, lost());
        let host = all_requests.into_iter().fold(host(), FakeHost::expect);
        let made = host.setup(all_inputs).run().unwrap();
        assert_eq!(made.measured.unwrap().liveness, Liveness::Live);
    }
}

#[test]
fn a_setup_of_a_server_that_cannot_be_asked_goes_on_later() {
    goes_on(|| vec![with_key(), named()], || key_and_no_key().into(), 0, 1);
    // The request for what the server wants, and those for both documents.
    for at in 0..3 {
        let register = || {
            let request = Expected::post("https://auth.example/register");
            request.answer(Reply::json(201, r#"{"client_id": "own"}"#))
        };
        let inputs = || vec![address(SERVER), oauth2::back(), named()];
        goes_on(inputs, || signed_in(&issuer(""), Some(register())), at, 1);
    }
}
