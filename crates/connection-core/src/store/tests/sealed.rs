//! The list of sealed columns contains every one of the schema, and a value opens in its own row and column alone.

use std::sync::Arc;

use connection_contract::Timestamp;
use uuid::Uuid;

use super::Database;
use crate::{
    Clock, KeyFile, ManualClock,
    ids::UuidV7,
    keys::{KeySources, Sealer, open_keyset, rotate},
    store::{SEALED, STORED_VALUE, Sealed, SealedCell, SealedKey, engine::all, rows::KvValue},
};

/// Columns of bytes that the keyset does not seal: ids, hashes, and the keyset itself.
const NOT_SEALED: &[&str] = &[
    "connection_access_token.agent_id",
    "connection_access_token.id",
    "connection_access_token.mark",
    "connection_access_token.setup_id",
    "connection_access_token.token_hash",
    "connection_access_token_request.key",
    "connection_access_token_request.request",
    "connection_account.id",
    "connection_account.terms",
    "connection_agent.id",
    "connection_agent.mark",
    "connection_agent_grant.agent_id",
    "connection_agent_grant.connection_id",
    "connection_agent_grant.mark",
    "connection_attention.connection_id",
    "connection_approval.agent_id",
    "connection_approval.connection_id",
    "connection_approval.id",
    "connection_approval.mark",
    "connection_approval.same",
    "connection_budget.connection_id",
    "connection_credential.connection_id",
    "connection_credential.key_id",
    "connection_endpoint.session_id",
    "connection_endpoint.token_hash",
    "connection_event.chain",
    "connection_event.connection_id",
    "connection_event.id",
    "connection_event_due.event_id",
    "connection_credential.mark",
    "connection_event.facts",
    "connection_exchange.connection_id",
    "connection_exchange.key",
    "connection_exchange.session_id",
    "connection_exchange_look.key",
    "connection_freeze.mark",
    "connection_keyset.slot_a",
    "connection_keyset.slot_b",
    "connection_keyset.store_id",
    "connection_kind_terms.digest",
    "connection_lacking_scope.connection_id",
    "connection_liveness.connection_id",
    "connection_move.move_id",
    "connection_outbox.connection_id",
    "connection_outbox.id",
    "connection_setup.connection_id",
    "connection_setup.id",
    "connection_setup_effect.session_id",
    "connection_setup_input.id",
    "connection_setup_input.session_id",
    "connection_place.connection_id",
    "connection_profile.id",
    "connection_profile.mark",
    "connection_profile_slot.mark",
    "connection_provider_grant.account",
    "connection_provider_grant.application",
    "connection_provider_grant.connection_id",
    "connection_row_event.chain",
    "connection_row_event.subject",
    "connection_profile_slot.profile_id",
    "connection_tag.connection_id",
    "connection_use.commitment",
    "connection_use.connection_id",
    "connection_use.mark",
    "connection_use.salt",
    "connection_use.token_id",
    "connection_use.use_id",
    "connection_usage.connection_id",
    "connection_usage_snapshot.connection_id",
    "connection_usage_window.connection_id",
    "connection_widening.agent_id",
    "connection_widening.connection_id",
    "connection_widening.mark",
    "connection_widening.matched",
    "connection_webhook.connection_id",
    "connection_extension.fingerprint",
    "connection_extension.mark",
    "connection_extension_choice.connection_id",
    "connection_extension_choice.mark",
    "connection_extension_grant.connection_id",
    "connection_extension_grant.mark",
    "connection_extension_preference.mark",
    "connection_extension_state.mark",
    "connection_extension_state.fingerprint",
    "connection_extension_ticket.id",
    "connection_extension_ticket.session_id",
    "connection_webhook.digest",
    "connection_webhook.id",
    "connection_webhook_address.connection_id",
    "connection_webhook_address.token_hash",
];

