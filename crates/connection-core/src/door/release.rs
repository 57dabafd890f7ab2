//! Secrets that an agent gets itself, for a program that asks for a credential and cannot use a door.
//!
//! The grant must say so ([`Rules::releases`](connection_rules::Rules::releases)), the kind must answer for the host, and the
//! release is on record before anything is handed out. The store is read for each release.

use std::sync::Arc;

use connection_contract::{BaseUrl, CredentialHelper, Descriptor, HelperProtocol, Origin, Secret, Timestamp, host};

use crate::{
    AgentCaller, AgentError, Connection, ConnectionId, ConnectionInfo, Error, Permit,
    connection::System,
    event,
    grant::agent,
    ground::Scope,
    store::{Lock, StoreError, Tx, rows::AccountState},
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

/// Returns the connections granted to the agent that answer a program: those whose secret may be handed out, or the others
/// if there is none. `origin` is the address for which the program asks; AWS names none. Without a protocol, they are those
/// that send requests to the origin.
///
/// A connection that cannot be opened is left out.
///
/// # Errors
///
/// The store's errors.
pub(crate) async fn answering(
    system: &Arc<System>,
    caller: &AgentCaller,
    protocol: Option<HelperProtocol>,
    origin: Option<&Origin>,
) -> Result<Vec<ConnectionInfo>, Error> {
    let agent = caller.agent();
    let now = system.ground.clock.now();
    let mut answering = Vec::new();
    for grant in agent.grants().await?.iter().filter(|grant| grant.is_live(now)) {
        let Ok(connection) = Connection::find(Scope { system, owner: agent.owner_name() }, grant.connection).await
        else {
            continue;
        };
        let connection = connection.for_agent(agent.id());
        let answers = match (protocol, origin) {
            (Some(protocol), origin) => helper(&connection, protocol, origin).await.is_ok(),
            (None, Some(origin)) => connection.origins().await.is_ok_and(|origins| origins.contains(origin)),
            (None, None) => false,
        };
        if answers {
            answering.push((grant.rules.releases(), connection.info().clone()));
        }
    }
    let releases = answering.iter().any(|(releases, _)| *releases);
    Ok(answering.into_iter().filter(|(of, _)| *of == releases).map(|(_, info)| info).collect())
}

/// Returns what a program gets that asks for a credential.
pub(crate) async fn credential(
    system: &Arc<System>,
    caller: &AgentCaller,
    id: ConnectionId,
    protocol: HelperProtocol,
    origin: Option<&Origin>,
) -> Result<ReleasedCredential, Error> {
    let (connection, permit) = permitted(system, caller, id, What::default()).await?;
    let helper = helper(&connection, protocol, origin).await?;
    let user = helper.user.as_deref().map(|user| named(&connection, user)).transpose()?;
    let texts: Vec<&str> = [Some(&*helper.secret), helper.session.as_deref()].into_iter().flatten().collect();
    let places: Vec<_> = texts.iter().filter_map(|text| CredentialHelper::placeholder(text)).collect();
    let names: Vec<String> = places.iter().map(|(_, name, _)| (*name).to_owned()).collect();
    let taken = connection.take_secrets(names.clone()).await?;
    let held: Vec<String> =
        names.iter().zip(&taken).filter(|(_, secret)| secret.is_some()).map(|(name, _)| name.clone()).collect();
    let mut filled = places.iter().zip(taken).map(|((before, _, after), secret)| {
        let secret = secret?;
        Some(Secret::new([before.as_bytes(), secret.expose(), after.as_bytes()].concat()))
    });
    let secret = filled.next().flatten().ok_or_else(|| connection.cannot("hand out this secret"))?;
    let session = filled.next().flatten();
    record(caller, &connection, &permit, held, (protocol.as_str(), origin)).await?;
    // The credential may have been refreshed.
    let info = Connection::find(connection.scope(), id).await?;
    Ok(ReleasedCredential { user, secret, session, valid_until: info.info().valid_until })
}

/// Returns the headers that the connection adds to a `GET` of an address of its own.
pub(crate) async fn headers(
    system: &Arc<System>,
    caller: &AgentCaller,
    id: ConnectionId,
    address: &str,
) -> Result<Vec<(String, Secret)>, Error> {
    let (connection, permit) = permitted(system, caller, id, What::default()).await?;
    check_terms(&connection).await?;
    let base = host::base_url(address).ok_or(Error::InvalidRequest("its address is not an http or https address"))?;
    let headers = connection.added_headers(&base).await?;
    let names: Vec<String> = connection.kind().await?.descriptor.secret_names.iter().map(ToString::to_string).collect();
    let taken = connection.take_secrets(names.clone()).await?;
    let held = names.into_iter().zip(taken).filter(|(_, secret)| secret.is_some()).map(|(name, _)| name).collect();
    record(caller, &connection, &permit, held, (HEADERS, Some(base.origin()))).await?;
    Ok(headers)
}

/// Returns the connection, if the grant lets its secret be handed out. A refusal is recorded.
async fn permitted(
    system: &Arc<System>,
    caller: &AgentCaller,
    id: ConnectionId,
    what: What,
) -> Result<(Connection, Permit), Error> {
    let agent = caller.agent();
    let permitted = async {
        // The token is checked as at every door, and the grant is read from the store.
        caller.granted(id).await?;
        let permit = agent.granted(id).await?;
        if !permit.rules().releases() {
            return Err(AgentError::NotReleased { agent: agent.name().to_owned().into(), connection: id }.into());
        }
        let connection = Connection::find(Scope { system, owner: agent.owner_name() }, id).await;
        let connection = connection.map_err(|error| super::hidden(error, caller, id))?.for_agent(agent.id());
        connection.check_frozen().await?;
        Ok((connection.recorded_by(caller.used_by()), permit))
    };
    let permitted = permitted.await;
    if let Err(error) = &permitted {
        super::refused_as(system, caller, &caller.used_by(), What { connection: Some(id), ..what }, Some(error));
    }
    permitted
}

async fn check_terms(connection: &Connection) -> Result<(), Error> {
    let (kind, info) = (connection.kind().await?, connection.info());
    match kind.permits_release(info.terms.as_deref()) {
        true => Ok(()),
        false => Err(Error::KindChanged { kind: info.kind.clone(), label: info.label.to_string() }),
    }
}

/// Returns what the kind answers to a program that asks for this origin.
async fn helper(
    connection: &Connection,
    protocol: HelperProtocol,
    origin: Option<&Origin>,
) -> Result<CredentialHelper, Error> {
    let kind = connection.kind().await?;
    let helper = kind.descriptor.helpers.iter().find(|helper| helper.protocol == protocol);
    let helper = helper.ok_or_else(|| connection.cannot("answer such a program"))?;
    check_terms(connection).await?;
    let base = connection.base_url().await?;
    match (origin, protocol) {
        (None, HelperProtocol::Aws) => Ok(helper.clone()),
        (Some(origin), _) if answers(helper, &kind.descriptor, &base, origin) => Ok(helper.clone()),
        (Some(origin), _) => Err(Error::Denied { origin: origin.clone() }),
        (None, _) => Err(Error::InvalidRequest("the program names no host")),
    }
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
fn named(connection: &Connection, user: &str) -> Result<String, Error> {
    let Some((before, name, after)) = CredentialHelper::placeholder(user) else { return Ok(user.to_owned()) };
    let info = connection.info();
    let value = match name {
        ACCOUNT => Some(info.identity.label.to_string()),
        name => info.config.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
    };
    let value = value.ok_or_else(|| connection.cannot("name a user to such a program"))?;
    Ok(format!("{before}{value}{after}"))
}

/// Records that secrets are handed out, if the grant is the one by which that was decided.
async fn record(
    caller: &AgentCaller,
    connection: &Connection,
    permit: &Permit,
    names: Vec<String>,
    (protocol, origin): (&str, Option<&Origin>),
) -> Result<(), Error> {
    let (agent, ground) = (caller.agent(), connection.system.ground.clone());
    connection.check_frozen().await?;
    let owner = agent.owner_name().to_owned();
    let origin = origin.map(Origin::as_str);
    let of_name = |name: &String| {
        let (id, agent) = (agent.id().to_string(), agent.name());
        let body = serde_json::json!({
            "agent": agent, "agentId": id, "name": name, "program": protocol, "origin": origin,
        });
        ground.event(&owner, connection.id(), event::SECRET_RELEASED, body)
    };
    let events: Vec<_> = names.iter().map(of_name).collect();
    let what = What { secrets: names, command: Some(protocol.to_owned()), ..connection.what() };
    let entries = ground.recorder.released(&owner, connection.by(), what);
    let (agent, id, revision) = (agent.clone(), connection.id(), permit.revision());
    let on = ground.clone();
    let job = ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner(&owner)).await?;
            tx.lock(Lock::Connection(id)).await?;
            if !is_granted(tx, &agent, id, revision).await? {
                let agent = agent.name().to_owned().into();
                return Ok(Err(Error::from(AgentError::NotGranted { agent, connection: id })));
            }
            uses::append(tx, &on.sealer, &entries).await?;
            for event in &events {
                event::append(tx, &on.sealer, event).await?;
            }
            Ok(Ok(()))
        })
    });
    job.await??;
    tracing::info!(connection = %connection.id(), agent = caller.agent().name(), protocol, "a secret was handed out");
    Ok(())
}

/// Returns `true` if the grant that was decided by is in force.
async fn is_granted(
    tx: &mut Tx,
    by: &crate::Agent,
    connection: ConnectionId,
    revision: Option<i64>,
) -> Result<bool, StoreError> {
    let ground = by.ground();
    let now = ground.clock.now().seconds();
    let row = tx.agent(by.id()).await?.filter(|row| row.removed_at.is_none());
    let grant = tx.agent_grant(by.owner_name(), by.id(), connection).await?;
    let grant = grant.filter(|grant| grant.revoked_at.is_none() && now < grant.expires_at);
    let account = tx.account(connection).await?.filter(|account| account.owner == by.owner_name());
    let is_active = account.is_some_and(|account| account.state == AccountState::Active);
    let (Some(row), Some(grant)) = (row, grant) else { return Ok(false) };
    let is_ours = agent::check(&ground.sealer, &row).is_ok() && agent::check_grant(&ground.sealer, &grant).is_ok();
    Ok(is_active && is_ours && grant.marked.newest == revision)
}
