//! The access of an agent to the connections of its owner.

use std::{fmt, sync::Arc, time::Duration};

use connection_contract::{BoxFuture, HelperProtocol, Origin, Secret};
use connection_rules::RequestParts;

use crate::{
    AgentApproval, AgentCaller, AnsweringConnection, ApprovalId, ConnectionId, Error, ReleasedCredential, RequestBody,
    Response, approvals, connection::System, door,
};

/// The access of an agent to the connections of its owner, as far as its grants allow. Every door through which agents
/// arrive uses it.
///
/// ```
/// use connection_core::{AgentCaller, ConnectionId, ConnectionRegistry, Error, RequestBody};
/// use connection_rules::RequestParts;
///
/// async fn status(registry: &ConnectionRegistry, caller: &AgentCaller, connection: ConnectionId) -> Result<u16, Error> {
///     let parts = RequestParts::new("GET", "/user");
///     Ok(registry.for_agent(caller).open(connection, parts, RequestBody::empty()).await?.status())
/// }
/// # let _ = status;
/// ```
#[derive(Clone, Copy)]
pub struct AgentAccess<'a> {
    system: &'a Arc<System>,
    caller: &'a AgentCaller,
}

impl fmt::Debug for AgentAccess<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentAccess").field("caller", self.caller).finish_non_exhaustive()
    }
}

impl<'a> AgentAccess<'a> {
    pub(super) fn new(system: &'a Arc<System>, caller: &'a AgentCaller) -> Self {
        Self { system, caller }
    }

    /// Sends a request of an agent through a connection of the agent's owner, if the agent's grant allows it.
    ///
    /// `parts` is the request as it arrived, without the token of the agent, without `Host` and without the headers of
    /// one hop. Its path is relative to the base address of the connection, or to another origin of it. The request is
    /// read strictly, with the exceptions that the connection's kind states. The body is read as far as the rules look at
    /// it, and the length of `body` replaces that of `parts`. Then the rules decide, one request is taken from the
    /// budget, and the request that was decided is sent as [`Connection::open`](crate::Connection::open) does: a redirect
    /// is an answer, and the answer is returned as soon as its head has arrived.
    ///
    /// A `GET` with the header `upgrade: websocket` asks for a WebSocket (RFC 6455). `body` is then a stream, and no part
    /// of the request: if the status of the answer is 101, its pieces are sent on the connection, and the body of the
    /// answer has the bytes that the provider sends. Nothing is decided or replaced there.
    ///
    /// # Cancellation
    ///
    /// If the future or the response is dropped, the request ends at the provider, too; it may or may not have been
    /// acted on.
    ///
    /// # Errors
    ///
    /// The errors of [`AgentCaller::granted`]: a connection that does not exist is not granted.
    /// [`RuleError`](crate::RuleError) if the request can be read in two ways, if no rule allows it or a person is asked,
    /// and if the budget is spent; and the errors of [`Connection::open`](crate::Connection::open).
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_core::{Audience, ConnectionId, ConnectionRegistry, Error, RequestBody};
    /// use connection_rules::RequestParts;
    /// use secrecy::SecretString;
    ///
    /// /// Returns the status of the answer; `None` if the token is not that of an agent.
    /// async fn pass(
    ///     registry: &ConnectionRegistry,
    ///     token: &SecretString,
    ///     connection: ConnectionId,
    /// ) -> Result<Option<u16>, Error> {
    ///     let Some(caller) = registry.authenticate_agent(token, Audience::Doors).await? else { return Ok(None) };
    ///     let parts = RequestParts::new("GET", "/repos/acme/site/issues").header("accept", "application/json");
    ///     let answer = registry.for_agent(&caller).open(connection, parts, RequestBody::empty()).await?;
    ///     Ok(Some(answer.status()))
    /// }
    /// # let _ = pass;
    /// ```
    pub fn open(
        self,
        connection: ConnectionId,
        parts: RequestParts,
        body: RequestBody,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(door::open(self.system, self.caller, connection, parts, body))
    }

