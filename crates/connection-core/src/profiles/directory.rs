//! Creates the directory of a profile for tools that do not create it themselves.

use std::{ffi::OsStr, io::ErrorKind, path::Path};

use connection_contract::{BoxFuture, DisplayText};

use super::{Profiles, SpawnOptions};
use connection_seal::platform;

use crate::{Error, ProfileError};

impl Profiles {
    /// Creates the directory that a start [names](Self::apply_profile), for a tool that [needs it to
    /// exist](connection_contract::ProfileSpec::needs_directory), and returns whether it was created.
    ///
    /// Missing parent directories are created, too. New directories are accessible only to the user who runs this
    /// process. An existing directory stays as it is. For tools that create their directory themselves, this does
    /// nothing.
    ///
    /// # Repetition
    ///
    /// Calling this again changes nothing.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotMade`]; parent directories that were already created stay.
    pub fn make_directory<'a>(&'a self, options: &'a SpawnOptions) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let named = options.profile().map(|(_, directory)| directory.to_owned());
            let Some(directory) = named.filter(|_| self.of.spec.needs_directory && self.is_named(options)) else {
                return Ok(false);
            };
            let path = DisplayText::from(directory.to_string_lossy().into_owned()).to_string();
            let make = move || make(&directory);
            let made = self.system.ground.runtimes.spawn(async move { tokio::task::spawn_blocking(make).await }).await;
            // The task does not panic. It is lost only when its runtime shuts down, which also ends the registry.
            let made = made.ok().and_then(Result::ok).unwrap_or_else(|| Err("it was interrupted".to_owned()));
            made.map_err(|problem| ProfileError::NotMade { path, problem }.into())
        })
    }

    /// Returns `true` if the start tells the tool where its directory is.
    fn is_named(&self, options: &SpawnOptions) -> bool {
        options.profile_kind() == Some(&self.of.kind) && options.env.contains_key(OsStr::new(&*self.of.spec.env_var))
    }
}

fn make(path: &Path) -> Result<bool, String> {
    if path.is_dir() {
        return Ok(false);
    }
    platform::create_private_dir(path).map(|()| true).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => "something else has its path".to_owned(),
        kind => kind.to_string(),
    })
}
