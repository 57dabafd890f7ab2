//! The extensions that a person added. The core stores their declarations as text and does not interpret it.

use connection_contract::{BoxFuture, DisplayText, ExtensionDeclaration, InvalidDeclaration, Kind, Timestamp};

use super::{DeclaredExtension, Extensions, choice, names, revisions::next_count, row_marks::RowMarks};
use crate::{
    ChangedPart, Error, ExtensionChange, ExtensionError,
    access_token::revoke_of_extension,
    extension::requirement::public,
    grant, guard,
    store::{
        Lock, StoreError, Tx, carried, carrying,
        rows::{ExtensionRow, ExtensionStateRow, PreferenceRow, StoredMark},
    },
};

/// Maximum length of a declaration, in bytes.
const MAX_SOURCE_LENGTH: usize = 1 << 20;

/// An extension that its owner has added.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtensionInfo {
    /// The name of the extension, as its declaration states it.
    pub name: String,
    /// The provider to which the extension needs a connection.
    pub provider: Kind,
    /// The declaration, as the host gave it.
    pub source: String,
    /// The time at which the extension was first added.
    pub added_at: Timestamp,
}

impl ExtensionInfo {
    pub(super) fn of(row: ExtensionRow) -> Option<Self> {
        let ExtensionRow { name, provider, source, added_at, .. } = row;
        Some(Self { name, provider: Kind::parse(&provider)?, source, added_at: Timestamp::from_seconds(added_at) })
    }
}

/// Stores the public part of an added declaration, and counts the change if it differs from the former one. Returns
/// whether it differs.
async fn added(tx: &mut Tx, marks: &RowMarks<'_>, row: &ExtensionRow, public: String) -> Result<bool, StoreError> {
    let known = marks.known(tx, &row.name).await?.unwrap_or_else(|| marks.unknown(&row.name));
    let set = tx.preferences(marks.owner, &row.name, "").await?;
    let shown = |declared: Option<&str>| public::of_provider(declared, set.as_ref().map(|row| &*row.body));
    let is_read = |provider: Option<&str>| provider == Some(&*row.name);
    let was = is_read(known.provider.as_deref());
    let is = is_read(Some(&row.provider));
    let before = shown(known.public.as_deref());
    let now = shown(Some(&public));
    let is_shown = match was == is {
        true => known.public.is_some() && before != now,
        // Other extensions read nothing of it before the change, or nothing after it.
        false => [(was, before), (is, now)].iter().any(|(read, shown)| *read && shown.as_ref() != Some(&Vec::new())),
    };
    // The extension itself also reads names whose value the connection has, and values that hold without a default.
    let own_values = |declared: &str| public::of_its_own(declared, set.as_ref().map(|row| &*row.body));
    let is_told = known.public.as_deref().is_some_and(|declared| own_values(declared) != own_values(&public));
    let is_public = is_shown || is_told;
    let public_revision = next_count(tx, known.public_revision, is_public)?;
    let row_of = ExtensionStateRow {
        fingerprint: Some(row.fingerprint.clone()),
        provider: Some(row.provider.clone()),
        public: Some(public),
        public_revision,
        ..known
    };
    marks.put_state(tx, &row_of).await?;
    Ok(is_public)
}

/// Stores that an extension was removed, and counts the changes. Returns the changed parts.
async fn removed(
    tx: &mut Tx,
    marks: &RowMarks<'_>,
    name: &str,
    settings: &[PreferenceRow],
) -> Result<Vec<ChangedPart>, StoreError> {
    let set: Vec<_> = settings.iter().filter(|row| row.body != "{}").collect();
    let own = set.iter().copied().find(|row| row.command.is_empty());
    let mut parts: Vec<_> = own.map(|_| ChangedPart::ExtensionConfig).into_iter().collect();
    if let Some(known) = marks.known(tx, name).await? {
        let was_read = known.provider.as_deref() == Some(name);
        let shown = public::of_provider(known.public.as_deref(), own.map(|row| &*row.body));
        let is_public = was_read && shown.as_ref() != Some(&Vec::new());
        parts.extend(is_public.then_some(ChangedPart::ConnectionConfig));
        let public_revision = next_count(tx, known.public_revision, is_public)?;
        let row = ExtensionStateRow { fingerprint: None, provider: None, public_revision, ..known };
        marks.put_state(tx, &row).await?;
    }
    // The settings stay as empty rows, because their counts must keep growing.
    for row in &set {
        let body = "{}".to_owned();
        let revision = next_count(tx, row.revision, true)?;
        let public_revision = next_count(tx, row.public_revision, row.command.is_empty())?;
        marks.set(tx, &PreferenceRow { body, revision, public_revision, ..(*row).clone() }).await?;
    }
    parts.extend(set.iter().any(|row| !row.command.is_empty()).then_some(ChangedPart::CommandConfig));
    Ok(parts)
}

