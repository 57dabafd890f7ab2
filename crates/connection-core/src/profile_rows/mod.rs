//! The profiles of an owner as rows: which exist, which one a setup or a probe uses, and what a kind may read of them.

mod row_marks;
pub(crate) mod rules;
mod used_profile;

use std::{path::PathBuf, sync::Arc};

use connection_contract::{DisplayText, Kind, ProfileSpec, Timestamp};
use uuid::Uuid;

use crate::{
    Error, ProfileError, ProfileId,
    ground::Ground,
    guard,
    keys::Sealer,
    owner::has_environment,
    services::environment,
    store::{
        Lock, StoreError, Tx,
        rows::{ProfileRow, StoredMark},
    },
};

pub(crate) use row_marks::RowMarks;
pub(crate) use used_profile::{UsedProfile, granted, granted_all, setup_profile};

/// One isolated identity of a local tool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// The id of the profile. It never changes.
    pub id: ProfileId,
    /// The name that people see; unique per owner and kind.
    pub label: DisplayText,
    /// The directory where the tool keeps its state: an absolute path that may not exist.
    pub directory: PathBuf,
    /// `true` for the profile that is used when none is named. Exactly one profile of a kind is the default.
    pub is_default: bool,
    /// `true` if, when the row was written, this was the directory that the tool uses by itself. Sessions from
    /// before there were profiles ran there, whichever profile is the default now.
    pub is_implicit: bool,
    /// Time at which the profile was created.
    pub created_at: Timestamp,
}

impl From<ProfileRow> for Profile {
    fn from(row: ProfileRow) -> Self {
        Self {
            id: row.id,
            label: row.label.into(),
            directory: row.directory.into(),
            is_default: row.is_default,
            is_implicit: row.is_implicit,
            created_at: Timestamp::from_seconds(row.created_at),
        }
    }
}

/// The rows of the profiles of one kind and one owner.
#[derive(Clone)]
pub(crate) struct KindProfiles {
    ground: Arc<Ground>,
    pub(crate) owner: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) spec: ProfileSpec,
}

impl KindProfiles {
    /// Returns the profiles of a kind.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`], [`ProfileError::Unsupported`] and [`ProfileError::NotAllowed`].
    pub(crate) fn new(ground: &Arc<Ground>, owner: &str, kind: &Kind) -> Result<Self, Error> {
        let entry = ground.kinds.entry(kind).ok_or_else(|| Error::UnknownKind(kind.clone()))?;
        let Some(spec) = entry.profiles.clone() else {
            return Err(ProfileError::Unsupported { kind: kind.clone() }.into());
        };
        ground
            .local_services
            .tools
            .check_profiles(&entry.descriptor, &spec)
            .map_err(|why| ProfileError::NotAllowed { kind: kind.clone(), why })?;
        Ok(Self { ground: ground.clone(), owner: owner.into(), kind: kind.clone(), spec })
    }

    /// Returns the profile with this id.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotFound`], and errors of the store.
    pub(crate) async fn get(&self, id: ProfileId) -> Result<Profile, Error> {
        let row = self.ground.reader().await?.profile(&self.owner, self.kind.as_str(), id).await?;
        let row = row.ok_or_else(|| ProfileError::NotFound { kind: self.kind.clone(), id })?;
        guard::check(&self.ground.sealer, &row)?;
        Ok(row.into())
    }

    /// Returns the profile that is used when none is named.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NoHome`], and errors of the store.
    pub(crate) async fn default_profile(&self) -> Result<Profile, Error> {
        let default = self.rows().await?.into_iter().find(|row| row.is_default);
        let default = default.ok_or_else(|| ProfileError::NoHome { kind: self.kind.clone() })?;
        guard::check(&self.ground.sealer, &default)?;
        Ok(default.into())
    }

    pub(crate) fn marks(&self) -> RowMarks<'_> {
        let now = self.ground.clock.now().seconds();
        RowMarks { sealer: &self.ground.sealer, now }
    }

    /// Returns the profiles whose marks are valid.
    pub(crate) async fn valid_profiles(&self) -> Result<Vec<Profile>, Error> {
        let rows = self.rows().await?;
        let sealer = &self.ground.sealer;
        Ok(rows.into_iter().filter(|row| guard::check(sealer, row).is_ok()).map(Profile::from).collect())
    }

    pub(crate) async fn rows(&self) -> Result<Vec<ProfileRow>, Error> {
        self.rows_after(Uuid::nil(), i64::MAX).await
    }

    /// Returns the first profiles after an id. If there are no profiles at all, creates the first one.
    pub(crate) async fn rows_after(&self, after: Uuid, limit: i64) -> Result<Vec<ProfileRow>, Error> {
        let mut reader = self.ground.reader().await?;
        let rows = reader.profiles_after(&self.owner, self.kind.as_str(), after, limit).await?;
        drop(reader);
        if !rows.is_empty() || !after.is_nil() {
            return Ok(rows);
        }
        let within = self.transaction_context();
        let seeded = self.ground.store.write(move |tx| Box::pin(async move { within.begin(tx).await }));
        Ok(seeded.await??)
    }

    /// Collects what a transaction about profiles needs.
    pub(crate) fn transaction_context(&self) -> TransactionContext {
        // The environment belongs to the user who runs this process. Its directory is not the directory of another
        // owner.
        let implicit = has_environment(&self.owner)
            .then(|| environment::resolve(&*self.ground.environment, &self.spec.implicit_dir))
            .flatten();
        let implicit = implicit.and_then(|path| rules::directory(&self.spec, &path).ok());
        TransactionContext {
            owner: self.owner.to_string(),
            kind: self.kind.clone(),
            implicit,
            fresh: ProfileId::from(self.ground.ids.next()),
            now: self.ground.clock.now().seconds(),
            sealer: self.ground.sealer.clone(),
        }
    }
}

/// The values that a transaction about profiles needs, read before it begins.
pub(crate) struct TransactionContext {
    pub(crate) owner: String,
    pub(crate) kind: Kind,
    /// The directory that the tool uses by itself, from the current environment; `None` for any owner but the
    /// registry's own.
    pub(crate) implicit: Option<String>,
    /// The id for the first profile, if it is created.
    pub(crate) fresh: ProfileId,
    pub(crate) now: i64,
    pub(crate) sealer: Sealer,
}

impl TransactionContext {
    pub(crate) fn marks(&self) -> RowMarks<'_> {
        RowMarks { sealer: &self.sealer, now: self.now }
    }

    /// Takes the owner's lock and returns the profiles. If there are none, creates the first one.
    pub(crate) async fn begin(&self, tx: &mut Tx) -> Result<Result<Vec<ProfileRow>, ProfileError>, StoreError> {
        tx.lock(Lock::Owner(&self.owner)).await?;
        let rows = tx.profiles(&self.owner, self.kind.as_str()).await?;
        if !rows.is_empty() {
            return Ok(Ok(rows));
        }
        let Some(directory) = self.implicit.clone() else {
            return Ok(Err(ProfileError::NoHome { kind: self.kind.clone() }));
        };
        let first = ProfileRow {
            id: self.fresh,
            owner: self.owner.clone(),
            kind: self.kind.to_string(),
            label: rules::FIRST_LABEL.to_owned(),
            directory,
            is_default: true,
            is_implicit: true,
            created_at: self.now,
            marked: StoredMark::default(),
        };
        self.marks().insert(tx, &first).await?;
        // Read again, because the stored row has a mark.
        Ok(Ok(tx.profiles(&self.owner, self.kind.as_str()).await?))
    }
}
