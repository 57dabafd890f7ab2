//! The mark of a restored credential.

use uuid::Uuid;

use super::{Database, add, credential};
use crate::store::{
    Recovery, RefreshLease, Store,
    rows::{CredentialState, PlanRow, RestoredUse},
};

async fn plan(store: &Store, id: crate::ConnectionId) -> PlanRow {
    store.reader().await.unwrap().current_credential(id).await.unwrap().unwrap().plan
}

/// An answer that is found, a lost attempt, and a credential that came in between make others due at once.
#[tokio::test]
async fn what_makes_a_credential_due_leaves_a_restored_one_alone() {
    for database in Database::each().await {
        let store = database.open().await;
        let mut row = database.account("a");
        (row.generation, row.next_generation) = (1, 2);
        let id = row.id;
        add(&store, &row).await.unwrap();
        let written = store.write(move |tx| {
            Box::pin(async move {
                tx.insert_credential(&credential(id, 1, CredentialState::Current)).await?;
                tx.mark_restored(id, RestoredUse::Unknown, r#"{"code":"restored","message":"a"}"#).await
            })
        });
        written.await.unwrap();
        let marked = plan(&store, id).await;
        assert_eq!((marked.refresh_at, marked.refresh_failures), (None, 1));
        let origin = "https://api.acme.example";
        let page = Recovery { origin, after: Uuid::nil(), last: Uuid::max(), now: 5 };
        let failed = store.write(move |tx| {
            Box::pin(async move {
                tx.take_lease(&RefreshLease { id, generation: 1 }, "p").await?;
                tx.release_refresh(id, "p", 1, Some(origin)).await?;
                tx.refresh_after_answer(id, 1).await
            })
        });
        failed.await.unwrap();
        for what in 0..4 {
            let written = store.write(move |tx| {
                Box::pin(async move {
                    match what {
                        0 => tx.refresh_now(id, 5).await,
                        1 => tx.hasten_refresh(id, 5).await,
                        2 => tx.hasten_refreshes(page, &[id]).await,
                        _ => tx.doubt_credential(id, r#"{"code":"b","message":"b"}"#, 5).await,
                    }
                })
            });
            written.await.unwrap();
            assert_eq!(plan(&store, id).await, marked, "{what}");
            assert_eq!(store.reader().await.unwrap().restored(id).await.unwrap(), Some(RestoredUse::Unknown));
        }

        // The control: after an attempt that a person requested, they do.
        let written = store.write(move |tx| {
            Box::pin(async move {
                tx.set_plan(id, 1, &PlanRow { refresh_failures: 1, ..PlanRow::default() }).await?;
                tx.hasten_refresh(id, 5).await
            })
        });
        written.await.unwrap();
        assert_eq!(plan(&store, id).await.refresh_at, Some(5));
        assert_eq!(store.reader().await.unwrap().restored(id).await.unwrap(), None);
    }
}
