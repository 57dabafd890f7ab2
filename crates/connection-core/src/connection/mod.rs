//! The handle of one connection, which verifies, uses and watches it. The credential stays in the core.

mod files;
mod list;
mod make_default;
mod manner;
mod open;
mod overview;
mod reauthorize;
mod record;
mod refresh;
mod refused_use;
mod rename;
mod request_body;
mod response;
pub(crate) mod rollback;
mod secret;
mod send;
mod system;
mod tags;
mod usage;
mod usage_session;

use std::{fmt, sync::Arc};

use connection_contract::{BaseUrl, BoxFuture, HttpRequest, Origin, Text, host};

use crate::{
    AgentId, ConnectionId, ConnectionInfo, Error, LivenessChanges, StoreError,
    credential::{HotRow, Operation, ReadConnection, Stored},
    frozen::{Permitted, UseGuard, Used, User},
    ground::{Scope, check_terms},
    kinds::KindEntry,
    liveness::for_grantee,
    uses::{Grantee, UsedBy},
    verify,
};

pub use files::Files;
pub use list::Filter;
pub(crate) use list::{count, list};
pub(crate) use open::{Unanswered, invalid as invalid_body};
pub use overview::{Overview, OverviewCounts, OverviewEntry};
pub(crate) use overview::{counts, overview};
pub(crate) use record::refusal;
pub(crate) use request_body::ReadBody;
pub use request_body::RequestBody;
pub use response::Response;
pub(crate) use secret::OpenForRelease;
pub(crate) use system::System;
pub(crate) use usage_session::session_metrics;

/// A connection of one owner. A clone is another handle to the same connection.
///
/// The handle verifies the connection, sends requests with its credential, and changes what a person may change.
/// [`ConnectionInfo`] says what is known about it, and [`webhooks`](Self::webhooks) is what its provider sends.
///
/// # Examples
///
/// ```
/// use connection_contract::Liveness;
/// use connection_core::{ConnectionId, ConnectionRegistry, Error};
///
/// async fn repositories(registry: &ConnectionRegistry, id: ConnectionId) -> Result<Option<Vec<u8>>, Error> {
///     let connection = registry.connection(id).await?;
///     let info = connection.verify().await?;
///     if info.liveness != Liveness::Live {
///         println!("{} needs attention: {:?}", info.label, info.reason);
///         return Ok(None);
///     }
///     let request = connection.request("GET", "/user/repos?per_page=1").await?;
///     let body = connection.send(request).await?.bytes(1 << 20).await?;
///     Ok(Some(body.expose().to_vec()))
/// }
/// ```
#[derive(Clone)]
pub struct Connection {
    pub(crate) system: Arc<System>,
    pub(crate) info: Arc<ConnectionInfo>,
    user: User,
    /// Who uses it, for the record of use.
    by: Arc<UsedBy>,
    /// What the uses of an agent depend on.
    permitted: Option<Arc<Permitted>>,
    /// Set if answers are redacted although the user has all rights.
    is_redacting: bool,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({} {})", self.info.kind, self.info.id)
    }
}

impl Connection {
    /// Returns the id of the connection.
    pub fn id(&self) -> ConnectionId {
        self.info.id
    }

