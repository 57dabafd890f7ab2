//! What an editor of the database can do to approvals, and to what widens a grant.

use std::time::Duration;

use connection_core::{ApprovalState, Consent, Frozen};

use crate::{
    approvals_kit::{Asking, comment},
    guarded_tables::{edit, is_row},
    sql,
};

pub(crate) async fn edited(table: &str) {
    match table {
        "connection_approval" => approval().await,
        _ => widening().await,
    }
}

async fn approval() {
    for change in ["state = 'approved'", "facts = replace(facts, 'deploy', 'eve')"] {
        let it = Asking::new().await;
        let id = it.comment("Thanks!").await;
        let digest = it.get(id).await.digest;
        edit(&it.world, &format!("UPDATE connection_approval SET {change}")).await;
        let error = it.registry.approvals().approve(id, &digest, Consent::Once).await.unwrap_err();
        assert!(is_row(&error, "connection_approval"), "{change}: {error:?}");
        let error = it.registry.for_agent(&it.caller).approval(id, Duration::ZERO).await.unwrap_err();
        assert!(is_row(&error, "connection_approval"), "{change}: {error:?}");
        assert!(it.list().await.is_empty(), "{change}");
        assert_eq!(it.registry.events().edited_rows().await.unwrap().len(), 1, "{change}");
        // The agent asks again.
        assert_ne!(it.comment("Thanks!").await, id, "{change}");
        assert_eq!(it.changes(), 0, "{change}");
    }
    restored().await;
    exchanged().await;
}

/// An approved request is spent, and somebody puts the former row back.
async fn restored() {
    let it = Asking::new().await;
    let id = it.comment("Thanks!").await;
    it.registry.freezes().freeze(Frozen::Agent(it.agent.id())).await.unwrap();
    it.approve(id).await.unwrap();
    let database = it.world.database();
    sql::script(&database, "CREATE TABLE kept AS SELECT * FROM connection_approval").await;
    it.registry.freezes().thaw(Frozen::Agent(it.agent.id())).await.unwrap();
    assert_eq!(it.settled(id).await.state, ApprovalState::Answered);
    sql::run(&database, "DELETE FROM connection_approval").await;
    sql::run(&database, "INSERT INTO connection_approval SELECT * FROM kept").await;
    let error = it.registry.approvals().settled(id, Duration::ZERO).await.unwrap_err();
    assert!(is_row(&error, "connection_approval"), "{error:?}");
    assert_ne!(it.comment("Thanks!").await, id);
    assert_eq!(it.changes(), 1);
}

/// Somebody exchanges the requests of two approvals.
async fn exchanged() {
    let it = Asking::new().await;
    let (id, other) = (it.comment("Thanks!").await, it.comment("Go away!").await);
    let digest = it.get(id).await.digest;
    let of = |id: connection_core::ApprovalId| sql::literal(id.as_uuid().as_bytes());
    let of = |id| if crate::test_host::on_postgres() { format!("'{id}'") } else { of(id) };
    let from = format!("(SELECT sealed_request FROM connection_approval WHERE id = {})", of(other));
    edit(&it.world, &format!("UPDATE connection_approval SET sealed_request = {from} WHERE id = {}", of(id))).await;
    assert_eq!(it.registry.approvals().get(id).await.unwrap_err().code(), "sealed_unreadable");
    it.registry.approvals().approve(id, &digest, Consent::Once).await.unwrap();
    let settled = it.registry.approvals().settled(id, Duration::ZERO).await.unwrap();
    assert_eq!((settled.state, it.changes()), (ApprovalState::Approved, 0));
}

async fn widening() {
    for change in ["requests = 100", "facts = replace(facts, '/7/', '/8/')"] {
        let it = Asking::new().await;
        let id = it.comment("1").await;
        it.approve_as(id, Consent::Widen { time: Duration::from_secs(60), requests: 2 }).await.unwrap();
        it.settled(id).await;
        assert_eq!(it.open(comment(), r#"{"body":"2"}"#).await.unwrap().status(), 201, "the control");
        edit(&it.world, &format!("UPDATE connection_widening SET {change}")).await;
        it.comment("3").await;
        assert!(it.agent.grants().await.unwrap()[0].widened.is_empty(), "{change}");
        let edited = it.registry.events().edited_rows().await.unwrap();
        assert_eq!(edited.iter().map(|row| row.table).collect::<Vec<_>>(), ["connection_widening"], "{change}");
    }
    let it = Asking::new().await;
    let id = it.comment("1").await;
    it.approve_as(id, Consent::Widen { time: Duration::from_secs(60), requests: 1 }).await.unwrap();
    it.settled(id).await;
    it.open(comment(), r#"{"body":"2"}"#).await.unwrap();
    edit(&it.world, "UPDATE connection_widening SET taken = 0").await;
    assert_eq!(it.open(comment(), r#"{"body":"3"}"#).await.unwrap().status(), 201, "refilled");
}
