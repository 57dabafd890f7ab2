//! The refresh of a credential.

use alloc::{string::String, vec::Vec};
use core::time::Duration;

use crate::{BoxFuture, ConnectionError, RefreshContext, Timestamp};

/// Refreshes the credentials of a kind.
pub trait Refresher<C>: Send + Sync {
    /// Returns what happens to the spent token if the provider's answer is lost.
    ///
    /// # Repetition
    ///
    /// Must return the same value each time: it may depend on nothing but `self`.
    fn semantics(&self) -> RefreshSemantics;

    /// Returns `true` if [`refresh`](Self::refresh) can renew this credential, which is the default, and `false` if it has
    /// [nothing to renew](crate::reason::NOTHING_TO_RENEW): the credential then works until its end, which is announced.
    ///
    /// # When it is called
    ///
    /// Before a credential is stored. Must return the same value each time: it may depend on nothing but its arguments.
    fn renews(&self, credential: &C) -> bool {
        _ = credential;
        true
    }

    /// Refreshes the credential once.
    ///
    /// # When it is called
    ///
    /// Shortly before the credential's `valid_until`, at its `renew_at`, and after the provider refused it. A
    /// connection is never refreshed twice at once, in any process.
    ///
    /// # Repetition
    ///
    /// Everything that this method spends must go through [`send_once`](crate::SpendContext::send_once): a run that
    /// follows a crash gets the recorded answer, and nothing is spent twice.
    ///
    /// # Cancellation
    ///
    /// The future is dropped at its deadline. A caller that waits for the refresh cannot drop it.
    ///
    /// # Errors
    ///
    /// A [`NotLive`](crate::NotLive) is data, as in a verification. After an offline result, the host changes nothing
    /// and tries again later. The code `needs_reauthorization` means that the provider will no longer refresh this
    /// credential. An offline result with the code [`nothing_to_renew`](crate::reason::NOTHING_TO_RENEW) means that
    /// this credential cannot be refreshed, and works until its end: nobody was asked, and trying again is useless.
    fn refresh<'a>(
        &'a self,
        credential: &'a C,
        ctx: &'a RefreshContext<'_>,
    ) -> BoxFuture<'a, Result<Refreshed<C>, ConnectionError>>;

    /// Completes the new credential of a re-authorization with the part of the former one that refreshes it.
    ///
    /// This is for providers that issue a refresh token only with the first consent. `None` keeps the new credential as
    /// it is, which is the default.
    ///
    /// # When it is called
    ///
    /// Before a credential replaces one of the same account that the provider may still refresh. The times of the
    /// result replace those of the setup. The result needs no scopes.
    ///
    /// # Repetition
    ///
    /// If `former` is refreshed in the meantime, the method is called again with the refreshed credential. Must return
    /// the same value each time: it may depend on nothing but its arguments.
    fn inherit(&self, former: &C, fresh: C, now: Timestamp) -> Option<Refreshed<C>> {
        _ = (former, now);
        drop(fresh);
        None
    }
}

/// The fate of the token that a refresh spends, if the provider's answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshSemantics {
    /// The token works for this long after its first use. If the answer is lost, the host sends the token again at
    /// once, provided that a quarantine of one minute fits into that time.
    Grace(Duration),
    /// The token keeps working: a refresh does not use it up.
    Stable,
    /// The token may no longer work, and using it again may revoke everything that was issued for it (RFC 9700, section
    /// 4.14.2). The host sends it again after a quarantine, and not while the credential is valid for more than five
    /// minutes.
    Strict,
}

/// A refreshed credential with its times and scopes.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refreshed<C> {
    /// The new credential, which replaces the stored one.
    pub credential: C,
    /// Time at which the credential stops working unless it is refreshed.
    pub valid_until: Option<Timestamp>,
    /// Time at which to refresh the credential, if not shortly before `valid_until`.
    pub renew_at: Option<Timestamp>,
    /// Time after which the credential cannot be refreshed and the user must authorize again.
    pub authorized_until: Option<Timestamp>,
    /// Scopes that the provider granted, if it named them.
    pub granted_scopes: Option<Vec<String>>,
    /// Scopes that the kind requires and that the new credential lacks.
    pub missing_scopes: Vec<String>,
}

impl<C> Refreshed<C> {
    /// Creates a result with a new credential.
    pub fn new(credential: C) -> Self {
        Self {
            credential,
            valid_until: None,
            renew_at: None,
            authorized_until: None,
            granted_scopes: None,
            missing_scopes: Vec::new(),
        }
    }

    /// Sets the time at which the credential stops working unless it is refreshed, if known.
    #[must_use]
    pub fn valid_until(mut self, time: Option<Timestamp>) -> Self {
        self.valid_until = time;
        self
    }

    /// Sets the time at which to refresh the credential, if that is not shortly before `valid_until`. Use it for a
    /// credential that expires when it is not used, or whose lifetime is unknown.
    #[must_use]
    pub fn renew_at(mut self, time: Option<Timestamp>) -> Self {
        self.renew_at = time;
        self
    }

    /// Sets the time at which the user must authorize again in any case, if known.
    #[must_use]
    pub fn authorized_until(mut self, time: Option<Timestamp>) -> Self {
        self.authorized_until = time;
        self
    }

    /// Sets the scopes that the provider granted.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.granted_scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Declares that the new credential lacks scopes which the kind requires. The host stores the credential all the same,
    /// and the connection says that it has to be authorized again with these scopes.
    #[must_use]
    pub fn lacks(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.missing_scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Converts the credential. Hosts use this to erase the type of the credential.
    ///
    /// # Errors
    ///
    /// The errors of `convert`.
    pub fn try_map<D, E>(self, convert: impl FnOnce(C) -> Result<D, E>) -> Result<Refreshed<D>, E> {
        Ok(Refreshed {
            credential: convert(self.credential)?,
            valid_until: self.valid_until,
            renew_at: self.renew_at,
            authorized_until: self.authorized_until,
            granted_scopes: self.granted_scopes,
            missing_scopes: self.missing_scopes,
        })
    }
}
