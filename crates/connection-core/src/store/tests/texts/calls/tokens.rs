//! The calls for access tokens and for the requests that carry a key.

use uuid::Uuid;

use crate::{
    ids::{AccessTokenId, SessionId},
    store::{
        Tx,
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
        insert_token_request(&[1; 32], &[1; 32], 1);
        set_token_request_made(&[1; 32], "a");
        delete_token_request(&[1; 32]);
        purge_token_requests(1);
    );
}
