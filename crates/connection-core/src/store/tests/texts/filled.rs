//! A database with rows in every table that grows, all of one owner and kind, which is the hardest case.

use sqlx::{AssertSqlSafe, Executor};

/// The number of rows in each table.
const ROWS: u32 = 3000;

/// The values of each table, by the number of the row. `{id}` is an id and `{hash}` 32 bytes.
const TABLES: &[(&str, &str)] = &[
    (
        "connection_account (id, owner, kind, profile_id, label, account_id, account_label, is_default, config, \
         generation, next_generation, state, created_at, updated_at)",
        "{id}, 'local', 'github', CASE WHEN i % 2 = 0 THEN 'p' || i END, 'l' || i, 'a' || i, 'a' || i, i = 1, '{}', 1, 2, \
         'active', i, i",
    ),
    (
        "connection_credential (connection_id, generation, state, sealed, key_id, secret_names, valid_until, \
         created_at, authorized_until, refresh_at)",
        "{id}, 1, 'current', {hash}, substr({hash}, 25, 8), '[]', i, i, i, i",
    ),
    (
        "connection_credential (connection_id, generation, state, sealed, key_id, secret_names, created_at, replaced_at)",
        "{id}, 2, 'previous', {hash}, substr({hash}, 25, 8), '[]', i, i",
    ),
    ("connection_usage (connection_id, at, metric, account, value)", "{id}, i, 'five_hour', 'ada', 0.5"),
    ("connection_usage_snapshot (connection_id, account, fetched_at, snapshot)", "{id}, 'ada', i, '{}'"),
    (
        "connection_usage_window (connection_id, metric, account, reported_at, ends_at, body)",
        "{id}, 'five_hour', 'ada', i, i, '{}'",
    ),
    ("connection_tag (connection_id, name, value, owner, usable_at)", "{id}, 'plan', 'pro', 'local', i"),
    ("connection_attention (connection_id, number, is_needed)", "{id}, 1, TRUE"),
    ("connection_provider_grant (connection_id, application, account)", "{id}, {hash}, {hash}"),
    (
        "connection_liveness (connection_id, liveness, generation, checked_at, next_check_at, refused_at)",
        "{id}, 'live', 1, i, i, CASE WHEN i % 20 = 0 THEN i END",
    ),
    ("connection_lacking_scope (owner, extension, connection_id, scopes)", "'local', 'e' || i, {id}, '[]'"),
    (
        "connection_event (id, owner, connection_id, seq, at, kind, body, chain)",
        "{id}, 'local', {id}, 1, i, 'connected', '{}', {hash}",
    ),
    ("connection_event_due (event_id)", "{id}"),
    (
        "connection_setup (id, owner, kind, connection_id, state, sealed_header, sealed_step, expires_at, created_at)",
        "{id}, 'local', 'github', {id}, CASE WHEN i % 20 = 0 THEN 'waiting' ELSE 'done' END, {hash}, {hash}, i, i",
    ),
    ("connection_setup_effect (session_id, seq, sealed)", "{id}, 1, {hash}"),
    ("connection_setup_input (session_id, id, sealed)", "{id}, {id}, {hash}"),
    ("connection_endpoint (token_hash, owner, session_id, expires_at)", "{hash}, 'local', {id}, i"),
    (
        "connection_exchange (key, connection_id, node_id, process_id, begun_at, sent_at, seen_at, state)",
        "{hash}, {id}, 'node', 'process', i, i, i, 'intent'",
    ),
    ("connection_exchange_look (key, attempt, boot_id, boot_seconds)", "{hash}, 0, 'boot', i"),
    (
        "connection_access_token (id, owner, purpose, token_hash, name, role, created_at, expires_at, agent_id, mark)",
        "{id}, 'local', 'program', {hash}, 'n' || i, 'read', i, i, CASE WHEN i % 2 = 0 THEN {id} END, {hash}",
    ),
    (
        "connection_agent (id, owner, name, made_at, removed_at, mark)",
        "{id}, 'local', 'a' || i, i, CASE WHEN i % 2 = 0 THEN i END, {hash}",
    ),
    (
        "connection_agent_grant (owner, agent_id, connection_id, rules, created_at, expires_at, mark)",
        "'local', {id}, {id}, '{}', i, i, {hash}",
    ),
    (
        "connection_approval (id, owner, agent_id, connection_id, kind, state, same, facts, created_at, ends_at, \
         changed_at, sealed_request, mark)",
        "{id}, 'local', {id}, {id}, 'github', CASE WHEN i % 20 = 0 THEN 'waiting' ELSE 'answered' END, {hash}, '{}', \
         i, i, i, {hash}, {hash}",
    ),
    (
        "connection_widening (owner, agent_id, connection_id, matched, revision, facts, created_at, ends_at, requests, \
         taken, mark)",
        "'local', {id}, {id}, {hash}, i, '{}', i, i, i, 0, {hash}",
    ),
    (
        "connection_budget (owner, grantee, connection_id, revision, number, taken, lease)",
        "'local', 'agent:' || i, {id}, i, i, i, i",
    ),
    ("connection_access_token_request (key, request, made, created_at, is_whole)", "{hash}, {hash}, 'm' || i, i, TRUE"),
    (
        "connection_outbox (id, owner, connection_id, name, body, state, next_at)",
        "{id}, 'local', {id}, 'connection.connected', '{}', CASE WHEN i % 20 = 0 THEN 'pending' ELSE 'failed' END, \
         CASE WHEN i % 20 = 0 THEN i END",
    ),
    ("connection_kv (owner, namespace, key, value)", "'local', 'n' || (i % 100), 'k' || i, 'v'"),
    ("connection_row_event (owner, seq, subject, at, chain)", "'local', i, {hash}, i, {hash}"),
    (
        "connection_extension (owner, name, provider, source, fingerprint, added_at, mark)",
        "'local', 'e' || i, 'e' || i, '{}', {hash}, i, {hash}",
    ),
    ("connection_extension_state (owner, name, provider, public, mark)", "'local', 'e' || i, 'e' || i, '{}', {hash}"),
    ("connection_extension_choice (owner, extension, connection_id, mark)", "'local', 'e' || i, {id}, {hash}"),
    (
        "connection_extension_grant (owner, extension, connection_id, names, created_at, mark)",
        "'local', 'e' || i, {id}, '[]', i, {hash}",
    ),
    (
        "connection_extension_preference (owner, extension, command, body, revision, mark)",
        "'local', 'e' || i, '', '{}', 1, {hash}",
    ),
    ("connection_extension_ticket (id, owner, extension, command, created_at)", "{id}, 'local', 'e' || i, '', i"),
    (
        "connection_profile (id, owner, kind, label, directory, created_at, updated_at, mark)",
        "{id}, 'local', 'github', 'l' || i, '/' || i, i, i, {hash}",
    ),
    (
        "connection_profile_slot (owner, kind, slot, profile_id, updated_at, mark)",
        "'local', 'github', 's' || i, {id}, i, {hash}",
    ),
    (
        "connection_webhook_address (connection_id, token_hash, sealed, revision, waiting)",
        "{id}, {hash}, {hash}, 1, CASE WHEN i % 20 = 0 THEN 1 ELSE 0 END",
    ),
    ("connection_webhook (id, connection_id, number, digest, received_at, sealed)", "{id}, {id}, 1, {hash}, i, {hash}"),
];

/// Fills the tables, with the engine's expressions for an id and a hash of the number `i`. Nothing is analyzed.
pub(in super::super) async fn fill<'c, C>(connection: &'c mut C, id: &str, hash: &str)
where
    for<'e> &'e mut C: Executor<'e>,
{
    for (table, values) in TABLES {
        let values = values.replace("{id}", id).replace("{hash}", hash);
        let sql = format!(
            "WITH RECURSIVE rows(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM rows WHERE i < {ROWS}) \
             INSERT INTO {table} SELECT {values} FROM rows"
        );
        (&mut *connection).execute(AssertSqlSafe(sql)).await.unwrap();
    }
}
