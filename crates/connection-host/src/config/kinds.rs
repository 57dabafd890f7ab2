//! The tables `[kinds.KIND]`: the application that the operator registered at a provider, for all setups and refreshes.

use std::{collections::BTreeMap, error::Error as StdError};

use connection_contract::{Descriptor, Secret};
use connection_core::{HostSecret, SecretFileError};
use connection_oauth2::{CLIENT_KEY, client_value_at};

use super::{
    secret::{SecretPlace, SecretSetting},
    value::Value,
};
use crate::Error;

/// The settings of kinds, by the kind's name as configured.
pub(crate) type KindsSettings = BTreeMap<String, KindSettings>;

/// The settings of one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct KindSettings {
    id: Option<String>,
    secret: SecretSetting,
    /// The source of the last setting, such as a file.
    place: String,
    /// The key of the secret and the source that sets it.
    secret_place: String,
}

impl KindSettings {
    pub(super) fn put_id(&mut self, value: &Value<'_>) -> Result<(), Error> {
        self.place.clone_from(&value.source.name);
        self.id = Some(value.text()?);
        Ok(())
    }

    pub(super) fn put_secret(&mut self, value: &Value<'_>) -> Result<(), Error> {
        self.place.clone_from(&value.source.name);
        self.secret_place = value.place();
        self.secret.put_text(value)
    }

    pub(super) fn put_secret_file(&mut self, value: &Value<'_>) -> Result<(), Error> {
        self.place.clone_from(&value.source.name);
        self.secret_place = format!("the file of {}", value.place());
        self.secret.put_file(value)
    }

    /// Returns the file or variable that configures the kind.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Returns the application for this kind.
    pub(crate) fn application(&self, descriptor: &Descriptor) -> Result<Application, Error> {
        let kind = &descriptor.kind;
        let wrong = |what: String| Error::configuration(format!("{}: {what}", self.place));
        let kept =
            |name: &str| descriptor.fields.iter().any(|f| f.name == name && f.kept.as_deref() == Some(CLIENT_KEY));
        if !kept("clientId") {
            return Err(wrong(format!("'{kind}' uses no application")).remedy(format!("leave kinds.{kind} out")));
        }
        let Some(id) = &self.id else {
            return Err(wrong(format!("kinds.{kind}.client_id is missing")).remedy("set the application's id, too"));
        };
        match (self.secret.place(), kept("clientSecret")) {
            (None, true) => Err(wrong(format!("kinds.{kind} has no secret")).remedy("set client_secret_file")),
            (Some(_), false) => {
                Err(wrong(format!("the application of '{kind}' has no secret")).remedy("leave client_secret out"))
            }
            (secret, _) => {
                Ok(Application { id: id.clone(), secret: secret.cloned(), place: self.secret_place.clone() })
            }
        }
    }
}

/// The application of a kind, read at each use: a secret that is replaced in its file is used by the next refresh.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    id: String,
    secret: Option<SecretPlace>,
    /// Where a person replaces the secret.
    place: String,
}

impl Application {
    /// Returns an error if the application cannot be read, so that it is reported before a setup begins.
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
        Ok(client_value_at(&self.id, secret.as_ref(), &self.place))
    }
}

#[async_trait::async_trait]
impl HostSecret for Application {
    async fn read(&self) -> Result<Secret, Box<dyn StdError + Send + Sync>> {
        Ok(self.value().await?)
    }
}
