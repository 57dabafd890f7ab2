//! Tests that the conformance suite passes a correct plugin, and that each of its checks finds its fault.

use std::time::Duration;

use connection_contract::Liveness;
use connection_testkit::{Expected, Input, conformance::Suite};

use crate::{
    acme::{Acme, get_me, host, key},
    check,
    quirk::Quirk,
};

fn suite(quirk: Quirk) -> Suite<Acme> {
    let me = || Expected::get("https://api.acme.example/me").answer(get_me_reply());
    let inputs = if quirk == Quirk::SecretInNotice { vec![key(), Input::Elapsed] } else { vec![key()] };
    let requests = if quirk == Quirk::SecretInUrl { [with_key()] } else { [me()] };
    let again = if quirk == Quirk::SecretInUrl { [with_key()] } else { [me()] };
    Suite::new(move || Acme::with(quirk))
        .setup(inputs, requests)
        .verify(again)
        .teardown([Expected::delete("https://api.acme.example/key")])
}

fn get_me_reply() -> connection_testkit::Reply {
    connection_testkit::Reply::json(200, r#"{"id": "42", "name": "Ada"}"#)
}

fn with_key() -> Expected {
    let url = format!("https://api.acme.example/me?key={}", crate::acme::KEY);
    Expected::get(&url).answer(get_me_reply())
}

/// R-INSEAM-012 (foreign and empty bytes), R-INSEAM-051, R-INSEAM-060. The quirks below are the controls.
#[test]
fn a_plugin_without_a_quirk_passes() {
    suite(Quirk::None).check();
}

#[test]
fn each_quirk_is_caught_by_its_defence() {
    for (quirk, expected) in [
        (Quirk::DescribesAnotherThing, "the descriptor differs each time"),
        (Quirk::DescribesAFieldTwice, "a host does not accept the descriptor: two fields are named 'apiKey'"),
        (
            Quirk::DescribesAnHttpLink,
            "a host does not accept the descriptor: a link of its guide is not an https address",
        ),
        (Quirk::DescribesNoSuchSecret, "do not go together"),
        (Quirk::HasNoAuthorizer, "declares addresses, and without an `authorizer`"),
        (Quirk::EndsAtOnce, "the setup ended as acme_closed: Acme takes no new connections; the script still has"),
        (Quirk::ReadsAFieldThatIsNotThere, "not_json: the provider's answer lacks the field 'nickname'"),
        (Quirk::UsesUndeclaredAddress, "that its descriptor does not declare: https://evil.example"),
        (Quirk::AsksWithAnotherTextInAReplay, "shows something else in a replay"),
        (Quirk::ShowsAnotherTextInAReplay, "shows something else in a replay"),
        (Quirk::DropsPartOfTheCredential, "are not inverse"),
        (Quirk::PanicsOnForeignBytes, "`parse_credential` panics on no bytes at all"),
        (Quirk::TakesNoBytes, "takes no bytes at all for a credential"),
        (Quirk::HandsOutAnyName, "for a name that it does not have"),
        (Quirk::SecretInDebug, "the result of the setup shows"),
        (Quirk::SecretInFailure, "the result of verify shows"),
        (Quirk::SecretInLog, "the log shows"),
        (Quirk::SecretInNotice, "a step of the setup shows"),
        (Quirk::SecretInPage, "the address of the page for the credential shows"),
        (Quirk::SecretInPublicHeader, "the header 'x-key', which is not marked as a secret shows"),
        (Quirk::SecretInUrl, "the URL of a request shows"),
        (Quirk::CallsALimitALostAuthorization, "meets 429: it must be offline, and is Failing"),
        (Quirk::CallsALostAuthorizationABadNetwork, "meets 401: it must be failing, and is Offline"),
        (Quirk::CallsNonsenseALostAuthorization, "must not be failing, and is Failing"),
        (Quirk::EndsASetupForABadNetwork, "it must not end the setup, and is acme_lost"),
        (Quirk::ForgetsThePause, "`recheck_after` does not say so"),
        (Quirk::MakesABadNetworkAnError, "that must be a result, not an error"),
        (Quirk::AddsHeaders, "must have its headers replaced, not added"),
        (Quirk::CannotBeDropped, "the scripted verify finds Failing"),
        (Quirk::CannotGiveBackTwice, "a teardown after a teardown fails"),
        (Quirk::ChangesTheBody, "must say so with `reads_body`"),
        (
            Quirk::StatesAnotherScheme,
            "`seats` states the header 'authorization', which has another text before or after the secret",
        ),
        (Quirk::StatesASeatThatIsEmpty, "`seats` states the query parameter 'key', which is not in the request"),
        (Quirk::StatesNoSeat, "the header 'authorization' holds the secret 'apiKey', and is no seat"),
        (Quirk::StatesOtherSeatsEachTime, "the seats differ each time"),
        (Quirk::RevokesWithoutARequest, "the revocation sends nothing and says that the credential was revoked"),
        (Quirk::ReachesAnotherAccount, "verify reaches another account"),
        (Quirk::VerifiesOnce, "the scripted verify finds Failing"),
    ] {
        check(expected, || suite(quirk).check());
    }
}

#[test]
fn a_secret_that_is_too_short_to_search_for_is_refused() {
    let input = Input::answers(&[("apiKey", "short")]);
    let me = || Expected::get("https://api.acme.example/me").answer(get_me_reply());
    let suite = Suite::new(|| Acme::with(Quirk::None)).setup([input], [me()]).verify([me()]);
    check("give 'apiKey' at least 12 bytes", || suite.check());
}

/// R-INSEAM-051: a connection that does not work is data.
#[test]
fn a_verify_that_is_not_live_is_a_result() {
    let limited = connection_testkit::Reply::status(429).header("retry-after", "5");
    let host = host(Quirk::None).expect(get_me()).expect(get_me().answer(limited));
    let made = host.setup([key()]).run().unwrap();
    let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!((found.liveness, found.recheck_after), (Liveness::Offline, Some(Duration::from_secs(5))));
}

#[test]
fn a_secret_that_is_not_declared_cannot_be_asked_for() {
    let host = host(Quirk::None).expect(get_me());
    let made = host.setup([key()]).run().unwrap();
    assert!(host.secret(&made.credential, "apiKey").is_some());
    check("does not declare a secret named 'password'", || host.secret(&made.credential, "password"));
}

/// The controls are a form that can no longer be read, and a form that is not recorded.
#[test]
fn a_form_that_was_stored_once_is_read_for_ever() {
    let recorded = |quirk, stem: &'static str| move || suite(quirk).recorded(stem).check();
    recorded(Quirk::None, "tests/fixtures/acme")();
    let forgets = recorded(Quirk::ForgetsTheOldForm, "tests/fixtures/acme-forgets");
    check("tests/fixtures/acme-forgets-1.bin: it can no longer be read: ", forgets);
    let unrecorded = || recorded(Quirk::StoresAnotherForm, "tests/fixtures/acme");
    check("tests/fixtures/acme-1.bin is not what the plugin stores today", unrecorded());
    check("run `CONNECTION_TESTKIT_RECORD=1 cargo test`, and commit tests/fixtures/acme-2.bin", unrecorded());
}

/// The first quirk is found by two checks, and the second by none once the address is allowed.
#[test]
fn results_name_the_rule_that_is_broken_and_check_the_others() {
    let broken = |quirk| {
        let results = suite(quirk).results();
        assert_eq!(results.len(), 8);
        results.into_iter().filter(|result| result.problem.is_some()).map(|result| result.name).collect::<Vec<_>>()
    };
    assert!(broken(Quirk::None).is_empty());
    assert_eq!(broken(Quirk::CannotGiveBackTwice), ["repetition"]);
    assert_eq!(broken(Quirk::SecretInUrl), ["secrets"]);
    let allowed = suite(Quirk::SecretInUrl).secret_in_address().results();
    assert!(allowed.iter().all(|result| result.problem.is_none()), "{allowed:?}");
}

/// No host registers such a kind, so there is nothing that the other rules could be checked on.
#[test]
fn a_descriptor_that_a_host_refuses_is_the_only_result() {
    let results = suite(Quirk::DescribesAFieldTwice).results();
    assert_eq!(results.iter().map(|result| result.name).collect::<Vec<_>>(), ["descriptor"]);
    let problem = results[0].problem.as_deref().unwrap_or_default();
    assert!(problem.contains("a host does not accept the descriptor: two fields are named 'apiKey'"), "{problem}");
}
