//! Approved requests whose process dies, whose answer is lost, or that never left.

use std::{
    future::Future as _,
    pin::pin,
    sync::mpsc::channel,
    task::{Context, Waker},
    time::Duration,
};

use connection_core::ApprovalState;

use crate::{
    approvals_kit::{Asking, PATIENCE, upload},
    reauthorize::reauthorized,
    sql,
    test_host::{me, on_postgres},
    test_server::Reply,
};

/// The process is killed between the request and the record of its answer: nothing is stored, and another process takes
/// over.
#[tokio::test]
async fn a_request_whose_process_died_may_have_happened_and_is_not_sent_again() {
    let it = Asking::new().await;
    let id = it.comment("Thanks!").await;
    let database = it.world.database();
    sql::refuse(&database, "UPDATE ON connection_approval WHEN NEW.state = 'answered'").await;
    it.approve(id).await.unwrap();
    while it.changes() == 0 {
        tokio::task::yield_now().await;
    }
    it.registry.close().await;
    sql::refuse_no_more(&database).await;
    let registry = it.world.acme().await;
    let found = registry.approvals().get(id).await.unwrap().approval;
    assert_eq!(found.state, ApprovalState::Executing);
    it.world.leases_expire().await;
    let found = registry.approvals().get(id).await.unwrap().approval;
    assert_eq!(found.state, ApprovalState::Unknown);
    // The agent is told once, and is not helped to send it twice.
    let agent = registry.agents().get("deploy").await.unwrap();
    let caller = crate::door::caller(&registry, &agent).await;
    let told = registry.for_agent(&caller).approval(id, Duration::from_secs(9)).await.unwrap();
    assert_eq!((told.state, told.answer), (ApprovalState::Unknown, None));
    registry.for_agent(&caller).fetched(id).await.unwrap();
    assert_eq!(registry.approvals().settled(id, Duration::from_secs(9)).await.unwrap().state, ApprovalState::Unknown);
    assert_eq!(it.changes(), 1);
    registry.close().await;
}

/// A host that is asked to stop waits for the answer, and begins no other request.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_waits_for_the_request_that_it_sends() {
    let it = Asking::new().await;
    let (came, arrived) = channel();
    let (go, gate) = channel();
    it.world.provider(move |request| {
        if request.starts_with("PUT ") {
            came.send(()).unwrap();
            gate.recv().unwrap();
        }
        me("1", "ada")
    });
    let next = it.comment("Thanks!").await;
    let id = it.asked(upload(), "data").await;
    it.approve(id).await.unwrap();
    tokio::task::spawn_blocking(move || arrived.recv().unwrap()).await.unwrap();
    let mut draining = pin!(it.registry.drain());
    // The request is not answered yet.
    assert!(draining.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    go.send(()).unwrap();
    draining.await;
    assert_eq!(it.get(id).await.state, ApprovalState::Answered);
    it.approve(next).await.unwrap();
    assert_eq!(it.get(next).await.state, ApprovalState::Approved);
    it.registry.close().await;
    // The next process sends it.
    let registry = it.world.acme().await;
    assert_eq!(registry.approvals().settled(next, PATIENCE).await.unwrap().state, ApprovalState::Answered);
    registry.close().await;
}

#[tokio::test]
async fn a_request_whose_answer_is_lost_may_have_happened() {
    let it = Asking::new().await;
    it.world.provider(|request| match request.starts_with("PUT ") {
        true => Reply::raw(""),
        false => me("1", "ada"),
    });
    let id = it.asked(upload(), "data").await;
    it.approve(id).await.unwrap();
    let settled = it.settled(id).await;
    assert_eq!((settled.state, settled.status), (ApprovalState::Unknown, None));
    assert_eq!(settled.code.as_deref(), Some("provider_error"));
    assert_eq!(it.fetched(id).await.state, ApprovalState::Unknown);
    it.registry.close().await;
}

