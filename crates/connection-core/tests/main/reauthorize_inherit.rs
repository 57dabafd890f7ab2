//! A provider that returns a refresh token only with the first consent: what a re-authorization takes over from the
//! previous credential, and when it must not.

use connection_core::{Connection, Outcome};
use tokio::runtime::Handle;

use crate::{
    fake::{Deed, Stop, StopOnDrop, count, set},
    renewing::{LIFE, Renewals, Renewing, refreshed, token},
    test_host::{answers, step},
};

/// The tokens of an answer without a refresh token.
const WITHOUT: [&str; 3] = ["access-9", "", "1"];

async fn reauthorized(connection: &Connection) -> String {
    let session = connection.reauthorize().another_account().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("name", "ada")])).await.unwrap();
    match session.terminal().await.unwrap() {
        Outcome::Done(done) => format!("done {:?}", done.liveness),
        other => format!("{other:?}"),
    }
}

async fn without(plugin: Renewing) -> Renewals {
    let it = Renewals::of_processes(plugin).await;
    *it.plugin.gives.lock().unwrap() = WITHOUT;
    *it.plugin.authorized_for.lock().unwrap() = Some(LIFE);
    it
}

/// Q7: the connection is refreshed as before, and no end is announced.
#[tokio::test]
async fn a_refresh_token_is_kept_if_the_answer_has_none() {
    let it = without(Renewing::new()).await;
    assert_eq!(reauthorized(&it.connection).await, "done Live");
    assert_eq!((it.token().await.as_str(), it.number("generation").await), ("access-9", 2));
    assert_eq!((it.credential("authorized_until").await, count(&it.plugin.inherited)), (None, 1));
    it.expire().await;
    assert_eq!((it.token().await.as_str(), it.provider.request_count()), ("access-2", 1));
    assert!(!it.provider.lock().is_revoked);
}

/// Q7: the refresh token of another account is useless, and would link the two accounts.
#[tokio::test]
async fn another_accounts_is_not_taken() {
    let it = without(Renewing::new()).await;
    *it.plugin.gives.lock().unwrap() = ["access-9", "", "2"];
    assert_eq!(reauthorized(&it.connection).await, "done Live");
    assert_eq!(count(&it.plugin.inherited), 0);
    assert!(it.credential("authorized_until").await.is_some(), "it ends, and that is told");
}

/// Q7: a refresh token that its provider refused is not kept as if it worked.
#[tokio::test]
async fn a_dead_refresh_token_is_not_inherited() {
    let it = without(Renewing::new()).await;
    it.provider.lock().is_revoked = true;
    it.expire().await;
    it.connection.refresh().await.unwrap_err();
    assert_eq!(reauthorized(&it.connection).await, "done Live");
    assert_eq!(count(&it.plugin.inherited), 0);
    assert!(it.credential("authorized_until").await.is_some(), "it ends, and that is told");
}

/// The newer refresh token is taken over, because the older one is used up.
#[tokio::test]
async fn a_renewal_in_between_is_taken_over_too() {
    let it = without(Renewing::new()).await;
    let stop = Stop::default();
    let other = Renewing::new();
    set(&it.plugin.inherit, Deed::Spins(stop.clone()));
    let stopping = StopOnDrop(stop);
    let beside = it.process(&other).await;
    let connection = it.connection.clone();
    let reauthorizing = Handle::current().spawn(async move { reauthorized(&connection).await });
    while count(&it.plugin.inherited) == 0 {
        it.number("generation").await;
    }
    beside.refresh().await.unwrap();
    set(&it.plugin.inherit, Deed::Well);
    drop(stopping);
    assert_eq!(reauthorizing.await.unwrap(), "done Live");
    assert_eq!((it.token().await.as_str(), count(&it.plugin.inherited)), ("access-9", 2));
    it.expire().await;
    assert_eq!((it.token().await.as_str(), it.provider.request_count()), ("access-3", 2));
    assert!(!it.provider.lock().is_revoked);
}

/// A refresh token that was spent already is not spent again: the answer to it is on record.
#[tokio::test]
async fn one_that_is_being_used_up_renews_by_what_was_answered() {
    let it = without(Renewing::new()).await;
    let slow = Renewing::new();
    let beside = it.process(&slow).await;
    slow.after.close();
    let refreshing = Handle::current().spawn(async move { beside.refresh().await });
    slow.after.until_inside(1).await;
    assert_eq!(reauthorized(&it.connection).await, "done Live");
    slow.after.open();
    refreshing.await.unwrap().unwrap();
    it.expire().await;
    assert_eq!((token(&it.connection).await.unwrap(), it.provider.request_count()), ("access-2".to_owned(), 1));
    assert!(!it.provider.lock().is_revoked, "a token that was spent is not sent again");
    assert!(refreshed(&it.plugin) > 0, "it was made of what the other one was answered");
}

#[tokio::test]
async fn a_plugin_that_fails_there_keeps_nobody_from_authorizing() {
    for deed in [Deed::Panics, Deed::Bug] {
        let it = without(Renewing::new()).await;
        set(&it.plugin.inherit, deed);
        assert_eq!(reauthorized(&it.connection).await, "done Live");
        assert_eq!((it.token().await.as_str(), count(&it.plugin.inherited)), ("access-9", 1));
        assert!(it.credential("authorized_until").await.is_some());
    }
}
