//! The queries of the record of use.

use uuid::Uuid;

use crate::{
    AccessTokenId, ConnectionId,
    store::{Tx, UsesBy, UsesRange, rows::UseEntryRow},
};

pub(super) async fn uses(tx: &mut Tx) {
    let id = Uuid::nil();
    let row = UseEntryRow {
        use_id: id,
        part: "began",
        commitment: [1; 32],
        mark: [1; 32],
        salt: [1; 16],
        entry: "{}".into(),
        at: 1,
        owner: "local".into(),
        grantee: None,
        token: None,
        connection: None,
        rule: None,
        outcome: None,
    };
    let range = UsesRange { before: (9, id), from: 0, limit: 9 };
    call!(tx:
        append_use(&row);
        uses("local", &UsesBy::Owner, range);
        uses("local", &UsesBy::Grantee("agent:a".into()), range);
        uses("local", &UsesBy::Token(AccessTokenId::from(id)), range);
        uses("local", &UsesBy::Connection(ConnectionId::from(id)), range);
        uses("local", &UsesBy::Rule("read".into()), range);
        uses("local", &UsesBy::Outcome("denied".into()), range);
        use_of("local", id);
        erase_uses(None, 1);
        erase_uses(Some("local"), 1);
    );
}
