//! The parts of a registry that have a page of their own.

use std::time::Duration;

use connection_contract::{BoxFuture, HelperProtocol, Kind, Origin, Secret};
use connection_rules::RequestParts;
use secrecy::SecretString;

use crate::{
    AgentApproval, AgentCaller, Agents, AnsweringConnection, ApprovalId, Approvals, Audience, ClientCredential,
    ClientTokens, ConnectionId, ConnectionRegistry, Error, Extensions, Profiles, ReleasedCredential, RequestBody,
    Response, Setups, Webhooks, access_token, approvals, door, grant::agent,
};

impl ConnectionRegistry {
    /// Returns the setups: sessions that make a connection.
    pub fn setups(&self) -> Setups<'_> {
        Setups::new(self.connections().on(&self.systems.setup))
    }

    /// Returns the extensions that a person added, with their grants.
    pub fn extensions(&self) -> Extensions<'_> {
        Extensions::new(self.connections().on(&self.systems.extension))
    }

    /// Returns the agents that a person created, with their grants and tokens.
    pub fn agents(&self) -> Agents<'_> {
        Agents::new(self.connections().on(&self.systems.ground))
    }

    /// Returns the agent, of any owner, whose token has this text and is for this audience. Returns `None` if there is
    /// no such token, if it has ended or was revoked, if the agent was removed, and if one of their rows was edited or
    /// restored. The use is recorded at most once a minute.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn authenticate_agent<'a>(
        &'a self,
        text: &'a SecretString,
        audience: Audience,
    ) -> BoxFuture<'a, Result<Option<AgentCaller>, Error>> {
        AgentCaller::authenticated(&self.systems.ground, &self.systems.callers, text, audience)
    }

    /// Exchanges what the client of an agent presents for tokens. Returns `None` if it is refused: unknown, used, ended,
    /// revoked or of another client.
    ///
    /// A code that is presented twice within its 60 seconds, or by somebody who cannot prove to be its client, ends what
    /// was given for it. A refresh token returns the same successor for 60 seconds, and nothing after that.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the code may have been used up. A refresh token can be presented again.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] if a row was edited or restored, and the store's errors.
    pub fn client_tokens(&self, credential: ClientCredential) -> BoxFuture<'_, Result<Option<ClientTokens>, Error>> {
        access_token::present(&self.systems.ground, credential, agent::check)
    }

    /// Sends a request of an agent through a connection of the agent's owner, if the agent's grant allows it. Every door
    /// through which requests of agents arrive calls this method.
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
    ///     let answer = registry.open_for_agent(&caller, connection, parts, RequestBody::empty()).await?;
    ///     Ok(Some(answer.status()))
    /// }
    /// # let _ = pass;
    /// ```
    pub fn open_for_agent<'a>(
        &'a self,
        caller: &'a AgentCaller,
        connection: ConnectionId,
        parts: RequestParts,
        body: RequestBody,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(door::open(&self.systems.connection, caller, connection, parts, body))
    }

    /// Returns the connections granted to an agent that answer a program which asks for a credential, whether or not their
    /// secret is handed out. `origin` is the address for which the program asks; only AWS names none. Without a protocol,
    /// they are those that send requests to the origin, for [`headers_for_agent`](Self::headers_for_agent). A connection
    /// that cannot be opened now is left out.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn answering_for_agent<'a>(
        &'a self,
        caller: &'a AgentCaller,
        protocol: Option<HelperProtocol>,
        origin: Option<&'a Origin>,
    ) -> BoxFuture<'a, Result<Vec<AnsweringConnection>, Error>> {
        Box::pin(door::answering(&self.systems.connection, caller, protocol, origin))
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
    ///     registry.credential_for_agent(caller, connection, HelperProtocol::Git, origin.as_ref()).await
    /// }
    /// # let _ = for_git;
    /// ```
    pub fn credential_for_agent<'a>(
        &'a self,
        caller: &'a AgentCaller,
        connection: ConnectionId,
        protocol: HelperProtocol,
        origin: Option<&'a Origin>,
    ) -> BoxFuture<'a, Result<ReleasedCredential, Error>> {
        Box::pin(door::credential(&self.systems.connection, caller, connection, protocol, origin))
    }

    /// Hands out the headers that a connection adds to a `GET` of an address of its own, as
    /// [`credential_for_agent`](Self::credential_for_agent) hands out a credential.
    ///
    /// # Errors
    ///
    /// Those of [`credential_for_agent`](Self::credential_for_agent). [`Error::NotSupported`] for a kind whose credential
    /// does not stand in headers alone, or depends on the request.
    pub fn headers_for_agent<'a>(
        &'a self,
        caller: &'a AgentCaller,
        connection: ConnectionId,
        address: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(String, Secret)>, Error>> {
        Box::pin(door::headers(&self.systems.connection, caller, connection, address))
    }

    /// Returns the requests of agents about which a person is asked.
    pub fn approvals(&self) -> Approvals<'_> {
        Approvals::new(self.connections())
    }

    /// Waits until a request of an agent about which a person is asked was answered or is over, for at most this time, and
    /// returns what the agent may see of it. A request that was approved and that nobody sends is sent.
    ///
    /// A result belongs to equal requests of the agent until
    /// [`approval_fetched`](Self::approval_fetched) is called, and is returned for a day.
    ///
    /// # Errors
    ///
    /// [`ApprovalError::Unknown`](crate::ApprovalError::Unknown) for an id that is not one of this agent,
    /// [`Error::Row`] if the row was edited or restored, [`Error::Sealed`] for an answer that cannot be opened, and the
    /// store's errors.
    pub fn approval_for_agent<'a>(
        &'a self,
        caller: &'a AgentCaller,
        id: ApprovalId,
        at_most: Duration,
    ) -> BoxFuture<'a, Result<AgentApproval, Error>> {
        approvals::of_agent(&self.systems.connection, caller).wait(id, at_most)
    }

    /// Records that an agent got the result of a request about which a person was asked. An equal request is then a new
    /// one.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn approval_fetched<'a>(&'a self, caller: &'a AgentCaller, id: ApprovalId) -> BoxFuture<'a, Result<(), Error>> {
        approvals::of_agent(&self.systems.connection, caller).fetched(id)
    }

    /// Records a request of an agent that a door refused by itself, because it names no connection that is granted
    /// (`None`), or because of this error. An error that says nothing about a refusal is not recorded.
    ///
    /// The entry says nothing about the request, which may still hold the token of the agent.
    pub fn refused_for_agent(&self, caller: &AgentCaller, error: Option<&Error>) {
        door::refused(&self.systems.connection, caller, error);
    }

    /// Returns the profiles of a kind.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`], [`ProfileError::Unsupported`](crate::ProfileError::Unsupported) for a kind whose tool has a single identity, and
    /// [`ProfileError::NotAllowed`](crate::ProfileError::NotAllowed) if the host's policy does not allow what the kind declares for its tool.
    pub fn profiles(&self, kind: &Kind) -> Result<Profiles, Error> {
        Profiles::new(self.connections(), kind)
    }

    /// Returns the webhooks of all connections.
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks::new(self.connections().on(&self.systems.webhook))
    }
}
