//! An approved request is sent only if everything is as it was when it was decided.
#![cfg(feature = "workspace-tests")]

use super::*;
use crate::{
    Consent,
    approval::Answerer,
    approvals::answer,
    grant::standing::tests::{Deed, Stage},
    ground::Scope,
};

/// Approves the request without sending it.
async fn approved(stage: &Stage) -> ApprovalRow {
    let row = stage.asked().await;
    let scope = Scope { system: &stage.registry.systems.connection, owner: stage.agent.owner_name() };
    let digest = Facts::of(&row).digest;
    answer::approve(scope, row.id, &digest, Consent::Once, Answerer::default()).await.unwrap();
    stage.approval(row.id).await
}

fn word(result: Result<ApprovalState, Hindrance>) -> &'static str {
    match result {
        Ok(state) => state.as_str(),
        Err(Hindrance::Lapsed(reason)) => reason.as_str(),
        Err(Hindrance::Held(error)) => error.code(),
        Err(Hindrance::Elsewhere) => "elsewhere",
    }
}

#[tokio::test]
async fn what_was_approved_is_not_taken_after_what_it_was_decided_with_has_changed() {
    for deed in Deed::ALL {
        let stage = Stage::new().await;
        let row = approved(&stage).await;
        let permit = stage.agent.granted(row.connection_id).await.unwrap();
        stage.does(deed).await;
        // What ends a grant has let the approval lapse, too. Without that, it is not sent either.
        let (on, kept) = (stage.ground().clone(), row.clone());
        let job =
            stage.ground().store.write(move |tx| Box::pin(async move { approval::put(tx, &on.sealer, &kept).await }));
        job.await.unwrap();
        let scope = Scope { system: &stage.registry.systems.connection, owner: stage.agent.owner_name() };
        let taken = taken(&scope.owned(), row, &permit).await;
        let expected = match deed {
            // A freeze is looked at before, and again when the request is sent.
            Deed::Nothing | Deed::Freezes | Deed::ReplacesCredential => "executing",
            Deed::RemovesAgent => "agent",
            Deed::EditsAgent | Deed::EditsGrant | Deed::EditsConnection => "row_changed",
            Deed::RevokesGrant | Deed::EndsGrant => "grant",
            Deed::ReplacesGrant => "grant_changed",
            Deed::RemovesConnection => "connection",
            Deed::ChangesAccount => "account",
            Deed::ChangesTerms => "terms",
        };
        assert_eq!(word(taken.map(|taken| taken.0.state)), expected, "{deed:?}");
        stage.registry.close().await;
    }
}

#[tokio::test]
async fn an_approved_request_of_a_frozen_connection_is_held() {
    let stage = Stage::new().await;
    let row = approved(&stage).await;
    stage.does(Deed::Freezes).await;
    let scope = Scope { system: &stage.registry.systems.connection, owner: stage.agent.owner_name() };
    let prepared = prepared(&scope.owned(), row.id).await;
    assert_eq!(word(prepared.map(|prepared| prepared.row.state)), "frozen");
    stage.registry.close().await;
}

#[tokio::test]
async fn a_process_that_was_paused_for_longer_than_its_lease_does_not_send() {
    let stage = Stage::new().await;
    let row = approved(&stage).await;
    let scope = Scope { system: &stage.registry.systems.connection, owner: stage.agent.owner_name() }.owned();
    let Ok(ready) = prepared(&scope, row.id).await else { panic!("it can be sent") };
    stage.clock.advance(Duration::from_secs(60));
    finish(&scope, ready).await;
    let row = stage.approval(row.id).await;
    let code = Facts::of(&row).code;
    assert_eq!((row.state, code.as_deref()), (ApprovalState::Approved, Some("store_failed")));
    stage.registry.close().await;
}
