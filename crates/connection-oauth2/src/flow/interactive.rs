//! The methods that need a person: the browser, a pasted address, and a device code.
//!
//! All of them are offered in one wait, and the first that yields a valid result wins.

use std::time::Duration;

use connection_contract::{
    CallbackHandle, DisplayText, LogEvent, LogLevel, Notice, Prompt, Reason, SetupContext, SetupFailure, Timestamp,
    Wait, WaitOutcome, encode,
};

use super::{
    KnownAnswers,
    authorize::{self, Attempt, Opened},
    callback,
    device::Device,
    is_loopback,
    returned::{self, CallbackResult},
    said,
};
use crate::{
    OAuth2Error,
    answer::host_of,
    client::Application,
    config::{Client, ClientAuth, Endpoint, Grant, Method},
    registration,
    token::exchange::{self, Granted},
};

/// The number of times that unusable text may be pasted before the setup fails.
const PASTES: usize = 5;
/// The number of times that an expired request is pushed again: half an hour if one lives for a minute.
///
/// Each push is a step of its own, and a setup may have 64 steps.
const PUSHES: usize = 30;
/// The time in seconds after which a failed push is tried again.
const PUSH_RETRY: u64 = 60;

/// Offers all methods until one of them yields tokens.
pub(super) async fn interactive(
    begun: &mut KnownAnswers<'_>,
    ctx: &SetupContext<'_>,
) -> Result<(Granted, Application), SetupFailure> {
    let mut offer = Offer::begin(begun, ctx).await?;
    loop {
        let now = ctx.now();
        offer.forget_expired_code(now)?;
        let push_at = offer.push_expired(now).await;
        match offer.wait(push_at).await? {
            Some(back) => return offer.redeem(back).await,
            None => {
                if let Some(granted) = offer.poll().await? {
                    return Ok((granted, offer.application));
                }
            }
        }
    }
}

/// The methods that are offered to the person, and what became of them.
struct Offer<'a, 'p, 'c> {
    begun: &'a mut KnownAnswers<'p>,
    ctx: &'a SetupContext<'c>,
    handle: Option<CallbackHandle>,
    attempt: Attempt,
    application: Application,
    /// The address to open, if the browser is used.
    opened: Option<Opened>,
    device: Option<Device>,
    /// Why there is no code for a device although that is a method.
    no_code: Option<Notice>,
    /// The problem of the text that was pasted last.
    problem: Option<DisplayText>,
    /// The number of times that unusable text was pasted.
    pastes: usize,
    /// The number of times that an expired request was pushed again.
    pushes: usize,
}

impl<'a, 'p, 'c> Offer<'a, 'p, 'c> {
    /// Asks the provider for what the methods need: an application, an address to open, a device code.
    async fn begin(begun: &'a mut KnownAnswers<'p>, ctx: &'a SetupContext<'c>) -> Result<Self, SetupFailure> {
        let handle = callback_handle(begun, ctx).await?;
        let attempt = attempt(begun, handle.as_ref(), ctx);
        let application = application(begun, &attempt, handle.as_ref()).await?;
        begun.provider.know(&application);
        begun.provider.values.set("flow", "state", attempt.state.as_str());
        begun.provider.values.set("flow", "redirectUri", attempt.redirect_uri.as_str());
        let mut offer = Self {
            begun,
            ctx,
            handle,
            attempt,
            application,
            opened: None,
            device: None,
            no_code: None,
            problem: None,
            pastes: 0,
            pushes: 0,
        };
        offer.open_browser().await?;
        offer.begin_device().await?;
        match (&offer.opened, &offer.device) {
            (None, None) => Err(offer.begun.failure(OAuth2Error::NoWay)),
            _ => Ok(offer),
        }
    }

    /// Prepares the address that the browser opens, if a method uses the browser.
    async fn open_browser(&mut self) -> Result<(), SetupFailure> {
        let opens = self.begun.offers(Method::Browser) && self.handle.is_some();
        if self.begun.offers(Method::Paste) || opens {
            let opened = authorize::link(&self.begun.provider, &self.application, &self.attempt).await;
            self.opened = Some(opened.map_err(|error| self.begun.failure(error))?);
        }
        Ok(())
    }