    /// Returns the connections granted to an agent that answer a program which asks for a credential, whether or not their
    /// secret is handed out. `origin` is the address for which the program asks; only AWS names none. Without a protocol,
    /// they are those that send requests to the origin, for [`headers`](Self::headers). A connection that cannot be opened
    /// now is left out.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn answering(
        self,
        protocol: Option<HelperProtocol>,
        origin: Option<&'a Origin>,
    ) -> BoxFuture<'a, Result<Vec<AnsweringConnection>, Error>> {
        Box::pin(door::answering(self.system, self.caller, protocol, origin))
    }

    /// Hands out what a program of an agent gets that asks for a credential by this protocol, if the grant
    /// [says so](connection_rules::Rules::releases) and the kind answers for the address for which the program asks.
    ///
    /// The store is read for each call, a credential that has ended or is due is refreshed first, and the release is on the
    /// disk before this returns. If the grant or the credential changes meanwhile, everything is decided anew.
    ///
    /// # Errors
    ///
    /// [`AgentError::NotReleased`](crate::AgentError::NotReleased); the errors of [`AgentCaller::granted`];
    /// [`Error::NotSupported`] for a kind that does not answer by this protocol; [`Error::Denied`] for another address;
    /// [`Error::KindChanged`] if the kind names other hosts, or other secrets, than those to which a person agreed; and the
    /// errors of [`Connection::with_access_token`](crate::Connection::with_access_token).
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_contract::{HelperProtocol, host};
    /// use connection_core::{AgentCaller, ConnectionId, ConnectionRegistry, Error, ReleasedCredential};
    ///
    /// async fn for_git(
    ///     registry: &ConnectionRegistry,
    ///     caller: &AgentCaller,
    ///     connection: ConnectionId,
    /// ) -> Result<ReleasedCredential, Error> {
    ///     let origin = host::origin("https://git.example.com/acme/site.git");
    ///     registry.for_agent(caller).credential(connection, HelperProtocol::Git, origin.as_ref()).await
    /// }
    /// # let _ = for_git;
    /// ```
    pub fn credential(
        self,
        connection: ConnectionId,
        protocol: HelperProtocol,
        origin: Option<&'a Origin>,
    ) -> BoxFuture<'a, Result<ReleasedCredential, Error>> {
        Box::pin(door::credential(self.system, self.caller, connection, protocol, origin))
    }

    /// Hands out the headers that a connection adds to a `GET` of an address of its own, as
    /// [`credential`](Self::credential) hands out a credential.
    ///
    /// # Errors
    ///
    /// Those of [`credential`](Self::credential). [`Error::NotSupported`] for a kind whose credential does not stand in
    /// headers alone, or depends on the request.
    pub fn headers(
        self,
        connection: ConnectionId,
        address: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(String, Secret)>, Error>> {
        Box::pin(door::headers(self.system, self.caller, connection, address))
    }

    /// Waits until a request of an agent about which a person is asked was answered or is over, for at most this time, and
    /// returns what the agent may see of it. A request that was approved and that nobody sends is sent.
    ///
    /// A result belongs to equal requests of the agent until [`fetched`](Self::fetched) is called, and is returned for a
    /// day.
    ///
    /// # Errors
    ///
    /// [`ApprovalError::Unknown`](crate::ApprovalError::Unknown) for an id that is not one of this agent,
    /// [`Error::Row`] if the row was edited or restored, [`Error::Sealed`] for an answer that cannot be opened, and the
    /// store's errors.
    pub fn approval(self, id: ApprovalId, at_most: Duration) -> BoxFuture<'a, Result<AgentApproval, Error>> {
        approvals::of_agent(self.system, self.caller).wait(id, at_most)
    }

    /// Records that an agent got the result of a request about which a person was asked. An equal request is then a new
    /// one.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn fetched(self, id: ApprovalId) -> BoxFuture<'a, Result<(), Error>> {
        approvals::of_agent(self.system, self.caller).fetched(id)
    }

    /// Records a request of an agent that a door refused by itself, because it names no connection that is granted
    /// (`None`), or because of this error. An error that says nothing about a refusal is not recorded.
    ///
    /// The entry says nothing about the request, which may still hold the token of the agent.
    pub fn refused(self, error: Option<&Error>) {
        door::refused(self.system, self.caller, error);
    }
}
