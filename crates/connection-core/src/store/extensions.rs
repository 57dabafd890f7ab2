//! Queries of `connection_extension`, `connection_extension_grant`, `connection_extension_state` and
//! `connection_extension_ticket`.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    engine::{Engine, all, execute, later, optional},
    json,
    row_events::newest,
    rows::{ExtensionRow, ExtensionStateRow, GrantRow, StoredMark, TicketRow},
    signals::Changed,
};
use crate::ids::{ConnectionId, SessionId};

/// The name of the extension to which a kind belongs, which is named EXTENSION/PROVIDER: what remains of it without the
/// characters of a provider and the '/'. Of the name of another kind nothing remains, and no extension has that name.
macro_rules! extension_of {
    ($kind:literal) => {
        concat!("rtrim(rtrim(", $kind, ", 'abcdefghijklmnopqrstuvwxyz0123456789-'), '/')")
    };
}

/// Connections of these kinds, see [`any_of`](super::any_of), and of the kinds that extensions of their owners bring.
macro_rules! of_kinds {
    ($kinds:literal) => {
        concat!(
            "(",
            $kinds,
            " LIKE '%,' || a.kind || ',%' OR EXISTS (SELECT 1 FROM connection_extension AS x WHERE x.owner = a.owner AND x.name = ",
            extension_of!("a.kind"),
            "))"
        )
    };
}

pub(super) use {extension_of, of_kinds};

macro_rules! granted {
    ($rest:literal) => {
        concat!(
            "SELECT g.owner, g.extension, g.connection_id, g.names, g.rules, g.created_at, g.revoked_at, g.mark, ",
            newest!("g.owner", "g.mark"),
            " AS newest FROM connection_extension_grant AS g WHERE ",
            $rest
        )
    };
}

/// The grants of some connections, including revoked ones. Each engine has its own text, because no type for a list of ids
/// exists on both. The owner is compared as an expression, so that no plan walks all grants of the owner.
#[cfg(feature = "sqlite")]
pub(super) const OF_CONNECTIONS: &str =
    granted!("g.owner || '' = $1 AND g.connection_id IN (SELECT unhex(j.value) FROM json_each($2) AS j)");
#[cfg(feature = "postgres")]
pub(super) const OF_CONNECTIONS_ON_POSTGRES: &str = granted!(
    "g.owner || '' = $1 AND g.connection_id = ANY (ARRAY(SELECT CAST(value AS UUID) FROM jsonb_array_elements_text(CAST($2 AS JSONB))))"
);

macro_rules! declared {
    ($rest:literal) => {
        concat!(
            "SELECT x.owner, x.name, x.provider, x.source, x.fingerprint, x.added_at, x.mark, ",
            newest!("x.owner", "x.mark"),
            " AS newest FROM connection_extension AS x WHERE ",
            $rest
        )
    };
}

macro_rules! states {
    ($rest:literal) => {
        concat!(
            "SELECT s.owner, s.name, s.fingerprint, s.provider, s.public, s.public_revision, s.mark, ",
            newest!("s.owner", "s.mark"),
            " AS newest FROM connection_extension_state AS s WHERE s.owner = $1 ",
            $rest
        )
    };
}

pub(super) const EXTENSIONS: &str = declared!("x.owner = $1 AND x.name > $2 ORDER BY x.name LIMIT $3");
pub(super) const GRANTED: &str = "SELECT DISTINCT extension FROM connection_extension_grant \
                                  WHERE owner = $1 AND extension > $2 AND revoked_at IS NULL \
                                  ORDER BY extension LIMIT $3";
pub(super) const GRANTS_WITHIN: &str = granted!(
    "g.owner = $1 AND g.extension > $2 AND g.extension <= $3 AND g.revoked_at IS NULL ORDER BY g.extension, \
     g.connection_id"
);

