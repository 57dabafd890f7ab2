//! The result of a probe is stored as data. A result that says nothing about the connection changes nothing.

use std::time::Duration;

use connection_contract::{Identity, Liveness, NotLive, Reason, Timestamp, VerifyResult};
use connection_core::Error;
use tokio::runtime::Handle;

use crate::{
    fake::{Deed, FAKE, Fake, set},
    sql,
    test_host::{START, World, connected, me},
    test_server::Reply,
};

/// The provider's answer, and what is stored of it: liveness, reason, next check and failures.
type Case = (fn() -> Reply, Liveness, &'static str, &'static str);

/// Returns what is stored about the only connection.
async fn stored(world: &World) -> String {
    let all = "SELECT l.liveness || ' ' || ifnull(json_extract(l.reason, '$.code'), '-') || ' ' || \
               ifnull(l.checked_at, '-') || ' ' || ifnull(l.next_check_at, '-') || ' ' || l.failures || ' ' || \
               l.generation || ' ' || hex(c.sealed) \
               FROM connection_liveness AS l JOIN connection_credential AS c USING (connection_id)";
    sql::texts(&world.database(), all).await.remove(0)
}

/// R-INSEAM-051
#[tokio::test]
async fn an_endpoint_that_fails_is_data_with_its_reason_its_time_and_its_count() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let refused = || Reply::whole(401, "", "{}");
    let broken = || Reply::whole(503, "", "{}");
    let busy = || Reply::whole(429, "retry-after: 90\r\n", "{}");
    let cases: [Case; 6] = [
        (refused, Liveness::Failing, "unauthorized", "AGAIN 1"),
        // What a person's verifications find is not counted.
        (refused, Liveness::Failing, "unauthorized", "AGAIN 1"),
        (broken, Liveness::Offline, "provider_error", "AGAIN 1"),
        (busy, Liveness::Offline, "rate_limited", "NEXT 1"),
        (|| Reply::ok("<html>"), Liveness::Offline, "not_json", "AGAIN 1"),
        (|| me("1", "ada"), Liveness::Live, "-", "- 0"),
    ];
    for (reply, liveness, code, rest) in cases {
        world.clock.advance(Duration::from_secs(100));
        let now = world.now();
        world.provider(move |_| reply());
        let info = connection.verify().await.unwrap();
        assert_eq!(info.liveness, liveness, "{code}");
        assert_eq!(info.checked_at, Some(Timestamp::from_seconds(now)));
        assert_eq!(info.reason.as_ref().map_or("-", |reason| &*reason.code), code);
        assert_eq!(info.reason.is_some(), liveness != Liveness::Live);
        let next =
            sql::number(&world.database(), "SELECT next_check_at FROM connection_liveness").await.unwrap_or_default();
        assert!(!rest.starts_with("AGAIN") || (now + 300..=now + 375).contains(&next), "{}", next - now);
        let rest = rest.replace("NEXT", &(now + 90).to_string()).replace("AGAIN", &next.to_string());
        let row = stored(&world).await;
        assert!(row.starts_with(&format!("{} {code} {now} {rest} 1 ", word(liveness))), "{row} is not {code} {rest}");
    }
}

fn word(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Live => "live",
        Liveness::Offline => "offline",
        Liveness::Failing => "failing",
        _ => "unknown",
    }
}

/// R-INSEAM-050
#[tokio::test]
async fn a_liveness_is_one_of_four_words() {
    let words = [Liveness::Live, Liveness::Offline, Liveness::Failing, Liveness::Unknown].map(word);
    assert_eq!(words, ["live", "offline", "failing", "unknown"]);
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    sql::run(&world.database(), "DELETE FROM connection_liveness").await;
    let never = registry.connection(connection.id()).await.unwrap();
    assert_eq!((never.info().liveness, never.info().checked_at), (Liveness::Unknown, None));
    assert_eq!(never.verify().await.unwrap().liveness, Liveness::Live);
}

/// R-INSEAM-052: the liveness stays as it was, neither changed to live nor to unknown.
#[tokio::test]
async fn an_error_that_says_nothing_about_the_connection_reaches_the_caller_and_changes_nothing() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    for liveness in [Liveness::Live, Liveness::Failing] {
        set(&fake.verify, Deed::Well);
        fake.is(liveness);
        connection.verify().await.unwrap();
        let before = stored(&world).await;
        for deed in [Deed::Bug, Deed::Unavailable] {
            set(&fake.verify, deed);
            world.clock.advance(Duration::from_secs(1));
            let error = connection.verify().await.unwrap_err();
            assert!(matches!(&error, Error::Plugin { kind, .. } if *kind == FAKE), "{error:?}");
            assert_eq!(error.code(), "plugin_fault");
            assert_eq!(stored(&world).await, before);
        }
    }
}

/// R-INSEAM-051
#[tokio::test]
async fn not_live_that_a_plugin_returns_as_an_error_is_data() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    set(&fake.verify, Deed::Offline);
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, &*info.reason.unwrap().code), (Liveness::Offline, "provider_error"));
}

