//! The setup of a connection: the questions, the methods to authorize, and the tokens that result.

mod authorize;
mod callback;
mod device;
mod finish;

use std::time::Duration;

use connection_contract::{
    Answer, Answers, CallbackHandle, CallbackUnavailable, DisplayText, LogEvent, LogLevel, Notice, Prompt, Secret,
    SetupContext, SetupFailure, SetupResult, SpendContext, Wait, WaitOutcome, encode,
};

pub(crate) use self::finish::{authorized_until, captured, credential, renew_at};
use self::{authorize::Attempt, callback::CallbackResult, device::Device};
use crate::{
    OAuth2, OAuth2Credential, OAuth2Error,
    client::{self, Application},
    config::{Client, ClientAuth, Endpoint, Grant, Method, Values, host_part},
    discovery::{self, DiscoveredEndpoints},
    provider::Provider,
    registration,
    token::exchange::{self, Granted},
};

/// The maximum number of times that unusable text may be pasted before the setup fails.
const PASTES: usize = 5;
/// The number of times that an expired request is pushed again: half an hour if one lives for a minute.
///
/// Each push is a step of its own, and a setup may have 64 steps.
const PUSHES: usize = 30;
/// The time in seconds after which a failed push is tried again.
const PUSH_RETRY: u64 = 60;

/// The answers that are known before the provider is asked.
struct KnownAnswers<'a> {
    provider: Provider<'a>,
    application: Option<Application>,
    /// This setup asks for the application, which is not stored yet.
    asked: bool,
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
        let config = self.provider.config;
        let is_kept = !self.asked && matches!(config.client, Client::Prompted | Client::Registered);
        error.of_kept(is_kept).failure(&config.descriptor.kind)
    }
}

