//! No `Debug` output of a session, a step, an outcome or an error shows a secret, and the files contain none
//! either.

use std::sync::Arc;

use connection_contract::Secret;
use connection_core::SetupStep;

use crate::{
    acme::KIND,
    inbound::{Inbound, returned, state},
    odd_plugin::{ODD, Odd},
    test_host::{World, answers, step},
    test_server::Reply,
};

const CANARY: &str = "canary-4fd1a7";

/// R-INSEAM-037
#[tokio::test]
async fn a_session_its_steps_its_errors_and_its_outcome_show_no_secret() {
    let world = World::new().await;
    let registry = world.acme().await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    step(&session).await;
    let mut shown = format!("{session:?} {:?} {:?}", session.steps(), registry);
    let long = CANARY.repeat(2000);
    for wrong in [
        vec![("accessToken", long.as_str())],
        vec![("accessToken", "canary-4fd1a7\n")],
        vec![("accessToken", CANARY), ("accessToken", CANARY)],
        vec![("accessToken", CANARY), ("apiBaseUrl", "http://canary-4fd1a7.example")],
    ] {
        let error = session.advance(1, &answers(&wrong)).await.unwrap_err();
        shown += &format!(" {error:?} {error}");
    }
    world.provider(|_| Reply::whole(503, "", CANARY));
    session.advance(1, &answers(&[("accessToken", CANARY)])).await.unwrap();
    shown += &format!(" {:?}", step(&session).await);
    shown += &format!(" {:?}", registry.setups().list().await.unwrap());
    world.provider(|_| crate::test_host::me("1", "ada"));
    registry.setups().resume(session.id()).await.unwrap();
    let outcome = session.terminal().await.unwrap();
    shown += &format!(" {outcome:?} {:?}", session.current_step());
    assert!(!shown.contains(CANARY), "{shown}");
    assert!(shown.contains("ada") && shown.contains("accessToken"), "the control: what is public does show");
    assert!(world.server.requests().iter().any(|request| request.contains(CANARY)), "the control: it was used");
    registry.close().await;
    let stored = crate::sql::everything(&world.database()).await;
    assert!(!stored.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()), "in a row of the store");
    assert!(!stored.is_empty());
}

#[tokio::test]
async fn callbacks_and_redirects_show_no_secret() {
    let world = World::new().await;
    let odd = Odd::new("redirect");
    let registry = world.builder().kind(odd).inbound(Arc::new(Inbound::new())).open().await.unwrap();
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (no, redirect) = step(&session).await;
    let state = state(&redirect);
    let mut shown = format!("{redirect:?} {:?}", session.current_step());
    assert!(matches!(redirect, SetupStep::Redirect { .. }) && no == 1);
    let forged = vec![("state".to_owned(), Secret::from(CANARY)), ("code".to_owned(), Secret::from(CANARY))];
    let error = registry.setups().deliver(forged).await.unwrap_err();
    shown += &format!(" {error:?} {error}");
    registry.setups().deliver(returned(&state)).await.unwrap();
    shown += &format!(" {:?}", session.terminal().await.unwrap());
    for secret in [CANARY, &state, "the-code"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("odd1"), "the control: what is public does show");
}
