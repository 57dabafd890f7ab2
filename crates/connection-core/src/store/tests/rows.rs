//! Accounts, credentials, liveness and small values.

use connection_contract::Identity;

use super::{Database, add, credential, labels};
use crate::{
    ids::ConnectionId,
    store::{
        ListFilter, OldRows, Sealed, Store, StoreError,
        engine::execute,
        rows::{CredentialState, KeysetRow, KvValue, LivenessRow},
    },
};

/// R-INSEAM-040
#[tokio::test]
async fn a_row_is_read_as_it_was_written_after_a_new_start() {
    for database in Database::each().await {
        let store = database.open().await;
        let mut row = database.account("work");
        (row.is_default, row.profile_id) = (true, Some("github.com".into()));
        add(&store, &row).await.unwrap();
        store.close().await;
        let mut reader = database.open().await.reader().await.unwrap();
        assert_eq!(reader.account(row.id).await.unwrap(), Some(row.clone()));
        assert_eq!(reader.account_by_label("local", "github", "work").await.unwrap(), Some(row.id));
        assert_eq!(reader.account_by_label("u42", "github", "work").await.unwrap(), None);
        let found = reader.account_of("local", "github", &Identity::new("583231", "octocat"), None).await.unwrap();
        assert_eq!(found, Some((row.id, "work".into())));
        assert_eq!(reader.account(database.id()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_account_is_found_by_its_e_mail_address_in_any_case() {
    for database in Database::each().await {
        let store = database.open().await;
        let mut row = database.account("work");
        row.account_id = "Ada@Example.com".into();
        add(&store, &row).await.unwrap();
        let mut reader = store.reader().await.unwrap();
        let found = Some((row.id, "work".into()));
        for address in ["Ada@Example.com", "ada@example.com", "ADA@EXAMPLE.COM"] {
            for identity in [Identity::new(address, "Ada").email(), Identity::new("1", "Ada").formerly(address)] {
                assert_eq!(reader.account_of("local", "github", &identity, None).await.unwrap(), found, "{address}");
                assert_eq!(reader.account_of("local", "github", &identity, Some(row.id)).await.unwrap(), None);
                assert_eq!(reader.account_of("u42", "github", &identity, None).await.unwrap(), None);
            }
        }
        let name = Identity::new("ada@example.com", "Ada");
        assert_eq!(reader.account_of("local", "github", &name, None).await.unwrap(), None, "a name has its case");
        // SQLite knows no capital letters beyond ASCII, and the characters of patterns are those of any address.
        let mut other = database.account("other");
        other.account_id = "J\u{d6}RG_100%!@Example.com".into();
        add(&store, &other).await.unwrap();
        for (address, is_found) in [
            ("j\u{f6}rg_100%!@example.com", true),
            ("J\u{d6}RG_100%!@EXAMPLE.com", true),
            ("j\u{fc}rg_100%!@example.com", false),
            ("j\u{f6}rgX100%!@example.com", false),
            ("j%@example.com", false),
        ] {
            let found = is_found.then(|| (other.id, "other".into()));
            let identity = Identity::new(address, "J").email();
            assert_eq!(reader.account_of("local", "github", &identity, None).await.unwrap(), found, "{address}");
        }
        // Letters with a second capital form may be in the address of another mailbox: k, i and the sharp s.
        for (stored, address) in [
            ("mike@example.com", "mi\u{212a}e@example.com"),
            ("i\u{307}da@example.com", "\u{130}da@example.com"),
            ("stra\u{df}e@example.com", "stra\u{1e9e}e@example.com"),
        ] {
            let mut mailbox = database.account(stored);
            mailbox.account_id = stored.into();
            add(&store, &mailbox).await.unwrap();
            let identity = Identity::new(address, "M").email();
            assert_eq!(reader.account_of("local", "github", &identity, None).await.unwrap(), None, "{address}");
            let same = Identity::new(stored.to_ascii_uppercase(), "M").email();
            let found = Some((mailbox.id, stored.into()));
            assert_eq!(
                reader.account_of("local", "github", &same, None).await.unwrap(),
                found,
                "the control: {stored}"
            );
        }
    }
}

#[tokio::test]
async fn labels_are_unique_per_owner_and_kind() {
    for database in Database::each().await {
        let store = database.open().await;
        let [one, mut of_another, mut of_a_kind, same] = ["a", "a", "a", "a"].map(|label| database.account(label));
        of_another.owner = "u42".into();
        of_a_kind.kind = "notion".into();
        for row in [&one, &of_another, &of_a_kind] {
            add(&store, row).await.unwrap();
        }
        let what = database.by_engine(
            "connection_account.owner, connection_account.kind, connection_account.label",
            "connection_account_owner_kind_label_key",
        );
        let what = what.to_owned();
        assert_eq!(add(&store, &same).await, Err(StoreError::Conflict { what }));
    }
}

#[tokio::test]
async fn a_generation_is_drawn_once_and_promoted_by_compare_and_swap() {
    for database in Database::each().await {
        let store = database.open().await;
        let row = database.account("a");
        let id = row.id;
        add(&store, &row).await.unwrap();
        let drawn = [draw(&store, id).await, draw(&store, id).await, draw(&store, id).await];
        assert_eq!(drawn, [Some(1), Some(2), Some(3)]);
        assert_eq!(draw(&store, database.id()).await, None);
        let promote = |expected, new| {
            store.write(move |tx| Box::pin(async move { tx.promote_generation(id, expected, new, 200).await }))
        };
        assert_eq!(promote(0, 2).await, Ok(true));
        assert_eq!(promote(0, 3).await, Ok(false), "it lost");
        let now = store.reader().await.unwrap().account(id).await.unwrap().unwrap();
        assert_eq!((now.generation, now.next_generation, now.updated_at), (2, 4, 200));
        assert!(matches!(promote(2, 4).await, Err(StoreError::Refused { .. })), "a number that was not drawn");
    }
}

async fn draw(store: &Store, id: ConnectionId) -> Option<i64> {
    store.write(move |tx| Box::pin(async move { tx.draw_generation(id).await })).await.unwrap()
}

#[tokio::test]
async fn a_connection_has_one_credential_in_each_state_and_takes_them_with_it() {
    for database in Database::each().await {
        let store = database.open().await;
        let row = database.account("a");
        let id = row.id;
        add(&store, &row).await.unwrap();
        let insert = |generation, state| {
            store.write(move |tx| {
                Box::pin(async move { tx.insert_credential(&credential(id, generation, state)).await })
            })
        };
        for (generation, state) in [(1, CredentialState::Previous), (2, CredentialState::Current)] {
            insert(generation, state).await.unwrap();
        }
        assert!(matches!(insert(3, CredentialState::Current).await, Err(StoreError::Conflict { .. })));
        let mut reader = store.reader().await.unwrap();
        assert!(reader.current_credential(id).await.unwrap().is_none(), "the account names none");
        for _ in 0..2 {
            draw(&store, id).await;
        }
        store.write(move |tx| Box::pin(async move { tx.promote_generation(id, 0, 2, 200).await })).await.unwrap();
        let current = reader.current_credential(id).await.unwrap().unwrap();
        assert_eq!((current.generation, current.state), (2, CredentialState::Current));
        assert_eq!(current.sealed.as_bytes(), [2; 97]);
        assert_eq!(store.write(move |tx| Box::pin(async move { tx.delete_account(id).await })).await, Ok(true));
        assert!(reader.previous_credential(id).await.unwrap().is_none());
        assert!(reader.current_credential(id).await.unwrap().is_none());
        assert_eq!(store.write(move |tx| Box::pin(async move { tx.delete_account(id).await })).await, Ok(false));
    }
}

#[tokio::test]
async fn a_new_label_is_taken_unless_another_has_it() {
    for database in Database::each().await {
        let store = database.open().await;
        let [one, two] = ["a", "b"].map(|label| database.account(label));
        let id = one.id;
        for row in [&one, &two] {
            add(&store, row).await.unwrap();
        }
        let rename = |label: &'static str| {
            store.write(move |tx| Box::pin(async move { tx.set_account_label(id, label, 300).await }))
        };
        assert!(matches!(rename("b").await, Err(StoreError::Conflict { .. })));
        assert_eq!(rename("c").await, Ok(()));
        let account =
            store.write(move |tx| Box::pin(async move { tx.set_account_identity_label(id, "hubot", 300).await })).await;
        assert_eq!(account, Ok(true));
        let renamed = store.reader().await.unwrap().account(id).await.unwrap().unwrap();
        assert_eq!((renamed.label.as_str(), renamed.account_label.as_str(), renamed.revision), ("c", "hubot", 3));
    }
}

#[tokio::test]
async fn a_credential_takes_the_place_of_the_current_one_which_is_kept_for_a_while() {
    for database in Database::each().await {
        let store = database.open().await;
        let row = database.account("a");
        let id = row.id;
        add(&store, &row).await.unwrap();
        rotate(&store, id, true).await.unwrap();
        let replace = |expected| {
            store.write(move |tx| {
                Box::pin(async move {
                    let mut account = tx.account(id).await?.unwrap();
                    account.generation = expected;
                    let new = tx.draw_generation(id).await?.unwrap();
                    let fresh = credential(id, new, CredentialState::Current);
                    tx.replace_credential(&account, &fresh, 300, &[0; 72]).await
                })
            })
        };
        let forget = |by| {
            store.write(move |tx| Box::pin(async move { tx.end_old_rows(OldRows::PreviousCredentials, by, 9).await }))
        };
        let generations = async || {
            let mut reader = store.reader().await.unwrap();
            let previous = reader.previous_credential(id).await.unwrap();
            let previous = previous.map(|row| (row.credential.generation, row.account_label, row.replaced_at));
            (previous, reader.current_credential(id).await.unwrap().unwrap().generation)
        };
        replace(1).await.unwrap();
        assert_eq!(generations().await, (Some((1, "octocat".into(), 300)), 2));
        assert!(matches!(replace(1).await, Err(StoreError::ChangedMeanwhile { .. })), "another is the current one");
        assert_eq!(generations().await, (Some((1, "octocat".into(), 300)), 2));
        replace(2).await.unwrap();
        assert_eq!(generations().await, (Some((2, "octocat".into(), 300)), 3), "one is kept");
        forget(299).await.unwrap();
        assert_eq!(generations().await.0.map(|(generation, ..)| generation), Some(2));
        forget(300).await.unwrap();
        assert_eq!(generations().await, (None, 3));
    }
}

/// R-INSEAM-046
#[tokio::test]
async fn a_credential_and_its_liveness_change_together_or_not_at_all() {
    for database in Database::each().await {
        let store = database.open().await;
        let row = database.account("a");
        let id = row.id;
        add(&store, &row).await.unwrap();
        rotate(&store, id, true).await.unwrap();
        let before = state(&store, id).await;
        assert_eq!(before, (1, Some(1)));
        assert_eq!(rotate(&store, id, false).await, Err(StoreError::Closed));
        assert_eq!(state(&store, id).await, before);
        rotate(&store, id, true).await.unwrap();
        assert_eq!(state(&store, id).await, (2, Some(2)));
    }
}

async fn rotate(store: &Store, id: ConnectionId, whole: bool) -> Result<(), StoreError> {
    store
        .write(move |tx| {
            Box::pin(async move {
                let old = tx.account(id).await?.unwrap().generation;
                let new = tx.draw_generation(id).await?.unwrap();
                tx.delete_credential_and_previous(id, old).await?;
                tx.insert_credential(&credential(id, new, CredentialState::Current)).await?;
                tx.promote_generation(id, old, new, 200).await?;
                tx.upsert_liveness(&liveness(id, new)).await?;
                if whole { Ok(()) } else { Err(StoreError::Closed) }
            })
        })
        .await
}

async fn state(store: &Store, id: ConnectionId) -> (i64, Option<i64>) {
    let mut reader = store.reader().await.unwrap();
    let credential = reader.current_credential(id).await.unwrap().unwrap();
    (credential.generation, reader.liveness(id).await.unwrap().map(|row| row.generation))
}

fn liveness(id: ConnectionId, generation: i64) -> LivenessRow {
    LivenessRow {
        connection_id: id,
        liveness: "live".into(),
        reason: None,
        generation,
        checked_at: Some(100),
        next_check_at: None,
        paused_until: None,
        failures: 0,
        probe_origin: None,
        probe_from: None,
    }
}

#[tokio::test]
async fn a_measurement_of_an_older_credential_is_discarded() {
    for database in Database::each().await {
        let store = database.open().await;
        let row = database.account("a");
        let id = row.id;
        add(&store, &row).await.unwrap();
        let measured = |generation| {
            store.write(move |tx| Box::pin(async move { tx.upsert_liveness(&liveness(id, generation)).await }))
        };
        assert_eq!((measured(2).await, measured(1).await, measured(2).await), (Ok(true), Ok(false), Ok(true)));
    }
}

#[tokio::test]
async fn lists_go_page_by_page_in_the_order_of_ids_and_within_an_owner() {
    for database in Database::each().await {
        let store = database.open().await;
        for label in ["a", "b", "c", "d", "e"] {
            let mut row = database.account(label);
            row.owner = if label == "c" { "u42".into() } else { "local".into() };
            row.kind = if label == "d" { "notion".into() } else { "github".into() };
            add(&store, &row).await.unwrap();
        }
        let mut reader = store.reader().await.unwrap();
        let mut after = None;
        let mut pages = Vec::new();
        loop {
            let owner = Some("local".into());
            let kind = Some("github".into());
            let (page, next) =
                reader.list(&ListFilter { owner, kind, after, limit: 2, ..ListFilter::default() }).await.unwrap();
            pages.push(page.iter().map(|found| found.row.clone().unwrap().account.label).collect::<String>());
            let Some(next) = next else { break };
            after = Some(next);
        }
        assert_eq!(pages, ["ab", "e"]);
        assert_eq!(labels(&store).await, ["a", "b", "c", "d", "e"]);
    }
}

#[tokio::test]
async fn a_list_shows_liveness_and_what_is_known_of_the_current_credential() {
    for database in Database::each().await {
        let store = database.open().await;
        let row = database.account("a");
        let id = row.id;
        add(&store, &row).await.unwrap();
        assert_eq!(store.reader().await.unwrap().listed(id).await.unwrap().unwrap().liveness, None);
        rotate(&store, id, true).await.unwrap();
        store
            .write(move |tx| {
                Box::pin(async move { tx.set_credential_facts(id, 1, Some(r#"["repo"]"#), Some(900)).await })
            })
            .await
            .unwrap();
        let listed = store.reader().await.unwrap().listed(id).await.unwrap().unwrap();
        assert_eq!((listed.liveness.as_deref(), listed.valid_until), (Some("live"), Some(900)));
        assert_eq!(listed.granted_scopes.as_deref(), Some(r#"["repo"]"#));
        assert_eq!(listed.account.generation, 1);
    }
}

#[tokio::test]
async fn a_word_that_no_program_wrote_is_damage_and_not_a_crash() {
    for database in Database::each().await {
        let store = database.open().await;
        let row = database.account("a");
        let id = row.id;
        add(&store, &row).await.unwrap();
        let no_rules = database.by_engine(
            "PRAGMA ignore_check_constraints = ON",
            "ALTER TABLE connection_account DROP CONSTRAINT connection_account_state_check",
        );
        let edited = store
            .write(move |tx| {
                Box::pin(async move {
                    execute!(tx, no_rules)?;
                    execute!(tx, "UPDATE connection_account SET state = 'odd'")
                })
            })
            .await;
        assert_eq!(edited, Ok(1));
        let error = store.reader().await.unwrap().account(id).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_small_value_is_public_or_sealed_and_each_namespace_has_its_own() {
    for database in Database::each().await {
        let store = database.open().await;
        let put = |namespace: &'static str, value| {
            store.write(move |tx| Box::pin(async move { tx.put_kv("local", namespace, "k", &value).await }))
        };
        put("github", KvValue::Public("old".into())).await.unwrap();
        put("github", KvValue::Public("new".into())).await.unwrap();
        put("github/secret", KvValue::Sealed(Sealed::from_row(vec![9]))).await.unwrap();
        let mut reader = store.reader().await.unwrap();
        let public = reader.kv("local", "github", "k").await.unwrap().unwrap();
        assert_eq!((public.value.as_deref(), public.sealed.is_none()), (Some("new"), true));
        let sealed = reader.kv("local", "github/secret", "k").await.unwrap().unwrap();
        assert_eq!((sealed.value, sealed.sealed.unwrap().as_bytes()), (None, &[9_u8][..]));
        assert!(reader.kv("u42", "github", "k").await.unwrap().is_none());
        let deleted = store.write(|tx| Box::pin(async move { tx.delete_kv("local", "github", "k").await })).await;
        assert_eq!(deleted, Ok(true));
        assert!(reader.kv("local", "github", "k").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn the_first_keyset_stays_and_is_changed_by_compare_and_swap() {
    for database in Database::each().await {
        let store = database.open().await;
        let row = |n: u8| KeysetRow {
            store_id: uuid::Uuid::from_u128(n.into()),
            revision: 1,
            keys_revision: 1,
            slot_a: Some(Sealed::from_row(vec![n])),
            slot_b: None,
        };
        let insert = |row: KeysetRow| store.write(move |tx| Box::pin(async move { tx.insert_keyset(&row).await }));
        let update = |row: KeysetRow| store.write(move |tx| Box::pin(async move { tx.update_keyset(&row).await }));
        assert_eq!((insert(row(1)).await, insert(row(2)).await), (Ok(true), Ok(false)));
        assert_eq!((update(row(3)).await, update(row(4)).await), (Ok(true), Ok(false)));
        let stored = store.reader().await.unwrap().keyset().await.unwrap().unwrap();
        assert_eq!((stored.store_id, stored.revision), (uuid::Uuid::from_u128(1), 2));
        assert_eq!(stored.slot_a.unwrap().as_bytes(), [3]);
    }
}
