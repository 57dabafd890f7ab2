//! A refresh spends its token once: a result that could not be stored is stored by the next attempt, and a request
//! without an answer is not repeated over and over.

use std::time::Duration;

use connection_contract::Liveness;
use connection_core::Error;
use tokio::runtime::Handle;

use crate::{
    fake::{Deed, Stop, StopOnDrop, set},
    renewing::{LIFE, Renewals, refreshed},
    sql,
    test_server::Reply,
};

/// R-INSEAM-084, Q5
#[tokio::test]
async fn a_result_that_could_not_be_stored_is_stored_by_the_next_try_without_another_request() {
    let it = Renewals::new().await;
    it.at(LIFE);
    sql::refuse(&it.world.database(), "INSERT ON connection_credential").await;
    for _ in 0..3 {
        assert!(matches!(it.send().await, Err(Error::Store(_))));
    }
    assert_eq!(it.provider.request_count(), 1);
    sql::refuse_no_more(&it.world.database()).await;
    assert_eq!((it.send().await.unwrap(), it.token().await), (200, "access-2".to_owned()));
    assert_eq!((it.provider.request_count(), refreshed(&it.plugin)), (1, 4));
    let kept = sql::number(&it.world.database(), "SELECT count(*) FROM connection_exchange").await;
    assert_eq!(kept, Some(0));
}

#[tokio::test]
async fn a_plugin_that_crashed_on_an_answer_gets_it_again() {
    let it = Renewals::new().await;
    it.at(100);
    set(&it.plugin.serialize, Deed::Bug);
    assert!(matches!(it.connection.refresh().await, Err(Error::NotRenewed { .. })));
    set(&it.plugin.serialize, Deed::Well);
    it.connection.refresh().await.unwrap();
    assert_eq!((it.provider.request_count(), it.token().await), (1, "access-2".to_owned()));
}

/// Q6
#[tokio::test]
async fn a_credential_with_an_unanswered_refresh_stays_in_use_and_is_retried() {
    let it = Renewals::new().await;
    let requests = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = requests.clone();
    let issued = it.provider.clone();
    it.world.provider(move |request| {
        if request.starts_with("POST /token") {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            return Reply::raw("");
        }
        issued.answer(request)
    });
    it.at(LIFE - 200);
    let info = it.connection.verify().await.unwrap();
    // It works, and no warning is due yet.
    assert_eq!((info.liveness, it.send().await.unwrap()), (Liveness::Live, 200));
    assert_eq!(crate::fake::count(&requests), 1);
    // It is sent again after one minute, after five, and after fifteen.
    for seconds in (10..2_000).step_by(10) {
        it.at(LIFE - 200 + seconds);
        it.note_passes(10).await;
        it.connection.verify().await.unwrap();
    }
    assert_eq!(crate::fake::count(&requests), 4);
    let info = it.connection.verify().await.unwrap();
    let reason = info.reason.unwrap();
    assert_eq!((info.liveness, &*reason.code), (Liveness::Offline, "refresh_outcome_unknown"));
    assert_eq!(reason.remedy, None, "nobody need do anything yet");
}

/// A holder that sleeps between its lease and its request, as on a suspended machine.
#[tokio::test]
async fn a_holder_that_overslept_sends_nothing() {
    let it = Renewals::new().await;
    let stop = Stop::default();
    set(&it.plugin.deed, Deed::Spins(stop.clone()));
    it.at(100);
    let asking = Handle::current().spawn({
        let connection = it.connection.clone();
        async move { connection.refresh().await }
    });
    it.world.clock.until_asleep(3).await;
    // Its deadline for sending has passed, and it was not dropped yet.
    it.world.clock.advance(Duration::from_secs(26));
    drop(StopOnDrop(stop));
    assert!(matches!(asking.await.unwrap(), Err(Error::NotRenewed { .. })));
    assert_eq!((it.provider.request_count(), it.send().await.unwrap()), (0, 200));
    set(&it.plugin.deed, Deed::Well);
    it.connection.refresh().await.unwrap();
    assert_eq!((it.provider.request_count(), it.token().await), (1, "access-2".to_owned()));
}

/// A holder that was paused for longer than its last sign of life counts.
#[tokio::test]
async fn a_holder_that_wakes_up_late_sends_only_if_it_can_give_a_sign_first() {
    for is_taken in [true, false] {
        let it = Renewals::new().await;
        it.plugin.before.close();
        it.at(100);
        let asking = Handle::current().spawn({
            let connection = it.connection.clone();
            async move { connection.refresh().await }
        });
        it.plugin.before.until_inside(1).await;
        // The limits of the plugin, and the next extension of the lease, which another thread begins to wait for.
        it.world.clock.until_asleep(3).await;
        if is_taken {
            it.edit("UPDATE connection_liveness SET lease_owner = 'other', fence = fence + 1").await;
        }
        it.world.clock.advance(Duration::from_secs(4));
        it.plugin.before.open();
        let refreshed = asking.await.unwrap();
        assert_eq!(refreshed.is_ok(), !is_taken, "{refreshed:?}");
        assert_eq!(it.provider.request_count(), usize::from(!is_taken));
        let left = sql::number(&it.world.database(), "SELECT COUNT(*) FROM connection_exchange").await;
        assert_eq!(left, Some(0), "what was not sent is not recorded");
    }
}
