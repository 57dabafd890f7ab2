//! Setups: begin, read, answer, confirm, resume, cancel. Only `GET` waits, and it changes nothing.

use std::collections::HashMap;

use axum::{
    extract::{Extension, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use connection_contract::Kind;
use connection_core::{ConnectionId, ConnectionRegistry, Reauthorize, SessionId, SetupInfo, SetupSession};
use connection_inbound::{RequestPlace, setup_cookie};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{extensions, kinds::unknown as unknown_kind, setup_links, setup_poll, titles::Titles};
use crate::{
    Api, BASE,
    answers::AnswersBody,
    body::{Empty, Json, Page, json},
    caller::{Caller, ToManage, ToSetUp},
    once::{Made, Once},
    openapi::{
        parameters::{After, LimitOfAll},
        refusals::{Conflict, Gone, NotFound, NotSupported},
    },
    path::Path,
    problem::Problem,
    shapes::{OpenSetupBody, SetupShape, StateAtStep},
};

/// The setup to begin: of a new connection, or of a re-authorization.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = BeginSetup)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct BeginBody {
    /// The kind of the new connection.
    kind: Option<String>,
    /// The extension for which the connection is made, and to which it is granted. Without `kind`, the best kind for it is
    /// used.
    extension: Option<String>,
    /// The label of the new connection.
    label: Option<String>,
    /// Allows a second connection to the same account.
    #[serde(default)]
    again: bool,
    /// The id of the connection to authorize again.
    connection: Option<String>,
    /// Allows another account than before.
    #[serde(default)]
    another_account: bool,
    /// Scopes to ask for in a re-authorization, in addition to those that every setup of the kind asks for. The kind
    /// must allow them.
    #[serde(default)]
    scopes: Vec<String>,
}

/// What the visitor of a setup link begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum BeginAlone<'a> {
    Kind(&'a str),
    Connection(&'a str),
}

impl BeginBody {
    /// Returns the kind or the connection if the body states nothing else.
    fn alone(&self) -> Option<BeginAlone<'_>> {
        let Self { kind, extension: None, label: None, again: false, connection, another_account: false, scopes } =
            self
        else {
            return None;
        };
        match (kind, connection) {
            (Some(kind), None) if scopes.is_empty() => Some(BeginAlone::Kind(kind)),
            (None, Some(connection)) if scopes.is_empty() => Some(BeginAlone::Connection(connection)),
            _ => None,
        }
    }
}

/// The answers to a step, by the name of the field.
#[derive(Debug, ToSchema)]
#[schema(as = Answers)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes the body, which is read into memory that is wiped")]
struct AnswersSchema {
    /// The number of the step that is answered.
    step: u64,
    /// The answer to each field.
    answers: HashMap<String, AnswerSchema>,
}

/// The answer to a field. An array is for a field that takes several values.
#[derive(Debug, ToSchema)]
#[schema(as = Answered)]
#[serde(untagged)]
#[expect(dead_code, reason = "it describes a value that is read into memory that is wiped")]
enum AnswerSchema {
    Text(String),
    Number(f64),
    Flag(bool),
    Several(Vec<String>),
}

/// The step that is confirmed.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ConfirmStep)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfirmBody {
    step: u64,
}

/// Returns a setup of the caller's owner. For the visitor of a setup link, there is only the one of the link.
async fn found(caller: &Caller<ToSetUp>, id: &str) -> Result<SetupSession, Problem> {
    let id: SessionId = id.parse().map_err(|_| Problem::no_setup())?;
    if caller.token.link.as_ref().is_some_and(|link| link.setup != Some(id)) {
        return Err(Problem::no_setup());
    }
    Ok(caller.registry.setups().get(id).await?)
}

/// The person to whom a setup is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Viewer {
    Owner,
    /// The visitor of a setup link, to whom no label of the owner is shown. A label with a number, such as `octocat-2`, would
    /// tell that the owner has another connection with the label before it.
    Visitor,
}

impl Viewer {
    fn of(caller: &Caller<ToSetUp>) -> Self {
        if caller.token.link.is_some() { Self::Visitor } else { Self::Owner }
    }
}

/// Returns the shape of a setup: that of its state, with what a list says about it.
///
/// The address to open is one of this host, which leads to the provider.
async fn shown(registry: &ConnectionRegistry, session: &SetupSession, at: StateAtStep) -> Result<SetupShape, Problem> {
    let open = registry.setups().list().await?.into_iter().find(|info| info.id == session.id());
    let start = session.start_address().await?;
    let kind = registry.kinds().find(session.kind()).await?.map(|kind| kind.descriptor);
    let title = kind.as_ref().map_or_else(|| session.kind().to_string(), |kind| kind.display_name.to_string());
    Ok(SetupShape {
        provider_title: Titles::of(registry, [session.kind()]).await?.provider_title(session.kind()),
        provider: kind.map(|kind| kind.provider.to_string()),
        reauthorizes: open.as_ref().and_then(|info| info.reauthorizes).map(|id| id.to_string()),
        created_at: open.as_ref().map(|info| info.created_at.to_rfc3339()),
        expires_at: open.as_ref().map(|info| info.expires_at.to_rfc3339()),
        extension: open.and_then(|info| info.extension),
        ..SetupShape::new(session, at, title, start)
    })
}

