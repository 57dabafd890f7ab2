//! Setups: begin, read, answer, confirm, resume, cancel. Only `GET` waits, and it changes nothing.

use axum::{
    extract::{Extension, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use connection_api::{Answers, BeginSetup, ConfirmStep, Empty, ListedSetup, Page, Setup};
use connection_contract::Kind;
use connection_core::{
    ConnectionId, ConnectionRegistry, OpenSetup, Reauthorize, SessionId, SetupInfo, SetupSession, SetupStage,
};
use connection_inbound::{RequestPlace, setup_cookie};

use super::{extensions, kinds::unknown as unknown_kind, setup_links, setup_poll};
use crate::{
    Api, BASE,
    body::{Json, json},
    caller::{Caller, ToManage, ToSetUp},
    convert::{self, StateAtStep},
    once::{Made, Once},
    openapi::{
        parameters::{After, LimitOrAll},
        refusals::{Conflict, Gone, NotFound, NotSupported},
    },
    path::Path,
    problem::Problem,
    view::Titles,
};

/// What the visitor of a setup link begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum BeginAlone<'a> {
    Kind(&'a str),
    Connection(&'a str),
}

/// Returns the kind or the connection if the body states nothing else.
fn alone(begin: &BeginSetup) -> Option<BeginAlone<'_>> {
    let BeginSetup { kind, extension: None, label: None, again: false, connection, another_account: false, scopes } =
        begin
    else {
        return None;
    };
    match (kind, connection) {
        (Some(kind), None) if scopes.is_empty() => Some(BeginAlone::Kind(kind)),
        (None, Some(connection)) if scopes.is_empty() => Some(BeginAlone::Connection(connection)),
        _ => None,
    }
}

/// Returns the id of a setup that the caller may see. For the visitor of a setup link, there is only the one of the link.
fn permitted(caller: &Caller<ToSetUp>, id: &str) -> Result<SessionId, Problem> {
    let id: SessionId = id.parse().map_err(|_| Problem::no_setup())?;
    if caller.token.link.as_ref().is_some_and(|link| link.setup != Some(id)) {
        return Err(Problem::no_setup());
    }
    Ok(id)
}

/// Returns a setup of the caller's owner.
async fn found(caller: &Caller<ToSetUp>, id: &str) -> Result<SetupSession, Problem> {
    Ok(caller.registry.setups().get(permitted(caller, id)?).await?)
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

/// Returns the shape of a setup: that of its state, with what a list says about it while it is open.
///
/// The address to open is one of this host, which leads to the provider.
async fn shown(
    registry: &ConnectionRegistry,
    session: &SetupSession,
    open: Option<&OpenSetup>,
    at: StateAtStep,
) -> Result<Setup, Problem> {
    let start = open.and_then(|open| open.start_address.clone());
    let open = open.map(|open| &open.info);
    let kind = registry.kinds().find(session.kind()).await?.map(|kind| kind.descriptor);
    let title = kind.as_ref().map_or_else(|| session.kind().to_string(), |kind| kind.display_name.to_string());
    Ok(Setup {
        provider_title: Titles::of(registry, [session.kind()]).await?.provider_title(session.kind()),
        provider: kind.map(|kind| kind.provider.to_string()),
        reauthorizes: open.and_then(|info| info.reauthorizes).map(|id| id.to_string()),
        created_at: open.map(|info| info.created_at.to_rfc3339()),
        expires_at: open.map(|info| info.expires_at.to_rfc3339()),
        extension: open.and_then(|info| info.extension.clone()),
        ..convert::setup(session, at, title, start)
    })
}

async fn current(
    status: StatusCode,
    registry: &ConnectionRegistry,
    session: &SetupSession,
    viewer: Viewer,
) -> Result<Response, Problem> {
    let state = setup_poll::now(registry, session).await?;
    // The setup is read after its state, so that it has the address that the state shows.
    let open = session.read().await?;
    answered(status, registry, session, open.as_ref(), state, viewer).await
}

/// Returns the answer that shows a setup.
///
/// A browser that gets an address to open also gets the proof of the setup in a cookie, and is led on from that address
/// without a question. Other programs ignore the cookie.
async fn answered(
    status: StatusCode,
    registry: &ConnectionRegistry,
    session: &SetupSession,
    open: Option<&OpenSetup>,
    mut at: StateAtStep,
    viewer: Viewer,
) -> Result<Response, Problem> {
    let has_address = at.has_address();
    if viewer == Viewer::Visitor {
        at.state = convert::for_visitor(at.state);
    }
    let mut response = json(status, &shown(registry, session, open, at).await?);
    if has_address {
        let cookie = open.and_then(setup_cookie);
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

/// Returns the setups that have not ended, in the order in which they were begun.
#[utoipa::path(
    get,
    path = "/setups",
    params(LimitOrAll, After),
    responses((status = 200, body = Page<ListedSetup>))
)]
pub(super) async fn list(caller: Caller<ToManage>) -> Result<Response, Problem> {
    let registry = &caller.registry;
    let page = registry.setups().page(caller.query.after(), caller.query.limit_or_all()?).await?;
    let titles = Titles::of(registry, page.items.iter().map(|info| &info.kind)).await?;
    let listed = |info: &SetupInfo| ListedSetup {
        setup: convert::open_setup(info),
        kind_title: titles.title(&info.kind),
        provider: titles.provider(&info.kind),
    };
    let items = page.items.iter().map(listed).collect();
    Ok(json(StatusCode::OK, &Page { items, next: page.next.map(|next| next.to_string()) }))
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
    request_body = BeginSetup,
    responses((status = 201, body = Setup, headers(("Location" = String, description = "The path of the setup."))), NotFound, Conflict, NotSupported)
)]
pub(super) async fn begin(
    State(api): State<Api>,
    caller: Caller<ToSetUp>,
    once: Once<BeginSetup>,
) -> Result<Response, Problem> {
    let registry = caller.registry.clone();
    let own = api.clone();
    let viewer = Viewer::of(&caller);
    let make = async move |body: BeginSetup| {
        let session = match &caller.token.link {
            Some(link) => setup_links::begun(&own, &caller, link, alone(&body)).await?,
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

async fn begun(registry: &ConnectionRegistry, body: BeginSetup) -> Result<SetupSession, Problem> {
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
    responses((status = 200, body = Setup), NotFound)
)]
pub(super) async fn show(
    State(api): State<Api>,
    caller: Caller<ToSetUp>,
    place: Option<Extension<RequestPlace>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (session, read) = caller.registry.setups().read(permitted(&caller, &id)?).await?;
    let after = caller.query.get("after");
    let state = setup_poll::next(&api, &caller, place.as_deref(), &session, after).await?;
    // A setup that waited at this step when it was read had all that the step shows.
    let is_of_state = |read: &OpenSetup| read.info.stage == SetupStage::Waiting && state.step == Some(read.info.step);
    let open = match read {
        Some(read) if !is_of_state(&read) => session.read().await?,
        read => read,
    };
    answered(StatusCode::OK, &caller.registry, &session, open.as_ref(), state, Viewer::of(&caller)).await
}

/// Answers a step.
#[utoipa::path(
    post,
    path = "/setups/{id}/answers",
    params(("id" = String, Path)),
    request_body = Answers,
    responses((status = 202, body = Setup), NotFound, Conflict, Gone)
)]
pub(super) async fn answer(
    caller: Caller<ToSetUp>,
    Path(id): Path<String>,
    Json(body): Json<Answers>,
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
    request_body = ConfirmStep,
    responses((status = 202, body = Setup), NotFound, Conflict, Gone)
)]
pub(super) async fn confirm(
    caller: Caller<ToSetUp>,
    Path(id): Path<String>,
    Json(body): Json<ConfirmStep>,
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
    responses((status = 202, body = Setup), NotFound, Conflict)
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
