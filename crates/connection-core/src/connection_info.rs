//! The information about a connection as hosts see it. It holds no secrets, neither sealed nor opened.

use connection_contract::{DisplayText, Identity, Kind, Liveness, Reason, Timestamp, reason};

use crate::{ConnectionId, Cursor, ProfileId, Tags, page::TimeAndId, plan};

/// The information about a connection at the time it was read.
///
/// ```
/// use connection_contract::Liveness;
/// use connection_core::ConnectionInfo;
///
/// fn works(info: &ConnectionInfo) -> bool {
///     info.liveness == Liveness::Live && !info.kind_changed
/// }
/// # let _ = works;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The id of the connection, which never changes.
    pub id: ConnectionId,
    /// The owner to whom the connection belongs, such as `local`.
    pub owner: String,
    /// The kind through which the account was connected. It may no longer be registered.
    pub kind: Kind,
    /// The provider. If no plugin of the kind is registered, this is the kind itself.
    pub provider: Kind,
    /// The label, which is unique per owner and kind.
    pub label: DisplayText,
    /// The account that the connection reaches.
    pub identity: Identity,
    /// The liveness, as last measured.
    pub liveness: Liveness,
    /// The reason why the connection is not live. For a live connection, a use that the provider refused and that no
    /// verification has followed, or the reason why its credential could not be refreshed, if an answer was lost or
    /// somebody has to fix something. If the [kind changed](Self::kind_changed), the
    /// reason says that instead. Only the result of a verification and
    /// [`info_with_words`](crate::Connection::info_with_words) have the provider's own words about it.
    pub reason: Option<Reason>,
    /// The time of the last measurement.
    pub checked_at: Option<Timestamp>,
    /// The end of the pause that the provider asked this connection for at the last measurement. Until then, only
    /// [`verify_now`](crate::Connection::verify_now) asks it again; requests are sent all the same.
    pub paused_until: Option<Timestamp>,
    /// The time at which the credential stops working, if the provider says so.
    pub valid_until: Option<Timestamp>,
    /// The time at which refreshing stops working and the user must authorize again, if the provider says so.
    pub authorized_until: Option<Timestamp>,
    /// `true` if the kind refreshes the credential by itself. Then `valid_until` requires no action. `false` for a
    /// credential that has nothing to renew, although its kind refreshes others.
    pub renews: bool,
    /// The scopes that the provider granted, if it reports them.
    pub scopes: Option<Vec<String>>,
    /// The public configuration by field name.
    pub config: Vec<(String, String)>,
    /// The profile of the kind's tool that the connection belongs to.
    pub profile: Option<ProfileId>,
    /// `true` if the connection is the default of its provider.
    pub is_default: bool,
    /// The tags that the host has set.
    pub tags: Tags,
    /// The time at which it was connected.
    pub created_at: Timestamp,
    /// The time of the last change of anything but the liveness.
    pub updated_at: Timestamp,
    /// `true` if a plugin of the kind is registered. Without one, the connection can only be removed.
    pub registered: bool,
    /// `true` if the registered kind states other terms than those under which the account was connected. The connection
    /// is not used until they are [accepted](crate::Kinds::accept).
    pub kind_changed: bool,
    /// `true` if the connection, its owner, its kind or everything is frozen, as far as it was known when the information
    /// was read. The connection is then not used; see [`Freezes`](crate::Freezes).
    pub frozen: bool,
    /// The digest of the terms under which the account was connected.
    pub(crate) terms: Option<Vec<u8>>,
    /// The place in the order in which connections became usable.
    pub(crate) usable_at: i64,
}

impl ConnectionInfo {
    /// Returns the position in the order in which connections became usable.
    ///
    /// A connection that becomes usable later always comes after every cursor that was returned before, even if its setup
    /// was begun earlier. A caller that keeps the cursor of the last connection it has seen therefore misses no connection
    /// of that owner. The text of the cursor is stable: later versions read what this version writes.
    pub fn cursor(&self) -> Cursor {
        Cursor::at(TimeAndId { at: self.usable_at, id: self.id })
    }

    /// Returns `true` if refreshing was tried for so long that a person must choose between waiting and authorizing again.
    pub fn is_to_choose(&self) -> bool {
        is_to_choose(self.liveness, self.reason.as_ref())
    }

    /// Returns the time at which the connection stops working unless a person acts, if the provider says so: the end of
    /// the authorization if the kind refreshes the credential, otherwise the end of the credential.
    pub fn ends_at(&self) -> Option<Timestamp> {
        if self.renews { self.authorized_until } else { self.valid_until }
    }

    /// Returns `true` if the connection has ended, or ends within seven days unless a person acts.
    pub fn ends_soon(&self, now: Timestamp) -> bool {
        self.ends_at().is_some_and(|until| until.seconds() <= now.seconds().saturating_add(plan::ANNOUNCE_BEFORE))
    }

    /// Returns `true` if the credential is not refreshed, because its refresh token was restored from a backup
    /// or a failover may have lost its use.
    pub fn is_restored(&self) -> bool {
        self.registered && self.reason.as_ref().is_some_and(|why| why.code == reason::RESTORED)
    }

    /// Returns the liveness as far as the stored measurement says what works now: a connection whose
    /// [kind changed](Self::kind_changed) is failing, because nothing is sent, and without a registered kind, nothing is
    /// known.
    pub fn current_liveness(&self) -> Liveness {
        current_liveness(self.liveness, self.registered, self.kind_changed)
    }

    /// Returns `true` if the connection does not work, or soon will not, unless a person acts. An
    /// [overview](crate::ConnectionRegistry::overview) shows these connections first.
    pub fn needs_attention(&self, now: Timestamp) -> bool {
        // The view `connection_place_now` of the store has the conditions that depend on neither the kind nor the time.
        !self.registered
            || self.current_liveness() == Liveness::Failing
            || self.is_to_choose()
            || self.is_restored()
            || self.ends_soon(now)
    }
}

/// Returns the liveness of a connection, from the one that was measured last.
pub(crate) fn current_liveness(measured: Liveness, registered: bool, kind_changed: bool) -> Liveness {
    match (kind_changed, registered) {
        (true, _) => Liveness::Failing,
        (false, true) => measured,
        (false, false) => Liveness::Unknown,
    }
}

/// Returns `true` if refreshing was tried for so long that a person must choose between waiting and authorizing again.
pub(crate) fn is_to_choose(liveness: Liveness, reason: Option<&Reason>) -> bool {
    liveness == Liveness::Offline
        && reason.is_some_and(|why| why.code == reason::REFRESH_OUTCOME_UNKNOWN && why.remedy.is_some())
}
