//! `[kinds.KIND]`: the application that the operator registered at a provider, for every setup and renewal of the kind.

use std::{
    collections::BTreeMap,
    error::Error as StdError,
    path::{Path, PathBuf},
};

use connection_contract::{Descriptor, Secret};
use connection_core::{HostSecret, SecretFile, SecretFileError};
use connection_oauth2::{CLIENT_KEY, client_value};
use secrecy::{ExposeSecret as _, SecretString};

use super::Source;
use crate::Error;

/// By the kind's name, as the configuration has it.
pub(crate) type KindsSettings = BTreeMap<String, KindSettings>;

/// What the configuration says of one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct KindSettings {
    id: Option<String>,
    secret: Option<ClientSecret>,
    /// Where the last of it came from.
    place: String,
    /// Which layer brought the secret: the environment has no directory.
    layer: Option<PathBuf>,
}

#[derive(Clone, Debug)]
enum ClientSecret {
    File(PathBuf),
    Text(SecretString),
}

impl KindSettings {
    pub(super) fn id(&mut self, id: String, source: &Source) {
        self.id = Some(id);
        self.place.clone_from(&source.name);
    }

    pub(super) fn secret(&mut self, secret: SecretString, source: &Source) -> Result<(), Error> {
        self.put(ClientSecret::Text(secret), source)
    }

    pub(super) fn secret_file(&mut self, path: &str, source: &Source) -> Result<(), Error> {
        self.put(ClientSecret::File(source.path(path)), source)
    }

    /// A later layer wins, whichever of the two keys it has; of one layer, only one is meant.
    fn put(&mut self, secret: ClientSecret, source: &Source) -> Result<(), Error> {
        if self.secret.is_some() && self.layer == source.directory {
            return Err(Error::configuration(format!(
                "{}: client_secret and client_secret_file are both set for a kind",
                source.name
            ))
            .remedy("leave one of them out"));
        }
        self.place.clone_from(&source.name);
        self.layer.clone_from(&source.directory);
        self.secret = Some(secret);
        Ok(())
    }

    /// Where it is configured.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// What it is for this kind.
    pub(crate) fn application(&self, descriptor: &Descriptor) -> Result<Application, Error> {
        let kind = &descriptor.kind;
        let wrong = |what: String| Error::configuration(format!("{}: {what}", self.place));
        let kept =
            |name: &str| descriptor.fields.iter().any(|f| f.name == name && f.kept.as_deref() == Some(CLIENT_KEY));
        if !kept("clientId") {
            return Err(wrong(format!("'{kind}' takes no application")).remedy(format!("leave kinds.{kind} out")));
        }
        let Some(id) = &self.id else {
            return Err(wrong(format!("kinds.{kind}.client_id is missing")).remedy("give the application's id too"));
        };
        match (&self.secret, kept("clientSecret")) {
            (None, true) => Err(wrong(format!("kinds.{kind} has no secret")).remedy("set client_secret_file")),
            (Some(_), false) => {
                Err(wrong(format!("the application of '{kind}' has no secret")).remedy("leave client_secret out"))
            }
            (secret, _) => Ok(Application { id: id.clone(), secret: secret.clone() }),
        }
    }
}

/// The application of a kind, read at each use: a secret that was replaced in its file works at the next renewal.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    id: String,
    secret: Option<ClientSecret>,
}

impl Application {
    /// Says before a setup begins that it cannot be had.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        match self.value().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let remedy = error.remedy();
                Err(Error::configuration(format!("client_secret_file: {error}")).remedy(remedy))
            }
        }
    }

    async fn value(&self) -> Result<Secret, SecretFileError> {
        let secret = match &self.secret {
            None => None,
            Some(ClientSecret::File(path)) => Some(SecretFile::at(path as &Path).read().await?),
            Some(ClientSecret::Text(text)) => Some(Secret::from(text.expose_secret())),
        };
        Ok(client_value(&self.id, secret.as_ref()))
    }
}

#[async_trait::async_trait]
impl HostSecret for Application {
    async fn read(&self) -> Result<Secret, Box<dyn StdError + Send + Sync>> {
        Ok(self.value().await?)
    }
}