    /// Requests a device code, if that is a method.
    async fn begin_device(&mut self) -> Result<(), SetupFailure> {
        let endpoint = self.begun.provider.url(Endpoint::Device).map_err(|error| self.begun.failure(error))?;
        if !self.begun.offers(Method::Device) || endpoint.is_none() {
            return Ok(());
        }
        match Device::begin(&self.begun.provider, &self.application).await {
            Ok(device) => self.device = Some(device),
            // The other methods work without a device code.
            Err(error) if self.opened.is_some() => {
                self.ctx.log(LogEvent::new("device_code_refused").level(LogLevel::Warn));
                self.no_code = Some(self.without_code(error));
            }
            Err(error) => return Err(self.begun.failure(error)),
        }
        Ok(())
    }

    /// Returns the notice that says why there is no code for a device while the other methods continue.
    fn without_code(&self, error: OAuth2Error) -> Notice {
        let failure = self.begun.failure(error);
        let mut notice = Notice::new(format!("There is no code to type: {}", failure.message));
        let reason = Reason::new(failure.code, failure.message);
        notice.reason = Some(match failure.remedy {
            Some(remedy) => reason.remedy(remedy),
            None => reason,
        });
        notice
    }

    /// Forgets a device code that has expired. The setup fails if there is no other method.
    fn forget_expired_code(&mut self, now: Timestamp) -> Result<(), SetupFailure> {
        match self.device.take_if(|device| device.is_over(now)) {
            Some(device) if self.opened.is_none() => return Err(self.begun.failure(device.into_error())),
            Some(device) => self.no_code = Some(self.without_code(device.into_error())),
            None => {}
        }
        Ok(())
    }

    /// Pushes the request again if it has expired. Returns the time at which it is to be pushed next.
    async fn push_expired(&mut self, now: Timestamp) -> Option<Timestamp> {
        let shown = self.opened.as_mut()?;
        if self.pushes < PUSHES && shown.until.is_some_and(|until| until <= now) {
            self.pushes += 1;
            match authorize::link(&self.begun.provider, &self.application, &self.attempt).await {
                Ok(fresh) => *shown = fresh,
                // A user who opened the previous address in time can still return.
                Err(_) => {
                    self.ctx.log(LogEvent::new("request_not_pushed").level(LogLevel::Warn));
                    shown.until = Some(self.ctx.now().after(PUSH_RETRY));
                }
            }
        }
        shown.until.filter(|_| self.pushes < PUSHES)
    }

    /// Waits until the person returns from the browser or pastes an address, or until it is time to poll or to push
    /// again. Returns the result of the browser's visit, if there is one.
    async fn wait(&mut self, push_at: Option<Timestamp>) -> Result<Option<CallbackResult>, SetupFailure> {
        let config = self.begun.provider.config;
        let always_sends_iss = self.begun.provider.found.iss;
        let outcome = self.ctx.wait(self.next_wait(push_at)).await;
        match outcome {
            WaitOutcome::Callback(request) => {
                let back = returned::read(config, always_sends_iss, &self.authorize_host(), &request.parameters);
                let failure = |error| said::in_callback(self.begun.failure(error), &request.parameters);
                Ok(Some(back.map_err(failure)?))
            }
            WaitOutcome::Answered(mut answers) => {
                let text = answers.secret("callbackUrl")?;
                let host = self.authorize_host();
                match returned::pasted(config, always_sends_iss, &host, &self.attempt, &text, self.ctx) {
                    Ok(back) => Ok(Some(back)),
                    Err(error @ (OAuth2Error::NoCode | OAuth2Error::StateMismatch)) if self.pastes < PASTES => {
                        self.pastes += 1;
                        self.problem = Some(DisplayText::from(error.to_string()));
                        Ok(None)
                    }
                    Err(error) => Err(said::in_pasted(self.begun.failure(error), &text, config)),
                }
            }
            _ => Ok(None),
        }
    }

    /// Returns the host to which the browser was sent.
    fn authorize_host(&self) -> String {
        let url = self.begun.provider.required(Endpoint::Authorize).unwrap_or_default();
        host_of(&url).to_owned()
    }

