//! Creates, changes and removes profiles. Each operation is one transaction, so that exactly one profile is the
//! default at every moment.

use std::path::PathBuf;

use connection_contract::{BoxFuture, DisplayText};

use super::{Profile, Profiles};
use crate::{
    Error, ProfileError, ProfileId, guard,
    profile_rows::rules,
    store::rows::{ProfileRow, StoredMark},
};

/// A profile to create with [`Profiles::create`].
#[derive(Clone, Debug)]
#[must_use = "the profile is created by `create`"]
pub struct NewProfile {
    label: DisplayText,
    directory: PathBuf,
    is_default: bool,
}

impl NewProfile {
    /// Creates a description of a profile with this label and directory. The directory does not have to exist.
    pub fn new(label: impl Into<DisplayText>, directory: impl Into<PathBuf>) -> Self {
        Self { label: label.into(), directory: directory.into(), is_default: false }
    }

    /// Makes the profile the default in place of the current one.
    pub fn make_default(mut self) -> Self {
        self.is_default = true;
        self
    }
}

/// The changes that [`Profiles::update`] makes to a profile. A field that is not set stays as it is.
#[derive(Clone, Debug, Default)]
#[must_use = "the profile is changed by `update`"]
pub struct ProfilePatch {
    label: Option<DisplayText>,
    directory: Option<PathBuf>,
    is_default: Option<bool>,
}

impl ProfilePatch {
    /// Creates a patch that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes the label of the profile.
    pub fn label(mut self, label: impl Into<DisplayText>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Changes the directory. The files in the old and the new directory are not touched.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Makes the profile the default in place of the current one.
    pub fn make_default(mut self) -> Self {
        self.is_default = Some(true);
        self
    }

    /// Makes the profile no longer the default. [`Profiles::update`] rejects this for the profile that is the
    /// default, because a kind always has a default.
    pub fn clear_default(mut self) -> Self {
        self.is_default = Some(false);
        self
    }
}

impl Profiles {
    /// Creates a profile. If the kind has no profile yet, its first profile is created before this one.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the profile may have been created.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidLabel`], [`ProfileError`] for a label or directory that is taken or not allowed, and errors
    /// of the store.
    pub fn create(&self, profile: NewProfile) -> BoxFuture<'_, Result<Profile, Error>> {
        Box::pin(async move {
            let NewProfile { label, directory, is_default } = profile;
            let wanted = ProfileRow {
                id: ProfileId::from(self.system.ground.ids.next()),
                owner: self.of.owner.to_string(),
                kind: self.of.kind.to_string(),
                label: rules::label(label.as_str()).ok_or(Error::InvalidLabel)?,
                directory: rules::directory(&self.of.spec, &directory)?,
                is_default,
                is_implicit: false,
                created_at: 0,
                marked: StoredMark::default(),
            };
            // Ids sort in the order in which they are drawn. `within` drew its id for the first profile after this one,
            // so the two are swapped: the first profile gets the smaller id.
            let mut within = self.of.transaction_context();
            let mut wanted = ProfileRow { created_at: within.now, ..wanted };
            std::mem::swap(&mut within.fresh, &mut wanted.id);
            let made = self.system.ground.store.write(move |tx| {
                Box::pin(async move {
                    let rows = match within.begin(tx).await? {
                        Ok(rows) => rows,
                        // The first profile cannot be created without a known directory, so this profile becomes the
                        // first one.
                        Err(ProfileError::NoHome { .. }) => Vec::new(),
                        Err(error) => return Ok(Err(error)),
                    };
                    if let Err(error) = rules::is_free(&within.kind, &rows, &wanted) {
                        return Ok(Err(error));
                    }
                    wanted.is_default |= rows.is_empty();
                    wanted.is_implicit = within.implicit.as_ref() == Some(&wanted.directory);
                    let marks = within.marks();
                    marks.make_place(tx, &rows, &wanted).await?;
                    marks.insert(tx, &wanted).await?;
                    tx.made(&wanted.id.to_string()).await?;
                    Ok(Ok(wanted))
                })
            });
            Ok(made.await??.into())
        })
    }