async fn current(
    status: StatusCode,
    registry: &ConnectionRegistry,
    session: &SetupSession,
    viewer: Viewer,
) -> Result<Response, Problem> {
    let state = setup_poll::now(registry, session).await?;
    answered(status, registry, session, (state, viewer)).await
}

/// Returns the answer that shows a setup.
///
/// A browser that gets an address to open also gets the proof of the setup in a cookie, and is led on from that address
/// without a question. Other programs ignore the cookie.
async fn answered(
    status: StatusCode,
    registry: &ConnectionRegistry,
    session: &SetupSession,
    (mut at, viewer): (StateAtStep, Viewer),
) -> Result<Response, Problem> {
    let has_address = at.state.has_address();
    if viewer == Viewer::Visitor {
        at.state = at.state.without_label();
    }
    let mut response = json(status, &shown(registry, session, at).await?);
    if has_address {
        let cookie = setup_cookie(session).await?;
        response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    }
    Ok(response)
}

/// Returns the answer to a request that began a setup.
async fn created(registry: &ConnectionRegistry, session: &SetupSession, viewer: Viewer) -> Result<Response, Problem> {
    let mut response = current(StatusCode::CREATED, registry, session, viewer).await?;
    let location = HeaderValue::from_str(&format!("{BASE}/setups/{}", session.id()));
    response.headers_mut().extend(location.map(|location| (header::LOCATION, location)));
    Ok(response)
}

/// Begins a setup that authorizes a connection again.
pub(super) async fn reauthorize(
    registry: &ConnectionRegistry,
    id: ConnectionId,
    another_account: bool,
    scopes: Vec<String>,
) -> Result<SetupSession, Problem> {
    let begin = registry.connection(id).await?.reauthorize().use_start_address().confirm_account();
    let begin = scopes.into_iter().fold(begin, Reauthorize::scope);
    Ok(if another_account { begin.another_account().await? } else { begin.await? })
}

/// A setup that has not ended, with the names of its kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedSetup)]
#[serde(rename_all = "camelCase")]
struct ListedBody {
    #[serde(flatten)]
    setup: OpenSetupBody,
    /// The name of the kind that a person reads.
    kind_title: String,
    /// The provider of the kind; `null` if the host no longer has the kind.
    provider: Option<String>,
}

/// Returns the setups that have not ended, in the order in which they were begun.
#[utoipa::path(
    get,
    path = "/setups",
    params(LimitOfAll, After),
    responses((status = 200, body = Page<ListedBody>))
)]
pub(super) async fn list(caller: Caller<ToManage>) -> Result<Response, Problem> {
    let registry = &caller.registry;
    let setups = registry.setups().list().await?;
    let titles = Titles::of(registry, setups.iter().map(|info| &info.kind)).await?;
    let listed = |info: &SetupInfo| ListedBody {
        setup: info.into(),
        kind_title: titles.title(&info.kind),
        provider: titles.provider(&info.kind),
    };
    let items = setups.iter().map(listed).collect();
    Ok(json(StatusCode::OK, &Page::of(items, &caller.query, |item: &ListedBody| [item.setup.id.clone()])?))
}

/// Returns the refusal of a setup for an extension that no kind can connect.
fn no_kind() -> Problem {
    let problem = Problem::new(
        StatusCode::CONFLICT,
        "connection_unsupported",
        "no kind of this host connects what the extension declares",
    );
    problem.remedy("add a kind for its provider, or correct the manifest")
}

/// Begins a setup. The visitor of a setup link names the kind alone, or the connection that the link
/// repairs.
#[utoipa::path(
    post,
    path = "/setups",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = BeginBody,
    responses((status = 201, body = SetupShape, headers(("Location" = String, description = "The path of the setup."))), NotFound, Conflict, NotSupported)
)]
pub(super) async fn begin(
    State(api): State<Api>,
    caller: Caller<ToSetUp>,
    once: Once<BeginBody>,
) -> Result<Response, Problem> {
    let registry = caller.registry.clone();
    let own = api.clone();
    let viewer = Viewer::of(&caller);
    let make = async move |body: BeginBody| {
        let session = match &caller.token.link {
            Some(link) => setup_links::begun(&own, &caller, link, body.alone()).await?,
            None => begun(&caller.registry, body).await?,
        };
        made(&caller.registry, session, viewer).await
    };
    once.run(&api, make, |id| again(registry, id, viewer)).await
}

/// Returns what a request that began a setup has made.
pub(super) async fn made(
    registry: &ConnectionRegistry,
    session: SetupSession,
    viewer: Viewer,
) -> Result<Made, Problem> {
    Ok(Made { id: session.id().to_string(), answer: created(registry, &session, viewer).await })
}

