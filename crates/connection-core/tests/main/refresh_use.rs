//! The users of a connection do not notice a refresh, or notice only a short wait.

use std::{future::poll_fn, task::Poll, time::Duration};

use connection_contract::{Liveness, RefreshSemantics};
use connection_core::{Error, Limits, Outcome};
use tokio::runtime::Handle;

use crate::{
    renewing::{self, LIFE, Renewals, Renewing, refreshed},
    test_host::{answers, step},
    test_server::Reply,
};

/// Q22, Q26
#[tokio::test]
async fn a_credential_that_still_works_is_used_while_it_is_renewed_behind() {
    let it = Renewals::new().await;
    it.plugin.before.close();
    it.at(LIFE - 100);
    assert_eq!(it.send().await.unwrap(), 200);
    it.plugin.before.until_inside(1).await;
    // Neither a use nor a probe waits.
    assert_eq!((it.send().await.unwrap(), it.token().await), (200, "access-1".to_owned()));
    assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Live);
    assert_eq!((it.provider.request_count(), refreshed(&it.plugin)), (0, 1));
    it.plugin.before.open();
    it.until_renewed(1).await;
    assert_eq!((it.token().await, it.send().await.unwrap()), ("access-2".to_owned(), 200));
    assert_eq!(refreshed(&it.plugin), 1);
}

/// R-INSEAM-084
#[tokio::test]
async fn callers_after_the_expiry_wait_for_one_refresh() {
    let it = Renewals::new().await;
    it.plugin.before.close();
    it.at(LIFE);
    // The callers are not polled for a while, so none may hold a reader.
    let kept = it.world.builder().limits(Limits::new().hot_rows(Duration::from_millis(500)));
    let registry = kept.kind(it.plugin.clone()).open().await.unwrap();
    let connection = registry.connection(it.connection.id()).await.unwrap();
    let mut callers: Vec<_> = (0..50).map(|_| Box::pin(renewing::send(&connection))).collect();
    for caller in &mut callers {
        assert!(poll_fn(|cx| Poll::Ready(caller.as_mut().poll(cx))).await.is_pending());
    }
    it.plugin.before.open();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), 200);
    }
    let refused = it.provider.lock().refused;
    assert_eq!((it.provider.request_count(), refused, it.number("generation").await), (1, 0, 2));
}

#[tokio::test]
async fn a_hundred_refusals_make_one_renewal_and_each_request_is_sent_once_more() {
    let it = Renewals::new().await;
    it.at(100);
    // The provider forgot the access token, but still knows the grant.
    let issued = it.provider.clone();
    it.world.provider(move |request| match request.to_lowercase().contains("bearer access-1\r\n") {
        true => Reply::whole(401, "", "{}"),
        false => issued.answer(request),
    });
    let before = it.world.server.requests().len();
    let callers: Vec<_> = (0..100).map(|_| Handle::current().spawn(send(it.connection.clone()))).collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), 200);
    }
    assert_eq!(it.provider.request_count(), 1);
    let sent = it.world.server.requests().len() - before;
    assert!(sent <= 201, "{sent}: each is sent twice at most, and one token is asked for");
}

async fn send(connection: connection_core::Connection) -> u16 {
    renewing::send(&connection).await.unwrap()
}

#[tokio::test]
async fn a_refusal_that_nobody_can_mend_now_is_the_answer() {
    let it = Renewals::new().await;
    it.at(100);
    it.provider.says(Some((503, "", "")));
    let issued = it.provider.clone();
    it.world.provider(move |request| match request.starts_with("POST /token") {
        true => issued.answer(request),
        false => Reply::whole(401, "", "{}"),
    });
    for _ in 0..3 {
        assert_eq!(it.send().await.unwrap(), 401);
    }
    assert_eq!(it.provider.request_count(), 1, "a pause lasts");
    // The probe does not treat it as a lost authorization.
    let info = it.connection.verify().await.unwrap();
    assert_eq!((info.liveness, it.provider.request_count()), (Liveness::Offline, 1));
}

#[tokio::test]
async fn callers_who_leave_at_any_moment_end_no_renewal_and_lose_none() {
    let it = Renewals::new().await;
    for polls in 0..12_usize {
        it.at(LIFE * (1 + i64::try_from(polls).unwrap()));
        let requests = it.provider.request_count();
        let mut caller = Box::pin(it.send());
        for _ in 0..polls {
            if poll_fn(|cx| Poll::Ready(caller.as_mut().poll(cx))).await.is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(caller);
        assert_eq!(it.send().await.unwrap(), 200, "after {polls} polls");
        assert_eq!(it.provider.request_count(), requests + 1, "after {polls} polls");
    }
    let issuer = it.provider.lock();
    assert!(!issuer.is_revoked && issuer.refused == 0);
}

#[tokio::test]
async fn a_renewal_of_a_connection_that_is_removed_brings_nothing_back() {
    let it = Renewals::new().await;
    it.plugin.after.close();
    it.at(LIFE);
    let sending = Handle::current().spawn({
        let connection = it.connection.clone();
        async move { renewing::send(&connection).await }
    });
    it.plugin.after.until_inside(1).await;
    it.registry.remove(it.connection.id()).await.unwrap();
    it.plugin.after.open();
    assert!(matches!(sending.await.unwrap(), Err(Error::NotFound(_))));
    for table in ["account", "credential", "liveness"] {
        let rows = crate::sql::number(&it.world.database(), format!("SELECT count(*) FROM connection_{table}")).await;
        assert_eq!(rows, Some(0), "{table}");
    }
}

#[tokio::test]
async fn a_concurrent_re_authorization_is_kept() {
    let it = Renewals::new().await;
    it.plugin.after.close();
    it.at(LIFE - 100);
    let renewing = Handle::current().spawn({
        let connection = it.connection.clone();
        async move { connection.refresh().await }
    });
    it.plugin.after.until_inside(1).await;
    let session = it.connection.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("name", "ada")])).await.unwrap();
    assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
    it.plugin.after.open();
    // It gets the credential that exists.
    renewing.await.unwrap().unwrap();
    assert_eq!(it.token().await, "access-1");
    assert_eq!(it.credential("valid_until").await, Some(crate::test_host::START + LIFE - 100 + LIFE));
    assert_eq!(it.events().await, ["connected", "reauthorized", "secret_released"]);
    assert_eq!(it.lease("lease_until").await, None);
}

#[tokio::test]
async fn only_what_is_not_used_up_can_be_gone_back_to() {
    for (semantics, goes) in [
        (RefreshSemantics::Strict, false),
        (RefreshSemantics::Grace(Duration::from_secs(60)), false),
        (RefreshSemantics::Stable, true),
    ] {
        let it = Renewals::of(Renewing::of(semantics)).await;
        let session = it.connection.reauthorize().await.unwrap();
        let (no, _) = step(&session).await;
        session.advance(no, &answers(&[("name", "ada")])).await.unwrap();
        session.terminal().await.unwrap();
        let went = it.connection.rollback().await;
        match went {
            Ok(_) => assert!(goes, "{semantics:?}"),
            Err(Error::NotSupported { what, .. }) => {
                assert!(!goes && what == "return to a previous credential", "{semantics:?}");
            }
            Err(error) => panic!("{semantics:?}: {error}"),
        }
    }
}
