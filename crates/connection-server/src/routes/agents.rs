//! Agents: which there are, which connections they may use within which rules, and their tokens.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use connection_api::{
    Agent as AgentShape, AgentGrant as GrantShape, Explanation, GrantPreview, IssuedAgentToken, LearnedRules, NewAgent,
    NewAgentGrant, NewAgentToken, Page, RemovedAgent, SendRequest, ShownAgent, Withdrawal,
};
use connection_contract::Timestamp;
use connection_core::{AccessTokenId, Agent, AgentGrant, Connection, ConnectionId, ConnectionRegistry, LearnFrom};
use serde::Serialize;

use crate::{
    Api,
    agents::{self, AgentRefusal},
    body::{Json, UNREAD, check_match, json, tag, with_tag},
    caller::{Caller, ToManage, ToRead},
    convert,
    once::{Made, Once, not_shown_again},
    openapi::{
        parameters::{After, IfMatch, LimitOrAll},
        refusals::{Changed, Conflict, NotFound},
    },
    path::Path,
    problem::Problem,
    view,
};

impl From<AgentRefusal> for Problem {
    fn from(refusal: AgentRefusal) -> Self {
        match refusal {
            AgentRefusal::Core(error) => error.into(),
            AgentRefusal::Member { member, code, message, remedy } => {
                let status =
                    if code == "unknown_preset" { StatusCode::NOT_FOUND } else { StatusCode::UNPROCESSABLE_ENTITY };
                Self::new(status, code, message).remedy(remedy).field(member)
            }
        }
    }
}

fn connection_id(text: &str) -> Result<ConnectionId, Problem> {
    text.parse().map_err(|_| Problem::no_connection())
}

/// Returns the agent and the connection that a path names.
async fn named(registry: &ConnectionRegistry, name: &str, connection: &str) -> Result<(Agent, Connection), Problem> {
    let agent = registry.agents().get(name).await?;
    Ok((agent, registry.connection(connection_id(connection)?).await?))
}

/// Returns what the tag of a grant in force stands for. Without a grant, it is the same for every agent.
fn state(grant: Option<&AgentGrant>) -> impl Serialize {
    grant.map(|grant| (grant.created_at.seconds(), grant.expires_at.seconds(), grant.rules.to_value()))
}

/// Returns the agents with their grants.
#[utoipa::path(
    get,
    path = "/agents",
    params(LimitOrAll, After),
    responses((status = 200, body = Page<AgentShape>))
)]
pub(super) async fn list(caller: Caller<ToRead>) -> Result<Response, Problem> {
    let page = view::agents(&caller.registry, caller.query.after(), caller.query.limit_or_all()?).await?;
    Ok(json(StatusCode::OK, &page))
}

/// Creates an agent, which has neither a grant nor a token.
#[utoipa::path(
    post,
    path = "/agents",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = NewAgent,
    responses((status = 201, body = AgentShape), Conflict)
)]
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    once: Once<NewAgent>,
) -> Result<Response, Problem> {
    let registry = caller.registry;
    let own = registry.clone();
    let make = async move |new: NewAgent| {
        let agent = own.agents().create(&new.name).await?;
        let answer = Ok(json(StatusCode::CREATED, &convert::agent(&agent, Vec::new())));
        Ok(Made { id: agent.id().to_string(), answer })
    };
    let again = async |id: String| {
        let found = registry.agents().list().await?.into_iter().find(|agent| agent.id().to_string() == id);
        let remedy = "create another one with another key";
        let removed = || not_shown_again("the agent of this request was removed", remedy, id.clone());
        let shown = view::agent(&registry, found.ok_or_else(removed)?.name()).await?;
        Ok(json(StatusCode::CREATED, &shown.agent))
    };
    once.run(&api, make, again).await
}

/// Returns one agent, with its grants and its tokens.
#[utoipa::path(
    get,
    path = "/agents/{name}",
    params(("name" = String, Path)),
    responses((status = 200, body = ShownAgent), NotFound)
)]
pub(super) async fn show(caller: Caller<ToRead>, Path(name): Path<String>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &view::agent(&caller.registry, &name).await?))
}

