//! A power failure loses nothing that was reported as done. Every change of a row is recorded with the durability
//! of its commit, and only the listed ones may be committed without waiting for the disk.
//!
//! Triggers record the changes. They run on the writing connection, so they see the durability of its commits
//! (SQLite's `synchronous`, PostgreSQL's `synchronous_commit`), whatever the program assumes.

use std::{collections::BTreeSet, time::Duration};

use connection_contract::{AuthType, Liveness, Secret, SigningKey, VerifyResult};
use connection_core::{Connection, Outcome};

use crate::{
    extension_kit::{TWIN, Twin, needs, of, secret_name},
    fake::Fake,
    hooks::{Hooks, deliver, enabled},
    reauthorize::reauthorized,
    renewing::Renewals,
    sql,
    test_host::{World, answers, code, connected, on_postgres, step},
    user::looked,
};

/// The changes that may be lost: a lease, whose holder is lost with it; a time at which something is due again; the
/// time and the number of measurements that found nothing new; the names of the secrets in a credential, which can
/// be read again; the number of a credential that was not stored; and a session without any answers, and the
/// step that a run repeats from the journal.
const RELAXED: &[&str] = &[
    "connection_account.next_generation",
    "connection_account.revision",
    "connection_approval.lease_until",
    "connection_credential.secret_names",
    "connection_endpoint.expires_at",
    "connection_liveness insert",
    "connection_liveness.checked_at",
    "connection_liveness.failures",
    "connection_liveness.fence",
    "connection_liveness.lease_owner",
    "connection_liveness.lease_until",
    "connection_liveness.next_check_at",
    "connection_liveness.refusal_checked_at",
    "connection_liveness.refused_at",
    "connection_liveness.refused_by",
    "connection_outbox.attempts",
    "connection_outbox.lease_owner",
    "connection_outbox.lease_until",
    "connection_setup insert",
    "connection_setup.expires_at",
    "connection_setup.lease_owner",
    "connection_setup.lease_until",
    "connection_setup.sealed_step",
    "connection_setup.state",
    "connection_setup.step_seq",
    "connection_webhook.lease_owner",
    "connection_webhook.lease_until",
];

/// Records every change from now on.
async fn watch(world: &World) {
    let database = world.database();
    sql::script(&database, "CREATE TABLE seen_commit (what TEXT NOT NULL, waits BOOLEAN NOT NULL)").await;
    let columns = sql::columns(&database).await;
    let columns: Vec<_> = columns.iter().filter_map(|column| column.split_once('.')).collect();
    let tables: BTreeSet<_> = columns.iter().map(|(table, _)| *table).collect();
    if on_postgres() {
        let look = "CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$ \
                    DECLARE waits BOOLEAN := current_setting('synchronous_commit') = 'on'; \
                    BEGIN IF TG_OP = 'UPDATE' THEN \
                    INSERT INTO seen_commit SELECT TG_TABLE_NAME || '.' || n.key, waits \
                    FROM jsonb_each(to_jsonb(NEW)) AS n WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key; \
                    ELSE INSERT INTO seen_commit VALUES (TG_TABLE_NAME || ' ' || lower(TG_OP), waits); END IF; \
                    RETURN NULL; END $$";
        sql::script(&database, look).await;
        for table in tables {
            let each = format!(
                "CREATE TRIGGER seen AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION seen()"
            );
            sql::script(&database, each).await;
        }
        return;
    }
    // 2 is FULL; with lower levels, no commit waits.
    let note = |what: &str| {
        format!("BEGIN INSERT INTO seen_commit SELECT '{what}', synchronous >= 2 FROM pragma_synchronous; END")
    };
    for table in tables {
        for event in ["insert", "delete"] {
            let note = note(&format!("{table} {event}"));
            sql::script(&database, format!("CREATE TRIGGER seen_{event}_{table} AFTER {event} ON {table} {note}"))
                .await;
        }
    }
    for (table, column) in columns {
        let note = note(&format!("{table}.{column}"));
        let of = format!("AFTER UPDATE OF {column} ON {table} WHEN OLD.{column} IS NOT NEW.{column}");
        sql::script(&database, format!("CREATE TRIGGER seen_{table}_{column} {of} {note}")).await;
    }
}

