//! The floors: the same query texts and binds by the driver alone, a lookup, and a value that is opened.

use std::{collections::HashMap, sync::Mutex};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use connection_core::ConnectionId;
use sqlx::{Connection as _, Row as _, SqliteConnection, SqlitePool, sqlite::SqliteRow};
use uuid::Uuid;

/// Texts first, then numbers, then bytes.
const ONE: &str = "SELECT a.owner, a.kind, a.profile_id, a.label, a.account_id, a.account_label, a.config, a.state, \
     c.state, c.secret_names, c.granted_scopes, c.refresh_reason, l.liveness, l.reason, e.owner, e.kind, e.body, \
     a.is_default, a.revision, a.generation, a.next_generation, a.created_at, a.updated_at, a.usable_at, c.generation, \
     c.valid_until, c.created_at, c.renew_at, c.authorized_until, c.refreshed_at, c.refresh_at, c.refresh_failures, \
     c.announced_at, l.checked_at, l.next_check_at, e.seq, e.at, e.generation, \
     a.id, c.sealed, c.key_id, e.id, e.chain, e.facts \
     FROM connection_account AS a \
     JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation AND c.state = 'current' \
     LEFT JOIN connection_liveness AS l ON l.connection_id = a.id \
     LEFT JOIN connection_event AS e ON e.connection_id = a.id AND e.seq = \
     (SELECT MAX(n.seq) FROM connection_event AS n WHERE n.connection_id = a.id) WHERE a.id = $1";

const PAGE: &str = "SELECT a.owner, a.kind, a.profile_id, a.label, a.account_id, a.account_label, a.config, a.state, \
     l.liveness, l.reason, c.granted_scopes, c.refresh_reason, \
     a.is_default, a.revision, a.generation, a.next_generation, a.created_at, a.updated_at, a.usable_at, \
     l.checked_at, l.next_check_at, c.valid_until, c.authorized_until, a.id \
     FROM connection_account AS a LEFT JOIN connection_liveness AS l ON l.connection_id = a.id \
     LEFT JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation \
     WHERE a.owner = $1 AND (a.usable_at, a.id) > ($2, $3) ORDER BY a.usable_at, a.id LIMIT 50";

/// The values of one row.
type Decoded = (Vec<Option<String>>, Vec<Option<i64>>, Vec<Option<Vec<u8>>>);

fn decoded(row: &SqliteRow, texts: usize, numbers: usize) -> Decoded {
    let numbers = texts + numbers;
    let end = row.len();
    let text = (0..texts).map(|at| row.get(at)).collect();
    (text, (texts..numbers).map(|at| row.get(at)).collect(), (numbers..end).map(|at| row.get(at)).collect())
}

/// Reads all columns of a connection, by its id.
pub(crate) async fn one(reader: &mut SqliteConnection, id: ConnectionId) -> Decoded {
    let row = sqlx::query(ONE).bind(uuid(id)).fetch_one(reader).await.unwrap();
    decoded(&row, 17, 21)
}

/// Reads the fifty connections after a position.
pub(crate) async fn page(reader: &mut SqliteConnection, at: i64, id: Uuid) -> Vec<Decoded> {
    let rows = sqlx::query(PAGE).bind("local").bind(at).bind(id).fetch_all(reader).await.unwrap();
    rows.iter().map(|row| decoded(row, 12, 11)).collect()
}

/// Returns the position of a connection in the order of lists.
pub(crate) async fn place(pool: &SqlitePool, id: ConnectionId) -> (i64, Uuid) {
    let sql = "SELECT usable_at, id FROM connection_account WHERE id = $1";
    sqlx::query_as(sql).bind(uuid(id)).fetch_one(pool).await.unwrap()
}

fn uuid(id: ConnectionId) -> Uuid {
    id.to_string().parse().unwrap()
}

/// Inserts the rows of that many connections in one transaction, which is synced.
pub(crate) async fn insert(to: &mut SqliteConnection, count: usize, number: &mut u128) {
    const ACCOUNT: &str = "INSERT INTO connection_account (id, owner, kind, label, account_id, account_label, config, \
         generation, next_generation, state, created_at, updated_at, usable_at) \
         VALUES ($1, 'local', 'scale-1', $2, $2, $2, '[]', 1, 2, 'active', $3, $3, $3)";
    const CREDENTIAL: &str = "INSERT INTO connection_credential (connection_id, generation, state, sealed, key_id, \
         secret_names, created_at) VALUES ($1, 1, 'current', $2, $3, '[\"accessToken\"]', $4)";
    const LIVENESS: &str = "INSERT INTO connection_liveness (connection_id, liveness, generation, failures) \
         VALUES ($1, 'unknown', 1, 0)";
    const EVENT: &str = "INSERT INTO connection_event (id, owner, connection_id, seq, at, kind, body, chain, generation, \
         facts) VALUES ($1, 'local', $1, 1, $2, 'imported', '{\"kind\":\"scale-1\"}', $3, 1, $3)";
    // Far after every id and time of the store, and ascending, as the store's ids are.
    const LAST: i64 = i64::MAX / 2;
    let mut transaction = to.begin_with("BEGIN IMMEDIATE").await.unwrap();
    for _ in 0..count {
        *number += 1;
        let id = Uuid::from_u128((0xff << 120) + *number);
        let label = format!("floor {number}");
        let at = LAST + i64::try_from(*number).unwrap();
        sqlx::query(ACCOUNT).bind(id).bind(label).bind(at).execute(&mut *transaction).await.unwrap();
        let credential = sqlx::query(CREDENTIAL).bind(id).bind(vec![1; 317]).bind(vec![1; 8]).bind(at);
        credential.execute(&mut *transaction).await.unwrap();
        sqlx::query(LIVENESS).bind(id).execute(&mut *transaction).await.unwrap();
        sqlx::query(EVENT).bind(id).bind(at).bind(vec![1; 32]).execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

/// Sealed values by id.
pub(crate) struct Opened {
    key: LessSafeKey,
    sealed: Mutex<HashMap<ConnectionId, Vec<u8>>>,
}

impl Opened {
    pub(crate) fn of(ids: &[ConnectionId]) -> Self {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, &[7; 32]).unwrap());
        let seal = |id: &ConnectionId| {
            let mut value = vec![1; 256];
            key.seal_in_place_append_tag(nonce(), Aad::from([2; 64]), &mut value).unwrap();
            (*id, value)
        };
        let sealed = ids.iter().map(seal).collect();
        Self { key, sealed: Mutex::new(sealed) }
    }

    /// Looks a value up and opens it.
    pub(crate) fn open(&self, id: ConnectionId) -> Vec<u8> {
        let mut value = self.sealed.lock().unwrap()[&id].clone();
        let opened = self.key.open_in_place(nonce(), Aad::from([2; 64]), &mut value).unwrap().len();
        value.truncate(opened);
        value
    }
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([3; NONCE_LEN])
}
