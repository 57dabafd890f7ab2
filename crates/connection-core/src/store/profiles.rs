//! Queries of `connection_profile` and `connection_profile_slot`.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    engine::{all, execute, optional},
    rows::ProfileRow,
};
use crate::ids::ProfileId;

impl Reader {
    /// In the order in which they were made.
    pub(crate) async fn profiles(&mut self, owner: &str, kind: &str) -> Result<Vec<ProfileRow>, StoreError> {
        const SQL: &str = "SELECT id, label, directory, is_default, is_implicit, created_at FROM connection_profile \
                           WHERE owner = $1 AND kind = $2 ORDER BY created_at, id";
        all!(self, ProfileRow, SQL, owner, kind)
    }

    pub(crate) async fn profile(
        &mut self,
        owner: &str,
        kind: &str,
        id: ProfileId,
    ) -> Result<Option<ProfileRow>, StoreError> {
        const SQL: &str = "SELECT id, label, directory, is_default, is_implicit, created_at FROM connection_profile \
                           WHERE owner = $1 AND kind = $2 AND id = $3";
        optional!(self, ProfileRow, SQL, owner, kind, id.as_uuid())
    }

    /// Which profile a slot names.
    pub(crate) async fn profile_slot(
        &mut self,
        owner: &str,
        kind: &str,
        slot: &str,
    ) -> Result<Option<ProfileId>, StoreError> {
        const SQL: &str = "SELECT profile_id FROM connection_profile_slot WHERE owner = $1 AND kind = $2 AND slot = $3";
        let found = optional!(self, (Uuid,), SQL, owner, kind, slot)?;
        Ok(found.map(|(id,)| ProfileId::from(id)))
    }

    /// The slots by name, with what each names.
    pub(crate) async fn profile_slots(
        &mut self,
        owner: &str,
        kind: &str,
    ) -> Result<Vec<(String, ProfileId)>, StoreError> {
        const SQL: &str =
            "SELECT slot, profile_id FROM connection_profile_slot WHERE owner = $1 AND kind = $2 ORDER BY slot";
        let found = all!(self, (String, Uuid), SQL, owner, kind)?;
        Ok(found.into_iter().map(|(slot, id)| (slot, ProfileId::from(id))).collect())
    }

    /// How many connections use a profile.
    pub(crate) async fn profile_connections(
        &mut self,
        owner: &str,
        kind: &str,
        id: ProfileId,
    ) -> Result<u64, StoreError> {
        const SQL: &str = "SELECT COUNT(*) FROM connection_account WHERE owner = $1 AND kind = $2 AND profile_id = $3";
        let found = optional!(self, (i64,), SQL, owner, kind, id.to_string())?;
        Ok(found.map_or(0, |(count,)| u64::try_from(count).unwrap_or(0)))
    }
}

impl Tx {
    pub(crate) async fn insert_profile(&mut self, owner: &str, kind: &str, row: &ProfileRow) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_profile (id, owner, kind, label, directory, is_default, \
                           is_implicit, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
        let ProfileRow { id, label, directory, is_default, is_implicit, created_at } = row;
        execute!(self, SQL, id.as_uuid(), owner, kind, label, directory, *is_default, *is_implicit, *created_at)
            .map(drop)
    }

    /// Writes what can be changed of it. Nobody else may be the default or the implicit one when it is to be.
    pub(crate) async fn update_profile(&mut self, row: &ProfileRow, now: i64) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_profile SET label = $2, directory = $3, is_default = $4, \
                           is_implicit = $5, updated_at = $6 WHERE id = $1";
        let ProfileRow { id, label, directory, is_default, is_implicit, .. } = row;
        Ok(execute!(self, SQL, id.as_uuid(), label, directory, *is_default, *is_implicit, now)? == 1)
    }

    /// Leaves the kind without a default, inside a transaction that makes another one.
    pub(crate) async fn demote_profiles(&mut self, owner: &str, kind: &str, now: i64) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_profile SET is_default = FALSE, updated_at = $3 \
                           WHERE owner = $1 AND kind = $2 AND is_default";
        execute!(self, SQL, owner, kind, now).map(drop)
    }

    /// None is on the tool's own directory any more: it is another one now.
    pub(crate) async fn forget_implicit_profile(
        &mut self,
        owner: &str,
        kind: &str,
        now: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_profile SET is_implicit = FALSE, updated_at = $3 \
                           WHERE owner = $1 AND kind = $2 AND is_implicit";
        execute!(self, SQL, owner, kind, now).map(drop)
    }

    pub(crate) async fn delete_profile(&mut self, id: ProfileId) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM connection_profile WHERE id = $1";
        Ok(execute!(self, SQL, id.as_uuid())? == 1)
    }

    pub(crate) async fn put_profile_slot(
        &mut self,
        owner: &str,
        kind: &str,
        slot: &str,
        id: ProfileId,
        now: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_profile_slot (owner, kind, slot, profile_id, updated_at) \
                           VALUES ($1, $2, $3, $4, $5) ON CONFLICT (owner, kind, slot) DO UPDATE \
                           SET profile_id = excluded.profile_id, updated_at = excluded.updated_at";
        execute!(self, SQL, owner, kind, slot, id.as_uuid(), now).map(drop)
    }

    /// `false` when it names none.
    pub(crate) async fn delete_profile_slot(
        &mut self,
        owner: &str,
        kind: &str,
        slot: &str,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM connection_profile_slot WHERE owner = $1 AND kind = $2 AND slot = $3";
        Ok(execute!(self, SQL, owner, kind, slot)? == 1)
    }
}
