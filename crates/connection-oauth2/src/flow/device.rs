//! Authorization with a device code (RFC 8628).
//!
//! The polling loop is written here instead of using the `oauth2` crate's: each poll is a wait of the setup, which
//! another method may end first.

use crate::{
    OAuth2Error,
    client::Application,
    provider::Provider,
    token::exchange::{self, Granted, Poll},
};
use connection_contract::{DisplayText, Link, Notice, Secret, Timestamp, Wait};

/// The longest interval in seconds; a poll without a response doubles the interval up to this.
const MAX_INTERVAL: u64 = 60;
/// The longest time in seconds to wait for a code, whatever the provider says.
const MAX_WAIT: u64 = 1800;
/// The largest number of polls of one code. A poll is two effects of at most a thousand in a setup, so a code with a
/// long lifetime is polled less often than the provider allows.
const MAX_POLLS: u64 = 400;

/// A device code that waits to be confirmed.
pub(crate) struct Device {
    code: Secret,
    user_code: DisplayText,
    link: Link,
    interval: u64,
    next: Timestamp,
    until: Timestamp,
    /// The answer to the last poll, if it came from something else than the endpoint.
    unanswered: Option<OAuth2Error>,
}

impl Device {
    pub(crate) async fn begin(provider: &Provider<'_>, application: &Application) -> Result<Self, OAuth2Error> {
        let codes = exchange::device(provider, application).await?;
        let undeclared = OAuth2Error::UndeclaredAddress { what: "verification page" };
        let plain = || Link::from_provider(&codes.verification_uri);
        // The code is shown even if the link contains it, so that the user can compare the two (section 3.3.1).
        let complete = codes.verification_uri_complete.as_deref().and_then(Link::from_provider);
        let link = complete.or_else(plain).ok_or(undeclared)?;
        let life = codes.life.min(MAX_WAIT);
        let interval = codes.interval.max(life.div_ceil(MAX_POLLS)).max(1);
        Ok(Self {
            code: codes.device_code,
            user_code: codes.user_code.into(),
            link,
            interval,
            next: codes.at.after(interval),
            until: codes.at.after(life),
            unanswered: None,
        })
    }

    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        now >= self.until
    }

    /// Returns the error of a code that is over.
    pub(crate) fn into_error(self) -> OAuth2Error {
        self.unanswered.unwrap_or(OAuth2Error::Expired)
    }

    /// Returns the time of the next poll.
    pub(crate) fn next(&self) -> Timestamp {
        self.next.min(self.until)
    }

    /// Adds the link and the code to a wait.
    pub(crate) fn shown<'w>(&self, wait: Wait<'w>) -> Wait<'w> {
        wait.notice(Notice::new("Type this code only if you began this yourself; nobody else should send you one"))
            .device_code(self.link.clone(), self.user_code.clone())
    }

    /// Polls if it is time; returns the tokens if the user has confirmed the code.
    pub(crate) async fn poll(
        &mut self,
        provider: &Provider<'_>,
        application: &Application,
    ) -> Result<Option<Box<Granted>>, OAuth2Error> {
        let now = provider.ctx.now();
        if now < self.next {
            return Ok(None);
        }
        self.unanswered = None;
        let pause = match exchange::poll(provider, application, &self.code).await? {
            Poll::Granted(granted) => return Ok(Some(granted)),
            Poll::Pending => None,
            // Add five seconds to this and all later polls (section 3.5), or use the provider's interval if that is
            // longer.
            Poll::SlowDown { interval, pause } => {
                self.interval = (self.interval + 5).max(interval.unwrap_or_default());
                pause
            }
            Poll::Unanswered(error) => {
                let pause = error.pause();
                self.interval = (self.interval * 2).clamp(1, MAX_INTERVAL.max(self.interval));
                // An offline error would advise to try again, and this code can no longer be used when it is over.
                self.unanswered = Some(error).filter(|error| !error.is_transient());
                pause
            }
        };
        // An answer that asks for a pause is not followed by a poll within it, whatever the interval is.
        let pause = pause.map_or(0, |pause| pause.as_secs());
        self.next = provider.ctx.now().after(self.interval.max(pause));
        Ok(None)
    }
}
