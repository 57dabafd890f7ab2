//! The setup of a connection: the questions, the methods to authorize, and the tokens that result.

mod authorize;
mod device;
mod finish;
mod interactive;
mod returned;
mod said;

use connection_contract::{
    Answer, Answers, BoxFuture, CallbackHandle, CallbackUnavailable, Notice, Prompt, Secret, SetupContext,
    SetupFailure, SetupResult, SpendContext,
};

pub(crate) use self::finish::{authorized_until, captured, credential, missing_scopes, renew_at};
use crate::{
    ClientPlace, OAuth2, OAuth2Credential, OAuth2Error,
    client::{self, Application},
    config::{Client, ClientAuth, Grant, Method, OAuth2Config, Values},
    discovery,
    provider::{DiscoveredEndpoints, Provider},
    token::exchange,
};

/// The answers that are known before the provider is asked.
struct KnownAnswers<'a> {
    provider: Provider<'a>,
    application: Option<Application>,
    /// This setup asks for the application, which is not stored yet.
    asks_application: bool,
    /// The place from which the application came.
    client: ClientPlace,
    method: Option<Method>,
    user: Option<(String, Secret)>,
    /// The callback, once the host was asked for it.
    callback: Option<Result<CallbackHandle, CallbackUnavailable>>,
}

impl KnownAnswers<'_> {
    fn offers(&self, method: Method) -> bool {
        self.method.map_or_else(|| self.provider.config.methods.contains(&method), |chosen| chosen == method)
    }

    /// Converts an error to the outcome of this setup.
    fn failure(&self, error: OAuth2Error) -> SetupFailure {
        error.of_client(self.client.clone()).failure(&self.provider.config.descriptor.kind)
    }
}

/// Runs a setup from its start.
///
/// The future is boxed, so that the flow is compiled here, and not again in each crate that registers a kind.
pub(crate) fn setup<'a>(
    definition: &'a OAuth2,
    ctx: &'a SetupContext<'_>,
) -> BoxFuture<'a, Result<SetupResult<OAuth2Credential>, SetupFailure>> {
    Box::pin(run(definition, ctx))
}

async fn run(definition: &OAuth2, ctx: &SetupContext<'_>) -> Result<SetupResult<OAuth2Credential>, SetupFailure> {
    let config = &definition.config;
    let failure = |error: OAuth2Error| error.failure(&config.descriptor.kind);
    let mut begun = ask_missing(definition, ctx).await?;
    if config.discover
        && let Some(issuer) = &config.issuer
    {
        begun.provider.found = discovery::discover(&begun.provider, issuer).await.map_err(failure)?;
    }
    let (granted, application) = match config.grant {
        Grant::ClientCredentials | Grant::Password => {
            let application = begun.application.take().ok_or(OAuth2Error::ClientMissing).map_err(failure)?;
            begun.provider.know(&application);
            let user = begun.user.take();
            let granted = exchange::without_code(&begun.provider, &application, user.as_ref()).await;
            (granted.map_err(|error| begun.failure(error))?, application)
        }
        _ => {
            let ended = interactive::interactive(&mut begun, ctx).await;
            let is_refused =
                |failure: &SetupFailure| OAuth2Error::is_client_code(&failure.code, &config.descriptor.kind);
            if ended.as_ref().is_err_and(is_refused) && matches!(config.client, Client::Registered) {
                // The provider no longer knows the application; the next setup registers another one.
                client::forget(config, ctx).await.map_err(failure)?;
            }
            ended?
        }
    };
    if begun.asks_application && matches!(config.client, Client::Prompted) {
        // Store the application only after the provider has accepted it, so that a typing error does not stay.
        client::keep(&application, config, ctx).await.map_err(failure)?;
    }
    finish::established(definition, begun.provider, application, granted, ctx).await
}

