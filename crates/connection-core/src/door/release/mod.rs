//! Secrets that an agent gets itself, for a program that asks for a credential and cannot use a door.
//!
//! The grant must say so ([`Rules::releases`](connection_rules::Rules::releases)), the kind must answer for the host, and the
//! release is on record before anything is handed out. The store is read for each release.

use std::sync::Arc;

use connection_contract::{
    BaseUrl, CredentialHelper, Descriptor, HelperProtocol, HttpRequest, Origin, Secret, Timestamp, encode, host,
};

use crate::{
    AgentCaller, AgentError, Connection, ConnectionId, ConnectionInfo, Error, Permit,
    connection::{OpenForRelease, System},
    event,
    grant::AgentStanding,
    ground::Scope,
    store::{ConflictRetries, Lock},
    uses::{self, What},
};

/// The name by which entries know the release of headers.
const HEADERS: &str = "headers";
/// The text in the user name of a helper that stands for the label of the account.
const ACCOUNT: &str = "account";

/// What a program gets that asks for a credential. `Debug` hides the secrets.
///
/// ```
/// use connection_core::ReleasedCredential;
///
/// fn is_temporary(released: &ReleasedCredential) -> bool {
///     released.valid_until.is_some()
/// }
/// # let _ = is_temporary;
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct ReleasedCredential {
    /// The user name; `None` for a protocol without one.
    pub user: Option<String>,
    /// The secret, in the form that the program expects.
    pub secret: Secret,
    /// The session token of AWS, if the credential has one.
    pub session: Option<Secret>,
    /// The time at which the secret stops working, if it is known.
    pub valid_until: Option<Timestamp>,
}

/// A connection of an agent that answers a program which asks for a credential.
///
/// ```
/// use connection_core::AnsweringConnection;
///
/// fn names(answering: &[AnsweringConnection]) -> Vec<String> {
///     let may_release = answering.iter().filter(|of| of.releases);
///     may_release.map(|of| of.connection.label.to_string()).collect()
/// }
/// # let _ = names;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AnsweringConnection {
    /// The connection.
    pub connection: ConnectionInfo,
    /// `true` if the grant lets its secret be handed out.
    pub releases: bool,
    /// The user name that the program would get; `None` for a protocol without one.
    pub user: Option<String>,
}

/// Returns the connections granted to the agent that answer a program. `origin` is the address for which the program asks;
/// AWS names none. Without a protocol, they are those that send requests to the origin.
///
/// A connection that cannot be opened is left out. One whose secret is not handed out, because of its grant or because a
/// person has not accepted the terms of its kind, is not, so that the program learns why.
///
/// # Errors
///
/// The store's errors.
pub(crate) async fn answering(
    system: &Arc<System>,
    caller: &AgentCaller,
    protocol: Option<HelperProtocol>,
    origin: Option<&Origin>,
) -> Result<Vec<AnsweringConnection>, Error> {
    let agent = caller.agent();
    let now = system.ground.clock.now();
    let mut answering = Vec::new();
    for grant in agent.grants().await?.iter().filter(|grant| grant.is_live(now)) {
        let Ok(connection) = Connection::find(Scope { system, owner: agent.owner_name() }, grant.connection).await
        else {
            continue;
        };
        let connection = connection.for_agent(agent.id());
        let user = match (protocol, origin) {
            (Some(protocol), origin) => {
                let (Ok(kind), Ok(base)) = (connection.kind().await, connection.base_url().await) else { continue };
                let Some(helper) = helper(&kind.descriptor, &base, protocol, origin) else { continue };
                helper.user.as_deref().and_then(|user| named(&connection, connection.info(), user).ok())
            }
            (None, Some(origin)) if connection.origins().await.is_ok_and(|origins| origins.contains(origin)) => None,
            (None, _) => continue,
        };
        let (releases, connection) = (grant.rules.releases(), connection.info().clone());
        answering.push(AnsweringConnection { connection, releases, user });
    }
    Ok(answering)
}

/// A program that asks, and the address for which it does.
#[derive(Clone, Copy)]
struct Asked<'a> {
    program: &'static str,
    origin: Option<&'a Origin>,
}

impl Asked<'_> {
    /// Returns what an entry says about secrets that the program gets.
    fn what(self, connection: Option<&Connection>, secrets: Vec<String>) -> What {
        let what = connection.map(Connection::what).unwrap_or_default();
        let origin = self.origin.map(|origin| origin.as_str().to_owned());
        What { secrets, origin, command: Some(self.program.to_owned()), ..what }
    }
}

/// Returns what a program gets that asks for a credential.
pub(crate) async fn credential(
    system: &Arc<System>,
    caller: &AgentCaller,
    id: ConnectionId,
    protocol: HelperProtocol,
    origin: Option<&Origin>,
) -> Result<ReleasedCredential, Error> {
    let asked = Asked { program: protocol.as_str(), origin };
    released(system, caller, id, asked, &protocol).await
}

