//! A secret of the configuration: the key itself, or one that ends in `_file` and names a file that holds it.

use std::path::{Path, PathBuf};

use connection_contract::Secret;
use connection_core::{SecretFile, SecretFileError};
use secrecy::{ExposeSecret as _, SecretString};

use super::{KeyType, Layer, Source};
use crate::Error;

/// Where a secret is.
#[derive(Clone, Debug)]
pub(crate) enum SecretPlace {
    File(PathBuf),
    Text(SecretString),
}

/// What the layers say of one secret.
#[derive(Clone, Debug, Default)]
pub(crate) struct SecretSetting {
    place: Option<SecretPlace>,
    /// The layer that said it: the environment has no directory.
    layer: Option<PathBuf>,
}

impl SecretSetting {
    /// A later layer wins, whichever of the two keys it has. A layer with both is refused: only a person knows which one
    /// is right.
    pub(super) fn put(&mut self, name: &str, place: SecretPlace, source: &Source) -> Result<(), Error> {
        if self.place.is_some() && self.layer == source.directory {
            let name = name.strip_suffix("_file").unwrap_or(name);
            return Err(Error::configuration(format!("{}: '{name}' and '{name}_file' are both set", source.name))
                .remedy("leave one of them out"));
        }
        self.layer.clone_from(&source.directory);
        self.place = Some(place);
        Ok(())
    }

    pub(crate) fn place(&self) -> Option<&SecretPlace> {
        self.place.as_ref()
    }

    /// The secret as text, read from its file now. `name` is that of the key without `_file`.
    pub(super) fn text(&self, name: &str) -> Result<Option<SecretString>, Error> {
        let path = match &self.place {
            None => return Ok(None),
            Some(SecretPlace::Text(text)) => return Ok(Some(text.clone())),
            Some(SecretPlace::File(path)) => path,
        };
        let secret = SecretFile::at(path as &Path).read_blocking().map_err(|error| {
            let remedy = error.remedy();
            Error::configuration(format!("{name}_file: {error}")).remedy(remedy)
        })?;
        match secret.expose_str().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => Ok(Some(text.into())),
            None => Err(Error::configuration(format!("{name}_file: {} holds no text", path.display()))
                .remedy("put the secret alone into it")),
        }
    }
}

impl SecretPlace {
    /// The secret, read from its file now.
    pub(crate) async fn read(&self) -> Result<Secret, SecretFileError> {
        match self {
            Self::File(path) => SecretFile::at(path as &Path).read().await,
            Self::Text(text) => Ok(Secret::from(text.expose_secret())),
        }
    }
}

/// The first key of a layer whose value is a secret.
pub(super) fn first_secret(layer: &Layer) -> Option<&str> {
    let secret = layer.iter().find(|(key, _, value, _)| match key.value {
        KeyType::Secret => true,
        KeyType::Url => value.as_str().is_some_and(has_password),
        _ => false,
    });
    secret.map(|(_, name, _, _)| &**name)
}

/// Whether an address has a password in it.
pub(super) fn has_password(url: &str) -> bool {
    let authority =
        url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let named = query.split('&').any(|pair| pair.to_ascii_lowercase().starts_with("password="));
    user.contains(':') || named
}
