//! Whose application it is: from the host, from the first setup, from each setup, or registered by itself.

pub(crate) mod assertion;
pub(crate) mod via;

use connection_contract::{Context, Record, Secret};

use crate::{
    OAuth2Error,
    config::{Client, OAuth2Config},
};

/// Under this name in the sealed half of the kind's key-value store is the application that a setup asked for or that
/// registered itself. To forget it is to be asked again.
pub const CLIENT_KEY: &str = "oauth2-client";

/// The application's own credentials.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) id: String,
    pub(crate) secret: Option<Secret>,
    /// For a registered one: where the browser may come back.
    pub(crate) redirect_uri: Option<String>,
}
impl Application {
    pub(crate) fn new(id: impl Into<String>, secret: Option<Secret>) -> Self {
        Self { id: id.into(), secret, redirect_uri: None }
    }
    /// The secret as text; a key or secret that is none does not exist.
    pub(crate) fn secret_text(&self) -> Option<&str> {
        self.secret.as_ref().and_then(Secret::expose_str).filter(|text| !text.is_empty())
    }
    fn record(&self) -> Secret {
        let mut record = Record::new().with("id", self.id.as_str());
        if let Some(secret) = &self.secret {
            record = record.with("secret", secret.duplicate());
        }
        if let Some(uri) = &self.redirect_uri {
            record = record.with("redirectUri", uri.as_str());
        }
        record.encode()
    }
    fn read(bytes: &Secret) -> Option<Self> {
        let record = Record::decode(bytes.expose()).ok()?;
        Some(Self {
            id: record.text("id").ok()?.to_owned(),
            secret: record.find("secret").map(Secret::duplicate),
            redirect_uri: record.text("redirectUri").ok().map(str::to_owned),
        })
    }
}

/// The application that is known without asking anybody, if there is one.
pub(crate) async fn known(config: &OAuth2Config, ctx: &Context<'_>) -> Result<Option<Application>, OAuth2Error> {
    match &config.client {
        Client::Configured { id, secret } => {
            Ok(Some(Application::new(id.clone(), secret.as_ref().map(Secret::duplicate))))
        }
        Client::PerConnection => Ok(None),
        Client::Asked | Client::Registered => {
            let kv = ctx.kv().ok_or(OAuth2Error::NoStore)?;
            let kept = kv.get_secret(CLIENT_KEY).await.map_err(unavailable)?;
            Ok(kept.as_ref().and_then(Application::read))
        }
    }
}

/// Keeps it for the next setup, and for every renewal.
pub(crate) async fn keep(application: &Application, ctx: &Context<'_>) -> Result<(), OAuth2Error> {
    let kv = ctx.kv().ok_or(OAuth2Error::NoStore)?;
    kv.put_secret(CLIENT_KEY, Some(application.record())).await.map_err(unavailable)
}

fn unavailable(_: connection_contract::ServiceError) -> OAuth2Error {
    use connection_contract::{NotLive, Reason, reason};
    OAuth2Error::NotLive(NotLive::offline(Reason::new(reason::PROVIDER_ERROR, "this host's store cannot be read now")))
}