/// Asks for everything that is not known: the kind's own fields, the application, the user, the method.
async fn ask_missing<'a>(definition: &'a OAuth2, ctx: &'a SetupContext<'_>) -> Result<KnownAnswers<'a>, SetupFailure> {
    let config = &definition.config;
    let failure = |error: OAuth2Error| error.failure(&config.descriptor.kind);
    let known = client::known(config, ctx).await.map_err(failure)?;
    let client = client::place(config, known.as_ref());
    let asks = known.is_none() && matches!(config.client, Client::Prompted | Client::PerConnection);
    let mut fields: Vec<&str> = config.own_fields.iter().map(String::as_str).collect();
    if asks {
        fields.push("clientId");
        fields.extend((config.client_auth != ClientAuth::None).then_some("clientSecret"));
    }
    if config.grant == Grant::Password {
        fields.extend(["username", "password"]);
    }
    fields.extend(config.ask_method.then_some("method"));
    let spend: &SpendContext<'_> = ctx;
    let provider = Provider {
        config,
        ctx: spend,
        spend: Some(spend),
        granted: None,
        found: DiscoveredEndpoints::default(),
        values: Values::default(),
        further_scopes: config.optional(ctx.further_scopes()),
    };
    let mut begun = KnownAnswers {
        provider,
        application: known,
        asks_application: asks,
        client,
        method: None,
        user: None,
        callback: None,
    };
    if fields.is_empty() {
        return Ok(begun);
    }
    if asks {
        registered_at(&mut begun, ctx).await?;
    }
    let title = format!("Connect {}", config.descriptor.display_name);
    let prompt = fields.iter().fold(Prompt::new(title), |prompt, name| prompt.field((*name).to_owned()));
    let mut answers = ctx.prompt(prompt).await;
    if asks {
        let secret = if config.client_auth == ClientAuth::None { None } else { Some(answers.secret("clientSecret")?) };
        begun.application = Some(Application::new(answers.text("clientId")?.trim(), secret));
    }
    if config.grant == Grant::Password {
        let password = answers.secret("password")?;
        begun.user = Some((answers.text("username")?.to_owned(), password));
    }
    if config.ask_method {
        let chosen = answers.text("method")?;
        begun.method = config.methods.iter().copied().find(|method| method.value() == chosen);
    }
    values(&mut begun.provider, &answers);
    Ok(begun)
}

/// Shows the redirect address together with the question for the application, since it must be registered exactly so.
async fn registered_at(begun: &mut KnownAnswers<'_>, ctx: &SetupContext<'_>) -> Result<(), SetupFailure> {
    let config = begun.provider.config;
    let paste = begun.offers(Method::Paste);
    if !paste && !begun.offers(Method::Browser) {
        return Ok(());
    }
    let callback = begun.callback.insert(callback(config, ctx).await);
    let uri = match callback {
        // On a host that others reach, the operator registers one application for all connections, and the user
        // registers none.
        Ok(handle) if matches!(config.client, Client::Prompted) && !is_loopback(handle.redirect_uri()) => return Ok(()),
        Ok(handle) => handle.redirect_uri(),
        Err(_) if paste => config.paste_redirect.as_str(),
        // Fail before the user types an application that could not be used.
        Err(none) if !config.methods.contains(&Method::Device) => return Err((*none).into()),
        Err(_) => return Ok(()),
    };
    let name = &config.descriptor.display_name;
    // A desktop server may listen on a different port each time (RFC 8252, section 7.3).
    let port = if uri.starts_with("http://127.0.0.1:") { " (most providers accept any port)" } else { "" };
    ctx.show(Notice::new(format!("Register this redirect URI for the application at {name}: {uri}{port}")));
    Ok(())
}

/// Allocates the callback of a setup.
async fn callback(config: &OAuth2Config, ctx: &SetupContext<'_>) -> Result<CallbackHandle, CallbackUnavailable> {
    match &config.callback_part {
        Some(part) => ctx.callback_at(part).await,
        None => ctx.callback().await,
    }
}

/// Returns `true` for an address of the machine on which the browser runs, where a page may be missing.
fn is_loopback(uri: &str) -> bool {
    ["http://127.0.0.1", "http://[::1]", "http://localhost"].iter().any(|start| uri.starts_with(start))
}

fn values(provider: &mut Provider<'_>, answers: &Answers) {
    for (name, answer) in answers.iter().filter(|(name, _)| provider.config.own_fields.iter().any(|own| own == name)) {
        let value = match answer {
            Answer::Bool(flag) => flag.to_string(),
            Answer::Number(number) => number.to_string(),
            Answer::Text(text) => match provider.config.trims.iter().find(|trim| trim.field == name) {
                Some(trim) => trim.apply(text),
                None => text.clone(),
            },
            Answer::Url(url) => {
                // Only an application that the user provides may send its secret to an address that the user provides.
                if matches!(provider.config.client, Client::PerConnection) {
                    provider.granted.get_or_insert_with(|| url.clone());
                }
                url.to_string()
            }
            _ => continue,
        };
        provider.values.set("config", name, value);
    }
}
