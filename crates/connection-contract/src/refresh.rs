//! What renews a credential before it dies.

use alloc::{string::String, vec::Vec};
use core::time::Duration;

use crate::{BoxFuture, ConnectionError, RefreshContext, Timestamp};

/// Renews a credential.
pub trait Refresher<C>: Send + Sync {
    /// What becomes of what was spent, when the answer is lost.
    ///
    /// # Repetition
    ///
    /// Must give the same each time: it may depend on nothing but `self`.
    fn semantics(&self) -> RefreshSemantics;

    /// Renews once.
    ///
    /// # When it is called
    ///
    /// Shortly before the credential's `valid_until`, at its `renew_at`, and after the provider refused it; never twice at
    /// once for one connection, in any process.
    ///
    /// # Repetition
    ///
    /// What it spends goes through [`send_once`](crate::SpendContext::send_once): a run that follows a crash gets the
    /// recorded answer, and nothing is spent twice.
    ///
    /// # Cancellation
    ///
    /// Dropped at its deadline. Nobody who waits for it can drop it.
    ///
    /// # Errors
    ///
    /// As in a verification: a [`NotLive`](crate::NotLive) is data. An offline one is tried again later and changes nothing;
    /// `needs_reauthorization` says that the provider will not renew this credential any more.
    fn refresh<'a>(
        &'a self,
        credential: &'a C,
        ctx: &'a RefreshContext<'_>,
    ) -> BoxFuture<'a, Result<Refreshed<C>, ConnectionError>>;

    /// The credential of a re-authorization with what renews it, where only the former one has that: some providers give a
    /// refresh token with the first consent alone. By default nothing is taken over. `None` leaves it as it is.
    ///
    /// # When it is called
    ///
    /// Before a credential takes the place of one of the same account that its provider may still renew. What it says of
    /// times replaces what the setup said; it needs no scopes.
    ///
    /// # Repetition
    ///
    /// Again, with another `former`, when that was renewed meanwhile. Must give the same each time: it may depend on nothing
    /// but its arguments.
    fn inherit(&self, former: &C, fresh: C, now: Timestamp) -> Option<Refreshed<C>> {
        _ = (former, now);
        drop(fresh);
        None
    }
}

/// What becomes of what a refresh spends, when its answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshSemantics {
    /// It works for so long after it was first used. When its answer is lost, it is sent again at once if a quarantine of
    /// a minute fits into that time.
    Grace(Duration),
    /// It works again: nothing is used up.
    Stable,
    /// It may be dead, and to use it again may revoke everything that came of it (RFC 9700, section 4.14.2). It is sent again
    /// after a quarantine, and not while the credential has more than five minutes to live.
    Strict,
}

/// A renewed credential.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refreshed<C> {
    /// Replaces the stored one.
    pub credential: C,
    /// When it stops working, unless it is renewed.
    pub valid_until: Option<Timestamp>,
    /// When to renew it, if that is not shortly before `valid_until`.
    pub renew_at: Option<Timestamp>,
    /// When renewing stops working and the user must authorize again.
    pub authorized_until: Option<Timestamp>,
    /// What the provider lets us do, if it said so.
    pub granted_scopes: Option<Vec<String>>,
}

impl<C> Refreshed<C> {
    /// A renewed credential.
    pub fn new(credential: C) -> Self {
        Self { credential, valid_until: None, renew_at: None, authorized_until: None, granted_scopes: None }
    }
    /// Says when it stops working unless it is renewed, if known.
    #[must_use]
    pub fn valid_until(mut self, time: Option<Timestamp>) -> Self {
        self.valid_until = time;
        self
    }
    /// Says when to renew it, where that is not shortly before `valid_until`: for what dies when it is not used, or whose
    /// life is not known.
    #[must_use]
    pub fn renew_at(mut self, time: Option<Timestamp>) -> Self {
        self.renew_at = time;
        self
    }
    /// Says when the user must authorize again whatever is done, if known.
    #[must_use]
    pub fn authorized_until(mut self, time: Option<Timestamp>) -> Self {
        self.authorized_until = time;
        self
    }
    /// Says what the provider lets us do.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.granted_scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }
    /// The same with another form of the credential; what the host's erasure uses.
    ///
    /// # Errors
    /// Those of `convert`.
    pub fn try_map<D, E>(self, convert: impl FnOnce(C) -> Result<D, E>) -> Result<Refreshed<D>, E> {
        Ok(Refreshed {
            credential: convert(self.credential)?,
            valid_until: self.valid_until,
            renew_at: self.renew_at,
            authorized_until: self.authorized_until,
            granted_scopes: self.granted_scopes,
        })
    }
}
