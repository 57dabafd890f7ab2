//! Several sets of tokens in one connection: each is refreshed once, and the end of one is reported and ends no other.

use connection_contract::prelude::*;
use connection_oauth2::Response;
use connection_testkit::{Expected, Reply};

use crate::{ACCESS, REFRESH, acme, back, host, me, redeem, renew, renew_by, secret_text, tokens};

/// Q2 (b): both sets are stored, and the earlier end counts.
#[test]
fn two_sets_are_kept_and_what_dies_first_counts() {
    let (host, made) = slack("user-refresh-canary");
    assert_eq!(made.valid_until, Some(host.now().after(100)));
    assert_eq!(secret_text(host.secret(&made.credential, "accessToken")).unwrap(), ACCESS);
    assert_eq!(secret_text(host.secret(&made.credential, "userAccessToken")).unwrap(), "user-canary-1");
}

/// Q2 (c): a refresh token that both sets share is spent once. Identical sets stay identical, and no set gets a token
/// that may belong to the other.
#[test]
fn a_token_that_two_sets_share_is_spent_once() {
    for (user, expected) in [(ACCESS, "both-canary-3"), ("user-canary-1", "user-canary-1")] {
        let (host, made) = slack_with(user, REFRESH);
        let answer = r#"{"access_token": "both-canary-3", "refresh_token": "next-canary", "expires_in": 300}"#;
        let host = host.expect(renew().answer(Reply::json(200, answer)));
        let fresh = host.refresh(&made.credential, &host.connection(&made)).unwrap();
        let access = |name| secret_text(host.secret(&fresh.credential, name)).unwrap();
        assert_eq!((access("accessToken").as_str(), access("userAccessToken").as_str()), ("both-canary-3", expected));
        assert_eq!(fresh.valid_until, Some(host.now().after(300)));
        // It is not spent again: no copy of it is stored.
        let host = host.expect(renew_by("next-canary").answer(tokens()));
        host.refresh(&fresh.credential, &host.connection(&made)).unwrap();
    }
}

