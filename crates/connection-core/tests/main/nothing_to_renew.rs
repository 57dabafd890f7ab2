//! A credential that has nothing to renew works until its end, and a refusal of its token is no lost authorization.

use std::sync::atomic::Ordering::SeqCst;

use connection_contract::{Liveness, Timestamp};
use connection_core::{ConnectionInfo, Error, RefreshOutcome};

use crate::{
    renewing::{LIFE, Renewals, Renewing},
    test_host::START,
    test_server::Reply,
};

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

fn code(info: &ConnectionInfo) -> &str {
    info.reason.as_ref().map_or("", |reason| &reason.code)
}

/// Returns a connection whose access token has no refresh token.
async fn without_refresh_token(valid_for: Option<i64>, knows_nothing: bool) -> Renewals {
    let plugin = Renewing::new();
    *plugin.gives.lock().unwrap() = ["access-1", "", "1"];
    *plugin.valid_for.lock().unwrap() = valid_for;
    plugin.knows_nothing.store(knows_nothing, SeqCst);
    Renewals::of(plugin).await
}

async fn info(it: &Renewals) -> ConnectionInfo {
    it.registry.connection(it.connection.id()).await.unwrap().info().clone()
}

#[tokio::test]
async fn a_refresh_that_has_nothing_to_renew_changes_no_state() {
    for (valid_for, knows_nothing) in [(None, false), (None, true), (Some(LIFE), false), (Some(LIFE), true)] {
        let it = without_refresh_token(valid_for, knows_nothing).await;
        assert_eq!(info(&it).await.renews, knows_nothing, "{valid_for:?}");
        for _ in 0..2 {
            let refreshed = it.connection.refresh().await.unwrap();
            assert_eq!(refreshed.outcome, RefreshOutcome::NothingToRenew);
            let info = &refreshed.connection;
            assert_eq!((info.liveness, code(info), info.renews), (Liveness::Live, "", false));
            assert_eq!(it.connection.force_refresh().await.unwrap().outcome, RefreshOutcome::NothingToRenew);
        }
        assert_eq!((it.credential("refresh_failures").await, it.provider.request_count()), (Some(0), 0));
        assert_eq!(it.events().await, ["connected"], "nothing happened");
        assert_eq!((it.send().await.unwrap(), it.connection.verify().await.unwrap().liveness), (200, Liveness::Live));
    }
}

#[tokio::test]
async fn a_refused_token_without_a_refresh_token_is_unauthorized_and_works_again_when_it_is_accepted() {
    for (valid_for, knows_nothing) in [(None, false), (None, true), (Some(LIFE), false), (Some(LIFE), true)] {
        let it = without_refresh_token(valid_for, knows_nothing).await;
        it.provider.lock().is_revoked = true;
        let info = it.connection.verify().await.unwrap();
        assert_eq!((info.liveness, code(&info)), (Liveness::Failing, "unauthorized"));
        assert_eq!((it.send().await.unwrap(), it.credential("refresh_failures").await), (401, Some(0)));
        let next = it.lease("next_check_at").await.expect("it is asked again") - it.world.now();
        assert!((5 * MINUTE..7 * MINUTE).contains(&next), "{next}");
        assert!(!it.events().await.contains(&"not_renewed".to_owned()));
        it.provider.lock().is_revoked = false;
        assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Live);
    }
}