impl Reader {
    pub(crate) async fn extension(&mut self, owner: &str, name: &str) -> Result<Option<ExtensionRow>, StoreError> {
        const SQL: &str = declared!("x.owner = $1 AND x.name = $2");
        optional!(self, ExtensionRow, SQL, owner, name)
    }

    /// Returns the mark of a declaration, which is not read.
    pub(crate) async fn extension_mark(&mut self, owner: &str, name: &str) -> Result<Option<StoredMark>, StoreError> {
        const SQL: &str = concat!(
            "SELECT x.mark, ",
            newest!("x.owner", "x.mark"),
            " AS newest FROM connection_extension AS x WHERE x.owner = $1 AND x.name = $2"
        );
        optional!(self, StoredMark, SQL, owner, name)
    }

    /// Returns the marks of declarations, by the names of their extensions; see [`any_of`](super::any_of). It may return
    /// those of further extensions of the owner.
    pub(crate) async fn extension_marks_of(
        &mut self,
        owner: &str,
        names: &str,
    ) -> Result<Vec<(String, StoredMark)>, StoreError> {
        const SQL: &str = concat!(
            "SELECT x.name, x.mark, ",
            newest!("x.owner", "x.mark"),
            " AS newest FROM connection_extension AS x WHERE x.owner = $1 AND $2 LIKE '%,' || x.name || ',%'"
        );
        all!(self, (String, StoredMark), SQL, owner, names)
    }

    /// Returns all extensions of an owner, by name.
    pub(crate) async fn every_extension(&mut self, owner: &str) -> Result<Vec<ExtensionRow>, StoreError> {
        self.extensions(owner, "", i64::MAX).await
    }

