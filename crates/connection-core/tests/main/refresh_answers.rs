//! An answer is not lost: not by a later failure, not by a probe, and not when it arrives late.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use connection_contract::Liveness;
use connection_core::{Error, Limits};
use tokio::runtime::Handle;

use crate::{
    renewing::{LIFE, Renewals, Then, send, token},
    sql,
    test_server::Reply,
    user::requests_to,
};

async fn exchanges(it: &Renewals) -> Option<i64> {
    sql::number(&it.world.database(), "SELECT COUNT(*) FROM connection_exchange").await
}

/// Lets the provider answer the requests after the first one of a refresh.
fn extra(it: &Renewals, status: u16) -> Arc<AtomicBool> {
    let issued = it.provider.clone();
    let fails = Arc::new(AtomicBool::new(true));
    let failing = fails.clone();
    it.world.provider(move |request| match request.contains("/extra") {
        true if failing.load(SeqCst) => Reply::whole(status, "", "later"),
        true => Reply::ok("{}"),
        false => issued.answer(request),
    });
    fails
}

#[tokio::test]
async fn a_token_that_came_is_kept_when_what_is_asked_for_behind_it_fails() {
    for (then, status) in [(Then::Spends, 429), (Then::Spends, 404), (Then::Asks, 503)] {
        let it = Renewals::new().await;
        *it.plugin.then.lock().unwrap() = then;
        let fails = extra(&it, status);
        it.at(100);
        for _ in 0..2 {
            let failed = it.connection.refresh().await;
            assert!(matches!(failed, Err(Error::NotRenewed { .. })), "{then:?} {status}: {failed:?}");
        }
        assert_eq!((it.provider.request_count(), exchanges(&it).await), (1, Some(1)), "{then:?} {status}");
        fails.store(false, SeqCst);
        it.connection.refresh().await.unwrap();
        assert_eq!((it.provider.request_count(), it.token().await), (1, "access-2".to_owned()), "{then:?} {status}");
        assert_eq!(exchanges(&it).await, Some(0), "{then:?} {status}");
    }
}

