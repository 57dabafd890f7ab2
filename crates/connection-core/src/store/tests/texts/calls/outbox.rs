//! The calls for messages to the operator.

use uuid::Uuid;

use super::nobody;
use crate::store::{
    OutboxLease, Tx,
    rows::{OutboxRow, OutboxState},
};

pub(super) async fn outbox(tx: &mut Tx) {
    let row = OutboxRow {
        id: Uuid::nil(),
        owner: "local".into(),
        connection_id: nobody(),
        name: "connection.connected".into(),
        body: "{}".into(),
        state: OutboxState::Pending,
        attempts: 0,
        next_at: Some(1),
        failure: None,
    };
    let lease = OutboxLease { id: row.id, attempts: 0 };
    call!(tx:
        event_receiver();
        due_events(9);
        outbox(row.id);
        due_outbox(1, 9);
        undelivered_outbox(None, Uuid::max(), 9);
        undelivered_outbox(Some("local"), Uuid::max(), 9);
        record_collection();
        take_due_event(row.id);
        insert_outbox(&row);
        take_lease(&lease, "a");
        lease_holder(&lease);
        hasten_outbox(1, 9);
        deliver_outbox(row.id);
        fail_outbox(row.id, 1, Some(9), "a");
        retry_outbox(row.id, 1);
    );
}