/// Answers a request again that began this setup, with its state as it is now.
pub(super) async fn again(registry: ConnectionRegistry, id: String, viewer: Viewer) -> Result<Response, Problem> {
    let id: SessionId = id.parse().map_err(|_| Problem::no_setup())?;
    let session = registry.setups().get(id).await?;
    created(&registry, &session, viewer).await
}

async fn begun(registry: &ConnectionRegistry, body: BeginBody) -> Result<SetupSession, Problem> {
    Ok(match (body.kind, body.connection) {
        (kind, None)
            if (kind.is_some() || body.extension.is_some()) && !body.another_account && body.scopes.is_empty() =>
        {
            let handle = match &body.extension {
                Some(name) => Some(extensions::handle(registry, name).await?),
                None => None,
            };
            let kind = match (&kind, &handle) {
                (None, Some(handle)) => handle.kinds_for_setup().into_iter().next().ok_or_else(no_kind)?,
                (kind, _) => kind.as_deref().and_then(Kind::parse).ok_or_else(unknown_kind)?,
            };
            let begin = registry.setups().begin(&kind).use_start_address().confirm_account();
            let begin = match &handle {
                Some(handle) => begin.extension(handle),
                None => begin,
            };
            let begin = if body.again { begin.again() } else { begin };
            match body.label {
                Some(label) => begin.label(label).await?,
                None => begin.await?,
            }
        }
        (None, Some(id)) if body.label.is_none() && body.extension.is_none() && !body.again => {
            let id = id.parse().map_err(|_| Problem::no_connection())?;
            reauthorize(registry, id, body.another_account, body.scopes).await?
        }
        _ => {
            let problem = Problem::invalid("a setup begins for a kind, an extension or a connection");
            let remedy =
                "name either kind or extension, with label and again, or connection, with anotherAccount and scopes";
            return Err(problem.remedy(remedy));
        }
    })
}

/// Returns the state of a setup. While the plugin works, and while the state is still the one of the cursor or the number
/// in `after`, it waits for 25 seconds at most.
#[utoipa::path(
    get,
    path = "/setups/{id}",
    params(("id" = String, Path), ("after" = Option<String>, Query, description = "The cursor of a state, or the number of a step.")),
    responses((status = 200, body = SetupShape), NotFound)
)]
pub(super) async fn show(
    State(api): State<Api>,
    caller: Caller<ToSetUp>,
    place: Option<Extension<RequestPlace>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let session = found(&caller, &id).await?;
    let after = caller.query.get("after");
    let state = setup_poll::next(&api, &caller, place.as_deref(), &session, after).await?;
    answered(StatusCode::OK, &caller.registry, &session, (state, Viewer::of(&caller))).await
}

/// Answers a step.
#[utoipa::path(
    post,
    path = "/setups/{id}/answers",
    params(("id" = String, Path)),
    request_body = AnswersSchema,
    responses((status = 202, body = SetupShape), NotFound, Conflict, Gone)
)]
pub(super) async fn answer(
    caller: Caller<ToSetUp>,
    Path(id): Path<String>,
    Json(body): Json<AnswersBody>,
) -> Result<Response, Problem> {
    let session = found(&caller, &id).await?;
    session.advance(body.step, &body.into_pairs()).await?;
    current(StatusCode::ACCEPTED, &caller.registry, &session, Viewer::of(&caller)).await
}

/// Confirms the account that a setup shows.
#[utoipa::path(
    post,
    path = "/setups/{id}/confirm",
    params(("id" = String, Path)),
    request_body = ConfirmBody,
    responses((status = 202, body = SetupShape), NotFound, Conflict, Gone)
)]
pub(super) async fn confirm(
    caller: Caller<ToSetUp>,
    Path(id): Path<String>,
    Json(body): Json<ConfirmBody>,
) -> Result<Response, Problem> {
    let session = found(&caller, &id).await?;
    session.advance(body.step, &[]).await?;
    current(StatusCode::ACCEPTED, &caller.registry, &session, Viewer::of(&caller)).await
}

/// Continues a setup that waits for the network.
#[utoipa::path(
    post,
    path = "/setups/{id}/resume",
    params(("id" = String, Path)),
    request_body = Empty,
    responses((status = 202, body = SetupShape), NotFound, Conflict)
)]
pub(super) async fn resume(
    caller: Caller<ToSetUp>,
    Path(id): Path<String>,
    Json(Empty {}): Json<Empty>,
) -> Result<Response, Problem> {
    let session = found(&caller, &id).await?;
    let session = caller.registry.setups().resume(session.id()).await?;
    current(StatusCode::ACCEPTED, &caller.registry, &session, Viewer::of(&caller)).await
}

/// Cancels a setup.
#[utoipa::path(delete, path = "/setups/{id}", params(("id" = String, Path)), responses((status = 204), NotFound))]
pub(super) async fn cancel(caller: Caller<ToSetUp>, Path(id): Path<String>) -> Result<Response, Problem> {
    found(&caller, &id).await?.cancel().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
