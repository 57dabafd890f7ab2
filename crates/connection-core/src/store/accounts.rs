//! Queries of `connection_account`.

use connection_contract::{Identity, Kind};
use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    columns::{Found, row},
    engine::{Engine, all, execute, later, optional},
    json,
    rows::{AccountRow, FoundRow, ListedRow},
    signals::Changed,
};
use crate::ids::ConnectionId;

/// Selects connections as lists show them, with a condition and the clauses that follow it.
macro_rules! listed {
    ($condition:literal $(, $rest:literal)*) => {
        $crate::store::accounts::listed_with!("", ""; $condition $(, $rest)*)
    };
}

/// Selects connections as lists show them, with further columns and joins.
macro_rules! listed_with {
    ($columns:expr, $join:expr; $condition:literal $(, $rest:literal)*) => {
        concat!(
            "SELECT a.id, a.owner, a.kind, a.profile_id, a.label, a.account_id, a.account_label, a.is_default, \
             a.config, a.terms, a.revision, a.generation, a.next_generation, a.state, a.created_at, a.updated_at, \
             l.liveness, l.reason, l.checked_at, l.next_check_at, l.paused_until, l.refused_at, l.refused_by, l.failures, c.granted_scopes, c.valid_until, c.authorized_until, \
             c.refresh_reason, a.tags, a.usable_at",
            $columns,
            " FROM connection_account AS a \
             LEFT JOIN connection_liveness AS l ON l.connection_id = a.id \
             LEFT JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation ",
            $join,
            "WHERE ",
            $condition
            $(, $rest)*
        )
    };
}

pub(super) use listed_with;

row! {
    /// The connections of the same owner and kind as a new one.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct BesideRow {
        /// The label of the oldest connection to the same account.
        pub(crate) label_of_account: Option<String>,
        /// `true` if a connection has the same label.
        pub(crate) is_label_taken: bool,
    }
}

row! {
    /// A connection in a list of one kind, of all owners.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct OfKindRow {
        pub(crate) id: ConnectionId,
        pub(crate) owner: String,
        pub(crate) generation: i64,
        pub(crate) profile_id: Option<String>,
    }
}

/// The connections of a kind, of all owners, with ids after `$2`.
pub(super) const OF_KIND: &str = "SELECT id, owner, generation, profile_id FROM connection_account \
                                  WHERE kind = $1 AND id > $2 ORDER BY id LIMIT $3";

/// Each engine has its own text, because no type for a list of ids exists on both.
#[cfg(feature = "sqlite")]
pub(super) const KINDS: &str = "SELECT a.id, a.kind FROM json_each($2) AS j \
     CROSS JOIN connection_account AS a ON a.id = unhex(j.value) WHERE a.owner = $1";
#[cfg(feature = "postgres")]
pub(super) const KINDS_ON_POSTGRES: &str = "SELECT a.id, a.kind FROM connection_account AS a \
     WHERE a.owner = $1 AND a.id = ANY (ARRAY(SELECT CAST(value AS UUID) FROM jsonb_array_elements_text(CAST($2 AS JSONB))))";

/// The kinds of the list `$1` that have connections.
#[cfg(feature = "sqlite")]
pub(super) const CONNECTED: &str = "SELECT j.value AS kind FROM json_each($1) AS j \
     WHERE EXISTS (SELECT 1 FROM connection_account AS a WHERE a.kind = j.value)";
#[cfg(feature = "postgres")]
pub(super) const CONNECTED_ON_POSTGRES: &str = "SELECT j.kind FROM jsonb_array_elements_text(CAST($1 AS JSONB)) AS j (kind) \
     WHERE EXISTS (SELECT 1 FROM connection_account AS a WHERE a.kind = j.kind)";

/// The kinds of an owner's connections that belong to extensions.
pub(super) const OWN: &str = "WITH RECURSIVE found AS (\
     SELECT MIN(kind) AS kind FROM connection_account WHERE owner = $1 UNION ALL \
     SELECT (SELECT MIN(a.kind) FROM connection_account AS a WHERE a.owner = $1 AND a.kind > found.kind) AS kind \
     FROM found WHERE found.kind IS NOT NULL) \
     SELECT kind FROM found WHERE kind LIKE '%/%'";

