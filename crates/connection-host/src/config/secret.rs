//! Secrets of the configuration: the value of a key, or the content of the file that the key with `_file` names.

use std::path::{Path, PathBuf};

use connection_contract::Secret;
use connection_core::{SecretFile, SecretFileError, StoreAddress};
use secrecy::{ExposeSecret as _, SecretString};

use super::{KeyType, Layer, Source, value::Value};
use crate::Error;

/// A secret of the configuration: the text itself, or the file that holds it.
#[derive(Clone, Debug)]
pub(crate) enum SecretPlace {
    File(PathBuf),
    Text(SecretString),
}

/// The setting of one secret across the layers.
#[derive(Clone, Debug, Default)]
pub(crate) struct SecretSetting {
    place: Option<SecretPlace>,
    /// The layer that set it, identified by its directory; the environment has none.
    layer: Option<PathBuf>,
}

impl SecretSetting {
    /// Sets the place of the secret. A later layer takes precedence, whichever of the two keys it uses.
    ///
    /// A layer with both keys is refused, because only a person knows which one is right.
    fn put(&mut self, name: &str, place: SecretPlace, source: &Source) -> Result<(), Error> {
        if self.place.is_some() && self.layer == source.directory {
            let name = name.strip_suffix("_file").unwrap_or(name);
            return Err(Error::configuration(format!("{}: '{name}' and '{name}_file' are both set", source.name))
                .remedy("leave one of them out"));
        }
        self.layer.clone_from(&source.directory);
        self.place = Some(place);
        Ok(())
    }

    /// Sets the secret to the text of a key.
    pub(super) fn put_text(&mut self, value: &Value<'_>) -> Result<(), Error> {
        self.put(value.name, SecretPlace::Text(value.text()?.into()), value.source)
    }

    /// Sets the secret to the content of the file that a key names.
    pub(super) fn put_file(&mut self, value: &Value<'_>) -> Result<(), Error> {
        self.put(value.name, SecretPlace::File(value.path()?), value.source)
    }

    pub(crate) fn place(&self) -> Option<&SecretPlace> {
        self.place.as_ref()
    }

    /// Reads the secret as text, without what files and variables put around it. `name` is the key without `_file`.
    pub(super) fn text(&self, name: &str) -> Result<Option<SecretString>, Error> {
        let path = match &self.place {
            None => return Ok(None),
            Some(SecretPlace::Text(text)) => return Ok(Some(connection_core::bare_text(text.expose_secret()).into())),
            Some(SecretPlace::File(path)) => path,
        };
        let secret = SecretFile::at(path as &Path).read_blocking().map_err(|error| {
            let remedy = error.remedy();
            Error::configuration(format!("{name}_file: {error}")).remedy(remedy)
        })?;
        match secret.expose_str().map(connection_core::bare_text).filter(|text| !text.is_empty()) {
            Some(text) => Ok(Some(text.into())),
            None => Err(Error::configuration(format!("{name}_file: {} holds no text", path.display()))
                .remedy("put nothing but the secret into it")),
        }
    }
}

impl SecretPlace {
    pub(crate) async fn read(&self) -> Result<Secret, SecretFileError> {
        match self {
            Self::File(path) => SecretFile::at(path as &Path).read().await,
            Self::Text(text) => Ok(Secret::from(text.expose_secret())),
        }
    }
}

/// Returns the first key of a layer whose value is a secret. The name of a file that exists has none.
pub(super) fn first_secret(layer: &Layer) -> Option<&str> {
    let is_secret = |address: StoreAddress<'_>| address.has_password() && !address.exists();
    let secret = layer.iter().find(|(key, _, value, _)| match key.value {
        KeyType::Secret => true,
        KeyType::Url => value.as_str().is_some_and(|url| is_secret(StoreAddress::new(url))),
        _ => false,
    });
    secret.map(|(_, name, _, _)| &**name)
}

#[cfg(all(test, unix))]
mod tests {
    use super::{
        super::{KEYS, refuse_password},
        *,
    };

    #[test]
    fn the_name_of_a_file_that_exists_has_no_password_although_it_looks_like_an_address() {
        let beside = tempfile::Builder::new().prefix("databases-").tempdir_in(".").unwrap();
        let url = format!("{}/me:hunter2@db", beside.path().file_name().unwrap().to_str().unwrap());
        let key = KEYS.iter().find(|key| key.name == "database_url").unwrap();
        let source = Source { name: "config.toml".to_owned(), directory: None };
        let layer = vec![(key, key.name.to_owned(), toml::Value::String(url.clone()), source)];
        assert!(refuse_password(&url, "--database").is_err());
        assert_eq!(first_secret(&layer), Some("database_url"));
        std::fs::write(&url, "").unwrap();
        assert!(refuse_password(&url, "--database").is_ok());
        assert_eq!(first_secret(&layer), None);
    }
}
