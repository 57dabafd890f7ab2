//! The calls for access tokens, for the requests that carry a key, and for agents.

use uuid::Uuid;

use crate::{
    ids::{AccessTokenId, AgentId, ConnectionId, SessionId},
    store::{
        CarriedRequest, Counted, Tx,
        rows::{AccessTokenRow, AgentGrantRow, AgentRow, FreezeRow, RowSign, StoredMark, TokenPurpose},
    },
};

pub(super) async fn access_tokens(tx: &mut Tx) {
    let id = AccessTokenId::from(Uuid::nil());
    let row = AccessTokenRow {
        id,
        owner: "local".into(),
        purpose: TokenPurpose::Program,
        token_hash: vec![1; 32],
        name: "a".into(),
        role: "read".into(),
        extension: None,
        link: None,
        setup_id: None,
        created_at: 1,
        expires_at: Some(2),
        idle: None,
        last_used_at: None,
        revoked_at: None,
        agent_id: None,
        audience: None,
        client: None,
        marked: StoredMark::default(),
    };
    let attempt = CarriedRequest { key: [1; 32], attempt: Uuid::nil() };
    call!(tx:
        access_token(id);
        access_token_by_hash(&[1; 32]);
        every_access_token("local", None);
        access_tokens(None, None, 9);
        access_tokens(Some("local"), None, 9);
        insert_access_token(&row, &[1]);
        revoke_access_token(id, 1, &[1]);
        set_access_token_end(id, 1, &[1]);
        set_access_token_setup(id, SessionId::from(Uuid::nil()), &[1]);
        use_access_token(id, 1);
        delete_access_token(id);
        token_request(&[1; 32]);
        insert_token_request(attempt, &[1; 32], 1, 0);
        take_lease(&attempt, "a");
        extend_lease(&attempt, "a");
        release_lease(&attempt, "a");
        lease_holder(&attempt);
        end_token_request(attempt, "a");
        note_token_request(attempt, "a");
        note_part_of_token_request(attempt, "a");
        clear_token_request(attempt);
        delete_token_request(attempt);
    );
}

pub(super) async fn agents(tx: &mut Tx) {
    let id = AgentId::from(Uuid::nil());
    let connection_id = ConnectionId::from(Uuid::nil());
    let row = AgentRow {
        id,
        owner: "local".into(),
        name: "a".into(),
        made_at: 1,
        removed_at: None,
        client: None,
        marked: StoredMark::default(),
    };
    let grant = AgentGrantRow {
        owner: "local".into(),
        agent_id: id,
        connection_id,
        rules: "{}".into(),
        created_at: 1,
        expires_at: 2,
        revoked_at: None,
        marked: StoredMark::default(),
    };
    let counted = Counted { owner: "local".into(), grantee: "agent:a".into(), connection: connection_id, revision: 1 };
    call!(tx:
        agent(id);
        agents("local", "a", 9);
        agent_grants_within("local", "a", "b");
        every_agent("local");
        agents_named("local", "a");
        agent_with_grant(id, connection_id);
        agent_grant("local", id, connection_id);
        agent_grants("local", id);
        every_agent_grant("local");
        open_agent_grants(connection_id);
        agent_tokens(id);
        agent_use(AccessTokenId::from(Uuid::nil()), connection_id);
        insert_agent(&row, &[1]);
        remove_agent(id, 1, &[1]);
        put_agent_grant(&grant, &[1]);
        begin_budget(&counted);
        take_budget(&counted, 1, 1);
        return_budget(&counted, 1, 1);
        budgets("local", "agent:a");
        every_budget("local");
        budgets_of("local", &vec!["agent:a".to_owned()]);
    );
}

pub(super) async fn freezes(tx: &mut Tx) {
    call!(tx:
        freeze();
        newest_row_event("", &[1; 32]);
        written_since(&[("local", RowSign { subject: [1; 32], revision: 1 }, None)]);
        newest_events_of(ConnectionId::from(Uuid::nil()), 9, 9);
        newest_events_of_all(Uuid::max(), 9);
        put_freeze(&FreezeRow::default(), &[1]);
        withdrawals();
        unconfirmed("process", 1);
        count_withdrawal();
        present();
        announce_process("process", "name", 1, 1);
        forget_absent();
        leave("process");
    );
}