    /// Applies a patch to a profile. An empty patch changes nothing.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the change may have been made.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotFound`], [`ProfileError::Default`] if the patch would leave the kind without a default,
    /// and the errors of [`create`](Self::create).
    pub fn update(&self, id: ProfileId, patch: ProfilePatch) -> BoxFuture<'_, Result<Profile, Error>> {
        Box::pin(async move {
            let ProfilePatch { label, directory, is_default } = patch;
            let label = match label {
                Some(label) => Some(rules::label(label.as_str()).ok_or(Error::InvalidLabel)?),
                None => None,
            };
            let directory = directory.map(|path| rules::directory(&self.of.spec, &path)).transpose()?;
            let says_all = label.is_some() && directory.is_some();
            let within = self.of.transaction_context();
            let changed = self.system.ground.store.write(move |tx| {
                Box::pin(async move {
                    let rows = match within.begin(tx).await? {
                        Ok(rows) => rows,
                        // Without a first profile there are no profiles, so the one to change does not exist.
                        Err(ProfileError::NoHome { .. }) => Vec::new(),
                        Err(error) => return Ok(Err(error.into())),
                    };
                    let before = match rules::find(&within.kind, &rows, id) {
                        Ok(row) => row,
                        Err(error) => return Ok(Err(error.into())),
                    };
                    // A row that was edited from outside gets a valid mark only if the patch replaces its label and its
                    // directory.
                    let sound = guard::check(&within.sealer, &before);
                    if let (Err(error), false) = (&sound, says_all) {
                        return Ok(Err(Error::from(error.clone())));
                    }
                    let mut row = before.clone();
                    row.label = label.unwrap_or(row.label);
                    if let Some(directory) = directory {
                        row.is_implicit = within.implicit.as_ref() == Some(&directory)
                            || (row.is_implicit && row.directory == directory);
                        row.directory = directory;
                    }
                    row.is_default = is_default.unwrap_or(row.is_default);
                    if before.is_default && !row.is_default {
                        let error = ProfileError::Default { kind: within.kind.clone(), label: before.label };
                        return Ok(Err(error.into()));
                    }
                    if row == before && sound.is_ok() {
                        return Ok(Ok(row));
                    }
                    if let Err(error) = rules::is_free(&within.kind, &rows, &row) {
                        return Ok(Err(error.into()));
                    }
                    let marks = within.marks();
                    marks.make_place(tx, &rows, &row).await?;
                    marks.update(tx, &row).await?;
                    Ok(Ok(row))
                })
            });
            Ok(changed.await??.into())
        })
    }

    /// Makes a profile the default in place of the current one.
    ///
    /// # Repetition
    ///
    /// Calling this again with the same profile changes nothing.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotFound`], and errors of the store.
    pub fn set_default(&self, id: ProfileId) -> BoxFuture<'_, Result<Profile, Error>> {
        self.update(id, ProfilePatch::new().make_default())
    }

    /// Removes a profile. Its directory and everything in it stay.
    ///
    /// The host is asked for its uses before the transaction. A session that begins in between has a profile that
    /// no longer exists, and starts as if no profile had been named.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the profile may have been removed.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Last`], [`ProfileError::Default`], [`ProfileError::InUse`] while the host, a connection or a
    /// slot uses the profile, [`ProfileError::NotFound`], and errors of the store.
    pub fn remove(&self, id: ProfileId) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let uses =
                self.system.ground.profile_uses.as_ref().map_or(0, |uses| uses(&self.of.owner, &self.of.kind, id));
            let within = self.of.transaction_context();
            let removed = self.system.ground.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(crate::store::Lock::Owner(&within.owner)).await?;
                    let owner = &within.owner;
                    let kind = within.kind.as_str();
                    let rows = tx.profiles(owner, kind).await?;
                    let found = rules::find(&within.kind, &rows, id);
                    let row =
                        match found.and_then(|row| rules::check_removable(&within.kind, &rows, &row).map(|()| row)) {
                            Ok(row) => row,
                            Err(error) => return Ok(Err(error)),
                        };
                    let slots = tx.profile_slots(owner, kind).await?;
                    let slots = slots.into_iter().filter(|row| row.profile_id == id).map(|row| row.slot);
                    let slots: Vec<_> = slots.collect();
                    let connections = tx.profile_connections(owner, kind, id).await?;
                    let by = match (uses, connections, slots.is_empty()) {
                        (0, 0, true) => {
                            within.marks().delete(tx, &row).await?;
                            return Ok(Ok(()));
                        }
                        (0, 0, false) => format!("by the slots {}", slots.join(", ")),
                        (0, connections, _) => format!("by {connections} of the connections"),
                        (uses, ..) => format!("{uses} times, according to this program"),
                    };
                    Ok(Err(ProfileError::InUse { kind: within.kind.clone(), label: row.label, by }))
                })
            });
            Ok(removed.await??)
        })
    }
}
