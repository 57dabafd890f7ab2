//! The refresh tokens that a re-authorization takes over from the previous credential.
//!
//! Some providers, Google among them, issue a refresh token with the first consent only.

use connection_contract::{Refreshed, Secret, Timestamp};

use crate::{
    OAuth2Credential,
    config::{CheckedRenewal, OAuth2Config},
    flow::{authorized_until, renew_at},
    token::Tokens,
};

/// Copies the refresh tokens that the response left out, if the application and the addresses are the same.
///
/// Another application cannot use them, and the values that decide where a secret goes must not change under it.
pub(crate) fn inherit(
    config: &OAuth2Config,
    former: &OAuth2Credential,
    mut fresh: OAuth2Credential,
    now: Timestamp,
) -> Option<Refreshed<OAuth2Credential>> {
    let renews = matches!(config.renewal, CheckedRenewal::RefreshToken);
    let is_same_client = former.client_id == fresh.client_id;
    let goes_there = former.found.endpoints == fresh.found.endpoints && former.values == fresh.values;
    if !(renews && is_same_client && goes_there) {
        return None;
    }
    let mut is_kept = keep(&former.tokens, &mut fresh.tokens);
    if is_kept {
        // The kept token ends when its own authorization does.
        fresh.authorized_until = former.authorized_until.or(fresh.authorized_until);
    }
    for extra in &mut fresh.extra {
        if let Some(old) = former.extra(&extra.name).filter(|old| !old.is_lost()) {
            is_kept |= keep(&old.tokens, &mut extra.tokens);
        }
    }
    if !is_kept {
        return None;
    }
    let valid_until = fresh.valid_until();
    let authorized_until = authorized_until(config, &fresh);
    let renew_at = renew_at(config, &fresh, now);
    Some(Refreshed::new(fresh).valid_until(valid_until).renew_at(renew_at).authorized_until(authorized_until))
}

fn keep(old: &Tokens, fresh: &mut Tokens) -> bool {
    if fresh.refresh.is_none() {
        fresh.refresh = old.refresh.as_ref().map(Secret::duplicate);
        return fresh.refresh.is_some();
    }
    false
}