    /// Returns the first extensions of an owner after a name, by name.
    pub(crate) async fn extensions(
        &mut self,
        owner: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<ExtensionRow>, StoreError> {
        all!(self, ExtensionRow, EXTENSIONS, owner, after, limit)
    }

    /// Returns the names of the first extensions of an owner after a name that may use a connection, in their order.
    pub(crate) async fn granted_extensions(
        &mut self,
        owner: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<String>, StoreError> {
        Ok(all!(self, (String,), GRANTED, owner, after, limit)?.into_iter().map(|(name,)| name).collect())
    }

    /// Returns the grants that are not revoked of the extensions after a name up to another one, by extension and
    /// connection.
    pub(crate) async fn open_grants_within(
        &mut self,
        owner: &str,
        after: &str,
        last: &str,
    ) -> Result<Vec<GrantRow>, StoreError> {
        all!(self, GrantRow, GRANTS_WITHIN, owner, after, last)
    }

    /// Returns the marks of an owner's extensions, without a command, and those of their preferences. The command of an
    /// extension's own preferences is empty. Each write of a row changes its mark.
    pub(crate) async fn extension_marks(
        &mut self,
        owner: &str,
    ) -> Result<Vec<(String, Option<String>, Option<Vec<u8>>)>, StoreError> {
        const SQL: &str = "SELECT name, NULL AS command, mark FROM connection_extension WHERE owner = $1 \
                           UNION ALL SELECT extension, command, mark FROM connection_extension_preference \
                           WHERE owner = $1";
        all!(self, (String, Option<String>, Option<Vec<u8>>), SQL, owner)
    }

    /// Returns the extensions whose name is that of the provider that they need, with their public settings, which
    /// other extensions of that provider may read.
    pub(crate) async fn provider_extensions(&mut self, owner: &str) -> Result<Vec<(String, String)>, StoreError> {
        const SQL: &str = "SELECT name, public FROM connection_extension_state \
                           WHERE owner = $1 AND name = provider AND public IS NOT NULL";
        all!(self, (String, String), SQL, owner)
    }

    /// Returns the state of an extension, which may have been removed.
    pub(crate) async fn extension_state(
        &mut self,
        owner: &str,
        name: &str,
    ) -> Result<Option<ExtensionStateRow>, StoreError> {
        optional!(self, ExtensionStateRow, states!("AND s.name = $2"), owner, name)
    }

    /// Returns the states of all extensions of an owner.
    pub(crate) async fn every_extension_state(&mut self, owner: &str) -> Result<Vec<ExtensionStateRow>, StoreError> {
        all!(self, ExtensionStateRow, states!("ORDER BY s.name"), owner)
    }

    /// Returns a grant, even if it was revoked.
    pub(crate) async fn grant(
        &mut self,
        owner: &str,
        extension: &str,
        connection: ConnectionId,
    ) -> Result<Option<GrantRow>, StoreError> {
        const SQL: &str = granted!("g.owner = $1 AND g.extension = $2 AND g.connection_id = $3");
        optional!(self, GrantRow, SQL, owner, extension, connection.as_uuid())
    }

    /// Returns all grants, including revoked ones, by extension and connection.
    pub(crate) async fn grants(&mut self, owner: &str) -> Result<Vec<GrantRow>, StoreError> {
        const SQL: &str = granted!("g.owner = $1 ORDER BY g.extension, g.connection_id");
        all!(self, GrantRow, SQL, owner)
    }

    /// Returns the grants of connections, including revoked ones, in any order.
    pub(crate) async fn grants_of(&mut self, owner: &str, ids: &[ConnectionId]) -> Result<Vec<GrantRow>, StoreError> {
        let sql = match self.engine() {
            // If the connection is lost, no text is run.
            Engine::Lost => "",
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => OF_CONNECTIONS_ON_POSTGRES,
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => OF_CONNECTIONS,
        };
        all!(self, GrantRow, sql, owner, json::ids(ids))
    }

    /// Returns the grants of one extension that are not revoked.
    pub(crate) async fn open_grants(&mut self, owner: &str, extension: &str) -> Result<Vec<GrantRow>, StoreError> {
        const SQL: &str =
            granted!("g.owner = $1 AND g.extension = $2 AND g.revoked_at IS NULL ORDER BY g.connection_id");
        all!(self, GrantRow, SQL, owner, extension)
    }

    /// Returns the extensions that may use a connection, by name.
    pub(crate) async fn grantees(&mut self, owner: &str, connection: ConnectionId) -> Result<Vec<String>, StoreError> {
        // Found by the connection, since the owner may have many grants. Sorted here, because with `ORDER BY`
        // SQLite would use the index of the owner.
        const SQL: &str = "SELECT extension FROM connection_extension_grant \
                           WHERE connection_id = $1 AND owner || '' = $2 AND revoked_at IS NULL";
        let found = all!(self, (String,), SQL, connection.as_uuid(), owner)?;
        let mut names: Vec<_> = found.into_iter().map(|(extension,)| extension).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Returns the command of a ticket, and the setup that was begun for it. A ticket older than `oldest` is not
    /// found, even if it was not deleted yet.
    pub(crate) async fn ticket(
        &mut self,
        owner: &str,
        extension: &str,
        id: Uuid,
        oldest: i64,
    ) -> Result<Option<(String, Option<SessionId>)>, StoreError> {
        const SQL: &str = "SELECT command, session_id FROM connection_extension_ticket \
                           WHERE id = $1 AND owner = $2 AND extension = $3 AND created_at >= $4";
        let found = optional!(self, (String, Option<Uuid>), SQL, id, owner, extension, oldest)?;
        Ok(found.map(|(command, session)| (command, session.map(SessionId::from))))
    }
}

impl Tx {
    /// Stores an extension, replacing the one of the same name.
    pub(crate) async fn put_extension(&mut self, row: &ExtensionRow, mark: &[u8]) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_extension (owner, name, provider, source, fingerprint, added_at, \
                           mark) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (owner, name) DO UPDATE \
                           SET provider = excluded.provider, source = excluded.source, \
                           fingerprint = excluded.fingerprint, mark = excluded.mark";
        let ExtensionRow { owner, name, provider, source, fingerprint, added_at, marked: _ } = row;
        self.changed(Changed::Extensions);
        later!(self, SQL, owner, name, provider, source, fingerprint, *added_at, mark)
    }

    /// Stores the state of an extension, replacing the previous one.
    pub(crate) async fn put_extension_state(&mut self, row: &ExtensionStateRow, mark: &[u8]) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_extension_state (owner, name, fingerprint, provider, public, \
                           public_revision, mark) VALUES ($1, $2, $3, $4, $5, $6, $7) \
                           ON CONFLICT (owner, name) DO UPDATE \
                           SET fingerprint = excluded.fingerprint, provider = excluded.provider, \
                           public = excluded.public, public_revision = excluded.public_revision, \
                           mark = excluded.mark";
        let ExtensionStateRow { owner, name, fingerprint, provider, public, public_revision, marked: _ } = row;
        later!(self, SQL, owner, name, fingerprint, provider, public, public_revision, mark)
    }

    /// Deletes an extension with its tickets. Returns `false` if it does not exist.
    ///
    /// Grants are revoked separately, because each revocation is an event. Settings stay, because their revisions
    /// must keep growing.
    pub(crate) async fn delete_extension(&mut self, owner: &str, name: &str) -> Result<bool, StoreError> {
        const TICKETS: &str = "DELETE FROM connection_extension_ticket WHERE owner = $1 AND extension = $2";
        const SQL: &str = "DELETE FROM connection_extension WHERE owner = $1 AND name = $2";
        const SCOPES: &str = "DELETE FROM connection_lacking_scope WHERE owner = $1 AND extension = $2";
        self.changed(Changed::Extensions);
        later!(self, TICKETS, owner, name)?;
        later!(self, SCOPES, owner, name)?;
        Ok(execute!(self, SQL, owner, name)? == 1)
    }

    /// Counts a change of the public values of a provider's own extension, which other extensions of that provider read.
    /// Returns `false` for another extension, and for one without public values.
    pub(crate) async fn count_public_change(&mut self, owner: &str, name: &str) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_extension_state SET public_revision = public_revision + 1 \
                           WHERE owner = $1 AND name = $2 AND provider = name AND public <> '{}'";
        Ok(execute!(self, SQL, owner, name)? == 1)
    }

