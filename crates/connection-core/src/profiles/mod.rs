//! Isolated identities of local tools: one list and one set of rules for all kinds.
//!
//! A profile is a row that names a directory. The core never writes below that directory, and removing a profile
//! removes only the row. The first call of `list` creates the first profile, on the directory that the tool uses by
//! itself, so there is always a default. Rows are changed in one transaction under the owner's lock.

mod change;
mod directory;
mod error;
mod grant;
mod probe;
mod row_marks;
mod rules;
mod slots;
mod spawn;
mod token;

use std::{fmt, path::PathBuf, sync::Arc};

use connection_contract::{DisplayText, Kind, ProfileSpec, Timestamp};

use crate::{
    ConnectionRegistry, Error, ProfileId,
    keys::Sealer,
    registry::{Shared, has_environment},
    services::environment,
    store::{
        Lock, StoreError, Tx,
        rows::{Marked, ProfileRow},
    },
};

pub use change::{NewProfile, ProfilePatch};
pub use error::ProfileError;
pub(crate) use grant::{Granted, granted, granted_all, setup_profile};
pub use probe::{DirectoryProbe, DirectoryState};
pub(crate) use row_marks::RowMarks;
pub(crate) use rules::check;
pub use spawn::SpawnOptions;
pub(crate) use spawn::{extra_args, names, variables};
pub use token::ProfileToken;

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

/// The profiles of one kind and one owner.
#[derive(Clone)]
pub struct Profiles {
    shared: Arc<Shared>,
    owner: Arc<str>,
    kind: Kind,
    spec: ProfileSpec,
}

impl fmt::Debug for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profiles").field("owner", &self.owner).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl ConnectionRegistry {
    /// Returns the profiles of a kind.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`], [`ProfileError::Unsupported`] for a kind whose tool has a single identity, and
    /// [`ProfileError::NotAllowed`] if the host's policy does not allow what the kind declares for its tool.
    pub fn profiles(&self, kind: &Kind) -> Result<Profiles, Error> {
        let entry = self.shared.kinds.entry(kind).ok_or_else(|| Error::UnknownKind(kind.clone()))?;
        let Some(spec) = entry.profiles.clone() else {
            return Err(ProfileError::Unsupported { kind: kind.clone() }.into());
        };
        self.shared
            .local_services
            .tools
            .check_profiles(&entry.descriptor, &spec)
            .map_err(|why| ProfileError::NotAllowed { kind: kind.clone(), why })?;
        Ok(Profiles { shared: self.shared.clone(), owner: self.owner.clone(), kind: kind.clone(), spec })
    }
}

impl Profiles {
    /// Returns all profiles in the order in which they were created.
    ///
    /// If there is none, this creates the first one: `Default`, on the directory that the tool uses by itself. That
    /// directory belongs to the user who runs this process, so only the owner for whom the registry was opened gets
    /// it. Another owner has no profile until one is created.
    ///
    /// # Repetition
    ///
    /// The first profile is created once, even if several processes call this at the same time.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NoHome`] if the first profile is needed and its directory is not known, as for another
    /// owner; and errors of the store.
    pub async fn list(&self) -> Result<Vec<Profile>, Error> {
        Ok(self.rows().await?.into_iter().map(Profile::from).collect())
    }

    /// Returns the profile with this id.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotFound`], and errors of the store.
    pub async fn get(&self, id: ProfileId) -> Result<Profile, Error> {
        let row = self.shared.reader().await?.profile(&self.owner, self.kind.as_str(), id).await?;
        let row = row.ok_or_else(|| ProfileError::NotFound { kind: self.kind.clone(), id })?;
        self.marks().check(&row)?;
        Ok(row.into())
    }

    /// Returns the profile that is used when none is named.
    ///
    /// # Errors
    ///
    /// The errors of [`list`](Self::list).
    pub async fn default_profile(&self) -> Result<Profile, Error> {
        let default = self.rows().await?.into_iter().find(|row| row.is_default);
        let default = default.ok_or_else(|| ProfileError::NoHome { kind: self.kind.clone() })?;
        self.marks().check(&default)?;
        Ok(default.into())
    }

    fn marks(&self) -> RowMarks<'_> {
        let now = self.shared.clock.now().seconds();
        RowMarks { sealer: &self.shared.sealer, owner: &self.owner, kind: &self.kind, now }
    }

    /// Returns the profiles whose marks are valid.
    async fn valid_profiles(&self) -> Result<Vec<Profile>, Error> {
        let rows = self.rows().await?;
        let marks = self.marks();
        Ok(rows.into_iter().filter(|row| marks.check(row).is_ok()).map(Profile::from).collect())
    }

    async fn rows(&self) -> Result<Vec<ProfileRow>, Error> {
        let rows = self.shared.reader().await?.profiles(&self.owner, self.kind.as_str()).await?;
        if !rows.is_empty() {
            return Ok(rows);
        }
        let within = self.transaction_context();
        let seeded = self.shared.store.write(move |tx| Box::pin(async move { within.begin(tx).await }));
        Ok(seeded.await??)
    }

    /// Collects what a transaction about profiles needs.
    fn transaction_context(&self) -> TransactionContext {
        // The environment belongs to the user who runs this process. Its directory is not the directory of another
        // owner.
        let implicit = has_environment(&self.owner)
            .then(|| environment::resolve(&*self.shared.environment, &self.spec.implicit_dir))
            .flatten();
        let implicit = implicit.and_then(|path| rules::directory(&self.spec, &path).ok());
        TransactionContext {
            owner: self.owner.to_string(),
            kind: self.kind.clone(),
            implicit,
            fresh: ProfileId::from(self.shared.ids.next()),
            now: self.shared.clock.now().seconds(),
            sealer: self.shared.sealer.clone(),
        }
    }
}

/// The values that a transaction about profiles needs, read before it begins.
struct TransactionContext {
    owner: String,
    kind: Kind,
    /// The directory that the tool uses by itself, from the current environment; `None` for any owner but the
    /// registry's own.
    implicit: Option<String>,
    /// The id for the first profile, if it is created.
    fresh: ProfileId,
    now: i64,
    sealer: Sealer,
}

impl TransactionContext {
    fn marks(&self) -> RowMarks<'_> {
        RowMarks { sealer: &self.sealer, owner: &self.owner, kind: &self.kind, now: self.now }
    }

    /// Takes the owner's lock and returns the profiles. If there are none, creates the first one.
    async fn begin(&self, tx: &mut Tx) -> Result<Result<Vec<ProfileRow>, ProfileError>, StoreError> {
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
            label: rules::FIRST_LABEL.to_owned(),
            directory,
            is_default: true,
            is_implicit: true,
            created_at: self.now,
            marked: Marked::default(),
        };
        self.marks().insert(tx, &first).await?;
        // Read again, because the stored row has a mark.
        Ok(Ok(tx.profiles(&self.owner, self.kind.as_str()).await?))
    }
}