/// The caller sorts the few rows: with `ORDER BY id`, SQLite would walk all connections of the owner.
pub(super) const DEFAULTS: &str = "SELECT id, kind FROM connection_account WHERE owner = $1 AND is_default";

/// Reads at most two rows: enough to tell whether there are none, one or several.
pub(super) const FIRST_TWO: &str =
    "SELECT id, is_default FROM connection_account WHERE owner = $1 AND kind = $2 LIMIT 2";

/// The number of microseconds in a second.
const MICROSECONDS: i64 = 1_000_000;

/// Returns the pattern of `LIKE` for an e-mail address in small letters. SQLite knows the capital letters of ASCII alone, and
/// PostgreSQL those of its locale, so any characters may stand in the place of the others, and of I, whose small letter is
/// another one in Turkish. The caller compares what is found.
fn in_any_case(email: &str) -> String {
    let mut pattern = String::with_capacity(email.len());
    for character in email.chars() {
        match character {
            '!' | '%' | '_' => pattern.extend(['!', character]),
            'i' | 'I' => pattern.push('_'),
            character if character.is_ascii() => pattern.push(character.to_ascii_lowercase()),
            _ => pattern.push('%'),
        }
    }
    pattern
}

/// Connections by their ids, as lists show them. The owner is compared as an expression, so that no plan walks all
/// connections of the owner.
#[cfg(feature = "sqlite")]
pub(super) const LISTED: &str =
    listed!("a.owner || '' = $1 AND a.id IN (SELECT unhex(j.value) FROM json_each($2) AS j)");
#[cfg(feature = "postgres")]
pub(super) const LISTED_ON_POSTGRES: &str = listed!(
    "a.owner || '' = $1 AND a.id = ANY (ARRAY(SELECT CAST(value AS UUID) FROM jsonb_array_elements_text(CAST($2 AS JSONB))))"
);

impl Reader {
    /// Returns at most two connections of a kind, each with `true` if it is the default of its provider.
    pub(crate) async fn first_two_accounts(
        &mut self,
        owner: &str,
        kind: &str,
    ) -> Result<Vec<(ConnectionId, bool)>, StoreError> {
        let found = all!(self, (Uuid, bool), FIRST_TWO, owner, kind)?;
        Ok(found.into_iter().map(|(id, is_default)| (ConnectionId::from(id), is_default)).collect())
    }

    /// Returns the connections of a kind, of all owners, with ids after `after`.
    pub(crate) async fn accounts_of_kind(
        &mut self,
        kind: &str,
        after: Option<ConnectionId>,
        limit: i64,
    ) -> Result<Vec<OfKindRow>, StoreError> {
        let after = after.map_or(Uuid::nil(), |id| id.as_uuid());
        all!(self, OfKindRow, OF_KIND, kind, after, limit)
    }

    /// Returns those of the kinds of which there is a connection of any owner. It reads one entry of an index for each,
    /// whatever the number of connections.
    pub(crate) async fn connected_of(&mut self, kinds: &[Kind]) -> Result<Vec<String>, StoreError> {
        let sql = match self.engine() {
            // If the connection is lost, no text is run.
            Engine::Lost => "",
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => CONNECTED_ON_POSTGRES,
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => CONNECTED,
        };
        let names: Vec<&str> = kinds.iter().map(Kind::as_str).collect();
        let found = all!(self, (String,), sql, serde_json::json!(names).to_string())?;
        Ok(found.into_iter().map(|(kind,)| kind).collect())
    }

    /// Returns the kinds of an owner's connections that belong to extensions, in the order of their names. It reads one
    /// entry of an index for each kind of the owner, whatever the number of connections.
    pub(crate) async fn connected_own_kinds(&mut self, owner: &str) -> Result<Vec<String>, StoreError> {
        let mut kinds: Vec<_> = all!(self, (String,), OWN, owner)?.into_iter().map(|(kind,)| kind).collect();
        kinds.sort();
        Ok(kinds)
    }

