//! Isolated identities of local tools: one list and one set of rules for all kinds.
//!
//! A profile is a row that names a directory. The core never writes below that directory, and removing a profile
//! removes only the row. The first call of `list` creates the first profile, on the directory that the tool uses by
//! itself, so there is always a default. Rows are changed in one transaction under the owner's lock.

mod change;
mod directory;
mod list;
mod probe;
mod slots;
mod spawn;
mod token;

use std::{fmt, sync::Arc};

use connection_contract::{BoxFuture, Kind};

use crate::{Error, ProfileId, connection, ground::Scope, profile_rows::KindProfiles};

pub use crate::profile_rows::Profile;
pub use change::{NewProfile, ProfilePatch};
pub use list::ListedProfile;
pub(crate) use list::list;
pub use probe::{DirectoryProbe, DirectoryState};
pub use spawn::SpawnOptions;
pub use token::ProfileToken;

/// The profiles of one kind and one owner.
///
/// # Examples
///
/// ```
/// use connection_contract::Kind;
/// use connection_core::{ConnectionRegistry, Error, NewProfile};
///
/// async fn separate(registry: &ConnectionRegistry, kind: &Kind) -> Result<(), Error> {
///     let profiles = registry.profiles(kind)?;
///     let work = profiles.create(NewProfile::new("work", "/home/ada/.claude-work")).await?;
///     println!("{} keeps its files in {}", work.label, work.directory.display());
///     for profile in profiles.list().await? {
///         println!("{}", profile.label);
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Profiles {
    system: Arc<connection::System>,
    of: KindProfiles,
}

impl fmt::Debug for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profiles").field("owner", &self.of.owner).field("kind", &self.of.kind).finish_non_exhaustive()
    }
}

impl Profiles {
    /// Returns the profiles of a kind.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`], and [`Error::Profile`] for a kind that has none here.
    pub(crate) fn new(scope: Scope<'_, connection::System>, kind: &Kind) -> Result<Self, Error> {
        let of = KindProfiles::new(&scope.system.ground, scope.owner, kind)?;
        Ok(Self { system: scope.system.clone(), of })
    }

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
    /// [`ProfileError::NoHome`](crate::ProfileError::NoHome) if the first profile is needed and its directory is not known, as for another
    /// owner; and errors of the store.
    pub fn list(&self) -> BoxFuture<'_, Result<Vec<Profile>, Error>> {
        Box::pin(async move { Ok(self.of.rows().await?.into_iter().map(Profile::from).collect()) })
    }

    /// Returns the profile with this id.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotFound`](crate::ProfileError::NotFound), and errors of the store.
    pub fn get(&self, id: ProfileId) -> BoxFuture<'_, Result<Profile, Error>> {
        Box::pin(self.of.get(id))
    }

    /// Returns the profile that is used when none is named.
    ///
    /// # Errors
    ///
    /// The errors of [`list`](Self::list).
    pub fn default_profile(&self) -> BoxFuture<'_, Result<Profile, Error>> {
        Box::pin(self.of.default_profile())
    }
}
