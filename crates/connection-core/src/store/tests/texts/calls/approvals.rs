//! The queries of approvals and widenings.

use uuid::Uuid;

use crate::{
    approval_state::ApprovalState,
    ids::{AgentId, ApprovalId, ConnectionId},
    store::{
        ApprovalLease, Sealed, Tx,
        rows::{AgentGrantKey, ApprovalRow, StoredMark, WideningRow},
    },
};

pub(super) async fn approvals(tx: &mut Tx) {
    let (id, agent) = (ApprovalId::from(Uuid::nil()), AgentId::from(Uuid::nil()));
    let connection = ConnectionId::from(Uuid::nil());
    let grant = AgentGrantKey { owner: "local", agent, connection };
    let state = ApprovalState::Waiting;
    let row = ApprovalRow {
        id,
        owner: "local".into(),
        agent_id: agent,
        connection_id: connection,
        kind: "github".into(),
        state,
        same: vec![1; 32],
        facts: "{}".into(),
        created_at: 1,
        ends_at: 1,
        changed_at: 1,
        fetched_at: None,
        seconds_left: None,
        marked: StoredMark::default(),
    };
    let widening = WideningRow {
        owner: "local".into(),
        agent_id: agent,
        connection_id: connection,
        matched: vec![1; 32],
        revision: 1,
        facts: "{}".into(),
        created_at: 1,
        ends_at: 1,
        requests: 1,
        taken: 0,
        marked: StoredMark::default(),
    };
    let sealed = Sealed::from_row(vec![1; 40]);
    let lease = ApprovalLease(id);
    call!(tx:
        insert_approval(&row, &sealed, &[1; 72]);
        put_approval(&row, &[1; 72]);
        approval("local", id);
        sealed_of_approval(id);
        approvals("local", state, Uuid::max(), 9);
        every_approval("local", None);
        equal_approvals(agent, &[1; 32], 9);
        approvals_of_agent(agent, state, 9);
        approvals_of_connection(connection, state, 9);
        old_approvals(9, 9);
        lapsing_approvals(9, 9);
        take_lease(&lease, "a");
        extend_lease(&lease, "a");
        release_lease(&lease, "a");
        lease_holder(&lease);
        put_approval_answer(id, &sealed);
        erase_approval_request(id);
        delete_approval(id);
        put_widening(&widening, &[1; 72]);
        take_widening(&widening);
        widening(grant, &[1; 32]);
        widenings("local");
        widenings_within("local", "a", "b");
        widenings_of(grant);
        delete_widening(&widening);
    );
}
