//! The table `[events]`: the address to which `serve` sends events, and the secret that signs them.

use std::sync::Arc;

use connection_contract::Secret;
use connection_core::{EventReceiver, EventReceiverError};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Source,
    secret::{SecretPlace, SecretSetting},
};
use crate::Error;

/// The remedy for a secret that is missing or not valid.
const NEW_SECRET: &str = "make one with `echo \"whsec_$(openssl rand -base64 32)\"`, and give it to the receiver, too";

/// The configuration keys below `events`.
#[derive(Debug, Default)]
pub(crate) struct EventSettings {
    url: Option<SecretString>,
    secret: SecretSetting,
    /// The place of the address, such as a file.
    place: String,
}

impl EventSettings {
    pub(super) fn url(&mut self, url: String, source: &Source) {
        self.url = Some(url.into());
        self.place.clone_from(&source.name);
    }

    pub(super) fn secret(&mut self, name: &str, secret: SecretPlace, source: &Source) -> Result<(), Error> {
        self.secret.put(name, secret, source)
    }

    /// Returns where events are sent; `None` if nothing is configured.
    pub(crate) fn receiver(&self) -> Result<Option<Arc<EventReceiver>>, Error> {
        let Some(url) = &self.url else {
            return match self.secret.place() {
                None => Ok(None),
                Some(_) => Err(Error::configuration("'events.secret' is set, and 'events.url' is not")
                    .remedy("set 'events.url', or leave the secret out")),
            };
        };
        let place = &self.place;
        let Some(secret) = self.secret.text("events.secret")? else {
            let problem =
                format!("{place}: 'events.url' is set, and neither 'events.secret' nor 'events.secret_file' is");
            return Err(Error::configuration(problem).remedy(NEW_SECRET));
        };
        let secret = Secret::from(secret.expose_secret());
        match EventReceiver::new(url.expose_secret(), &secret) {
            Ok(receiver) => Ok(Some(Arc::new(receiver))),
            Err(error @ EventReceiverError::Secret) => {
                Err(Error::configuration(format!("'events.secret': {error}")).remedy(NEW_SECRET))
            }
            Err(error) => Err(Error::configuration(format!("{place}: 'events.url': {error}"))),
        }
    }
}