/// Removes an agent: revokes its grants and its tokens. Connections stay.
#[utoipa::path(
    delete,
    path = "/agents/{name}",
    params(("name" = String, Path)),
    responses((status = 200, body = RemovedAgent), NotFound)
)]
pub(super) async fn remove(caller: Caller<ToManage>, Path(name): Path<String>) -> Result<Response, Problem> {
    let mut removed = agents::remove(&caller.registry, &name).await?;
    removed.remaining = caller.processes(removed.remaining);
    Ok(json(StatusCode::OK, &removed))
}

/// Lets an agent use a connection within rules, in place of the grant that it has for the connection.
#[utoipa::path(
    put,
    path = "/agents/{name}/grants/{connection}",
    params(("name" = String, Path), ("connection" = String, Path), IfMatch),
    request_body = NewAgentGrant,
    responses((status = 200, body = GrantShape, headers(("ETag" = String, description = "The tag of this grant, for `If-Match`."))), NotFound, Conflict, Changed)
)]
pub(super) async fn grant(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path((name, connection)): Path<(String, String)>,
    headers: HeaderMap,
    Json(new): Json<NewAgentGrant>,
) -> Result<Response, Problem> {
    let registry = &caller.registry;
    let _alone = api.changes.alone(registry.owner_name(), &format!("agent {name}")).await;
    let (agent, connection) = named(registry, &name, &connection).await?;
    if headers.contains_key(header::IF_MATCH) {
        let before = agents::in_force(registry, &agent, connection.info()).await?;
        check_match(&headers, &state(before.as_ref()))?;
    }
    let mut granted = agents::grant(registry, &agent, connection.info(), &new).await?;
    granted.remaining = caller.processes(granted.remaining);
    let after = agents::in_force(registry, &agent, connection.info()).await;
    let tag = after.map_or_else(|_| UNREAD.to_owned(), |after| tag(&state(after.as_ref())));
    Ok(with_tag(json(StatusCode::OK, &granted), &tag))
}

/// Returns what a grant would permit, and how it differs from the grant that is in force. Nothing is changed.
#[utoipa::path(
    post,
    path = "/agents/{name}/grants/{connection}/preview",
    params(("name" = String, Path), ("connection" = String, Path)),
    request_body = NewAgentGrant,
    responses((status = 200, body = GrantPreview, headers(("ETag" = String, description = "The tag of the grant in force, for `If-Match`."))), NotFound)
)]
pub(super) async fn preview(
    caller: Caller<ToManage>,
    Path((name, connection)): Path<(String, String)>,
    Json(new): Json<NewAgentGrant>,
) -> Result<Response, Problem> {
    let registry = &caller.registry;
    let (agent, connection) = named(registry, &name, &connection).await?;
    let before = agents::in_force(registry, &agent, connection.info()).await?;
    let tag = tag(&state(before.as_ref()));
    let preview = agents::preview(registry, &agent, connection.info(), &new, before.as_ref()).await?;
    Ok(with_tag(json(StatusCode::OK, &preview), &tag))
}

/// Returns what the rules of the grant in force decide about a request, and why. Nothing is sent.
#[utoipa::path(
    post,
    path = "/agents/{name}/grants/{connection}/explain",
    params(("name" = String, Path), ("connection" = String, Path)),
    request_body = SendRequest,
    responses((status = 200, body = Explanation), NotFound)
)]
pub(super) async fn explain(
    caller: Caller<ToManage>,
    Path((name, connection)): Path<(String, String)>,
    Json(request): Json<SendRequest>,
) -> Result<Response, Problem> {
    let registry = &caller.registry;
    let (agent, connection) = named(registry, &name, &connection).await?;
    Ok(json(StatusCode::OK, &agents::explain(registry, &agent, connection.info(), &request).await?))
}