/// Returns the headers that the connection adds to a `GET` of an address of its own.
pub(crate) async fn headers(
    system: &Arc<System>,
    caller: &AgentCaller,
    id: ConnectionId,
    address: &str,
) -> Result<Vec<(String, Secret)>, Error> {
    let invalid = Error::InvalidRequest("its address is not an http or https address, or is not percent-encoded");
    let Some(origin) = host::origin(address) else { return Err(invalid) };
    let Some(base) = host::base_url(origin.as_str()) else { return Err(invalid) };
    let target = address.get(origin.as_str().len()..).unwrap_or_default();
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    let Some(request) = host::request("GET", &base, &target) else { return Err(invalid) };
    released(system, caller, id, Asked { program: HEADERS, origin: Some(&origin) }, &request).await
}

/// A request of a program for secrets.
trait Wanted: Sync {
    type Made: Send;

    /// Makes what the program gets, and returns the names of the secrets in it.
    fn made(
        &self,
        connection: &Connection,
        open: &OpenForRelease,
        origin: Option<&Origin>,
    ) -> impl Future<Output = Result<(Self::Made, Vec<String>), Error>> + Send;
}

impl Wanted for HelperProtocol {
    type Made = ReleasedCredential;

    async fn made(
        &self,
        connection: &Connection,
        open: &OpenForRelease,
        origin: Option<&Origin>,
    ) -> Result<(ReleasedCredential, Vec<String>), Error> {
        made_credential(connection, open, *self, origin).await
    }
}

/// The program gets the headers that are added to this request.
impl Wanted for HttpRequest {
    type Made = Vec<(String, Secret)>;

    async fn made(
        &self,
        connection: &Connection,
        open: &OpenForRelease,
        _: Option<&Origin>,
    ) -> Result<(Vec<(String, Secret)>, Vec<String>), Error> {
        check_terms(open)?;
        let headers = connection.added_headers(open, host::duplicate(self)).await?;
        let names = headers.iter().map(|(name, _)| format!("header {name}")).collect();
        Ok((headers, names))
    }
}

async fn made_credential(
    connection: &Connection,
    open: &OpenForRelease,
    protocol: HelperProtocol,
    origin: Option<&Origin>,
) -> Result<(ReleasedCredential, Vec<String>), Error> {
    let base = open.row.payload.base_url.clone().ok_or_else(|| connection.cannot("send requests"))?;
    let descriptor = &open.kind.descriptor;
    let helper = helper(descriptor, &base, protocol, origin).ok_or_else(|| match origin {
        _ if descriptor.helpers.iter().all(|helper| helper.protocol != protocol) => {
            connection.cannot("answer such a program")
        }
        Some(origin) => Error::Denied { origin: origin.clone() },
        None => Error::InvalidRequest("the program names no host"),
    })?;
    check_terms(open)?;
    let user = helper.user.as_deref().map(|user| named(connection, &open.info, user)).transpose()?;
    let texts = [Some(&*helper.secret), helper.session.as_deref()];
    let places: Vec<_> = texts.into_iter().flatten().filter_map(CredentialHelper::placeholder).collect();
    let names: Vec<String> = places.iter().map(|(_, name, _)| (*name).to_owned()).collect();
    let taken = connection.named_secrets(open, names.clone()).await?;
    let held = names.into_iter().zip(&taken).filter(|(_, secret)| secret.is_some()).map(|(name, _)| name).collect();
    let mut filled = places.iter().zip(taken).map(|((before, _, after), secret)| {
        let secret = secret?;
        Some(Secret::new([before.as_bytes(), secret.expose(), after.as_bytes()].concat()))
    });
    let secret = filled.next().flatten().ok_or_else(|| connection.cannot("hand out this secret"))?;
    let session = filled.next().flatten();
    Ok((ReleasedCredential { user, secret, session, valid_until: open.info.valid_until }, held))
}

/// Hands out what is made of a credential, after its release is on record. A refusal is recorded, too.
async fn released<W: Wanted>(
    system: &Arc<System>,
    caller: &AgentCaller,
    id: ConnectionId,
    asked: Asked<'_>,
    wanted: &W,
) -> Result<W::Made, Error> {
    let mut found = None;
    let result = Box::pin(attempts(system, caller, id, asked, wanted, &mut found)).await;
    if let Err(error) = &result {
        let what = asked.what(found.as_ref(), Vec::new());
        super::refused_as(system, caller, &caller.used_by(), What { connection: Some(id), ..what }, Some(error));
    }
    result
}

async fn attempts<W: Wanted>(
    system: &Arc<System>,
    caller: &AgentCaller,
    id: ConnectionId,
    asked: Asked<'_>,
    wanted: &W,
    found: &mut Option<Connection>,
) -> Result<W::Made, Error> {
    let mut retries = ConflictRetries::of("grant or credential of a connection");
    loop {
        retries.begin_attempt()?;
        let (connection, permit) = permitted(system, caller, id).await?;
        let connection = found.insert(connection);
        let open = connection.open_for_release().await?;
        let (made, names) = wanted.made(connection, &open, asked.origin).await?;
        if record(caller, connection, &permit, &open, asked, names).await? {
            return Ok(made);
        }
    }
}