/// A successful status with a body in which the plugin finds nothing.
#[tokio::test]
async fn an_answer_by_which_the_plugin_judges_is_not_given_to_it_for_ever() {
    let it = Renewals::new().await;
    it.provider.says(Some((200, "", r#"{"error":"ratelimited"}"#)));
    it.at(100);
    assert!(matches!(it.connection.refresh().await, Err(Error::NotRenewed { .. })));
    assert_eq!(exchanges(&it).await, Some(1), "what it answers may have been spent");
    it.provider.says(None);
    assert!(matches!(it.connection.refresh().await, Err(Error::NotRenewed { .. })));
    assert_eq!(it.provider.request_count(), 1, "its quarantine is not over");
    it.at(160);
    it.connection.refresh().await.unwrap();
    assert_eq!((it.provider.request_count(), it.token().await), (2, "access-2".to_owned()));
}

/// The probe stores a credential that was derived from the one that is being refreshed. Both contain the refresh
/// token that is being spent.
#[tokio::test]
async fn a_probe_that_rotates_the_credential_loses_no_renewal_under_way() {
    let it = Renewals::new().await;
    let issued = it.provider.clone();
    it.world.provider(move |request| match request.starts_with("POST /token") {
        true => issued.answer(request),
        false => crate::test_host::me("1", "ada"),
    });
    it.plugin.after.close();
    it.at(LIFE - 100);
    let asking = Handle::current().spawn({
        let connection = it.connection.clone();
        async move { connection.refresh().await }
    });
    it.plugin.after.until_inside(1).await;
    it.plugin.rotates.store(true, SeqCst);
    it.connection.verify().await.unwrap();
    assert_eq!(it.number("generation").await, 2, "the probe's is stored");
    it.plugin.after.open();
    asking.await.unwrap().unwrap();
    assert_eq!((it.number("generation").await, exchanges(&it).await), (2, Some(1)), "the answer waits");
    assert!(it.credential("refresh_at").await.unwrap() <= it.world.now(), "it is made use of at once");
    assert_eq!(it.connection.refresh().await.unwrap().connection.liveness, Liveness::Live);
    let issuer = it.provider.lock().clone();
    assert_eq!((issuer.requests, issuer.is_revoked, exchanges(&it).await), (1, false, Some(0)));
    assert_eq!(it.token().await, "access-2");
}

/// A process receives an answer that it cannot record, and ends. Another machine gives up, and then the first machine
/// returns.
#[tokio::test]
async fn an_answer_that_comes_late_is_taken_at_once_also_when_everybody_gave_up() {
    for gave_up in [false, true] {
        let it = Renewals::new().await;
        it.at(LIFE);
        sql::refuse(&it.world.database(), "UPDATE ON connection_exchange WHEN NEW.state = 'answered'").await;
        assert!(matches!(it.send().await, Err(Error::Store(_))));
        let Renewals { world, provider, plugin, registry, connection } = it;
        let id = connection.id();
        drop((registry, connection));
        sql::refuse_no_more(&world.database()).await;
        sql::run(&world.database(), "UPDATE connection_liveness SET lease_until = 1000").await;
        let other = {
            let registry = world.builder().state_directory(world.directory.path().join("elsewhere"));
            let registry =
                registry.limits(Limits::new().hot_rows(Duration::ZERO)).kind(plugin.clone()).open().await.unwrap();
            let connection = registry.connection(id).await.unwrap();
            Renewals { world, provider, plugin, registry, connection }
        };
        let passed = if gave_up { 2 * 86_400 } else { 3_600 };
        other.note_passes(passed).await;
        assert!(matches!(send(&other.connection).await, Err(Error::NotRenewed { .. })));
        let again = other.credential("refresh_at").await.map(|at| at - other.world.now());
        assert_eq!(again, Some(60), "it is asked again");
        if gave_up {
            other.at(LIFE + 61);
            assert!(matches!(send(&other.connection).await, Err(Error::NotRenewed { .. })));
            let over = "SELECT COUNT(*) FROM connection_exchange WHERE concluded_at IS NOT NULL";
            assert_eq!(sql::number(&other.world.database(), over).await, Some(1), "its node was silent for a day");
        }
        // Its node is back and reads its files.
        let back = other.world.open(other.plugin.clone()).await;
        drop(back);
        assert_eq!(other.credential("refresh_at").await, Some(other.world.now()), "{gave_up}");
        assert_eq!(token(&other.connection).await.unwrap(), "access-2", "{gave_up}");
        assert_eq!((other.provider.request_count(), exchanges(&other).await), (1, Some(0)), "{gave_up}");
    }
}

/// The answer arrives between the read of the row and the record of the failure.
#[tokio::test]
async fn an_answer_that_comes_while_somebody_gives_up_is_not_passed_over() {
    let it = Renewals::new().await;
    let issued = it.provider.clone();
    it.world.provider(move |request| match request.starts_with("POST /token") {
        true => Reply::raw(""),
        false => issued.answer(request),
    });
    it.plugin.after.close();
    it.at(100);
    let asking = Handle::current().spawn({
        let connection = it.connection.clone();
        async move { connection.refresh().await }
    });
    it.plugin.after.until_inside(1).await;
    let sealed = sql::literal(b"as another process would");
    let answered = it.edit(&format!("UPDATE connection_exchange SET state = 'answered', sealed = {sealed}")).await;
    assert_eq!(answered, 1);
    it.plugin.after.open();
    assert!(matches!(asking.await.unwrap(), Err(Error::NotRenewed { .. })));
    assert_eq!(it.credential("refresh_at").await, Some(it.world.now() + 1));
}

/// A provider requests a pause beyond the end of the token: no request is sent, and the connection is not reported as
/// live.
#[tokio::test]
async fn a_credential_that_ends_in_a_long_pause_is_not_called_live() {
    let it = Renewals::new().await;
    it.provider.says(Some((429, "retry-after: 7200\r\n", "later")));
    it.at(LIFE - 200);
    let registry = it.registry.clone();
    let running = Handle::current().spawn(async move { registry.run().await });
    until(&it, async || it.credential("refresh_failures").await == Some(1)).await;
    let liveness = "SELECT liveness FROM connection_liveness";
    assert_eq!(sql::texts(&it.world.database(), liveness).await, ["live"], "it works meanwhile");
    assert_eq!(it.lease("next_check_at").await, it.credential("valid_until").await);
    until(&it, async || sql::texts(&it.world.database(), liveness).await == ["offline"]).await;
    running.abort();
    assert!(it.world.now() >= crate::test_host::START + LIFE);
    assert_eq!((requests_to(&it.world, "POST /token"), requests_to(&it.world, "GET /me")), (1, 0), "nobody is asked");
}

/// Lets time pass, for some hours at most.
async fn until(it: &Renewals, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..10_000 {
        if is_so().await {
            return;
        }
        sql::pass(&it.world.database(), &it.world.clock, 1).await;
    }
    panic!("it does not come to it");
}
