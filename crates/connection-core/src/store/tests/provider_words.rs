//! The provider's own words stay with the reason that they are about, and are erased with it.

use super::{Database, add, credential};
use crate::{
    ids::ConnectionId,
    store::{
        Sealed, Store, Unchanged,
        engine::optional,
        rows::{CredentialState, LivenessRow, PlanRow, RestoredUse},
    },
};

const ONE: &str = r#"{"code":"one","message":"one"}"#;
const TWO: &str = r#"{"code":"one","message":"two"}"#;

/// A store with a connection whose credential is of generation 1.
struct Words {
    store: Store,
    id: ConnectionId,
}

impl Words {
    async fn on(database: &Database) -> Self {
        let store = database.open().await;
        let mut row = database.account("a");
        (row.generation, row.next_generation) = (1, 2);
        let id = row.id;
        add(&store, &row).await.unwrap();
        let insert = store.write(move |tx| {
            Box::pin(async move { tx.insert_credential(&credential(id, 1, CredentialState::Current)).await })
        });
        insert.await.unwrap();
        Self { store, id }
    }

    async fn measured(&self, generation: i64, reason: Option<&str>) {
        let row = LivenessRow {
            connection_id: self.id,
            liveness: "failing".into(),
            reason: reason.map(str::to_owned),
            generation,
            checked_at: None,
            next_check_at: None,
            paused_until: None,
            failures: 1,
            probe_origin: None,
            probe_from: None,
        };
        assert!(self.store.write(move |tx| Box::pin(async move { tx.upsert_liveness(&row).await })).await.unwrap());
    }

    async fn confirmed(&self, reason: &'static str) {
        let row = self.store.reader().await.unwrap().listed(self.id).await.unwrap().unwrap();
        let confirmed = self.store.write(move |tx| {
            Box::pin(async move {
                let unchanged = Unchanged {
                    row: &row,
                    secret_names: r#"["accessToken"]"#,
                    reason: Some(reason),
                    began: 200,
                    now: 200,
                    failures: 2,
                    next_check_at: None,
                    paused_until: None,
                    probe_origin: None,
                    probe_from: None,
                };
                tx.confirm_liveness(&unchanged).await
            })
        });
        assert!(confirmed.await.unwrap());
    }

    async fn planned(&self, reason: &str) {
        let id = self.id;
        let plan = PlanRow { refresh_reason: Some(reason.to_owned()), ..PlanRow::default() };
        assert!(self.store.write(move |tx| Box::pin(async move { tx.set_plan(id, 1, &plan).await })).await.unwrap());
    }

    /// Stores words about both reasons, and returns how many there are.
    async fn said(&self) -> (i64, i64) {
        let id = self.id;
        let said = self.store.write(move |tx| {
            Box::pin(async move {
                let words = Sealed::from_row(vec![1; 97]);
                tx.set_liveness_words(id, 1, &words).await?;
                tx.set_refresh_words(id, 1, &words).await
            })
        });
        said.await.unwrap();
        self.count().await
    }

    /// Returns how many words there are about measured reasons and about reasons of refreshes.
    async fn count(&self) -> (i64, i64) {
        let mut reader = self.store.reader().await.unwrap();
        let sql = "SELECT (SELECT COUNT(*) FROM connection_liveness WHERE sealed_words IS NOT NULL), \
                   (SELECT COUNT(*) FROM connection_credential WHERE sealed_refresh_words IS NOT NULL)";
        optional!(reader, (i64, i64), sql).unwrap().unwrap()
    }
}

#[tokio::test]
async fn the_words_about_a_measured_reason_are_those_of_this_reason_and_this_credential() {
    for database in Database::each().await {
        let it = Words::on(&database).await;
        it.measured(1, Some(ONE)).await;
        assert_eq!(it.said().await, (1, 1));
        it.measured(1, Some(ONE)).await;
        it.confirmed(ONE).await;
        assert_eq!(it.count().await, (1, 1), "the same reason");
        it.confirmed(TWO).await;
        assert_eq!(it.count().await, (0, 1), "another text of the reason");
        for (generation, reason) in [(1, Some(TWO)), (1, None), (2, Some(ONE))] {
            it.measured(1, Some(ONE)).await;
            assert_eq!(it.said().await, (1, 1), "the control");
            it.measured(generation, reason).await;
            assert_eq!(it.count().await, (0, 1), "{generation} {reason:?}");
        }
        assert_eq!(it.said().await, (0, 1), "words about a credential that was replaced");
    }
}

#[tokio::test]
async fn the_words_about_a_refresh_are_those_of_its_reason() {
    for database in Database::each().await {
        let it = Words::on(&database).await;
        let id = it.id;
        it.measured(1, Some(ONE)).await;
        it.planned(ONE).await;
        assert_eq!(it.said().await, (1, 1));
        it.planned(ONE).await;
        assert_eq!(it.count().await, (1, 1), "the same reason");
        it.planned(TWO).await;
        assert_eq!(it.count().await, (1, 0), "another reason");
        it.said().await;
        let doubt = it.store.write(move |tx| Box::pin(async move { tx.doubt_credential(id, ONE, 5).await }));
        doubt.await.unwrap();
        assert_eq!(it.count().await, (1, 0), "an answer that was lost");
        it.said().await;
        let restored = RestoredUse::Unknown;
        let mark = it.store.write(move |tx| Box::pin(async move { tx.mark_restored(id, restored, ONE).await }));
        mark.await.unwrap();
        assert_eq!(it.count().await, (1, 0), "a restored token");
    }
}