/// Returns the connection, if the grant lets its secret be handed out.
async fn permitted(
    system: &Arc<System>,
    caller: &AgentCaller,
    id: ConnectionId,
) -> Result<(Connection, Permit), Error> {
    let agent = caller.agent();
    // The token is checked as at every door, and the grant is read from the store.
    caller.granted(id).await?;
    let permit = agent.granted(id).await?;
    if !permit.rules().releases() {
        return Err(AgentError::NotReleased { agent: agent.name().to_owned().into(), connection: id }.into());
    }
    let connection = Connection::find(Scope { system, owner: agent.owner_name() }, id).await;
    let connection = connection.map_err(|error| super::hidden(error, caller, id))?.for_agent(agent.id());
    Ok((connection.recorded_by(caller.used_by()), permit))
}

fn check_terms(open: &OpenForRelease) -> Result<(), Error> {
    let OpenForRelease { kind, info, .. } = open;
    match kind.permits_release(info.terms.as_deref()) {
        true => Ok(()),
        false => Err(Error::KindChanged { kind: info.kind.clone(), label: info.label.to_string() }),
    }
}

/// Returns what the kind answers to a program that asks for this origin; AWS names none.
fn helper(
    kind: &Descriptor,
    base: &BaseUrl,
    protocol: HelperProtocol,
    origin: Option<&Origin>,
) -> Option<CredentialHelper> {
    let helper = kind.helpers.iter().find(|helper| helper.protocol == protocol)?;
    let answers = match (origin, protocol) {
        (None, protocol) => protocol == HelperProtocol::Aws,
        (Some(origin), _) => answers(helper, kind, base, origin),
    };
    answers.then(|| helper.clone())
}

/// Returns `true` if the kind answers for an origin. The hosts that it names belong to its own base address; a connection
/// with another one answers for that one alone.
fn answers(helper: &CredentialHelper, kind: &Descriptor, base: &BaseUrl, origin: &Origin) -> bool {
    let usual = kind.origins.first().and_then(|address| host::base_url(address));
    let has_usual_base = usual.is_some_and(|usual| usual.origin() == base.origin());
    if helper.hosts.is_empty() || !has_usual_base {
        return base.origin() == origin;
    }
    helper.hosts.iter().any(|host| origin.as_str().strip_prefix("https://") == Some(host))
}

/// Returns a user name with the value of the connection that it names.
fn named(connection: &Connection, info: &ConnectionInfo, user: &str) -> Result<String, Error> {
    let Some((before, name, after)) = CredentialHelper::placeholder(user) else { return Ok(user.to_owned()) };
    let value = match name {
        ACCOUNT => Some(info.identity.label.to_string()),
        name => info.config.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
    };
    let value = value.ok_or_else(|| connection.cannot("name a user to such a program"))?;
    Ok(format!("{before}{value}{after}"))
}

/// Records that secrets are handed out. Returns `false` if the grant or the credential is no longer the one that was read.
async fn record(
    caller: &AgentCaller,
    connection: &Connection,
    permit: &Permit,
    open: &OpenForRelease,
    asked: Asked<'_>,
    names: Vec<String>,
) -> Result<bool, Error> {
    let (agent, ground) = (caller.agent(), connection.system.ground.clone());
    let owner = agent.owner_name().to_owned();
    let of_name = |name: &String| {
        let (id, agent) = (agent.id().to_string(), agent.name());
        let origin = asked.origin.map(Origin::as_str);
        let body = serde_json::json!({
            "agent": agent, "agentId": id, "name": name, "program": asked.program, "origin": origin,
        });
        ground.event(&owner, connection.id(), event::SECRET_RELEASED, body)
    };
    let events: Vec<_> = names.iter().map(of_name).collect();
    let entries = ground.recorder.released(&owner, connection.by(), asked.what(Some(connection), names));
    let (id, generation) = (connection.id(), open.row.generation);
    let standing = AgentStanding {
        owner: owner.clone(),
        agent: agent.id(),
        connection: id,
        revision: permit.revision(),
        account_id: open.info.identity.account_id.to_string(),
        terms: open.info.terms.as_deref().map(encode::hex),
    };
    let on = ground.clone();
    let job = ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner(&owner)).await?;
            tx.lock(Lock::Connection(id)).await?;
            // The next attempt reads everything again, and says what has ended.
            let account = standing.check(tx, &on).await?;
            if !account.is_ok_and(|account| account.generation == generation) {
                return Ok(false);
            }
            uses::append(tx, &on.sealer, &entries).await?;
            for event in &events {
                event::append(tx, &on.sealer, event).await?;
            }
            Ok(true)
        })
    });
    if !job.await? {
        return Ok(false);
    }
    // A freeze that was committed before the record does not name this release, so nothing is handed out then.
    ground.freezes.read(None).await?;
    connection.check_frozen().await?;
    tracing::info!(
        connection = %id, agent = caller.agent().name(), program = asked.program, "a secret is handed out"
    );
    Ok(true)
}

#[cfg(test)]
mod tests;
