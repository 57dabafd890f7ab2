//! A setup: what is asked, how a user may finish, and what is made of it.

mod authorize;
mod callback;
mod device;
mod finish;

use connection_contract::{
    Answer, Answers, CallbackHandle, DisplayText, Established, Prompt, Secret, SetupContext, SetupFailure,
    SpendContext, Wait, Woken, encode,
};

pub(crate) use self::finish::{captured, credential, renew_at};
use self::{authorize::Attempt, callback::Back, device::Device};
use crate::{
    OAuth2, OAuth2Credential, OAuth2Error,
    client::{self, Application},
    config::{Client, ClientAuth, Endpoint, Grant, Method, Values, host_part},
    discovery::{self, Found},
    provider::Provider,
    registration,
    token::exchange::{self, Granted},
};

/// How often something that cannot be used may be pasted.
const PASTES: usize = 5;

/// What was answered before the provider is asked anything.
struct Begun<'a> {
    provider: Provider<'a>,
    application: Option<Application>,
    /// It was asked for in this setup, and is not kept yet.
    asked: bool,
    method: Option<Method>,
    user: Option<(String, Secret)>,
}

pub(crate) async fn setup(
    definition: &OAuth2,
    ctx: &SetupContext<'_>,
) -> Result<Established<OAuth2Credential>, SetupFailure> {
    let config = &definition.config;
    let failure = |error: OAuth2Error| error.failure(&config.descriptor.kind);
    let mut begun = asked(definition, ctx).await?;
    if config.discover
        && let Some(issuer) = &config.issuer
    {
        begun.provider.found = discovery::discover(&begun.provider, issuer).await.map_err(failure)?;
    }
    let (granted, application) = match config.grant {
        Grant::ClientCredentials => {
            let application = begun.application.take().ok_or(OAuth2Error::ClientMissing).map_err(failure)?;
            begun.provider.know(&application);
            (exchange::client_credentials(&begun.provider, &application).await.map_err(failure)?, application)
        }
        Grant::Password => {
            let application = begun.application.take().ok_or(OAuth2Error::ClientMissing).map_err(failure)?;
            begun.provider.know(&application);
            let (name, password) = begun.user.take().unwrap_or_default();
            let granted = exchange::password(&begun.provider, &application, &name, &password).await;
            (granted.map_err(failure)?, application)
        }
        _ => interactive(&mut begun, ctx).await?,
    };
    if begun.asked && matches!(config.client, Client::Asked) {
        // Only what the provider has accepted is kept, so that a slip of the hand does not stay.
        client::keep(&application, ctx).await.map_err(failure)?;
    }
    finish::established(definition, begun.provider, application, granted, ctx).await
}