    /// Returns the kinds and labels of an owner's connections, in the order of ids. Rows that cannot be read are left out.
    pub(crate) async fn kinds_and_labels(
        &mut self,
        owner: &str,
        limit: i64,
    ) -> Result<Vec<(String, String)>, StoreError> {
        const SQL: &str = "SELECT kind, label FROM connection_account WHERE owner = $1 ORDER BY id LIMIT $2";
        let found = all!(self, Found<(String, String)>, SQL, owner, limit)?;
        Ok(found.into_iter().filter_map(|Found(row)| row).collect())
    }

    pub(crate) async fn account(&mut self, id: ConnectionId) -> Result<Option<AccountRow>, StoreError> {
        const SQL: &str = "SELECT id, owner, kind, profile_id, label, account_id, account_label, is_default, config, \
                           terms, revision, generation, next_generation, state, created_at, updated_at \
                           FROM connection_account WHERE id = $1";
        optional!(self, AccountRow, SQL, id.as_uuid())
    }

    pub(crate) async fn account_by_label(
        &mut self,
        owner: &str,
        kind: &str,
        label: &str,
    ) -> Result<Option<ConnectionId>, StoreError> {
        const SQL: &str = "SELECT id FROM connection_account WHERE owner = $1 AND kind = $2 AND label = $3";
        let found = optional!(self, (Uuid,), SQL, owner, kind, label)?;
        Ok(found.map(|(id,)| ConnectionId::from(id)))
    }

    /// Returns the oldest connection to the account of that identity, with its label, but not the connection `except`. An
    /// e-mail address is found in any case.
    pub(crate) async fn account_of(
        &mut self,
        owner: &str,
        kind: &str,
        identity: &Identity,
        except: Option<ConnectionId>,
    ) -> Result<Option<(ConnectionId, String)>, StoreError> {
        const SQL: &str = "SELECT id, label FROM connection_account \
                           WHERE owner = $1 AND kind = $2 AND account_id = $3 AND id <> $4 ORDER BY id LIMIT 1";
        const OF_EMAIL: &str = "SELECT id, label, account_id FROM connection_account WHERE owner = $1 AND kind = $2 \
                                AND lower(account_id) LIKE $3 ESCAPE '!' AND id <> $4 ORDER BY id";
        let Identity { account_id, is_email, former_email, .. } = identity;
        let except = except.map_or(Uuid::nil(), ConnectionId::as_uuid);
        let mut found = optional!(self, (Uuid, String), SQL, owner, kind, account_id.as_str(), except)?;
        for email in Some(account_id).filter(|_| *is_email).into_iter().chain(former_email) {
            if found.is_none() {
                let alike =
                    all!(self, (Uuid, String, String), OF_EMAIL, owner, kind, in_any_case(email.as_str()), except)?;
                let of_it = alike.into_iter().find(|(_, _, stored)| identity.has_id(stored));
                found = of_it.map(|(id, label, _)| (id, label));
            }
        }
        Ok(found.map(|(id, label)| (ConnectionId::from(id), label)))
    }

    /// Returns what a new connection must be compared with.
    pub(crate) async fn beside(&mut self, new: &AccountRow) -> Result<BesideRow, StoreError> {
        const SQL: &str = "SELECT (SELECT i.label FROM connection_account AS i WHERE i.owner = $1 AND i.kind = $2 \
                           AND i.account_id = $3 ORDER BY i.id LIMIT 1) AS label_of_account, \
                           EXISTS (SELECT 1 FROM connection_account AS o WHERE o.owner = $1 AND o.kind = $2 \
                           AND o.label = $4) AS is_label_taken";
        let found = optional!(self, BesideRow, SQL, &new.owner, &new.kind, &new.account_id, &new.label)?;
        Ok(found.unwrap_or_default())
    }

    /// Returns the account ids and the labels of an owner's connections of a kind, in the order of the connections' ids.
    pub(crate) async fn account_ids(&mut self, owner: &str, kind: &str) -> Result<Vec<(String, String)>, StoreError> {
        const SQL: &str = "SELECT account_id, label FROM connection_account WHERE owner = $1 AND kind = $2 ORDER BY id";
        all!(self, (String, String), SQL, owner, kind)
    }

