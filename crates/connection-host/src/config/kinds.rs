//! `[kinds.KIND]`: the application that the operator registered at a provider, for every setup and renewal of the kind.

use std::{collections::BTreeMap, error::Error as StdError};

use connection_contract::{Descriptor, Secret};
use connection_core::{HostSecret, SecretFileError};
use connection_oauth2::{CLIENT_KEY, client_value};

use super::{
    Source,
    secret::{SecretPlace, SecretSetting},
};
use crate::Error;

/// By the kind's name, as the configuration has it.
pub(crate) type KindsSettings = BTreeMap<String, KindSettings>;

/// What the configuration says of one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct KindSettings {
    id: Option<String>,
    secret: SecretSetting,
    /// Where the last of it came from.
    place: String,
}

impl KindSettings {
    pub(super) fn id(&mut self, id: String, source: &Source) {
        self.id = Some(id);
        self.place.clone_from(&source.name);
    }

    pub(super) fn secret(&mut self, name: &str, secret: SecretPlace, source: &Source) -> Result<(), Error> {
        self.place.clone_from(&source.name);
        self.secret.put(name, secret, source)
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
        match (self.secret.place(), kept("clientSecret")) {
            (None, true) => Err(wrong(format!("kinds.{kind} has no secret")).remedy("set client_secret_file")),
            (Some(_), false) => {
                Err(wrong(format!("the application of '{kind}' has no secret")).remedy("leave client_secret out"))
            }
            (secret, _) => Ok(Application { id: id.clone(), secret: secret.cloned() }),
        }
    }
}

/// The application of a kind, read at each use: a secret that was replaced in its file works at the next renewal.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    id: String,
    secret: Option<SecretPlace>,
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
            Some(secret) => Some(secret.read().await?),
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