/// Q2 (c): the same holds if refreshes return both access tokens, and then one does not.
#[test]
fn a_token_that_two_sets_share_is_spent_once_where_both_come() {
    let (host, made) = slack(REFRESH);
    let both =
        r#"{"access_token": "bot-5", "refresh_token": "next-canary", "authed_user": {"access_token": "user-5"}}"#;
    let host = host.expect(renew().answer(Reply::json(200, both)));
    let fresh = host.refresh(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!(secret_text(host.secret(&fresh.credential, "userAccessToken")).unwrap(), "user-5");
    let host = host.expect(renew_by("next-canary").answer(tokens()));
    let last = host.refresh(&fresh.credential, &host.connection(&made)).unwrap();
    assert_eq!(secret_text(host.secret(&last.credential, "userAccessToken")).unwrap(), "user-5");
}

/// Q2 (d): the refreshed set is stored although the other one failed. The failed set is tried again at growing
/// intervals, does not make the connection look expired, and is given up in the end; otherwise the main set would be
/// rotated forever.
#[test]
fn a_refreshed_token_set_is_kept_although_another_one_failed() {
    let (host, made) = slack("user-refresh-canary");
    let connection = host.connection(&made);
    let mut host = host;
    let mut credential = made.credential;
    let mut pauses = Vec::new();
    for _ in 0..5 {
        host = host.expect(bot()).expect(user().answer(Reply::error(HttpError::Timeout)));
        let fresh = host.refresh(&credential, &connection).unwrap();
        assert_eq!(secret_text(host.secret(&fresh.credential, "accessToken")).unwrap(), "bot-canary-4");
        assert_eq!(fresh.valid_until, Some(host.now().after(LIFETIME)), "the bot's own end");
        pauses.push(fresh.renew_at.map(|at| at.seconds() - host.now().seconds()));
        credential = fresh.credential;
        if pauses.len() < 5 {
            assert_eq!(fresh.authorized_until, None, "it may still come back");
            assert_eq!(host.log().last().unwrap().name, "extra_tokens_not_renewed");
        } else {
            assert_eq!(fresh.authorized_until, Some(host.now().after(100)), "who needs it authorizes again by then");
            assert_eq!(host.log().last().unwrap().name, "extra_tokens_lost");
        }
    }
    assert_eq!(pauses, [Some(300), Some(600), Some(1200), Some(2400), None]);
    // From now on the main set is refreshed alone, and the end of the other one is still reported.
    let host = host.expect(bot());
    let fresh = host.refresh(&credential, &connection).unwrap();
    assert_eq!(fresh.authorized_until, Some(host.now().after(100)));
}

/// Q2: a set that recovers is treated as if it had never failed.
#[test]
fn a_set_that_is_renewed_in_time_is_whole_again() {
    let (host, made) = slack("user-refresh-canary");
    let connection = host.connection(&made);
    let host = host.expect(bot()).expect(user().answer(Reply::error(HttpError::Timeout)));
    let fresh = host.refresh(&made.credential, &connection).unwrap();
    let again = Reply::json(200, r#"{"access_token": "user-canary-2", "expires_in": 200}"#);
    let host = host.expect(bot()).expect(user().answer(again)).expect(bot());
    let fresh = host.refresh(&fresh.credential, &connection).unwrap();
    assert_eq!((fresh.valid_until, fresh.authorized_until), (Some(host.now().after(200)), None));
    assert_eq!(secret_text(host.secret(&fresh.credential, "userAccessToken")).unwrap(), "user-canary-2");
    let host = host.expect(user().answer(Reply::error(HttpError::Timeout)));
    let fresh = host.refresh(&fresh.credential, &connection).unwrap();
    assert_eq!(fresh.renew_at, Some(host.now().after(300)), "the count begins anew");
}

/// Q2: a set whose grant has ended is reported: the authorization ends with it, and after its end its token is not
/// used.
#[test]
fn a_set_whose_grant_is_dead_ends_and_says_so() {
    let (host, made) = slack("user-refresh-canary");
    let connection = host.connection(&made);
    let ends = host.now().after(100);
    let host = host.expect(bot()).expect(user().answer(Reply::json(400, r#"{"error": "invalid_grant"}"#)));
    let fresh = host.refresh(&made.credential, &connection).unwrap();
    assert_eq!((fresh.authorized_until, fresh.renew_at), (Some(ends), None));
    assert_eq!(
        (fresh.valid_until, host.log().last().unwrap().name),
        (Some(host.now().after(LIFETIME)), "extra_tokens_lost")
    );
    assert_eq!(
        secret_text(host.secret(&fresh.credential, "userAccessToken")).unwrap(),
        "user-canary-1",
        "it works yet"
    );
    let stored = host.definition().serialize_credential(&fresh.credential).unwrap();
    let read = host.definition().parse_credential(stored.expose()).unwrap();
    let found = host.expect(me_bot()).verify(&read, &connection);
    assert_eq!(found.unwrap().valid_until, Some(Timestamp::from_seconds(crate::NOW).after(LIFETIME)));
    let later = crate::host(builder()).at(ends).expect(bot());
    let fresh = later.refresh(&read, &connection).unwrap();
    assert!(later.secret(&fresh.credential, "userAccessToken").is_none(), "it has ended");
    assert_eq!(fresh.authorized_until, None, "and hides no end that is to come");
}

/// Neither a redirect nor a policy says anything about the token of a further set.
#[test]
fn a_set_whose_refresh_is_redirected_or_refused_by_a_policy_is_tried_again() {
    let policy = r#"{"error": "invalid_grant", "error_codes": [53003]}"#;
    for reply in [Reply::status(302).header("location", "https://login.example/"), Reply::json(400, policy)] {
        let (host, made) = slack("user-refresh-canary");
        let host = host.expect(bot()).expect(user().answer(reply));
        host.refresh(&made.credential, &host.connection(&made)).unwrap();
        assert_eq!(host.log().last().unwrap().name, "extra_tokens_not_renewed");
    }
}

/// Q2: a set without a refresh token that does not come with the main set ends at its end.
#[test]
fn a_set_that_nothing_renews_ends_and_says_so() {
    let answer = format!(
        r#"{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}", "expires_in": 300, "authed_user": {{"access_token": "user-canary-1", "expires_in": 100}}}}"#
    );
    let host = host(builder()).expect(redeem().answer(Reply::json(200, &answer))).expect(me()).expect(bot());
    let made = host.setup([back()]).run().unwrap();
    let fresh = host.refresh(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!(fresh.valid_until, Some(host.now().after(LIFETIME)), "no renewal for what does not come of it");
    assert_eq!(fresh.authorized_until, Some(host.now().after(100)));
}

/// Q2: a further set with a damaged token is not replaced by the former one, which the provider may have used up.
#[test]
fn a_damaged_token_of_a_further_set_is_refused() {
    let (host, made) = slack("user-refresh-canary");
    let answer = r#"{"access_token": "bot-5", "authed_user": {"access_token": "user-5", "refresh_token": "rt\ud83d"}}"#;
    let host = host.expect(renew().answer(Reply::json(200, answer)));
    let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
        panic!("a part is damaged")
    };
    assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::NOT_JSON));
}

/// The lifetime of the bot's token in a refresh.
const LIFETIME: u64 = 30_000;

fn bot() -> Expected {
    renew().answer(Reply::json(200, &format!(r#"{{"access_token": "bot-canary-4", "expires_in": {LIFETIME}}}"#)))
}

fn user() -> Expected {
    renew_by("user-refresh-canary")
}

fn me_bot() -> Expected {
    crate::with_token("bot-canary-4")
}

fn builder() -> connection_oauth2::OAuth2Builder {
    acme().response(Response::new().extra_tokens("user", "/authed_user"))
}

type Made = (connection_testkit::FakeHost<connection_oauth2::OAuth2>, SetupResult<connection_oauth2::OAuth2Credential>);

/// Connects with a bot's and a user's tokens.
fn slack(user_refresh: &str) -> Made {
    slack_with("user-canary-1", user_refresh)
}

fn slack_with(user: &str, user_refresh: &str) -> Made {
    let answer = format!(
        r#"{{"ok": true, "access_token": "{ACCESS}", "refresh_token": "{REFRESH}", "expires_in": 300, "authed_user": {{"access_token": "{user}", "refresh_token": "{user_refresh}", "expires_in": 100}}}}"#
    );
    let host = host(builder()).expect(redeem().answer(Reply::json(200, &answer))).expect(me());
    let made = host.setup([back()]).run().expect("a connection");
    (host, made)
}