    /// Returns the label of the oldest connection of that profile. Without a profile, searches the connections that
    /// have none.
    pub(crate) async fn account_of_profile(
        &mut self,
        owner: &str,
        kind: &str,
        profile: Option<&str>,
    ) -> Result<Option<String>, StoreError> {
        const OF_ONE: &str = "SELECT label FROM connection_account \
                              WHERE owner = $1 AND kind = $2 AND profile_id = $3 ORDER BY id LIMIT 1";
        const OF_NONE: &str = "SELECT label FROM connection_account \
                               WHERE owner = $1 AND kind = $2 AND profile_id IS NULL ORDER BY id LIMIT 1";
        let found = match profile {
            Some(profile) => optional!(self, (String,), OF_ONE, owner, kind, profile)?,
            None => optional!(self, (String,), OF_NONE, owner, kind)?,
        };
        Ok(found.map(|(label,)| label))
    }

    /// Returns ids and kinds of the owner's defaults, one per provider, in the order of ids.
    pub(crate) async fn default_accounts(&mut self, owner: &str) -> Result<Vec<(ConnectionId, String)>, StoreError> {
        let mut found = all!(self, (Uuid, String), DEFAULTS, owner)?;
        found.sort_unstable();
        Ok(found.into_iter().map(|(id, kind)| (ConnectionId::from(id), kind)).collect())
    }

    /// Returns the kinds of those connections that belong to the owner, in any order.
    pub(crate) async fn kinds_of(
        &mut self,
        owner: &str,
        ids: &[ConnectionId],
    ) -> Result<Vec<(ConnectionId, String)>, StoreError> {
        let sql = match self.engine() {
            // If the connection is lost, no text is run.
            Engine::Lost => "",
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => KINDS_ON_POSTGRES,
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => KINDS,
        };
        let found = all!(self, (Uuid, String), sql, owner, json::ids(ids))?;
        Ok(found.into_iter().map(|(id, kind)| (ConnectionId::from(id), kind)).collect())
    }

    /// Returns those of the connections that exist and belong to the owner as lists show them, in any order.
    pub(crate) async fn listed_of(&mut self, owner: &str, ids: &[ConnectionId]) -> Result<Vec<FoundRow>, StoreError> {
        let sql = match self.engine() {
            // If the connection is lost, no text is run.
            Engine::Lost => "",
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => LISTED_ON_POSTGRES,
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => LISTED,
        };
        all!(self, FoundRow, sql, owner, json::ids(ids))
    }

    /// Returns one connection as lists show it.
    pub(crate) async fn listed(&mut self, id: ConnectionId) -> Result<Option<ListedRow>, StoreError> {
        optional!(self, ListedRow, listed!("a.id = $1"), id.as_uuid())
    }
}

