//! Whose application it is: from the host, from the first setup, from each setup, or registered by itself.

pub(crate) mod assertion;
pub(crate) mod via;

use connection_contract::{Context, Record, Secret, Timestamp};

use crate::{
    OAuth2Error,
    config::{Client, OAuth2Config},
};

/// Under this name in the sealed half of the kind's key-value store is the application that a setup asked for or that
/// registered itself. To forget it is to be asked again.
pub const CLIENT_KEY: &str = "oauth2-client";

/// What is kept there of an application, for a host that gives one of its own; `secret` is the key, for one that signs.
pub fn client_value(id: &str, secret: Option<&Secret>) -> Secret {
    Application::new(id, secret.map(Secret::duplicate)).record()
}

/// The application's own credentials.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) id: String,
    pub(crate) secret: Option<Secret>,
    /// Of one that registered itself.
    pub(crate) registered: Option<Registered>,
}
/// For what an application registered itself: it is good for nothing else.
#[derive(Debug)]
pub(crate) struct Registered {
    /// The registration endpoint that knows it.
    pub(crate) at: String,
    /// Where the browser may come back.
    pub(crate) redirect_uri: String,
    /// When its secret lapses.
    pub(crate) until: Option<Timestamp>,
}
impl Application {
    pub(crate) fn new(id: impl Into<String>, secret: Option<Secret>) -> Self {
        Self { id: id.into(), secret, registered: None }
    }
    /// The secret as text; a key or secret that is none does not exist.
    pub(crate) fn secret_text(&self) -> Option<&str> {
        self.secret.as_ref().and_then(Secret::expose_str).filter(|text| !text.is_empty())
    }
    /// Whether it registered itself there, for that address, and its secret has not lapsed.
    pub(crate) fn is_registered(&self, at: &str, redirect_uri: &str, now: Timestamp) -> bool {
        self.registered.as_ref().is_some_and(|registered| {
            registered.at == at
                && registered.redirect_uri == redirect_uri
                && registered.until.is_none_or(|until| now < until)
        })
    }
    fn record(&self) -> Secret {
        let mut record = Record::new().with("id", self.id.as_str());
        if let Some(secret) = &self.secret {
            record = record.with("secret", secret.duplicate());
        }
        if let Some(registered) = &self.registered {
            record = record.with("redirectUri", registered.redirect_uri.as_str());
            record = record.with("registeredAt", registered.at.as_str());
            if let Some(until) = registered.until {
                record = record.with("until", until.to_rfc3339());
            }
        }
        record.encode()
    }
    fn read(bytes: &Secret) -> Option<Self> {
        let record = Record::decode(bytes.expose()).ok()?;
        let text = |name| record.text(name).ok().map(str::to_owned);
        let registered = || {
            let until = text("until").map(|text| Timestamp::parse_rfc3339(&text));
            // One whose end cannot be read is none.
            let until = until.map_or(Some(None), |until| until.map(Some))?;
            Some(Registered { at: text("registeredAt")?, redirect_uri: text("redirectUri")?, until })
        };
        Some(Self { id: text("id")?, secret: record.find("secret").map(Secret::duplicate), registered: registered() })
    }
}

/// The application that is known without asking anybody, if there is one.
pub(crate) async fn known(config: &OAuth2Config, ctx: &Context<'_>) -> Result<Option<Application>, OAuth2Error> {
    match &config.client {
        Client::Configured { id, secret } => {
            Ok(Some(Application::new(id.clone(), secret.as_ref().map(Secret::duplicate))))
        }
        Client::PerConnection => Ok(None),
        Client::Asked | Client::Registered => kept(ctx).await,
    }
}

/// The one that is in the key-value store.
pub(crate) async fn kept(ctx: &Context<'_>) -> Result<Option<Application>, OAuth2Error> {
    let kv = ctx.kv().ok_or(OAuth2Error::NoStore)?;
    let kept = kv.get_secret(CLIENT_KEY).await.map_err(unavailable)?;
    Ok(kept.as_ref().and_then(Application::read))
}

/// Keeps it for the next setup, and for every renewal.
pub(crate) async fn keep(application: &Application, ctx: &Context<'_>) -> Result<(), OAuth2Error> {
    let kv = ctx.kv().ok_or(OAuth2Error::NoStore)?;
    kv.put_secret(CLIENT_KEY, Some(application.record())).await.map_err(unavailable)
}

/// So that the next setup asks again, or registers.
pub(crate) async fn forget(ctx: &Context<'_>) -> Result<(), OAuth2Error> {
    let kv = ctx.kv().ok_or(OAuth2Error::NoStore)?;
    kv.put_secret(CLIENT_KEY, None).await.map_err(unavailable)
}

fn unavailable(_: connection_contract::ServiceError) -> OAuth2Error {
    use connection_contract::{NotLive, Reason, reason};
    OAuth2Error::NotLive(NotLive::offline(Reason::new(reason::PROVIDER_ERROR, "this host's store cannot be read now")))
}