pub(crate) async fn setup(
    definition: &OAuth2,
    ctx: &SetupContext<'_>,
) -> Result<SetupResult<OAuth2Credential>, SetupFailure> {
    let config = &definition.config;
    let failure = |error: OAuth2Error| error.failure(&config.descriptor.kind);
    let mut begun = ask_missing(definition, ctx).await?;
    if config.discover
        && let Some(issuer) = &config.issuer
    {
        begun.provider.found = discovery::discover(&begun.provider, issuer).await.map_err(failure)?;
    }
    let (granted, application) = match config.grant {
        Grant::ClientCredentials => {
            let application = begun.application.take().ok_or(OAuth2Error::ClientMissing).map_err(failure)?;
            begun.provider.know(&application);
            let granted = exchange::client_credentials(&begun.provider, &application).await;
            (granted.map_err(|error| begun.failure(error))?, application)
        }
        Grant::Password => {
            let application = begun.application.take().ok_or(OAuth2Error::ClientMissing).map_err(failure)?;
            begun.provider.know(&application);
            let (name, password) = begun.user.take().unwrap_or_default();
            let granted = exchange::password(&begun.provider, &application, &name, &password).await;
            (granted.map_err(|error| begun.failure(error))?, application)
        }
        _ => {
            let ended = interactive(&mut begun, ctx).await;
            let refused = OAuth2Error::InvalidClient.code(&config.descriptor.kind);
            if ended.as_ref().is_err_and(|failure| failure.code == refused)
                && matches!(config.client, Client::Registered)
            {
                // The provider no longer knows the application; the next setup registers another one.
                client::forget(ctx).await.map_err(failure)?;
            }
            ended?
        }
    };
    if begun.asked && matches!(config.client, Client::Prompted) {
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
    let asks = known.is_none() && matches!(config.client, Client::Prompted | Client::PerConnection);
    let mut fields: Vec<&str> = config.asked.iter().map(String::as_str).collect();
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
    };
    let mut begun =
        KnownAnswers { provider, application: known, asked: asks, method: None, user: None, callback: None };
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
    let callback = begun.callback.insert(ctx.callback().await);
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

/// Returns `true` for an address of the machine on which the browser runs, where a page may be missing.
fn is_loopback(uri: &str) -> bool {
    ["http://127.0.0.1", "http://[::1]", "http://localhost"].iter().any(|start| uri.starts_with(start))
}

fn values(provider: &mut Provider<'_>, answers: &Answers) {
    for (name, answer) in answers.iter().filter(|(name, _)| provider.config.asked.iter().any(|asked| asked == name)) {
        let value = match answer {
            Answer::Bool(flag) => flag.to_string(),
            Answer::Number(number) => number.to_string(),
            Answer::Text(text) => match provider.config.host_fields.iter().find(|(field, _)| field == name) {
                Some((_, suffix)) => host_part(text, suffix),
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

/// Offers all methods in one wait; the first that yields a valid result wins.
async fn interactive(
    begun: &mut KnownAnswers<'_>,
    ctx: &SetupContext<'_>,
) -> Result<(Granted, Application), SetupFailure> {
    let config = begun.provider.config;
    let browser = begun.offers(Method::Browser);
    let paste = begun.offers(Method::Paste);
    let handle = match (browser || paste, begun.callback.take()) {
        (false, _) => None,
        (true, Some(callback)) => Some(callback),
        (true, None) => Some(ctx.callback().await),
    };
    let handle = match handle {
        // The error says what the host lacks; another method may work without it.
        Some(Err(none)) if !paste && !begun.offers(Method::Device) => return Err(none.into()),
        handle => handle.and_then(Result::ok),
    };
    let attempt = attempt(begun, handle.as_ref(), ctx);
    let application = application(begun, &attempt).await?;
    begun.provider.know(&application);
    begun.provider.values.set("flow", "state", attempt.state.as_str());
    begun.provider.values.set("flow", "redirectUri", attempt.redirect_uri.as_str());
    let opens = paste || browser && handle.is_some();
    let mut opened = match opens {
        true => {
            let opened = authorize::link(&begun.provider, &application, &attempt).await;
            Some(opened.map_err(|error| begun.failure(error))?)
        }
        false => None,
    };
    let has_device = begun.provider.url(Endpoint::Device).map_err(|error| begun.failure(error))?.is_some();
    let mut device = None;
    if begun.offers(Method::Device) && has_device {
        match Device::begin(&begun.provider, &application).await {
            Ok(begun) => device = Some(begun),
            // The other methods work without a device code.
            Err(_) if opened.is_some() => ctx.log(LogEvent::new("device_code_refused").level(LogLevel::Warn)),
            Err(error) => return Err(begun.failure(error)),
        }
    }
    if opened.is_none() && device.is_none() {
        return Err(begun.failure(OAuth2Error::NoWay));
    }
    let mut problem = None;
    let mut tries = 0;
    let mut pushes = 0;
    loop {
        let now = ctx.now();
        if device.as_ref().is_some_and(|device| device.is_over(now)) {
            device = None;
            if opened.is_none() {
                return Err(begun.failure(OAuth2Error::Expired));
            }
        }
        let mut stale = None;
        if let Some(shown) = &mut opened {
            if pushes < PUSHES && shown.until.is_some_and(|until| until <= now) {
                pushes += 1;
                match authorize::link(&begun.provider, &application, &attempt).await {
                    Ok(fresh) => *shown = fresh,
                    // A user who opened the previous address in time can still return.
                    Err(_) => {
                        ctx.log(LogEvent::new("request_not_pushed").level(LogLevel::Warn));
                        shown.until = Some(ctx.now().after(PUSH_RETRY));
                    }
                }
            }
            stale = shown.until.filter(|_| pushes < PUSHES);
        }
        let mut wait = Wait::new();
        if let Some(shown) = &opened {
            wait = wait.open(shown.link.clone()).callback(handle.as_ref());
        }
        if paste {
            let title = match &handle {
                Some(handle) if !is_loopback(handle.redirect_uri()) => {
                    "Allow access in the browser; if it does not come back, paste the address it ends on"
                }
                _ => "Allow access in the browser; if it ends on an error page, that is expected: paste its address",
            };
            wait = wait.answer(Prompt::new(title).problem(problem.clone()).field("callbackUrl"));
        }
        if let Some(device) = &device {
            wait = device.shown(wait);
        }
        if let Some(until) = device.as_ref().map(Device::next).into_iter().chain(stale).min() {
            let seconds = until.seconds().saturating_sub(ctx.now().seconds());
            wait = wait.elapsed(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()));
        }
        let back = match ctx.wait(wait).await {
            WaitOutcome::Callback(request) => {
                let back = callback::read(config, begun.provider.found.iss, &request.parameters);
                Some(back.map_err(|error| begun.failure(error))?)
            }
            WaitOutcome::Answered(mut answers) => {
                let text = answers.secret("callbackUrl")?;
                match callback::pasted(config, begun.provider.found.iss, &attempt.state, &text, ctx) {
                    Ok(back) => Some(back),
                    Err(error @ (OAuth2Error::NoCode | OAuth2Error::StateMismatch)) if tries < PASTES => {
                        tries += 1;
                        problem = Some(DisplayText::from(error.to_string()));
                        None
                    }
                    Err(error) => return Err(begun.failure(error)),
                }
            }
            _ => None,
        };
        if let Some(back) = back {
            let granted = redeemed(begun, &application, &attempt, back).await;
            return Ok((granted.map_err(|error| begun.failure(error))?, application));
        }
        if let Some(waiting) = &mut device {
            match waiting.poll(&begun.provider, &application).await {
                Ok(Some(granted)) => return Ok((*granted, application)),
                Ok(None) => {}
                // Only the device code has expired; the other methods continue.
                Err(OAuth2Error::Expired) if opened.is_some() => device = None,
                Err(error) => return Err(begun.failure(error)),
            }
        }
    }
}

/// Returns the application of this attempt. One that registers itself does so for each redirect address.
async fn application(begun: &mut KnownAnswers<'_>, attempt: &Attempt) -> Result<Application, SetupFailure> {
    let known = begun.application.take();
    if !matches!(begun.provider.config.client, Client::Registered) {
        return known.ok_or_else(|| begun.failure(OAuth2Error::ClientMissing));
    }
    let made = registration::registered(&begun.provider, known, &attempt.redirect_uri).await;
    made.map_err(|error| begun.failure(error))
}

fn attempt(begun: &KnownAnswers<'_>, handle: Option<&CallbackHandle>, ctx: &SetupContext<'_>) -> Attempt {
    let config = begun.provider.config;
    let random = || encode::base64url(&ctx.random::<32>());
    let redirect_uri = handle.map_or(config.paste_redirect.as_str(), CallbackHandle::redirect_uri).to_owned();
    let state = handle.map_or_else(random, |handle| handle.state().to_owned());
    Attempt { redirect_uri, state, verifier: config.pkce.then(random) }
}

/// Exchanges the result of the browser's visit for tokens.
///
/// The values that it carries may decide where the code goes; they are checked when the address is built.
async fn redeemed(
    begun: &mut KnownAnswers<'_>,
    application: &Application,
    attempt: &Attempt,
    back: CallbackResult,
) -> Result<Granted, OAuth2Error> {
    for (name, value) in back.captured {
        begun.provider.values.set("config", &name, value);
    }
    if begun.provider.config.grant == Grant::ConsentThenClientCredentials {
        let name = &begun.provider.config.code_parameter;
        begun.provider.values.set("config", name, back.code.expose_str().unwrap_or_default());
        return exchange::client_credentials(&begun.provider, application).await;
    }
    let verifier = attempt.verifier.as_deref();
    let granted = exchange::code(&begun.provider, application, &back.code, verifier, &attempt.redirect_uri).await;
    granted.map_err(OAuth2Error::spent)
}