impl<'a> Extensions<'a> {
    /// Adds an extension with its declaration, as a host read it, so that the host finds it when it starts again. The
    /// declaration of an extension with the same name is replaced; its grants and its settings stay.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Declaration`], [`ExtensionError::TooLarge`], and the store's errors. Nothing was changed.
    pub fn add(
        self,
        declaration: &'a ExtensionDeclaration,
        source: impl Into<String>,
    ) -> BoxFuture<'a, Result<ExtensionInfo, Error>> {
        self.add_source(declaration, source.into())
    }

    fn add_source(
        self,
        declaration: &'a ExtensionDeclaration,
        source: String,
    ) -> BoxFuture<'a, Result<ExtensionInfo, Error>> {
        Box::pin(async move { self.store(declaration, self.checked_row(declaration, source)?).await })
    }

    /// Returns the row of a declaration that can be stored.
    fn checked_row(self, declaration: &ExtensionDeclaration, source: String) -> Result<ExtensionRow, Error> {
        declaration.check().map_err(ExtensionError::from)?;
        names::check(declaration).map_err(ExtensionError::from)?;
        if source.len() > MAX_SOURCE_LENGTH {
            return Err(ExtensionError::TooLarge { extension: declaration.name.to_string().into() }.into());
        }
        if source.contains('\0') {
            let name = declaration.name.to_string();
            let id = declaration.requirement.id.to_string();
            let rule = "a declaration must not contain a zero byte; remove it";
            return Err(ExtensionError::from(InvalidDeclaration::new(name, id, "", rule)).into());
        }
        Ok(ExtensionRow {
            owner: self.scope.owner.to_owned(),
            name: declaration.name.to_string(),
            provider: declaration.requirement.provider.to_string(),
            source,
            fingerprint: DeclaredExtension::of(&declaration.requirement).print.to_vec(),
            added_at: self.scope.system.ground.clock.now().seconds(),
            marked: StoredMark::default(),
        })
    }

    /// Stores an added declaration, and announces what it changes.
    async fn store(self, declaration: &ExtensionDeclaration, row: ExtensionRow) -> Result<ExtensionInfo, Error> {
        let needed = DeclaredExtension::of(&declaration.requirement);
        let name = row.name.clone();
        let owner = self.scope.owner.to_string();
        let public = public::encode(declaration);
        let on = self.scope.system.clone();
        let whose = owner.clone();
        let name_in_task = name.clone();
        let adding = async move {
            let order = on.ground.extension_changes.order().await;
            let owner = whose.clone();
            let extension = name_in_task.clone();
            let by = on.clone();
            let added = on.ground.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&whose)).await?;
                    let marks =
                        RowMarks { sealer: &by.ground.sealer, owner: &whose, now: by.ground.clock.now().seconds() };
                    let state = tx.extension_state(&whose, &name_in_task).await?;
                    // A person who was asked before the extension was removed, and agreed afterwards, meant the former
                    // extension. A state that was edited is not trusted, so it counts as that of a removed extension.
                    let was_removed = state.is_some_and(|row| {
                        (row.provider.is_none() && row.fingerprint.is_none())
                            || guard::check(marks.sealer, &row).is_err()
                    });
                    if was_removed {
                        revoke_of_extension(tx, &by.ground.sealer, &whose, &name_in_task, marks.now).await?;
                    }
                    let late = if was_removed { tx.open_grants(&whose, &name_in_task).await? } else { Vec::new() };
                    for grant in &late {
                        tx.lock(Lock::Connection(grant.connection_id)).await?;
                        grant::take_back(tx, &by.ground, &whose, &name_in_task, grant.connection_id).await?;
                    }
                    let is_public = added(tx, &marks, &row, public).await?;
                    marks.put(tx, &row).await?;
                    tx.made(&name_in_task).await?;
                    let parts = [(is_public, ChangedPart::ConnectionConfig), (!late.is_empty(), ChangedPart::Grant)];
                    let parts: Vec<_> = parts.into_iter().filter_map(|(is, part)| is.then_some(part)).collect();
                    // The row keeps the time at which the extension was first added.
                    Ok((tx.extension(&whose, &name_in_task).await?, parts))
                })
            });
            let (added, parts) = added.await?;
            on.declarations.declared(&owner, &extension, needed);
            if !parts.is_empty() {
                let change = ExtensionChange { owner, extension, command: None, parts, revisions: None };
                order.announce(&change);
            }
            drop(order);
            Ok(added)
        };
        let task = self.scope.system.ground.runtimes.spawn(carrying(carried(), adding));
        let added = task.await.unwrap_or_else(|_| Err(Error::from(StoreError::Panicked)))?.and_then(ExtensionInfo::of);
        added.ok_or_else(|| ExtensionError::Unknown(name.into()).into())
    }

    /// Removes an extension and returns whether there was one.
    ///
    /// In one transaction, its grants and its access tokens are revoked, and its settings and the connection that was
    /// chosen for it are deleted. Its connections and their events remain.
    ///
    /// # Errors
    ///
    /// The store's errors. Nothing was changed.
    pub fn remove(self, name: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            // No extension has such a name, and not every database accepts it in a query.
            if name.contains('\0') {
                return Ok(false);
            }
            self.delete(name.to_owned()).await
        })
    }

    async fn delete(self, name: String) -> Result<bool, Error> {
        let on = self.scope.system.clone();
        let owner = self.scope.owner.to_string();
        let task = self.scope.system.ground.runtimes.spawn(async move {
            let order = on.ground.extension_changes.order().await;
            let by = on.clone();
            let whose = owner.clone();
            let extension = name.clone();
            let removed = on.ground.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&whose)).await?;
                    let settings = tx.preferences_of(&whose, &extension).await?;
                    let marks =
                        RowMarks { sealer: &by.ground.sealer, owner: &whose, now: by.ground.clock.now().seconds() };
                    let mut parts = removed(tx, &marks, &extension, &settings).await?;
                    let grants = tx.open_grants(&whose, &extension).await?;
                    for grant in &grants {
                        tx.lock(Lock::Connection(grant.connection_id)).await?;
                        grant::take_back(tx, &by.ground, &whose, &extension, grant.connection_id).await?;
                    }
                    revoke_of_extension(tx, &by.ground.sealer, &whose, &extension, marks.now).await?;
                    if let Some(row) = tx.choice(&whose, &extension).await? {
                        choice::delete(tx, &by.ground.sealer, &row, marks.now).await?;
                    }
                    let was_added = marks.delete(tx, &extension).await?;
                    parts.extend((!grants.is_empty()).then_some(ChangedPart::Grant));
                    Ok((was_added, parts))
                })
            });
            let (was_added, parts) = removed.await?;
            if was_added || !parts.is_empty() {
                let change = ExtensionChange { owner, extension: name, command: None, parts, revisions: None };
                order.announce(&change);
            }
            Ok(was_added)
        });
        task.await.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
    }

    /// Returns the added extension with this name.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Unknown`], [`Error::Row`], and the store's errors.
    pub fn get(self, name: &'a str) -> BoxFuture<'a, Result<ExtensionInfo, Error>> {
        Box::pin(async move {
            let unknown = || ExtensionError::Unknown(DisplayText::from(name.to_owned())).into();
            // No extension has such a name, and not every database accepts it in a query.
            if name.contains('\0') {
                return Err(unknown());
            }
            let row = self.scope.system.ground.reader().await?.extension(self.scope.owner, name).await?;
            if let Some(row) = &row {
                guard::check(&self.scope.system.ground.sealer, row)?;
            }
            row.and_then(ExtensionInfo::of).ok_or_else(unknown)
        })
    }
}
