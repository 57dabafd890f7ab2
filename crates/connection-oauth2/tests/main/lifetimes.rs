//! When to renew, and when the user must come back.

use connection_contract::prelude::*;
use connection_testkit::Reply;

use crate::{ACCESS, REFRESH, acme, connected};

/// Q26: a life of a minute is told as it is; how early to renew is the host's.
#[test]
fn how_early_to_renew_is_left_to_the_host() {
    let (host, made) = connected(acme(), answer(r#", "expires_in": 60"#));
    assert_eq!((made.valid_until, made.renew_at), (Some(host.now().after(60)), None));
}

/// Q25: what dies when it is not used is renewed after a third of that time, at the latest after a day.
#[test]
fn what_dies_of_not_being_used_is_kept_alive() {
    for (idle, life, expected) in [
        (3600, "", Some(1200)),
        (604_800, "", Some(86_400)),
        (604_800, r#", "expires_in": 60"#, None),
        (900, r#", "expires_in": 3600"#, Some(300)),
    ] {
        let (host, made) = connected(acme().idle_life(Duration::from_secs(idle)), answer(life));
        assert_eq!(made.renew_at, expected.map(|seconds| host.now().after(seconds)), "{idle} {life}");
    }
}

/// Q13: a life that nobody knows is never "no expiry, so no renewal".
#[test]
fn a_life_that_nobody_knows_is_kept_alive() {
    let (host, made) = connected(acme(), answer(""));
    assert_eq!((made.valid_until, made.renew_at), (None, Some(host.now().after(86_400))));
    let (_host, made) = connected(acme(), Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}"}}"#)));
    assert_eq!(made.renew_at, None, "without a refresh token there is nothing to keep alive");
}

/// Q25: what the provider says of the refresh token's own life, after which the user must come back.
#[test]
fn the_refresh_tokens_own_life_is_told() {
    let (host, made) = connected(acme(), answer(r#", "expires_in": 60, "refresh_token_expires_in": 604799"#));
    assert_eq!(made.authorized_until, Some(host.now().after(604_799)));
}

fn answer(more: &str) -> Reply {
    Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}"{more}}}"#))
}