/// Of a request that cannot even be begun, no byte has left: it stays approved and is sent later.
#[tokio::test]
async fn a_request_that_never_left_is_sent_later() {
    let it = Asking::new().await;
    let id = it.asked(upload(), "data").await;
    let database = it.world.database();
    // The record of the use cannot be written, so the request must not leave.
    sql::refuse(&database, "INSERT ON connection_use WHEN NEW.part = 'began'").await;
    it.approve(id).await.unwrap();
    loop {
        let found = it.get(id).await;
        if found.state == ApprovalState::Approved && found.code.is_some() {
            assert_eq!(found.code.as_deref(), Some("store_failed"));
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(it.changes(), 0);
    sql::refuse_no_more(&database).await;
    // After an attempt that failed, there is a pause.
    it.world.clock.advance(Duration::from_secs(5));
    assert_eq!(it.settled(id).await.state, ApprovalState::Answered);
    assert_eq!(it.changes(), 1);
    it.registry.close().await;
}

/// The process was paused before it could store that nothing was sent, and others were told that it may have been.
#[tokio::test]
async fn a_request_that_others_called_lost_is_not_sent_although_it_never_left() {
    let it = Asking::new().await;
    let id = it.asked(upload(), "data").await;
    let database = it.world.database();
    sql::refuse(&database, "INSERT ON connection_use WHEN NEW.part = 'began'").await;
    // The lease of the execution has expired as soon as it is taken.
    let expires = if on_postgres() {
        "CREATE FUNCTION expires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.lease_until = 1; RETURN NEW; END $$; \
         CREATE TRIGGER expires BEFORE UPDATE OF lease_until ON connection_approval FOR EACH ROW \
         WHEN (NEW.lease_until > 1) EXECUTE FUNCTION expires()"
    } else {
        "CREATE TRIGGER expires AFTER UPDATE OF lease_until ON connection_approval WHEN NEW.lease_until > 1 \
         BEGIN UPDATE connection_approval SET lease_until = 1 WHERE id = NEW.id; END"
    };
    sql::script(&database, expires).await;
    it.approve(id).await.unwrap();
    while it.get(id).await.code.is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(it.get(id).await.state, ApprovalState::Unknown);
    sql::refuse_no_more(&database).await;
    it.world.clock.advance(Duration::from_secs(60));
    assert_eq!((it.settled(id).await.state, it.changes()), (ApprovalState::Unknown, 0));
    it.registry.close().await;
}

/// The answer is stored as far as there is room, and says that it is not whole.
#[tokio::test]
async fn an_answer_that_breaks_off_or_is_too_long_is_stored_in_part() {
    let it = Asking::new().await;
    let long = "x".repeat((1 << 20) + 5);
    it.world.provider(move |request| match request.starts_with("PUT ") {
        true => Reply::whole(200, "", &long),
        false => me("1", "ada"),
    });
    let id = it.asked(upload(), "data").await;
    it.approve(id).await.unwrap();
    let settled = it.settled(id).await;
    assert_eq!((settled.state, settled.status, settled.is_complete), (ApprovalState::Answered, Some(200), Some(false)));
    let answer = it.fetched(id).await.answer.unwrap();
    assert_eq!((answer.body.len(), answer.is_complete), (1 << 20, false));
    it.registry.close().await;
}

/// A provider repeats the credential. The agent does not get it.
#[tokio::test]
async fn an_answer_does_not_show_the_credential() {
    let it = Asking::new().await;
    it.world.provider(|request| match request.starts_with("PUT ") {
        true => Reply::whole(400, "x-echo: key-12345678\r\n", "bad key: key-12345678"),
        false => me("1", "ada"),
    });
    reauthorized(&it.connection, "key-12345678").await;
    let id = it.asked(upload(), "data").await;
    it.approve(id).await.unwrap();
    assert_eq!(it.settled(id).await.state, ApprovalState::Answered);
    let answer = it.fetched(id).await.answer.unwrap();
    assert!(!format!("{answer:?}").contains("key-12345678"), "{answer:?}");
    assert_eq!(answer.body, b"bad key: ************");
    it.registry.close().await;
}
