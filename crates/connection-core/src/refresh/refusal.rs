//! Tells a person to authorize a connection again whose provider has refused to refresh it for a day, in words that no rule
//! knows, or that cannot be read. Such a refusal is no outage, and it is not final: the provider is asked once a day.

use connection_contract::{Liveness, NotLive, Reason, Timestamp, reason};

use super::commit::Context;
use crate::store::{json, rows::CredentialRow};

/// The time, in seconds, without a clear answer after which a person is asked to choose, if the credential has ended. After
/// as long a time of refusals that no rule knows, a person is told to authorize the connection again.
pub(super) const MAX_UNCLEAR_TIME: i64 = 86_400;

/// The refusals of a provider that no rule knows, such as a code of its own for a refresh token that has ended, or an answer
/// without a code.
#[derive(Clone, Copy)]
pub(super) struct Refusal {
    /// The time of the first one; `None` if there was none since the last success.
    pub(super) since: Option<i64>,
    /// `true` if the provider has refused for so long that a person is told to authorize the connection again.
    pub(super) is_told: bool,
}

impl Refusal {
    /// Returns what a failure says, of a connection that was `before` it. `is_clear` is `true` if no rule of its own decides
    /// about the next attempt.
    pub(super) fn of(
        context: &Context,
        before: Liveness,
        stored: &CredentialRow,
        why: &NotLive,
        is_clear: bool,
    ) -> Self {
        let now = context.now;
        let former = stored.plan.refresh_reason.as_deref().and_then(json::refused_since).filter(|since| *since <= now);
        let code = &*why.reason.code;
        let is_known = code == reason::RATE_LIMITED || reason::is_mended_elsewhere(code) || is_fault(code);
        let is_unknown = context.asked.is_refusal && !is_known;
        if !is_unknown || !is_clear {
            return Self { since: former, is_told: false };
        }
        let since = former.unwrap_or(now);
        let ended = stored.valid_until.filter(|until| *until <= now);
        let from = ended.map_or(since, |ended| ended.max(since));
        let is_ended = ended.is_some() || before != Liveness::Live;
        Self { since: Some(since), is_told: is_ended && now.saturating_sub(from) >= MAX_UNCLEAR_TIME }
    }

    /// Returns what a person is told, if the provider has refused for so long.
    pub(super) fn told(self, context: &Context, why: &NotLive) -> Option<NotLive> {
        let since = self.since.filter(|_| self.is_told).unwrap_or(context.now);
        let since = Timestamp::from_seconds(since).to_rfc3339();
        let message = format!("the provider has refused to renew this access since {since}: {}", why.reason.message);
        let remedy = format!("{}; until then, the provider is asked once a day", reason::AUTHORIZE_AGAIN);
        let reason = Reason::new(reason::NEEDS_REAUTHORIZATION, message).remedy(remedy);
        self.is_told.then(|| NotLive::failing(reason.provider_text(why.reason.provider_text.clone())))
    }
}

/// Returns `true` for a fault of the plugin, which says nothing about the provider.
pub(super) fn is_fault(code: &str) -> bool {
    const FAULTS: &[&str] =
        &[reason::CREDENTIAL_UNREADABLE, reason::PLUGIN_FAULT, reason::PLUGIN_PANICKED, reason::PLUGIN_TIMEOUT];
    FAULTS.contains(&code)
}