/// Returns the changes since the last call: by commits that wait, and by others.
async fn seen(world: &World) -> (BTreeSet<String>, BTreeSet<String>) {
    let database = world.database();
    let mut seen = (BTreeSet::new(), BTreeSet::new());
    for (waits, into) in [("waits", &mut seen.0), ("NOT waits", &mut seen.1)] {
        let sql = format!("SELECT DISTINCT what FROM seen_commit WHERE {waits}");
        into.extend(sql::texts(&database, sql).await);
    }
    sql::run(&database, "DELETE FROM seen_commit").await;
    seen
}

/// Checks that each of these was changed by commits that wait for the disk. Among all others, only the listed
/// ones were not.
async fn durable(world: &World, what: &str, changed: &[&str]) {
    let (durable, relaxed) = seen(world).await;
    let lost: Vec<_> = relaxed.iter().filter(|change| !RELAXED.contains(&change.as_str())).collect();
    assert!(lost.is_empty(), "{what}: the power may take {lost:?}");
    for change in changed {
        assert!(durable.contains(*change), "{what}: {change} is not among {durable:?}");
    }
}

/// The control is part of the test: a measurement that only confirms the stored state does not wait.
#[tokio::test]
async fn a_measurement_waits_for_the_disk_when_it_finds_something_new_or_rotates_the_credential() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    connection.verify().await.unwrap();
    watch(&world).await;
    world.clock.advance(Duration::from_secs(60));
    connection.verify().await.unwrap();
    let (durable_ones, relaxed) = seen(&world).await;
    assert!(
        relaxed.contains("connection_liveness.checked_at") && durable_ones.is_empty(),
        "{durable_ones:?} {relaxed:?}"
    );

    // No column changes except the credential.
    fake.finds(|_| VerifyResult::live().rotated(Secret::from("fresh")));
    world.clock.advance(Duration::from_secs(60));
    connection.verify().await.unwrap();
    let rotated = [
        "connection_credential insert",
        "connection_credential delete",
        "connection_account.generation",
        "connection_liveness.generation",
        "connection_event insert",
    ];
    durable(&world, "a rotation", &rotated).await;
    fake.finds(|_| VerifyResult::live());
    connection.verify().await.unwrap();
    assert_eq!(fake.seen.lock().unwrap().last().unwrap(), b"fresh");

    drop(seen(&world).await);
    for (liveness, what) in [(Liveness::Failing, "a failure"), (Liveness::Live, "a recovery")] {
        fake.is(liveness);
        world.clock.advance(Duration::from_secs(60));
        connection.verify().await.unwrap();
        durable(&world, what, &["connection_liveness.liveness", "connection_event insert"]).await;
    }
    fake.finds(|_| VerifyResult::live().scopes(["read"]));
    world.clock.advance(Duration::from_secs(60));
    connection.verify().await.unwrap();
    durable(&world, "scopes", &["connection_credential.granted_scopes", "connection_event insert"]).await;
}

#[tokio::test]
async fn a_setup_a_reauthorization_and_a_rollback_wait_for_the_disk() {
    let world = World::new().await;
    let registry = world.acme().await;
    watch(&world).await;
    let connection = connected(&registry, "key-1").await;
    let made = [
        "connection_setup_effect insert",
        "connection_setup.state",
        "connection_account insert",
        "connection_credential insert",
        "connection_event insert",
    ];
    durable(&world, "a setup", &made).await;
    connection.with_access_token(async |_| ()).await.unwrap();
    durable(&world, "a secret that is handed out", &["connection_event insert"]).await;
    assert_eq!(code(&reauthorized(&connection, "key-2").await), "done Live");
    durable(&world, "a re-authorization", &["connection_credential insert", "connection_account.generation"]).await;
    connection.rollback().await.unwrap();
    durable(&world, "a rollback", &["connection_credential insert", "connection_account.generation"]).await;
    registry.keys().rotate().await.unwrap();
    durable(&world, "a rotation of the keys", &["connection_keyset.keys_revision", "connection_credential.sealed"])
        .await;
    let session = registry.setups().begin(&connection.info().kind).await.unwrap();
    session.cancel().await.unwrap();
    durable(&world, "a cancellation", &["connection_setup.state"]).await;
    registry.remove(connection.id()).await.unwrap();
    durable(&world, "a removal", &["connection_account delete", "connection_event insert"]).await;
}