/// Asks what is not known: the kind's own fields, the application, the user, the way.
async fn asked<'a>(definition: &'a OAuth2, ctx: &'a SetupContext<'_>) -> Result<Begun<'a>, SetupFailure> {
    let config = &definition.config;
    let failure = |error: OAuth2Error| error.failure(&config.descriptor.kind);
    let known = client::known(config, ctx).await.map_err(failure)?;
    let asks = known.is_none() && matches!(config.client, Client::Asked | Client::PerConnection);
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
        found: Found::default(),
        values: Values::default(),
    };
    let mut begun = Begun { provider, application: known, asked: asks, method: None, user: None };
    if fields.is_empty() {
        return Ok(begun);
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
                // Nobody's secret but the user's own goes where the user says.
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

/// All ways that are offered, in one wait: the first that brings something valid wins.
async fn interactive(begun: &mut Begun<'_>, ctx: &SetupContext<'_>) -> Result<(Granted, Application), SetupFailure> {
    let config = begun.provider.config;
    let kind = &config.descriptor.kind;
    let failure = |error: OAuth2Error| error.failure(kind);
    let offers = |method| begun.method.map_or(config.methods.contains(&method), |chosen| chosen == method);
    let (browser, paste) = (offers(Method::Browser), offers(Method::Paste));
    let handle = match (browser || paste).then_some(()) {
        None => None,
        Some(()) => match ctx.callback().await {
            Ok(handle) => Some(handle),
            // Both "no"s say what the host lacks; another way may do without.
            Err(none) if !paste && !offers(Method::Device) => return Err(none.into()),
            Err(_) => None,
        },
    };
    let attempt = attempt(begun, handle.as_ref(), ctx);
    let application = match begun.application.take() {
        Some(known) if !matches!(config.client, Client::Registered) => known,
        Some(known) if known.redirect_uri.as_deref() == Some(&attempt.redirect_uri) => known,
        _ if matches!(config.client, Client::Registered) => {
            let made = registration::register(&begun.provider, &attempt.redirect_uri).await.map_err(failure)?;
            client::keep(&made, ctx).await.map_err(failure)?;
            made
        }
        _ => return Err(failure(OAuth2Error::ClientMissing)),
    };
    begun.provider.know(&application);
    begun.provider.values.set("flow", "state", attempt.state.as_str());
    begun.provider.values.set("flow", "redirectUri", attempt.redirect_uri.as_str());
    let opens = paste || browser && handle.is_some();
    let link = match opens {
        true => Some(authorize::link(&begun.provider, &application, &attempt).await.map_err(failure)?),
        false => None,
    };
    let has_device = begun.provider.url(Endpoint::Device).map_err(failure)?.is_some();
    let mut device = None;
    if offers(Method::Device) && has_device {
        device = Some(Device::begin(&begun.provider, &application).await.map_err(failure)?);
    }
    if link.is_none() && device.is_none() {
        return Err(failure(OAuth2Error::NoWay));
    }
    let (mut problem, mut tries) = (None, 0);
    loop {
        let now = ctx.now();
        if device.as_ref().is_some_and(|device| device.is_over(now)) {
            device = None;
            if link.is_none() {
                return Err(failure(OAuth2Error::Expired));
            }
        }
        let mut wait = Wait::new();
        if let Some(link) = &link {
            wait = wait.open(link.clone()).callback(handle.as_ref());
        }
        if paste {
            let title = "Allow access in the browser; if it ends on an error page, that is expected: paste its address";
            wait = wait.answer(Prompt::new(title).problem(problem.clone()).field("callbackUrl"));
        }
        if let Some(device) = &device {
            wait = device.shown(wait, now);
        }
        let back = match ctx.wait(wait).await {
            Woken::Callback(request) => {
                let back = callback::read(config, begun.provider.found.iss, &request.parameters);
                Some(back.map_err(failure)?)
            }
            Woken::Answered(mut answers) => {
                let text = answers.secret("callbackUrl")?;
                match callback::pasted(config, begun.provider.found.iss, &attempt.state, &text, ctx) {
                    Ok(back) => Some(back),
                    Err(error @ (OAuth2Error::NoCode | OAuth2Error::StateMismatch)) if tries < PASTES => {
                        tries += 1;
                        problem = Some(DisplayText::from(error.to_string()));
                        None
                    }
                    Err(error) => return Err(failure(error)),
                }
            }
            _ => None,
        };
        if let Some(back) = back {
            let granted = redeemed(begun, &application, &attempt, back).await.map_err(failure)?;
            return Ok((granted, application));
        }
        if let Some(waiting) = &mut device {
            let polled = waiting.poll(&begun.provider, &application).await;
            match polled {
                Ok(Some(granted)) => return Ok((*granted, application)),
                Ok(None) => {}
                // The code alone is dead; the other ways go on.
                Err(OAuth2Error::Expired) if link.is_some() => device = None,
                Err(error) => return Err(failure(error)),
            }
        }
    }
}

fn attempt(begun: &Begun<'_>, handle: Option<&CallbackHandle>, ctx: &SetupContext<'_>) -> Attempt {
    let config = begun.provider.config;
    let random = || encode::base64url(&ctx.random::<32>());
    let redirect_uri = handle.map_or(config.paste_redirect.as_str(), CallbackHandle::redirect_uri).to_owned();
    let state = handle.map_or_else(random, |handle| handle.state().to_owned());
    Attempt { redirect_uri, state, verifier: config.pkce.then(random) }
}

/// What came back becomes tokens. The values that it brought decide where the code goes, so they are checked first.
async fn redeemed(
    begun: &mut Begun<'_>,
    application: &Application,
    attempt: &Attempt,
    back: Back,
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