    /// Stores a grant, replacing an existing one, which may have been revoked.
    pub(crate) async fn put_grant(&mut self, row: &GrantRow, mark: &[u8]) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_extension_grant (owner, extension, connection_id, names, \
                           rules, created_at, revoked_at, mark) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                           ON CONFLICT (owner, extension, connection_id) DO UPDATE \
                           SET names = excluded.names, rules = excluded.rules, created_at = excluded.created_at, \
                           revoked_at = excluded.revoked_at, mark = excluded.mark";
        self.changed(Changed::Connection(row.connection_id));
        let GrantRow { owner, extension, connection_id, names, rules, created_at, revoked_at, marked: _ } = row;
        let id = connection_id.as_uuid();
        later!(self, SQL, owner, extension, id, names, rules, *created_at, *revoked_at, mark)
    }

    /// Stores the setup that the host began for a ticket.
    pub(crate) async fn set_ticket_session(&mut self, id: Uuid, session: SessionId) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_extension_ticket SET session_id = $2 WHERE id = $1";
        Ok(execute!(self, SQL, id, session.as_uuid())? == 1)
    }

    pub(crate) async fn delete_ticket(&mut self, id: Uuid) -> Result<bool, StoreError> {
        Ok(execute!(self, "DELETE FROM connection_extension_ticket WHERE id = $1", id)? == 1)
    }

    pub(crate) async fn insert_ticket(&mut self, row: &TicketRow) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_extension_ticket (id, owner, extension, command, session_id, \
                           created_at) VALUES ($1, $2, $3, $4, $5, $6)";
        let session = row.session_id.map(SessionId::as_uuid);
        later!(self, SQL, row.id, &row.owner, &row.extension, &row.command, session, row.created_at)
    }
}
