//! The application: provided by the host, by the first setup or by each setup, or registered by itself.

pub(crate) mod assertion;

use connection_contract::{Context, Record, Secret, Text, Timestamp};

use crate::{
    ClientPlace, OAuth2Error,
    config::{Client, ClientAuth, OAuth2Config},
};

/// Returns the value to store under [`CLIENT_KEY`](crate::CLIENT_KEY), for a host that provides an application.
///
/// `secret` is the private key if the application signs assertions.
pub fn client_value(id: &str, secret: Option<&Secret>) -> Secret {
    client_value_at(id, secret, "")
}

/// Returns the value of [`client_value`] with the place where a person replaces the secret, such as
/// `kinds.acme.client_secret in /etc/acme.toml`. It is shown when the provider does not accept the application.
pub fn client_value_at(id: &str, secret: Option<&Secret>, place: &str) -> Secret {
    Application { place: Some(place.to_owned()), ..Application::new(id, secret.map(Secret::duplicate)) }.record()
}

/// The id and the secret of an OAuth application.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) id: String,
    pub(crate) secret: Option<Secret>,
    /// How the application authenticates, if it is not as the configuration says.
    pub(crate) auth: Option<ClientAuth>,
    /// The registration, if the application registered itself.
    pub(crate) registered: Option<Registered>,
    /// Where a person replaces the secret, if the host provides the application: empty if the host does not say it.
    pub(crate) place: Option<String>,
}

/// The registration of an application; the application can be used for nothing else.
#[derive(Debug)]
pub(crate) struct Registered {
    /// The registration endpoint that knows the application.
    pub(crate) at: String,
    /// The redirect address that the application registered.
    pub(crate) redirect_uri: String,
    /// Time at which the secret expires.
    pub(crate) until: Option<Timestamp>,
}

impl Application {
    pub(crate) fn new(id: impl Into<String>, secret: Option<Secret>) -> Self {
        Self { id: id.into(), secret, auth: None, registered: None, place: None }
    }

    /// Returns the secret as text; `None` if it is empty or not text.
    pub(crate) fn secret_text(&self) -> Option<&str> {
        self.secret.as_ref().and_then(Secret::expose_str).filter(|text| !text.is_empty())
    }

    /// Returns `true` if the application is registered at `at` for this redirect address and its secret has not
    /// expired.
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
        if let Some(auth) = self.auth.as_ref().and_then(ClientAuth::method) {
            record = record.with("auth", auth);
        }
        if let Some(place) = &self.place {
            record = record.with("place", place.as_str());
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
            // A registration whose end cannot be read is ignored.
            let until = until.map_or(Some(None), |until| until.map(Some))?;
            Some(Registered { at: text("registeredAt")?, redirect_uri: text("redirectUri")?, until })
        };
        let auth = text("auth").and_then(|method| ClientAuth::of_method(&method));
        let secret = record.find("secret").map(Secret::duplicate);
        Some(Self { id: text("id")?, secret, auth, registered: registered(), place: text("place") })
    }
}

/// Returns the application, if it is known without asking the user.
pub(crate) async fn known(config: &OAuth2Config, ctx: &Context<'_>) -> Result<Option<Application>, OAuth2Error> {
    match &config.client {
        Client::Configured { id, secret } => {
            Ok(Some(Application::new(id.clone(), secret.as_ref().map(Secret::duplicate))))
        }
        Client::PerConnection => Ok(None),
        Client::Prompted | Client::Registered => load(config, ctx).await,
    }
}

/// Returns the place from which the application came that is known without asking the user, if one is.
pub(crate) fn place(config: &OAuth2Config, known: Option<&Application>) -> ClientPlace {
    match (&config.client, known) {
        (Client::Configured { .. }, _) => ClientPlace::Configured(None),
        (Client::Registered, _) => ClientPlace::Registered,
        (Client::PerConnection, Some(_)) => ClientPlace::Connection,
        (Client::PerConnection | Client::Prompted, None) => ClientPlace::Entered,
        (Client::Prompted, Some(known)) => match &known.place {
            Some(place) => ClientPlace::Configured(Some(place.clone()).filter(|place| !place.is_empty())),
            None => ClientPlace::Stored,
        },
    }
}

/// Returns the application in the key-value store.
///
/// An application that the host provides or that this kind stores for itself takes precedence over the one that the
/// kinds of the provider share.
pub(crate) async fn load(config: &OAuth2Config, ctx: &Context<'_>) -> Result<Option<Application>, OAuth2Error> {
    let kv = ctx.kv().ok_or(OAuth2Error::NoStore)?;
    let mut kept = kv.get_secret(&config.client_key).await.map_err(unavailable)?;
    if kept.is_none()
        && let Some(origins) = shared_for(config)
    {
        kept = kv.get_shared(origins, &config.client_key).await.map_err(unavailable)?;
    }
    Ok(kept.as_ref().and_then(Application::read))
}

/// Stores the application for the next setup and for every refresh.
pub(crate) async fn keep(
    application: &Application,
    config: &OAuth2Config,
    ctx: &Context<'_>,
) -> Result<(), OAuth2Error> {
    let kv = ctx.kv().ok_or(OAuth2Error::NoStore)?;
    let record = Some(application.record());
    let kept = match shared_for(config) {
        Some(origins) => kv.put_shared(origins, &config.client_key, record).await,
        None => kv.put_secret(&config.client_key, record).await,
    };
    kept.map_err(unavailable)
}

/// Removes an application that registered itself, so that the next setup registers another one.
pub(crate) async fn forget(config: &OAuth2Config, ctx: &Context<'_>) -> Result<(), OAuth2Error> {
    let kv = ctx.kv().ok_or(OAuth2Error::NoStore)?;
    kv.put_secret(&config.client_key, None).await.map_err(unavailable)
}

/// Returns the origins for which an application is shared.
///
/// An application that registered itself is not shared, because it works with a single redirect address.
fn shared_for(config: &OAuth2Config) -> Option<&[Text]> {
    let origins = config.application_origins.as_deref()?;
    matches!(config.client, Client::Prompted).then_some(origins)
}

fn unavailable(_: connection_contract::ServiceError) -> OAuth2Error {
    use connection_contract::{NotLive, Reason, reason};
    OAuth2Error::NotLive(NotLive::offline(Reason::new(reason::PROVIDER_ERROR, "this host's store cannot be read now")))
}
