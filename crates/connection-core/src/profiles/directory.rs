//! The directory of a profile, for a tool that does not make it.

use std::{ffi::OsStr, io::ErrorKind, path::Path};

use connection_contract::DisplayText;

use super::{ProfileError, Profiles, SpawnOptions};
use crate::{Error, platform};

impl Profiles {
    /// Makes the directory that a start [names](Self::apply_profile), for a tool that
    /// [wants it to be there](connection_contract::ProfileSpec::needs_directory): with those above it, and for whoever runs
    /// this process alone. Whether it was made now: one that is there stays as it is, and what a tool does by itself is left
    /// to it.
    ///
    /// # Repetition
    ///
    /// Once is as good as twice.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotMade`]; what was made above it stays.
    pub async fn make_directory(&self, options: &SpawnOptions) -> Result<bool, Error> {
        let named = options.profile().map(|(_, directory)| directory.to_owned());
        let Some(directory) = named.filter(|_| self.spec.needs_directory && self.is_named(options)) else {
            return Ok(false);
        };
        let path = DisplayText::from(directory.to_string_lossy().into_owned()).to_string();
        let make = move || make(&directory);
        let made = self.shared.runtimes.spawn(async move { tokio::task::spawn_blocking(make).await }).await;
        // It does not crash; a runtime that goes away takes the registry with it.
        let made = made.ok().and_then(Result::ok).unwrap_or_else(|| Err("it was interrupted".to_owned()));
        made.map_err(|problem| ProfileError::NotMade { path, problem }.into())
    }

    /// Whether the start tells the tool where its directory is.
    fn is_named(&self, options: &SpawnOptions) -> bool {
        options.profile_kind() == Some(&self.kind) && options.env.contains_key(OsStr::new(&*self.spec.env_var))
    }
}

fn make(path: &Path) -> Result<bool, String> {
    if path.is_dir() {
        return Ok(false);
    }
    platform::create_private_dir(path).map(|()| true).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => "something else is in its way".to_owned(),
        kind => kind.to_string(),
    })
}
