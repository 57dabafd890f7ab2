//! Whose application it is: from the host, from the first setup, from each setup, or registered by itself.

pub(crate) mod assertion;
pub(crate) mod via;

use connection_contract::{Context, Record, Secret, Text, Timestamp};

use crate::{
    OAuth2Error,
    config::{Client, OAuth2Config},
};

/// The key of an OAuth application in the sealed values of the key-value store.
///
/// An application that registered itself, or that the host gives, is a secret of the kind. One that a setup asked for is
/// shared by the kinds of the provider that send its secret to the same origins. When it is forgotten, the next setup asks
/// again.
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
        Client::Asked | Client::Registered => kept(config, ctx).await,
    }
}

/// The application that is in the key-value store: one that the host gives or that this kind keeps for itself, or else the
/// one that the kinds of its provider share.
pub(crate) async fn kept(config: &OAuth2Config, ctx: &Context<'_>) -> Result<Option<Application>, OAuth2Error> {
    let kv = ctx.kv().ok_or(OAuth2Error::NoStore)?;
    let mut kept = kv.get_secret(CLIENT_KEY).await.map_err(unavailable)?;
    if kept.is_none()
        && let Some(origins) = shared_for(config)
    {
        kept = kv.get_shared(origins, CLIENT_KEY).await.map_err(unavailable)?;
    }
    Ok(kept.as_ref().and_then(Application::read))
}

/// Keeps the application for the next setup and for every renewal.
pub(crate) async fn keep(
    application: &Application,
    config: &OAuth2Config,
    ctx: &Context<'_>,
) -> Result<(), OAuth2Error> {
    let kv = ctx.kv().ok_or(OAuth2Error::NoStore)?;
    let record = Some(application.record());
    let kept = match shared_for(config) {
        Some(origins) => kv.put_shared(origins, CLIENT_KEY, record).await,
        None => kv.put_secret(CLIENT_KEY, record).await,
    };
    kept.map_err(unavailable)
}

/// Forgets an application that registered itself, so that the next setup registers another one.
pub(crate) async fn forget(ctx: &Context<'_>) -> Result<(), OAuth2Error> {
    let kv = ctx.kv().ok_or(OAuth2Error::NoStore)?;
    kv.put_secret(CLIENT_KEY, None).await.map_err(unavailable)
}

/// The origins for which an application is shared. One that registered itself is not: it is good for one redirect URI.
fn shared_for(config: &OAuth2Config) -> Option<&[Text]> {
    let origins = config.application_origins.as_deref()?;
    matches!(config.client, Client::Asked).then_some(origins)
}

fn unavailable(_: connection_contract::ServiceError) -> OAuth2Error {
    use connection_contract::{NotLive, Reason, reason};
    OAuth2Error::NotLive(NotLive::offline(Reason::new(reason::PROVIDER_ERROR, "this host's store cannot be read now")))
}