/// R-INSEAM-015
#[tokio::test]
async fn a_credential_that_its_plugin_cannot_read_is_failing_and_is_kept() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "unreadable-later").await;
    let before = stored(&world).await;
    let requests = world.server.requests().len();
    // A plugin of another version reads other credentials.
    let fake = Fake::of(crate::acme::KIND);
    set(&fake.verify, Deed::Unreadable);
    registry.kinds().replace(fake.clone()).unwrap();
    let info = connection.verify().await.unwrap();
    assert_eq!(info.liveness, Liveness::Failing);
    let reason = info.reason.unwrap();
    assert_eq!(&*reason.code, "credential_unreadable");
    assert!(reason.remedy.is_some());
    assert_eq!(stored(&world).await.rsplit(' ').next(), before.rsplit(' ').next(), "the credential is another");
    assert_eq!(world.server.requests().len(), requests);
    registry.kinds().replace(crate::acme::Acme::default()).unwrap();
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
}

#[tokio::test]
async fn another_account_behind_the_credential_is_failing() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    world.provider(|_| me("2", "eve"));
    let info = connection.verify().await.unwrap();
    assert_eq!(info.liveness, Liveness::Failing);
    let reason = info.reason.unwrap();
    assert_eq!((&*reason.code, reason.remedy.is_some()), ("account_changed", true));
    assert!(
        reason.message.as_str().contains(" answered 200 OK: the credential belongs to another account"),
        "{reason:?}"
    );
    assert_eq!(info.identity, Identity::new("1", "ada"));
    world.provider(|_| me("1", "ada"));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
}

#[tokio::test]
async fn scopes_expiry_and_the_name_of_the_account_follow_the_provider() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let until = Timestamp::from_seconds(START + 1_000);
    let renamed = || Identity::new("ada", "Ada L.");
    fake.finds(move |_| VerifyResult::live().scopes(["read"]).valid_until(Some(until)).identity(renamed()));
    let info = connection.verify().await.unwrap();
    assert_eq!(info.scopes.as_deref(), Some(&["read".to_owned()][..]));
    assert_eq!((info.valid_until, &info.identity), (Some(until), &renamed()));
    // A result without these facts removes nothing.
    fake.finds(|_| VerifyResult::live());
    let info = connection.verify().await.unwrap();
    assert_eq!((info.scopes.unwrap().len(), info.valid_until, info.identity), (1, Some(until), renamed()));
    // A result that is not live does not rename it either.
    fake.finds(|_| {
        let failing: VerifyResult<_> = NotLive::failing(Reason::new("fake_odd", "odd")).into();
        failing.identity(Identity::new("ada", "nobody"))
    });
    assert_eq!(connection.verify().await.unwrap().identity, renamed());
    let facts = "SELECT body FROM connection_event WHERE kind = 'facts_changed'";
    let bodies = sql::texts(&world.database(), facts).await;
    let expected = r#"{"account":"Ada L.","scopes":["read"],"validUntil":"2027-01-15T08:16:40Z"}"#;
    assert_eq!(bodies, [expected]);
}

#[tokio::test]
async fn a_probe_that_finds_nothing_new_writes_its_time_and_no_event() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let events = "SELECT kind FROM connection_event";
    assert_eq!(sql::texts(&world.database(), events).await, ["connected"]);
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(60));
        let checked = connection.verify().await.unwrap().checked_at;
        assert_eq!(checked, Some(Timestamp::from_seconds(world.now())));
    }
    assert_eq!(sql::texts(&world.database(), events).await, ["connected"]);
    fake.is(Liveness::Failing);
    connection.verify().await.unwrap();
    assert_eq!(sql::texts(&world.database(), events).await, ["connected", "liveness_changed"]);
}

/// The row at the time of the write determines which result counts.
#[tokio::test]
async fn the_event_tells_what_the_row_said_before_also_when_another_process_wrote_it() {
    let world = World::new().await;
    let ours = Fake::new();
    let theirs = Fake::new();
    let registry = world.open(ours.clone()).await;
    let other = world.open(theirs.clone()).await;
    let connection = ours.connected(&registry, "ada").await;
    let twin = other.connection(connection.id()).await.unwrap();
    let mut changes = connection.on_liveness_change();
    ours.gate.close();
    let probe = Handle::current().spawn({
        let connection = connection.clone();
        async move { connection.verify().await }
    });
    ours.gate.until_inside(1).await;
    theirs.is(Liveness::Failing);
    twin.verify().await.unwrap();
    ours.gate.open();
    assert_eq!(probe.await.unwrap().unwrap().liveness, Liveness::Live);
    let bodies = "SELECT json_extract(body, '$.before') || ' ' || json_extract(body, '$.liveness') \
                  FROM connection_event WHERE kind = 'liveness_changed' ORDER BY seq";
    assert_eq!(sql::texts(&world.database(), bodies).await, ["live failing", "failing live"]);
    let change = changes.next().await.unwrap();
    assert_eq!((change.before, change.liveness), (Liveness::Failing, Liveness::Live));
}
