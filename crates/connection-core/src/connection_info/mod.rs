//! The information about a connection as hosts see it. It holds no secrets, neither sealed nor opened.

mod cursor;

use connection_contract::{DisplayText, Identity, Kind, Liveness, Reason, Timestamp, reason};

use crate::{ConnectionId, ProfileId, Tags};

pub use cursor::{InvalidCursor, ListCursor};

/// The information about a connection at the time it was read.
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
    /// reason says that instead.
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
    /// `true` if the kind refreshes the credential by itself. Then `valid_until` requires no action.
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
    /// The digest of the terms under which the account was connected.
    pub(crate) terms: Option<Vec<u8>>,
    /// The position in the order of lists.
    pub cursor: ListCursor,
}

impl ConnectionInfo {
    /// Creates the information about a connection whose other facts are not known. For programs that read connections
    /// elsewhere, such as from the API of a server, and set the other fields themselves.
    ///
    /// ```
    /// use connection_contract::{Identity, Kind, Liveness};
    /// use connection_core::{ConnectionId, ConnectionInfo};
    ///
    /// let id: ConnectionId = "018f3b9e-7d2a-7c31-9f43-0123456789ab".parse()?;
    /// let mut info = ConnectionInfo::new(id, "local", Kind::from_static("github"), "work", Identity::new("1", "octocat"));
    /// assert_eq!(info.liveness, Liveness::Unknown);
    /// info.liveness = Liveness::Live;
    /// # Ok::<_, connection_core::InvalidId>(())
    /// ```
    pub fn new(
        id: ConnectionId,
        owner: impl Into<String>,
        kind: Kind,
        label: impl Into<DisplayText>,
        identity: Identity,
    ) -> Self {
        let unknown = Timestamp::from_seconds(0);
        Self {
            id,
            owner: owner.into(),
            provider: kind.clone(),
            kind,
            label: label.into(),
            identity,
            liveness: Liveness::Unknown,
            reason: None,
            checked_at: None,
            paused_until: None,
            valid_until: None,
            authorized_until: None,
            renews: false,
            scopes: None,
            config: Vec::new(),
            profile: None,
            is_default: false,
            tags: Tags::default(),
            created_at: unknown,
            updated_at: unknown,
            registered: true,
            kind_changed: false,
            terms: None,
            cursor: ListCursor::new(0, id),
        }
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
}

/// Returns `true` if refreshing was tried for so long that a person must choose between waiting and authorizing again.
pub(crate) fn is_to_choose(liveness: Liveness, reason: Option<&Reason>) -> bool {
    liveness == Liveness::Offline
        && reason.is_some_and(|why| why.code == reason::REFRESH_OUTCOME_UNKNOWN && why.remedy.is_some())
}
