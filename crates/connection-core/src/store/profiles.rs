//! Queries of `connection_profile` and `connection_profile_slot`.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    engine::{all, execute, later, optional},
    row_events::newest,
    rows::{ProfileRow, SlotRow},
};
use crate::ids::ProfileId;

macro_rules! profiles {
    ($rest:literal) => {
        concat!(
            "SELECT p.id, p.owner, p.kind, p.label, p.directory, p.is_default, p.is_implicit, p.created_at, p.mark, ",
            newest!("p.owner", "p.mark"),
            " AS newest FROM connection_profile AS p WHERE p.owner = $1 ",
            $rest
        )
    };
}

pub(super) const PROFILES: &str = profiles!("AND p.kind = $2 AND p.id > $3 ORDER BY p.id LIMIT $4");

macro_rules! slots {
    ($rest:literal) => {
        concat!(
            "SELECT s.owner, s.kind, s.slot, s.profile_id, s.mark, ",
            newest!("s.owner", "s.mark"),
            " AS newest FROM connection_profile_slot AS s WHERE s.owner = $1 ",
            $rest
        )
    };
}

impl Reader {
    /// Returns the profiles of an owner of all kinds.
    pub(crate) async fn every_profile(&mut self, owner: &str) -> Result<Vec<ProfileRow>, StoreError> {
        all!(self, ProfileRow, profiles!("ORDER BY p.kind, p.label"), owner)
    }

    /// Returns the slots of an owner of all kinds.
    pub(crate) async fn every_profile_slot(&mut self, owner: &str) -> Result<Vec<SlotRow>, StoreError> {
        all!(self, SlotRow, slots!("ORDER BY s.kind, s.slot"), owner)
    }

    /// Returns the owner, kind and directory of each profile of all owners.
    pub(crate) async fn profile_directories(&mut self) -> Result<Vec<(String, String, String)>, StoreError> {
        all!(self, (String, String, String), "SELECT owner, kind, directory FROM connection_profile")
    }

    /// Returns the profiles in the order in which they were created.
    pub(crate) async fn profiles(&mut self, owner: &str, kind: &str) -> Result<Vec<ProfileRow>, StoreError> {
        self.profiles_after(owner, kind, Uuid::nil(), i64::MAX).await
    }

    /// Returns the first profiles after an id, in the order in which they were created, which is that of their ids.
    pub(crate) async fn profiles_after(
        &mut self,
        owner: &str,
        kind: &str,
        after: Uuid,
        limit: i64,
    ) -> Result<Vec<ProfileRow>, StoreError> {
        all!(self, ProfileRow, PROFILES, owner, kind, after, limit)
    }

    pub(crate) async fn profile(
        &mut self,
        owner: &str,
        kind: &str,
        id: ProfileId,
    ) -> Result<Option<ProfileRow>, StoreError> {
        const SQL: &str = profiles!("AND p.kind = $2 AND p.id = $3");
        optional!(self, ProfileRow, SQL, owner, kind, id.as_uuid())
    }

    /// Returns the profile that a slot names.
    pub(crate) async fn profile_slot(
        &mut self,
        owner: &str,
        kind: &str,
        slot: &str,
    ) -> Result<Option<SlotRow>, StoreError> {
        optional!(self, SlotRow, slots!("AND s.kind = $2 AND s.slot = $3"), owner, kind, slot)
    }

    /// Returns the slots, ordered by name, each with its profile.
    pub(crate) async fn profile_slots(&mut self, owner: &str, kind: &str) -> Result<Vec<SlotRow>, StoreError> {
        all!(self, SlotRow, slots!("AND s.kind = $2 ORDER BY s.slot"), owner, kind)
    }

    /// Returns the number of connections that use a profile.
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
    pub(crate) async fn insert_profile(&mut self, row: &ProfileRow, mark: &[u8]) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_profile (id, owner, kind, label, directory, is_default, \
                           is_implicit, created_at, updated_at, mark) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)";
        let ProfileRow { id, owner, kind, label, directory, is_default, is_implicit, created_at, marked: _ } = row;
        let id = id.as_uuid();
        let created_at = *created_at;
        later!(self, SQL, id, owner, kind, label, directory, *is_default, *is_implicit, created_at, mark)
    }

    /// Writes the columns of a profile that can change. If it is to be the default or the implicit profile, no
    /// other profile of the kind may be. Without a mark, the row keeps its mark.
    pub(crate) async fn update_profile(
        &mut self,
        row: &ProfileRow,
        now: i64,
        mark: Option<&[u8]>,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_profile SET label = $2, directory = $3, is_default = $4, \
                           is_implicit = $5, updated_at = $6, mark = COALESCE($7, mark) WHERE id = $1";
        let ProfileRow { id, label, directory, is_default, is_implicit, .. } = row;
        Ok(execute!(self, SQL, id.as_uuid(), label, directory, *is_default, *is_implicit, now, mark)? == 1)
    }

    pub(crate) async fn delete_profile(&mut self, id: ProfileId) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM connection_profile WHERE id = $1";
        Ok(execute!(self, SQL, id.as_uuid())? == 1)
    }

    pub(crate) async fn put_profile_slot(&mut self, row: &SlotRow, now: i64, mark: &[u8]) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_profile_slot (owner, kind, slot, profile_id, updated_at, mark) \
                           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (owner, kind, slot) DO UPDATE \
                           SET profile_id = excluded.profile_id, updated_at = excluded.updated_at, \
                           mark = excluded.mark";
        let SlotRow { owner, kind, slot, profile_id, marked: _ } = row;
        later!(self, SQL, owner, kind, slot, profile_id.as_uuid(), now, mark)
    }

    pub(crate) async fn delete_profile_slot(&mut self, row: &SlotRow) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM connection_profile_slot WHERE owner = $1 AND kind = $2 AND slot = $3";
        later!(self, SQL, &row.owner, &row.kind, &row.slot)
    }
}
