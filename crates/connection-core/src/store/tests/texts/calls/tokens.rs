//! The calls for access tokens and for the requests that carry a key.

use uuid::Uuid;

use crate::{
    ids::{AccessTokenId, SessionId},
    store::{
        CarriedRequest, Tx,
        rows::{AccessTokenRow, Marked, TokenPurpose},
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
        marked: Marked::default(),
    };
    let attempt = CarriedRequest { key: [1; 32], attempt: Uuid::nil() };
    call!(tx:
        access_token(id);
        access_token_by_hash(&[1; 32]);
        access_tokens(None, None, 9);
        access_tokens(Some("local"), None, 9);
        insert_access_token(&row, &[1]);
        revoke_access_token(id, 1, &[1]);
        set_access_token_setup(id, SessionId::from(Uuid::nil()), &[1]);
        use_access_token(id, 1);
        delete_access_token(id);
        token_request(&[1; 32]);
        insert_token_request(attempt, &[1; 32], 1);
        take_token_request(attempt);
        renew_token_request(attempt);
        release_token_request(attempt);
        end_token_request(attempt, "a");
        note_token_request(attempt, "a");
        note_part_of_token_request(attempt, "a");
        clear_token_request(attempt);
        delete_token_request(attempt);
        purge_token_requests(1);
    );
}
