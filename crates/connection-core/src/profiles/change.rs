//! Makes, changes and removes profiles: each in one transaction, so that one of them is the default at every moment.

use std::path::PathBuf;

use connection_contract::DisplayText;

use super::{Profile, ProfileError, Profiles, rules};
use crate::{
    Error, ProfileId,
    store::rows::{Marked, ProfileRow},
};

/// A profile to make.
#[derive(Clone, Debug)]
#[must_use = "it is made by `create`"]
pub struct NewProfile {
    label: DisplayText,
    directory: PathBuf,
    is_default: bool,
}

impl NewProfile {
    /// With that label, on that directory, which need not be there.
    pub fn new(label: impl Into<DisplayText>, directory: impl Into<PathBuf>) -> Self {
        Self { label: label.into(), directory: directory.into(), is_default: false }
    }
    /// It takes the default's place.
    pub fn make_default(mut self) -> Self {
        self.is_default = true;
        self
    }
}

/// What is to be changed of a profile; nothing of it, unless said.
#[derive(Clone, Debug, Default)]
#[must_use = "it is changed by `update`"]
pub struct ProfilePatch {
    label: Option<DisplayText>,
    directory: Option<PathBuf>,
    is_default: Option<bool>,
}

impl ProfilePatch {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }
    /// Another label.
    pub fn label(mut self, label: impl Into<DisplayText>) -> Self {
        self.label = Some(label.into());
        self
    }
    /// Another directory. The files of neither are touched.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }
    /// It takes the default's place.
    pub fn make_default(mut self) -> Self {
        self.is_default = Some(true);
        self
    }
    /// It is not to be the default: refused of the one that is, since one always is.
    pub fn clear_default(mut self) -> Self {
        self.is_default = Some(false);
        self
    }
}

impl Profiles {
    /// Makes a profile; the first one of the kind is there before it.
    ///
    /// # Cancellation
    ///
    /// Dropped, it may have been made.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidLabel`], [`ProfileError`] for a label or directory that is taken or cannot be one, and the store's.
    pub async fn create(&self, profile: NewProfile) -> Result<Profile, Error> {
        let NewProfile { label, directory, is_default } = profile;
        let wanted = ProfileRow {
            id: ProfileId::from(self.shared.ids.next()),
            label: rules::label(label.as_str()).ok_or(Error::InvalidLabel)?,
            directory: rules::directory(&self.spec, &directory)?,
            is_default,
            is_implicit: false,
            created_at: 0,
            marked: Marked::default(),
        };
        // Drawn behind the id of the one that is made first, which sorts before it by its id.
        let mut within = self.within();
        let mut wanted = ProfileRow { created_at: within.now, ..wanted };
        std::mem::swap(&mut within.fresh, &mut wanted.id);
        let made = self.shared.store.write(move |tx| {
            Box::pin(async move {
                let rows = match within.begin(tx).await? {
                    Ok(rows) => rows,
                    // There can be no first one; this one is it.
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
                Ok(Ok(wanted))
            })
        });
        Ok(made.await??.into())
    }

    /// Changes what the patch says. One that says nothing changes nothing.
    ///
    /// # Cancellation
    ///
    /// Dropped, the change may have been made.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotFound`], [`ProfileError::Default`] when it is the default and is not to be it any more; and as
    /// [`create`](Self::create).
    pub async fn update(&self, id: ProfileId, patch: ProfilePatch) -> Result<Profile, Error> {
        let ProfilePatch { label, directory, is_default } = patch;
        let label = match label {
            Some(label) => Some(rules::label(label.as_str()).ok_or(Error::InvalidLabel)?),
            None => None,
        };
        let directory = directory.map(|path| rules::directory(&self.spec, &path)).transpose()?;
        let says_all = label.is_some() && directory.is_some();
        let within = self.within();
        let changed = self.shared.store.write(move |tx| {
            Box::pin(async move {
                let rows = match within.begin(tx).await? {
                    Ok(rows) => rows,
                    // Nothing is there, so this one is not.
                    Err(ProfileError::NoHome { .. }) => Vec::new(),
                    Err(error) => return Ok(Err(error.into())),
                };
                let before = match rules::find(&within.kind, &rows, id) {
                    Ok(row) => row,
                    Err(error) => return Ok(Err(error.into())),
                };
                // What somebody edited is not confirmed by a change of something else.
                let sound = within.marks().check(&before);
                if let (Err(error), false) = (&sound, says_all) {
                    return Ok(Err(Error::from(error.clone())));
                }
                let mut row = before.clone();
                row.label = label.unwrap_or(row.label);
                if let Some(directory) = directory {
                    row.is_implicit =
                        within.implicit.as_ref() == Some(&directory) || (row.is_implicit && row.directory == directory);
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
    }

    /// Makes it the default in place of another.
    ///
    /// # Repetition
    ///
    /// Once is as good as twice.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotFound`], and the store's.
    pub async fn set_default(&self, id: ProfileId) -> Result<Profile, Error> {
        self.update(id, ProfilePatch::new().make_default()).await
    }

    /// Forgets a profile. Its directory stays as it is, with all that is in it.
    ///
    /// What the host says of its use is asked before the transaction: a session that begins in between has a profile that
    /// is gone, and is started as if none had been named.
    ///
    /// # Cancellation
    ///
    /// Dropped, it may be gone.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Last`], [`ProfileError::Default`], [`ProfileError::InUse`] as long as the host, a connection or a
    /// slot uses it, [`ProfileError::NotFound`], and the store's.
    pub async fn remove(&self, id: ProfileId) -> Result<(), Error> {
        let uses = self.shared.profile_uses.as_ref().map_or(0, |uses| uses(&self.owner, &self.kind, id));
        let within = self.within();
        let removed = self.shared.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(crate::store::Lock::Owner(&within.owner)).await?;
                let (owner, kind) = (&within.owner, within.kind.as_str());
                let rows = tx.profiles(owner, kind).await?;
                let found = rules::find(&within.kind, &rows, id);
                let row = match found.and_then(|row| rules::may_go(&within.kind, &rows, &row).map(|()| row)) {
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
                    (uses, ..) => format!("{uses} times, as this program says"),
                };
                Ok(Err(ProfileError::InUse { kind: within.kind.clone(), label: row.label, by }))
            })
        });
        Ok(removed.await??)
    }
}