async fn reauthorize(connection: &Connection) {
    let session = connection.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("name", "ada")])).await.unwrap();
    assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
}

/// The record of a request that spends a token is on the disk before it is sent, and its answer before a caller gets
/// it.
#[tokio::test]
async fn a_refresh_waits_for_the_disk_before_and_after_it_spends() {
    let it = Renewals::new().await;
    watch(&it.world).await;
    it.at(100);
    it.connection.refresh().await.unwrap();
    let renewed = [
        "connection_exchange insert",
        "connection_exchange.sealed",
        "connection_exchange delete",
        "connection_credential insert",
        "connection_credential delete",
        "connection_account.generation",
        "connection_event insert",
    ];
    durable(&it.world, "a refresh", &renewed).await;
    it.provider.says(Some((429, "retry-after: 120\r\n", "")));
    it.at(200);
    it.connection.refresh().await.unwrap_err();
    durable(&it.world, "a refusal", &["connection_exchange delete", "connection_credential.refresh_reason"]).await;
    it.provider.says(None);
    reauthorize(&it.connection).await;
    durable(&it.world, "a re-authorization", &["connection_credential insert"]).await;
}

#[tokio::test]
async fn an_event_of_a_webhook_waits_for_the_disk_before_it_is_acknowledged_and_when_it_is_done() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = enabled(&registry, "ada").await;
    watch(&world).await;
    deliver(&connection, &registry, "1").await;
    durable(&world, "an event", &["connection_webhook insert", "connection_webhook_address.waiting"]).await;
    let mut deliveries = registry.webhooks().deliveries().await.unwrap();
    let event = looked(&world, deliveries.next()).await.unwrap().unwrap();
    // The control: a claim may be lost.
    let (_, relaxed) = seen(&world).await;
    assert!(relaxed.contains("connection_webhook.lease_until"), "{relaxed:?}");
    event.acknowledge().await.unwrap();
    durable(&world, "an acknowledgement", &["connection_webhook.acknowledged_at", "connection_webhook.sealed"]).await;
    connection.webhooks().rotate_key().await.unwrap();
    durable(&world, "a new key", &["connection_webhook_address.sealed"]).await;
    connection.webhooks().disable().await.unwrap();
    durable(&world, "an address that is switched off", &["connection_webhook_address.token_hash"]).await;
}

/// The release of a secret is recorded durably before a caller gets the secret.
#[tokio::test]
async fn the_use_of_a_secret_waits_for_the_disk() {
    let world = World::new().await;
    let twin = Twin::new();
    let registry = world.open(twin.clone()).await;
    let sms = registry.extensions().handle(of("sms", needs(TWIN, AuthType::ApiKey, &["apiSecret"]))).unwrap();
    let connection = twin.connected(&registry, "AC-canary-1", "canary-2").await;
    watch(&world).await;
    registry.extensions().grant("sms", connection.id(), &[secret_name("apiSecret")]).await.unwrap();
    durable(&world, "a grant", &["connection_extension_grant insert", "connection_event insert"]).await;
    assert_eq!(sms.inject(Some("list")).await.unwrap().secrets().count(), 1);
    durable(&world, "a use", &["connection_event insert"]).await;
    registry.extensions().revoke("sms", connection.id()).await.unwrap();
    durable(&world, "a revocation", &["connection_extension_grant.revoked_at", "connection_event insert"]).await;
}
