//! The queries for due work: work that may not begin now is left out, so that it does not take the place of other work
//! in a batch, and messages have an order.

use connection_contract::Kind;
use uuid::Uuid;

use super::{Database, add};
use crate::store::{
    Busy,
    rows::{LivenessRow, OutboxRow, OutboxState},
};

/// Names work that may not begin.
type Change = fn(&mut Busy);

const ONE: &str = "https://one.test";
const TWO: &str = "https://two.test";

#[tokio::test]
async fn a_query_for_due_work_leaves_out_busy_owners_origins_and_kinds() {
    for database in Database::each().await {
        let store = database.open().await;
        for (owner, kind, origin) in [
            ("alice", "github", Some(ONE)),
            ("alice", "github", Some(TWO)),
            ("alice", "github", None),
            ("bob", "notion", Some(ONE)),
            ("bob", "issues/tracker", None),
        ] {
            let mut row = database.account(&format!("{owner} {kind} {origin:?}"));
            (row.owner, row.kind) = (owner.into(), kind.into());
            (row.generation, row.next_generation) = (1, 2);
            add(&store, &row).await.unwrap();
            let due = LivenessRow {
                connection_id: row.id,
                liveness: "offline".into(),
                reason: None,
                generation: 1,
                checked_at: Some(1),
                next_check_at: Some(2),
                paused_until: None,
                failures: 1,
                probe_origin: origin.map(str::to_owned),
                probe_from: None,
            };
            store.write(move |tx| Box::pin(async move { tx.upsert_liveness(&due).await })).await.unwrap();
        }
        let due = async |what: Change| {
            let mut busy = Busy::default();
            what(&mut busy);
            let mut reader = store.reader().await.unwrap();
            let rows = reader.due_checks(9, ",github,notion,issues/tracker,", &busy, 9).await.unwrap();
            let mut found: Vec<_> = rows.into_iter().map(|row| (row.owner, row.kind, row.origin)).collect();
            found.sort();
            found.iter().map(|(owner, kind, at)| format!("{owner} {kind} {}", at.as_deref().unwrap_or("-"))).collect()
        };
        let all: Vec<String> = due(|_| {}).await;
        let [unknown, one, two, own, of_bob] = &all[..] else { panic!("{all:?}") };
        assert_eq!((&**unknown, &**own), ("alice github -", "bob issues/tracker -"));
        let cases: [(Change, &[&String]); 5] = [
            (|busy| busy.origin(ONE), &[unknown, two, own]),
            (|busy| busy.unknown(&Kind::from_static("github")), &[one, two, own, of_bob]),
            (|busy| busy.owner("alice"), &[own, of_bob]),
            (|busy| busy.own_kinds("bob"), &[unknown, one, two, of_bob]),
            (
                |busy| {
                    busy.owner("alice");
                    busy.own_kinds("bob");
                    busy.origin(ONE);
                },
                &[],
            ),
        ];
        for (what, left) in cases {
            assert_eq!(due(what).await.iter().collect::<Vec<_>>(), left);
        }
    }
}

#[tokio::test]
async fn messages_that_are_due_at_the_same_time_are_in_the_order_of_their_ids() {
    for database in Database::each().await {
        let store = database.open().await;
        for (id, next_at) in [(3, 2), (1, 2), (4, 1), (2, 2)] {
            let row = OutboxRow {
                id: Uuid::from_u128(id),
                owner: "local".into(),
                connection_id: Uuid::from_u128(9).into(),
                name: "connection.connected".into(),
                body: "{}".into(),
                state: OutboxState::Pending,
                attempts: 0,
                next_at: Some(next_at),
                failure: None,
            };
            store.write(move |tx| Box::pin(async move { tx.insert_outbox(&row).await })).await.unwrap();
        }
        let due = store.reader().await.unwrap().due_outbox(2, 9).await.unwrap();
        assert_eq!(due.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>(), [4, 1, 2, 3]);
        store.close().await;
    }
}