    /// Returns the information that was known when this handle was created. It may have been half a second old at that
    /// time: see [`hot_rows`](crate::Limits::hot_rows).
    pub fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    /// Returns the information of this handle with the provider's own words about the reason
    /// ([`Reason::provider_text`](connection_contract::Reason::provider_text)), if the provider said some and the reason is
    /// still the stored one.
    ///
    /// The words are for the person whose connection it is, so a program shows them to that person and to nobody else. They
    /// are read and opened for this call alone: lists, [`info`](Self::info) and handles of agents and extensions do not have
    /// them. Words that cannot be opened are left out.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn info_with_words(&self) -> BoxFuture<'_, Result<ConnectionInfo, Error>> {
        Box::pin(async move {
            let info = (*self.info).clone();
            if self.user.is_grantee() { Ok(info) } else { self.system.ground.with_words(info).await }
        })
    }

    /// Verifies the connection at the provider and stores the result. A call during a probe returns the result of that
    /// probe.
    ///
    /// A connection that does not work is data, not an error: see the liveness and its reason in the result.
    ///
    /// During a pause that the provider asked this connection for, nothing is sent, and the result is what was measured
    /// before it: see [`paused_until`](ConnectionInfo::paused_until). [`verify_now`](Self::verify_now) asks the provider in
    /// spite of the pause.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the probe continues and its result is stored.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`], [`Error::KindChanged`], [`Error::NotFound`] if the connection was removed meanwhile,
    /// [`Error::Plugin`] for a failure that says nothing about the connection, and the store's errors. The liveness is
    /// unchanged.
    pub fn verify(&self) -> BoxFuture<'_, Result<ConnectionInfo, Error>> {
        Box::pin(async move {
            let scope = self.scope().on(&self.system.verify);
            verify::verify(scope, self.id(), verify::ProbeTrigger::Host, None).await.map(|info| self.verified(info))
        })
    }

    /// Verifies the connection as [`verify`](Self::verify) does, also during a pause that the provider asked for. If its
    /// credential could not be refreshed, a refresh is tried once more, as [`refresh`](Self::refresh) does. For a person,
    /// who is always answered.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the probe continues and its result is stored.
    ///
    /// # Errors
    ///
    /// The errors of [`verify`](Self::verify).
    pub fn verify_now(&self) -> BoxFuture<'_, Result<ConnectionInfo, Error>> {
        Box::pin(async move {
            let scope = self.scope().on(&self.system.verify);
            verify::verify(scope, self.id(), verify::ProbeTrigger::HostNow, None).await.map(|info| self.verified(info))
        })
    }

    /// Returns the result of a verification as the caller gets it.
    fn verified(&self, mut info: ConnectionInfo) -> ConnectionInfo {
        if self.user.is_grantee() {
            info.reason = info.reason.map(for_grantee);
        }
        info
    }

    /// Returns a stream of the changes of the liveness from now on, in this process only.
    pub fn on_liveness_change(&self) -> LivenessChanges {
        self.system.ground.subscriptions.subscribe(self.id())
    }

    /// Returns the base URL, to which paths are relative. It is part of the reach that is sealed with the credential.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`] for a connection without an address, and the errors of [`send`](Self::send).
    pub fn base_url(&self) -> BoxFuture<'_, Result<BaseUrl, Error>> {
        Box::pin(async move {
            let row = self.opened().await?;
            row.payload.base_url.clone().ok_or_else(|| self.cannot("send requests"))
        })
    }

    /// Returns the origins to which the credential may be sent.
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send).
    pub fn origins(&self) -> BoxFuture<'_, Result<Vec<Origin>, Error>> {
        Box::pin(async move {
            let row = self.opened().await?;
            Ok(row.payload.reached(Operation::Use).map(|allowed| allowed.origin.clone()).collect())
        })
    }

    /// Creates a request below the base URL from a method and a path, such as `GET` and `/user/repos?per_page=1`. Path
    /// and query are sent as they are given, so the caller percent-encodes them where needed.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`], and the errors of [`base_url`](Self::base_url).
    pub fn request<'a>(
        &'a self,
        method: &'a str,
        path_and_query: &'a str,
    ) -> BoxFuture<'a, Result<HttpRequest, Error>> {
        Box::pin(async move {
            if method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase()) {
                return Err(Error::InvalidRequest("the method must be a word of capital letters, as in GET"));
            }
            let kept = self.kept();
            let opened;
            let row = match kept.as_ref().and_then(|kept| kept.hot_row()) {
                Some(row) => row,
                None => {
                    // The future of a hot use is small, because that of a read is allocated only for a read.
                    opened = Box::pin(self.opened()).await?;
                    &opened
                }
            };
            let base = row.payload.base_url.as_ref().ok_or_else(|| self.cannot("send requests"))?;
            let method = match method {
                "GET" => Text::Borrowed("GET"),
                "POST" => Text::Borrowed("POST"),
                method => Text::Owned(method.to_owned()),
            };
            host::request(method, base, path_and_query).ok_or(Error::InvalidRequest(
                "the path must begin with '/', have no '.' or '..' parts and be percent-encoded",
            ))
        })
    }

    pub(crate) fn new(system: &Arc<System>, info: impl Into<Arc<ConnectionInfo>>) -> Self {
        Self {
            system: system.clone(),
            info: info.into(),
            user: User::Host,
            by: system.ground.recorder.by.clone(),
            permitted: None,
            is_redacting: false,
        }
    }

    /// Returns a handle for uses by this program.
    pub(crate) fn used_by(self, user: User) -> Self {
        Self { user, ..self }
    }

    /// Returns a handle whose answers do not show the credential. It is for answers that are passed on to somebody who is
    /// not meant to see it; the handles of agents and extensions do the same.
    ///
    /// A provider may repeat the credential in an answer, for example in a message about an error. In the headers and
    /// the body, each byte of it is replaced by `*`, in the forms that are usual: as it is, percent-encoded, in base64,
    /// in hexadecimal, and escaped for JSON. A secret of less than eight bytes is not searched for. Bytes that may be
    /// the beginning of such a form are held back until more of the answer arrives, and the provider is asked for an
    /// answer without a coding. This is a help and not a wall: another form of the credential passes.
    ///
    /// ```
    /// use connection_core::{Connection, Error};
    ///
    /// async fn shown(connection: &Connection, path: &str) -> Result<Vec<u8>, Error> {
    ///     let request = connection.request("GET", path).await?;
    ///     let answer = connection.redacting().send(request).await?;
    ///     Ok(answer.bytes(1 << 20).await?.expose().to_vec())
    /// }
    /// # let _ = shown;
    /// ```
    #[must_use]
    pub fn redacting(&self) -> Self {
        Self { is_redacting: true, ..self.clone() }
    }

    fn redacts(&self) -> bool {
        self.is_redacting || self.user.is_grantee()
    }

    /// Returns a handle for the requests of an agent. They are refused, and streams end, while the agent is frozen, and
    /// when the store cannot be read for a second. Their answers do not show the credential, as with
    /// [`redacting`](Self::redacting). A door decides about each request by the [`Permit`](crate::Permit) of the agent
    /// before.
    ///
    /// ```
    /// use connection_core::{AgentCaller, Connection, Error, RequestBody, Response};
    ///
    /// async fn pass(caller: &AgentCaller, connection: &Connection) -> Result<Response, Error> {
    ///     let connection = connection.for_agent(caller.agent().id());
    ///     let request = connection.request("GET", "/me").await?;
    ///     connection.open(request, RequestBody::empty()).await
    /// }
    /// # let _ = pass;
    /// ```
    #[must_use]
    pub fn for_agent(&self, agent: AgentId) -> Self {
        let by = UsedBy { grantee: Some(Grantee::Agent(agent)), ..(*self.by).clone() };
        self.clone().used_by(User::Agent(agent)).recorded_by(by)
    }

    /// Returns a handle whose uses end with the grant and the token of an agent.
    pub(crate) fn permitted_by(self, permitted: Option<&Permitted>) -> Self {
        Self { permitted: permitted.cloned().map(Arc::new), ..self }
    }

    /// Checks that nothing is frozen that concerns a use of this connection.
    ///
    /// # Errors
    ///
    /// [`Error::Frozen`], and the store's errors.
    pub(crate) async fn check_frozen(&self) -> Result<(), Error> {
        let used = Used::of(&self.info, self.user);
        Ok(self.system.ground.freezes.check(used, self.user).await?)
    }

    /// Begins a use of this credential, unless something is frozen that concerns it, or what permits it was withdrawn.
    ///
    /// # Errors
    ///
    /// The errors of [`check_frozen`](Self::check_frozen); [`Error::NotFound`] if the connection was removed,
    /// [`AgentError::GrantEnded`](crate::AgentError::GrantEnded) and
    /// [`AgentError::TokenEnded`](crate::AgentError::TokenEnded).
    async fn begin_use(&self, row: &HotRow) -> Result<UseGuard, Error> {
        self.system.ground.store.refuse_displaced()?;
        let freezes = &self.system.ground.freezes;
        Ok(freezes.begin_use(&self.info, self.user, self.permitted.clone(), row.withdrawal).await?)
    }

    /// Returns the connection with this id, if the owner has it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], and the store's errors.
    pub(crate) async fn find(scope: Scope<'_, System>, id: ConnectionId) -> Result<Self, Error> {
        let system = scope.system;
        // Without this check, a cached row could be returned after the store was closed.
        if system.ground.store.is_closed() {
            return Err(Error::Closed);
        }
        let stored = Stored::with_id(&system.ground, scope.owner, id);
        let info = match system.credential.hot.kept_info(&stored) {
            Some(info) => info,
            None => Box::pin(system.credential.hot.read(&stored)).await?.info.clone(),
        };
        Ok(Self::new(system, info))
    }

    /// Returns the scope of the connection's owner.
    pub(crate) fn scope(&self) -> Scope<'_, System> {
        Scope { system: &self.system, owner: &self.info.owner }
    }

    /// Returns the kind of the connection.
    pub(crate) async fn kind(&self) -> Result<Arc<KindEntry>, Error> {
        self.system.ground.kind(&self.info.owner, &self.info.kind).await
    }

    pub(crate) fn cannot(&self, what: &'static str) -> Error {
        Error::NotSupported { kind: self.info.kind.clone(), what }
    }

    /// Returns the row of this connection, read after this call, for use by a kind.
    pub(crate) async fn reopen(&self, kind: &KindEntry) -> Result<Arc<HotRow>, Error> {
        self.open_for(kind, self.system.credential.hot.reread(&self.stored()).await?).await
    }

    /// Returns the credential of a row, opened, if a person agreed to the terms of the kind that uses it.
    pub(crate) async fn open_for(&self, kind: &KindEntry, known: Arc<ReadConnection>) -> Result<Arc<HotRow>, Error> {
        check_terms(kind, &known.info)?;
        known.open(&self.system.ground).await
    }

    fn stored(&self) -> Stored<'_> {
        Stored::of(&self.system.ground, &self.info)
    }

    /// Returns the current credential, opened, without a lookup of the kind. A change of the registered kinds forgets
    /// all rows, so a cached row shows that its kind is registered and that its terms were accepted.
    async fn opened(&self) -> Result<Arc<HotRow>, Error> {
        match self.known().await {
            Ok(known) if known.info.registered && !known.info.kind_changed => known.open(&self.system.ground).await,
            known => {
                let kind = Box::pin(self.kind()).await?;
                self.open_for(&kind, known?).await
            }
        }
    }

    /// Returns the row of this connection if it is known to have been current within the bound, and its kind is
    /// registered.
    fn kept(&self) -> Option<Arc<ReadConnection>> {
        let store = &self.system.ground.store;
        // Without this check, a cached row could be used for a moment after the store was closed or displaced.
        if store.is_closed() || store.refuse_displaced().is_err() {
            return None;
        }
        self.system
            .credential
            .hot
            .kept(&self.stored())
            .filter(|known| known.info.registered && !known.info.kind_changed)
    }

    async fn known(&self) -> Result<Arc<ReadConnection>, Error> {
        // Without this check, cached rows could be used for a moment after the store was closed or displaced.
        if self.system.ground.store.is_closed() {
            return Err(StoreError::Closed.into());
        }
        self.system.ground.store.refuse_displaced()?;
        self.system.credential.hot.read(&self.stored()).await
    }

    /// Returns the kind and the current credential, opened.
    pub(crate) async fn open_current(&self) -> Result<(Arc<KindEntry>, Arc<HotRow>), Error> {
        if self.info.kind.extension().is_none() {
            let kind = self.kind().await?;
            let row = self.open_for(&kind, self.known().await?).await?;
            return Ok((kind, row));
        }
        // The kind is the one that was found with the row, so that it costs no statement of its own.
        let known = self.known().await?;
        let kind = known.kind(&self.system.ground).await?.ok_or_else(|| Error::UnknownKind(self.info.kind.clone()))?;
        let row = self.open_for(&kind, known).await?;
        Ok((kind, row))
    }
}