#[tokio::test]
async fn every_sealed_column_of_the_schema_is_sealed_again_by_a_rotation() {
    const SQLITE: &str = "SELECT t.name || '.' || c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
                          WHERE t.type = 'table' AND c.type = 'BLOB' AND t.name LIKE 'connection\\_%' ESCAPE '\\' \
                          AND t.name <> 'connection_migrations' ORDER BY 1";
    const POSTGRES: &str = "SELECT table_name || '.' || column_name FROM information_schema.columns \
                            WHERE data_type IN ('bytea', 'uuid') AND table_name LIKE 'connection\\_%' \
                            AND table_name NOT IN ('connection_migrations', 'connection_place_now') ORDER BY 1";
    for database in Database::each().await {
        let store = database.open().await;
        let mut reader = store.reader().await.unwrap();
        let found: Vec<(String,)> = all!(reader, (String,), database.by_engine(SQLITE, POSTGRES)).unwrap();
        let mut known: Vec<_> = SEALED.iter().map(|column| format!("{}.{}", column.table, column.column)).collect();
        known.extend(NOT_SEALED.iter().map(|name| (*name).to_owned()));
        known.sort();
        let mut found: Vec<_> = found.into_iter().map(|(name,)| name).collect();
        found.sort();
        assert_eq!(
            found, known,
            "put the column into store/sealed.rs, or into the list above if nothing in it is sealed"
        );
    }
}

#[tokio::test]
async fn a_value_of_each_sealed_column_opens_in_its_own_row_and_column_alone() {
    let sealer = Sealer::for_tests();
    for column in SEALED {
        let own = SealedCell { owner: "local".into(), kind: "github".into(), ..column.start() };
        let keys = match own.key.clone() {
            SealedKey::Bytes(key, number) => [SealedKey::Bytes(vec![1; 32], number), SealedKey::Bytes(key, 1)],
            SealedKey::Numbered(id, number) => [SealedKey::Numbered(Uuid::max(), number), SealedKey::Numbered(id, 1)],
            SealedKey::Input(session, id) => {
                [SealedKey::Input(Uuid::max(), id), SealedKey::Input(session, Uuid::max())]
            }
            SealedKey::Value(_, _) => {
                [SealedKey::Value("a".into(), "".into()), SealedKey::Value("".into(), "a".into())]
            }
        };
        let mut others: Vec<_> = keys.into_iter().map(|key| SealedCell { key, ..own.clone() }).collect();
        others.push(SealedCell { owner: "other".into(), ..own.clone() });
        others.push(SealedCell { kind: "other".into(), ..own.clone() });
        let names = SEALED.iter().map(|other| (other.table, other.column));
        let names = names.filter(|name| *name != (own.table, own.column));
        others.extend(names.map(|(table, column)| SealedCell { table, column, ..own.clone() }));
        assert_eq!(others.len(), 4 + SEALED.len() - 1);
        for from in [&own].into_iter().chain(&others) {
            let sealed = sealer.seal(from, b"secret").await.unwrap();
            for to in [&own].into_iter().chain(&others) {
                let is_opened = sealer.open(to, &sealed).await.is_ok();
                assert_eq!(is_opened, std::ptr::eq(from, to), "{from} in {to}");
            }
        }
    }
}

/// No other test covers the values of plugins.
#[tokio::test]
async fn a_small_value_is_sealed_again_for_its_own_row() {
    for database in Database::each().await {
        let store = database.open().await;
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Timestamp::from_seconds(100)));
        let sources = KeySources::new(KeyFile::at(database.path().with_file_name("root.key")));
        let sealer = open_keyset(&store, &sources, &UuidV7::new(), clock).await.unwrap();
        let mut stored = Vec::new();
        let cell = |owner| STORED_VALUE.cell(SealedKey::Value("oauth2".into(), "client".into()), owner, "");
        for owner in ["local", "other"] {
            let sealed = sealer.seal(&cell(owner), b"client secret").await.unwrap();
            stored.push(sealed.as_bytes().to_vec());
            let value = KvValue::Sealed(sealed);
            let put =
                store.write(move |tx| Box::pin(async move { tx.put_kv(owner, "oauth2", "client", &value).await }));
            put.await.unwrap();
        }
        let public = store.write(|tx| {
            Box::pin(async move { tx.put_kv("local", "oauth2", "region", &KvValue::Public("eu".into())).await })
        });
        public.await.unwrap();
        let rotation = rotate(&sealer).await.unwrap();
        assert_eq!((rotation.resealed, rotation.unreadable, rotation.remaining), (2, 0, 0));
        let row = store.reader().await.unwrap().kv("local", "oauth2", "client").await.unwrap().unwrap();
        let sealed: Sealed = row.sealed.unwrap();
        assert_eq!(sealed.key_id(), rotation.key.as_bytes());
        assert_eq!(sealer.open(&cell("local"), &sealed).await.unwrap().expose(), b"client secret");
        assert!(sealer.open(&cell("other"), &sealed).await.is_err(), "the control");
    }
}
