//! The profile that a setup uses, and the directory that is granted to its kind.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use connection_contract::{GrantedDirectory, Kind, Need, host};

use super::{KindProfiles, Profile};
use crate::{Error, ProfileError, ProfileId, ground::Ground, kinds::KindEntry};

/// A profile, with its directory if the kind may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsedProfile {
    pub(crate) id: ProfileId,
    /// The granted directory, or `None` for a kind that needs no files.
    pub(crate) root: Option<GrantedDirectory>,
}

/// Returns the profile for a setup: the one with the given id, or else the default of a kind that has profiles.
///
/// # Errors
///
/// [`ProfileError`] if the profile with the given id does not exist, and errors of the store.
pub(crate) async fn setup_profile(
    ground: &Arc<Ground>,
    owner: &str,
    kind: &Kind,
    id: Option<ProfileId>,
) -> Result<Option<UsedProfile>, Error> {
    let entry = ground.kind(owner, kind).await?;
    if ground.local_services.profiles(&entry).is_none() && id.is_none() {
        return Ok(None);
    }
    let profiles = KindProfiles::new(ground, owner, kind)?;
    let profile = match id {
        Some(id) => profiles.get(id).await?,
        None => match profiles.default_profile().await {
            // If no directory is known, there is nothing to isolate.
            Err(Error::Profile(ProfileError::NoHome { .. })) => return Ok(None),
            profile => profile?,
        },
    };
    Ok(Some(grant(ground, &entry, profile).await))
}

/// Returns a profile as it is now, or `None` if it no longer exists.
///
/// # Errors
///
/// Errors of the store. A profile that cannot be read now may still have a directory.
pub(crate) async fn granted(
    ground: &Arc<Ground>,
    owner: &str,
    kind: &Arc<KindEntry>,
    id: ProfileId,
) -> Result<Option<UsedProfile>, Error> {
    let Ok(profiles) = KindProfiles::new(ground, owner, kind.kind()) else { return Ok(None) };
    match profiles.get(id).await {
        Ok(profile) => Ok(Some(grant(ground, kind, profile).await)),
        Err(Error::Profile(ProfileError::NotFound { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the directories of all profiles of an owner that the kind may read.
pub(crate) async fn granted_all(ground: &Arc<Ground>, owner: &str, kind: &Arc<KindEntry>) -> Vec<GrantedDirectory> {
    let Ok(profiles) = KindProfiles::new(ground, owner, kind.kind()) else { return Vec::new() };
    // Runs on a task of the core, because the store's connections belong to its runtime.
    let listed = ground.runtimes.spawn(async move { profiles.valid_profiles().await });
    let mut roots = Vec::new();
    for profile in listed.await.ok().and_then(Result::ok).unwrap_or_default() {
        roots.extend(grant(ground, kind, profile).await.root);
    }
    roots
}

async fn grant(ground: &Ground, kind: &KindEntry, profile: Profile) -> UsedProfile {
    let Profile { id, directory, .. } = profile;
    if !kind.descriptor.needs.contains(&Need::Files) {
        return UsedProfile { id, root: None };
    }
    let found = move || {
        // A person named this directory, so links in its path are followed. Links below it are not.
        real(&directory)
    };
    // Runs on a task of the core, since the caller may be on another executor.
    let real = ground.runtimes.spawn(async move { tokio::task::spawn_blocking(found).await });
    let real = real.await.ok().and_then(Result::ok);
    UsedProfile { id, root: real.as_deref().and_then(Path::to_str).map(host::granted_directory) }
}

/// Returns the real path of a directory that may not exist yet: the real path of its nearest existing ancestor,
/// followed by the missing parts.
fn real(directory: &Path) -> PathBuf {
    let found = directory.ancestors().find_map(|there| Some((there, there.canonicalize().ok()?)));
    match found {
        Some((there, real)) => match directory.strip_prefix(there) {
            Ok(rest) if rest.as_os_str().is_empty() => real,
            Ok(rest) => real.join(rest),
            Err(_) => directory.to_owned(),
        },
        None => directory.to_owned(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::real;

    #[test]
    fn a_directory_that_is_not_there_yet_is_below_where_the_links_before_it_lead() {
        let base = tempfile::tempdir().unwrap();
        let there = base.path().canonicalize().unwrap().join("there");
        std::fs::create_dir(&there).unwrap();
        let link = base.path().join("link");
        std::os::unix::fs::symlink(&there, &link).unwrap();
        assert_eq!(real(&link), there);
        assert_eq!(real(&link.join("not/yet")), there.join("not/yet"));
        std::fs::create_dir_all(there.join("not/yet")).unwrap();
        assert_eq!(real(&link.join("not/yet")), there.join("not/yet"));
    }
}