    /// Returns the wait that shows all methods.
    fn next_wait(&self, push_at: Option<Timestamp>) -> Wait<'_> {
        let mut wait = Wait::new();
        if let Some(shown) = &self.opened {
            wait = wait.open(shown.link.clone()).callback(self.handle.as_ref());
        }
        if self.begun.offers(Method::Paste) {
            let title = match &self.handle {
                Some(handle) if !is_loopback(handle.redirect_uri()) => {
                    "Allow access in the browser; if it does not come back, paste the address it ends on"
                }
                _ => "Allow access in the browser; if it ends on an error page, that is expected: paste its address",
            };
            wait = wait.answer(Prompt::new(title).problem(self.problem.clone()).field("callbackUrl"));
        }
        if let Some(device) = &self.device {
            wait = device.shown(wait);
        }
        if let Some(notice) = &self.no_code {
            wait = wait.notice(notice.clone());
        }
        match self.device.as_ref().map(Device::next).into_iter().chain(push_at).min() {
            Some(until) => {
                let seconds = until.seconds().saturating_sub(self.ctx.now().seconds());
                wait.elapsed(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
            }
            None => wait,
        }
    }

    /// Exchanges the result of the browser's visit for tokens.
    async fn redeem(self, back: CallbackResult) -> Result<(Granted, Application), SetupFailure> {
        let granted = redeemed(self.begun, &self.application, &self.attempt, back).await;
        Ok((granted.map_err(|error| self.begun.failure(error))?, self.application))
    }

    /// Polls if there is a device code and it is time; returns the tokens if the user has confirmed the code.
    async fn poll(&mut self) -> Result<Option<Granted>, SetupFailure> {
        let Some(device) = &mut self.device else { return Ok(None) };
        match device.poll(&self.begun.provider, &self.application).await {
            Ok(granted) => Ok(granted.map(|granted| *granted)),
            // Only the device code has ended; the other methods continue.
            Err(error @ (OAuth2Error::Expired | OAuth2Error::CodeRefused(_))) if self.opened.is_some() => {
                self.device = None;
                self.no_code = Some(self.without_code(error));
                Ok(None)
            }
            Err(error) => Err(self.begun.failure(error)),
        }
    }
}

/// Returns the callback, if a method uses one and the host has one.
async fn callback_handle(
    begun: &mut KnownAnswers<'_>,
    ctx: &SetupContext<'_>,
) -> Result<Option<CallbackHandle>, SetupFailure> {
    let pastes = begun.offers(Method::Paste);
    if !pastes && !begun.offers(Method::Browser) {
        return Ok(None);
    }
    let handle = match begun.callback.take() {
        Some(callback) => callback,
        None => callback(begun.provider.config, ctx).await,
    };
    match handle {
        // The error says what the host lacks; another method may work without it.
        Err(none) if !pastes && !begun.offers(Method::Device) => Err(none.into()),
        handle => Ok(handle.ok()),
    }
}

/// Returns the application of this attempt. One that registers itself does so for each redirect address.
async fn application(
    begun: &mut KnownAnswers<'_>,
    attempt: &Attempt,
    handle: Option<&CallbackHandle>,
) -> Result<Application, SetupFailure> {
    let config = begun.provider.config;
    let known = begun.application.take();
    if !matches!(begun.provider.config.client, Client::Registered) {
        return known.ok_or_else(|| begun.failure(OAuth2Error::ClientMissing));
    }
    if let Some(document) = handle.and_then(CallbackHandle::client_document).filter(|_| config.client_documents) {
        return Ok(Application { auth: Some(ClientAuth::None), ..Application::new(document, None) });
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
        return exchange::without_code(&begun.provider, application, None).await;
    }
    let verifier = attempt.verifier.as_deref();
    let granted = exchange::code(&begun.provider, application, &back.code, verifier, &attempt.redirect_uri).await;
    let mut granted = granted.map_err(OAuth2Error::spent)?;
    granted.set.scopes = granted.set.scopes.or(back.scopes);
    Ok(granted)
}
