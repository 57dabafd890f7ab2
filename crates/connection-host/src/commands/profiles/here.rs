//! What only the machine of the profiles can do: start their tool, make a directory for it, and know that it runs.

use std::path::{Component, PathBuf};

use connection_api::{DirectoryState, Profile};
use connection_core::{ProfileError, Profiles, SpawnOptions};

use super::InUse;
use crate::{Error, backend::profile_id, commands::tool, output::quoted, program::Program};

/// The profiles of this machine.
pub(super) struct Here<'a> {
    pub(super) program: &'a Program,
    pub(super) kind: &'a str,
    pub(super) profiles: &'a Profiles,
}

impl Here<'_> {
    /// Returns `true` if the tool refuses a missing directory and would be started with this one.
    pub(super) fn needs_directory(&self, profile: Option<&Profile>) -> bool {
        let spec = self.program.kind(self.kind).ok().and_then(|kind| kind.profiles.as_ref());
        spec.is_some_and(|spec| spec.needs_directory) && profile.is_none_or(|profile| !profile.is_implicit)
    }

    /// Creates the directory for a tool that requires one, and returns `true` if it was created. The profile is stored
    /// by now, so a failure is only noted; the next start tries again.
    pub(super) async fn make_directory(&self, profile: &Profile) -> bool {
        let made = match self.start(profile).await {
            Ok(start) => self.profiles.make_directory(&start).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        match made {
            Ok(is_made) => is_made,
            Err(error) => {
                if !self.program.output.json {
                    self.program.output.note(error.to_string());
                }
                false
            }
        }
    }

    /// Locks the profile for its removal.
    pub(super) fn lock(&self, profile: &Profile) -> Result<InUse, Error> {
        match InUse::by_nobody(self.program, profile_id(profile)?) {
            Some(lock) => Ok(lock),
            None => Err(connection_core::Error::from(ProfileError::InUse {
                kind: self.program.kind(self.kind)?.descriptor.kind.clone(),
                label: profile.label.clone(),
                by: "by a tool that runs as it".to_owned(),
            })
            .into()),
        }
    }

    /// Returns how a person signs in with a profile whose directory shows no login.
    pub(super) async fn sign_in_lines(&self, profile: &Profile) -> Result<Vec<String>, Error> {
        if profile.found.authenticated == Some(true) {
            return Ok(Vec::new());
        }
        let Ok(tool) = tool::of(self.program.kind(self.kind)?) else { return Ok(Vec::new()) };
        let mut lines = tool::sign_in(tool, &tool::Variables::of(self.program, &self.start(profile).await?));
        if profile.found.state == DirectoryState::Gone && self.needs_directory(Some(profile)) && !lines.is_empty() {
            let make = if cfg!(windows) { "mkdir" } else { "mkdir -p -m 700" };
            lines.insert(0, format!("Create the directory first: {make} {}", quoted(&profile.directory)));
        }
        Ok(lines)
    }

    /// Returns the options for a start of the tool with a profile, without the tool itself.
    async fn start(&self, profile: &Profile) -> Result<SpawnOptions, Error> {
        let mut options = SpawnOptions::new("");
        self.profiles.apply_profile(&mut options, profile_id(profile)?).await?;
        Ok(options)
    }
}

/// Makes a typed directory absolute. A path that begins with `~` was not expanded by a shell, and is left unchanged.
pub(super) fn directory(path: PathBuf) -> PathBuf {
    if path.starts_with("~") {
        return path;
    }
    let path = std::path::absolute(&path).unwrap_or(path);
    let parts: Vec<_> = path.components().collect();
    let Some(last) = parts.iter().rposition(|part| *part == Component::ParentDir) else { return path };
    let (above, below) = parts.split_at(last + 1);
    // Only the disk can resolve `..` after a symbolic link. A path that does not exist is left unchanged.
    match above.iter().collect::<PathBuf>().canonicalize() {
        Ok(real) => real.join(below.iter().collect::<PathBuf>()),
        Err(_) => path,
    }
}