/// Returns the narrowest rules that cover what the record shows of an agent. Nothing is changed.
///
/// Each rule of the grant in force is narrowed to the methods and the paths that were used. At most the last 100,000 uses
/// are read.
#[utoipa::path(
    get,
    path = "/agents/{name}/grants/{connection}/learned",
    params(
        ("name" = String, Path),
        ("connection" = String, Path),
        ("since" = Option<String>, Query, description = "A time (RFC 3339): uses that began then or later."),
        ("refused" = Option<bool>, Query, description = "`true` also covers requests that no rule is about: `GET` and \
            `HEAD` are allowed, and all else is asked about."),
    ),
    responses((status = 200, body = LearnedRules), NotFound)
)]
pub(super) async fn learned(
    caller: Caller<ToRead>,
    Path((name, connection)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let registry = &caller.registry;
    let mut from = LearnFrom::new();
    if let Some(since) = caller.query.parsed("since", Timestamp::parse_rfc3339)? {
        from = from.since(since);
    }
    if let Some(refused) = caller.query.parsed("refused", |text| text.parse().ok())? {
        from = from.refused(refused);
    }
    let (agent, connection) = named(registry, &name, &connection).await?;
    Ok(json(StatusCode::OK, &agents::learned(registry, &agent, connection.info(), from).await?))
}

/// Revokes the grant of a connection. Revoking it again changes nothing. The answer has content if some processes have
/// not confirmed within a second that it is revoked.
#[utoipa::path(
    delete,
    path = "/agents/{name}/grants/{connection}",
    params(("name" = String, Path), ("connection" = String, Path)),
    responses((status = 202, body = Withdrawal), (status = 204), NotFound)
)]
pub(super) async fn revoke(
    caller: Caller<ToManage>,
    Path((name, connection)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let agent = caller.registry.agents().get(&name).await?;
    let connection = connection_id(&connection)?;
    // A grant is revoked even if its connection cannot be read.
    let revoked = agent.revoke(connection).await?;
    if !revoked.was_there {
        caller.registry.connection(connection).await?;
    }
    Ok(withdrawn(&caller, convert::withdrawal(&revoked.in_force)))
}

/// Returns the answer to what a caller has taken back.
fn withdrawn(caller: &Caller<ToManage>, withdrawal: Withdrawal) -> Response {
    let remaining = caller.processes(withdrawal.remaining);
    match remaining.is_empty() {
        true => StatusCode::NO_CONTENT.into_response(),
        false => json(StatusCode::ACCEPTED, &Withdrawal { remaining }),
    }
}

/// Makes a token for an agent. Its text is in the answer, and nowhere else: a request that is repeated with the same
/// `Idempotency-Key` gets 409 with the id of the token in `made`.
#[utoipa::path(
    post,
    path = "/agents/{name}/tokens",
    params(("name" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = NewAgentToken,
    responses((status = 201, body = IssuedAgentToken), NotFound, Conflict)
)]
pub(super) async fn create_token(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(name): Path<String>,
    once: Once<NewAgentToken>,
) -> Result<Response, Problem> {
    let registry = caller.registry;
    let make = async move |new: NewAgentToken| {
        let agent = registry.agents().get(&name).await?;
        let issued = agents::new_token(&agent, new).await?;
        let answer = Ok(json(StatusCode::CREATED, &issued));
        Ok(Made { id: issued.of.id, answer })
    };
    let again = async |id| {
        let remedy = "if the text was lost, revoke the token, and make another one with another key";
        Err(not_shown_again("this request has made a token, whose text is not shown again", remedy, id))
    };
    once.run(&api, make, again).await
}

/// Revokes a token of an agent. Revoking it again changes nothing. The answer has content if some processes have not
/// confirmed within a second that it is revoked.
#[utoipa::path(
    delete,
    path = "/agents/{name}/tokens/{id}",
    params(("name" = String, Path), ("id" = String, Path)),
    responses((status = 202, body = Withdrawal), (status = 204), NotFound)
)]
pub(super) async fn revoke_token(
    caller: Caller<ToManage>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "token_not_found", "the agent has no such token");
    let agent = caller.registry.agents().get(&name).await?;
    let id: AccessTokenId = id.parse().map_err(|_| unknown())?;
    match agents::revoke_token(&agent, id).await? {
        Some(withdrawal) => Ok(withdrawn(&caller, withdrawal)),
        None => Err(unknown().remedy("list the tokens of the agent to see their ids")),
    }
}