#[tokio::test]
async fn the_end_of_a_token_that_nothing_renews_is_told_seven_days_before_and_is_then_an_end() {
    for knows_nothing in [false, true] {
        let it = without_refresh_token(Some(30 * DAY), knows_nothing).await;
        it.connection.refresh().await.unwrap();
        it.at(22 * DAY);
        assert!(!info(&it).await.needs_attention(Timestamp::from_seconds(it.world.now())));
        it.at(23 * DAY + 1);
        let told = info(&it).await;
        assert_eq!(told.ends_at(), Some(Timestamp::from_seconds(START + 30 * DAY)));
        assert!(told.needs_attention(Timestamp::from_seconds(it.world.now())));
        assert_eq!((it.send().await.unwrap(), it.connection.verify().await.unwrap().liveness), (200, Liveness::Live));
        it.at(30 * DAY);
        let ended = it.connection.verify().await.unwrap();
        assert_eq!((ended.liveness, code(&ended)), (Liveness::Failing, "needs_reauthorization"));
        let Err(Error::NotRenewed { why, .. }) = it.connection.refresh().await else { panic!("it has ended") };
        assert_eq!((&*why.reason.code, it.provider.request_count()), ("needs_reauthorization", 0));
        let message = why.reason.message.to_string();
        assert!(message.starts_with("the access ended at 2027-02-14T08:00:00Z"), "{message}");
    }
}

/// Nobody was asked, and by the right clock the access has not ended.
#[tokio::test]
async fn an_access_that_had_ended_by_a_clock_that_was_ahead_works_again() {
    for (asks, knows_nothing) in [("use", false), ("use", true), ("verify", false), ("verify", true)] {
        let it = without_refresh_token(Some(30 * DAY), knows_nothing).await;
        it.at(31 * DAY);
        assert_eq!(code(&it.connection.verify().await.unwrap()), "needs_reauthorization");
        it.world.clock.jump_to(Timestamp::from_seconds(START + DAY));
        let found = match asks {
            "use" => {
                assert_eq!(it.send().await.unwrap(), 200);
                it.connection.verify_refused_use().await.unwrap().expect("a success contradicts the end")
            }
            _ => it.connection.verify().await.unwrap(),
        };
        assert_eq!((found.liveness, code(&found), found.renews), (Liveness::Live, "", false), "{asks}");
        it.at(30 * DAY);
        assert_eq!(code(&it.connection.verify().await.unwrap()), "needs_reauthorization", "{asks}");
        assert_eq!(it.provider.request_count(), 0);
    }
}

/// An earlier version counted a refresh without a refresh token as a refusal, which nothing ended.
#[tokio::test]
async fn a_connection_that_was_given_up_without_being_asked_comes_back_when_a_person_asks() {
    for asks in ["verify", "refresh"] {
        let it = without_refresh_token(None, true).await;
        let reason = r#"{"code":"needs_reauthorization","message":"the provider no longer renews this access"}"#;
        it.edit(&format!("UPDATE connection_credential SET refresh_failures = 1, refresh_reason = '{reason}'")).await;
        it.edit(&format!("UPDATE connection_liveness SET liveness = 'failing', reason = '{reason}'")).await;
        assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Failing);
        if asks == "refresh" {
            assert_eq!(it.connection.refresh().await.unwrap().outcome, RefreshOutcome::NothingToRenew);
            assert_eq!(it.lease("next_check_at").await, Some(it.world.now()), "a probe follows");
        }
        assert_eq!(it.connection.verify_now().await.unwrap().liveness, Liveness::Live, "{asks}");
    }
}

#[tokio::test]
async fn another_end_that_a_probe_finds_is_that_of_an_access_that_nothing_renews() {
    let it = without_refresh_token(Some(LIFE), false).await;
    assert_eq!(it.credential("authorized_until").await, Some(START + LIFE));
    it.edit(&format!("UPDATE connection_credential SET announced_at = {START}")).await;
    // The end is announced again only if it is more than a day later than the announced one can be.
    for (until, announced_at) in [(START + 2 * LIFE, Some(START)), (START + 90 * DAY, None)] {
        it.world.provider(move |_| Reply::ok(&format!(r#"{{"id":"1","name":"ada","until":{until}}}"#)));
        assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Live);
        let stored = [it.credential("valid_until").await, it.credential("authorized_until").await];
        assert_eq!((stored, it.credential("refresh_at").await), ([Some(until); 2], Some(until)));
        assert_eq!(it.credential("announced_at").await, announced_at);
    }
}