impl Tx {
    /// Inserts a row, which becomes the last one in the order of lists, whatever its id and the clock say. The
    /// caller holds the owner's lock, so no row of that owner is committed after one that follows it in this order.
    ///
    /// Returns [`StoreError::Conflict`] if the label is taken.
    pub(crate) async fn insert_account(&mut self, row: &AccountRow) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_account (id, owner, kind, profile_id, label, account_id, \
                           account_label, is_default, config, terms, revision, generation, next_generation, state, \
                           created_at, updated_at, usable_at) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
                           (SELECT CASE WHEN n.last < $17 OR n.last = 9223372036854775807 THEN $17 ELSE n.last + 1 END \
                           FROM (SELECT COALESCE(MAX(usable_at), 0) AS last FROM connection_account) AS n))";
        self.changed(Changed::Connection(row.id));
        later!(
            self,
            SQL,
            row.id.as_uuid(),
            &row.owner,
            &row.kind,
            &row.profile_id,
            &row.label,
            &row.account_id,
            &row.account_label,
            row.is_default,
            &row.config,
            &row.terms,
            row.revision,
            row.generation,
            row.next_generation,
            row.state.as_str(),
            row.created_at,
            row.updated_at,
            row.created_at.saturating_mul(MICROSECONDS)
        )
    }

    /// Returns the next number for a credential and uses it up; `None` if the connection does not exist.
    pub(crate) async fn draw_generation(&mut self, id: ConnectionId) -> Result<Option<i64>, StoreError> {
        const SQL: &str = "UPDATE connection_account SET next_generation = next_generation + 1, \
                           revision = revision + 1 WHERE id = $1 RETURNING next_generation - 1";
        let drawn = optional!(self, (i64,), SQL, id.as_uuid())?;
        Ok(drawn.map(|(generation,)| generation))
    }

    /// Makes another credential the current one if `expected` still is current. Returns `false` if it is not.
    pub(crate) async fn promote_generation(
        &mut self,
        id: ConnectionId,
        expected: i64,
        new: i64,
        now: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_account SET generation = $3, revision = revision + 1, updated_at = $4 \
                           WHERE id = $1 AND generation = $2";
        self.changed(Changed::Connection(id));
        Ok(execute!(self, SQL, id.as_uuid(), expected, new, now)? == 1)
    }

    /// Sets the label of a connection that exists. Returns [`StoreError::Conflict`] if the label is taken, perhaps only
    /// with the next statement.
    pub(crate) async fn set_account_label(
        &mut self,
        id: ConnectionId,
        label: &str,
        now: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_account SET label = $2, revision = revision + 1, updated_at = $3 \
                           WHERE id = $1";
        self.changed(Changed::Connection(id));
        later!(self, SQL, id.as_uuid(), label, now)
    }

    /// Makes the connection the default of its provider, or no longer the default. Returns `false` if the connection
    /// does not exist.
    pub(crate) async fn set_account_default(
        &mut self,
        id: ConnectionId,
        is_default: bool,
        now: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_account SET is_default = $2, revision = revision + 1, updated_at = $3 \
                           WHERE id = $1";
        self.changed(Changed::Connection(id));
        Ok(execute!(self, SQL, id.as_uuid(), is_default, now)? == 1)
    }

    /// Stores the new name of the account after it was renamed at its provider.
    pub(crate) async fn set_account_identity_label(
        &mut self,
        id: ConnectionId,
        account_label: &str,
        now: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_account SET account_label = $2, revision = revision + 1, \
                           updated_at = $3 WHERE id = $1";
        self.changed(Changed::Connection(id));
        Ok(execute!(self, SQL, id.as_uuid(), account_label, now)? == 1)
    }

    /// Stores the new id and name of the account after its id was changed at its provider.
    pub(crate) async fn set_account_identity(
        &mut self,
        id: ConnectionId,
        account_id: &str,
        account_label: &str,
        now: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_account SET account_id = $2, account_label = $3, revision = revision + 1, \
                           updated_at = $4 WHERE id = $1";
        self.changed(Changed::Connection(id));
        Ok(execute!(self, SQL, id.as_uuid(), account_id, account_label, now)? == 1)
    }

    /// Stores the account, the configuration and the terms that belong to a new credential.
    pub(crate) async fn set_account_facts(
        &mut self,
        id: ConnectionId,
        account_id: &str,
        account_label: &str,
        config: &str,
        terms: Option<&[u8]>,
        now: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_account SET account_id = $2, account_label = $3, config = $4, \
                           config_revision = config_revision + CASE WHEN config = $4 THEN 0 ELSE 1 END, terms = $5, \
                           revision = revision + 1, updated_at = $6 WHERE id = $1";
        self.changed(Changed::Connection(id));
        Ok(execute!(self, SQL, id.as_uuid(), account_id, account_label, config, terms, now)? == 1)
    }

    /// Deletes a connection with its credentials and liveness; its events stay. Returns `false` if the connection
    /// does not exist.
    pub(crate) async fn delete_account(&mut self, id: ConnectionId) -> Result<bool, StoreError> {
        self.changed(Changed::Connection(id));
        self.withdraws();
        Ok(execute!(self, "DELETE FROM connection_account WHERE id = $1", id.as_uuid())? == 1)
    }
}
