//! Setup links: addresses at which somebody else connects one account for an owner, or repairs one connection, on the
//! page of this host.

use axum::{extract::State, http::StatusCode, response::Response};
use connection_api::{NewSetupLink as NewShape, SetupLink as LinkShape};
use connection_contract::{Kind, Origin, host};
use connection_core::{
    ConnectionId, ConnectionRegistry, Error, IssuedToken, NewSetupLink, Outcome, SessionId, SetupLink, SetupSession,
    Tags,
};

use super::{kinds::unknown as unknown_kind, setups::BeginAlone};
use crate::{
    Api,
    body::json,
    caller::{Caller, ToManage, ToSetUp},
    convert,
    once::{Made, Once, not_shown_again},
    openapi::refusals::{Conflict, NotFound},
    problem::Problem,
};

/// The name of a link for which none is stated.
const NAME: &str = "Setup link";

/// Makes a setup link. Its address can be opened once within 30 minutes; the visitor then has 30 minutes to connect one
/// account of one of the kinds, or to authorize the connection again, and sees nothing else of the owner. A request that is repeated with the same
/// `Idempotency-Key` gets 409 with the id of the link in `made`.
#[utoipa::path(
    post,
    path = "/setup-links",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = NewShape,
    responses((status = 201, body = LinkShape), NotFound, Conflict)
)]
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    once: Once<NewShape>,
) -> Result<Response, Problem> {
    let own = api.clone();
    let make = async move |body| {
        let issued = issue(&own, &caller, body).await?;
        let body = convert::setup_link(&issued, own.options.address());
        let id = body.id.clone();
        Ok(Made { id, answer: Ok(json(StatusCode::CREATED, &body)) })
    };
    let again = async |id| {
        let remedy = "if the address was lost, revoke the link, and make another one with another key";
        Err(not_shown_again("this request has made a setup link, whose address is not shown again", remedy, id))
    };
    once.run(&api, make, again).await
}

async fn issue(api: &Api, caller: &Caller<ToManage>, body: NewShape) -> Result<IssuedToken, Problem> {
    let owner = caller.owner_named(body.owner)?.unwrap_or_else(|| caller.registry.owner_name().to_owned());
    let registry = api.registry.owner(&owner)?;
    let name = body.name.unwrap_or_else(|| NAME.to_owned());
    let link = match &body.connection {
        Some(connection) => {
            if !body.kinds.is_empty() || !body.tags.is_empty() {
                let problem = Problem::invalid("a link that repairs a connection takes neither kinds nor tags");
                return Err(problem.field("connection").remedy("leave them out; the connection keeps its own"));
            }
            let none = || Problem::no_connection().field("connection");
            let id = connection.parse().map_err(|_| none())?;
            // The visitor could not begin the repair of a connection whose kind is not registered.
            let kind = registry.connection(id).await.map_err(|error| match error {
                Error::NotFound(_) => none(),
                error => error.into(),
            })?;
            let kind = &kind.info().kind;
            registry.kinds().find(kind).await?.ok_or_else(|| unknown_kind().field("connection"))?;
            NewSetupLink::repair(owner, name, id)
        }
        None => {
            let kinds = body.kinds.iter().map(|kind| checked_kind(&registry, kind)).collect::<Result<Vec<_>, _>>()?;
            let tags = Tags::new(body.tags).map_err(|error| Problem::from(Error::from(error)).field("tags"))?;
            NewSetupLink::new(owner, name, kinds).tags(tags)
        }
    };
    let link = match body.return_to {
        Some(address) if !api.options.return_addresses.iter().any(|allowed| allowed.allows(&address)) => {
            let problem = Problem::invalid("the return address is not one that this host allows").field("returnTo");
            return Err(problem.remedy("add it to the return addresses in the configuration of the host"));
        }
        Some(address) => link.return_to(address),
        None => link,
    };
    let origins = body.private_addresses.iter().map(|text| private_address(text)).collect::<Result<Vec<_>, _>>()?;
    let link = origins.into_iter().fold(link, NewSetupLink::private_address);
    Ok(api.registry.access_tokens().create_link(link).await?)
}

fn private_address(text: &str) -> Result<Origin, Problem> {
    host::origin(text).ok_or_else(|| {
        let problem = Problem::invalid("a private address is not an http or https address");
        problem.field("privateAddresses").remedy("write it with its scheme, as in https://git.internal:8443")
    })
}

/// Returns a kind of which anybody can connect an account.
fn checked_kind(registry: &ConnectionRegistry, text: &str) -> Result<Kind, Problem> {
    let unknown = || unknown_kind().field("kinds");
    let kind = Kind::parse(text).ok_or_else(unknown)?;
    if kind.extension().is_some() {
        let problem = Problem::invalid(format!("connections of the kind '{text}' are for one extension alone"));
        return Err(problem.field("kinds"));
    }
    registry.kinds().get(&kind).ok_or_else(unknown)?;
    Ok(kind)
}

/// What the visitor of a link begins.
enum Wanted {
    Account(Kind),
    Repair(ConnectionId),
}

impl Wanted {
    /// Returns what the visitor wants to begin, if the link is for it.
    fn of(link: &SetupLink, wanted: Option<BeginAlone<'_>>) -> Result<Self, Problem> {
        match (wanted, link.repairs) {
            (Some(BeginAlone::Kind(kind)), None) => {
                let kind = Kind::parse(kind).ok_or_else(unknown_kind)?;
                if !link.kinds.contains(&kind) {
                    return Err(Problem::not_allowed(format!("the setup link is not for the kind '{kind}'")));
                }
                Ok(Self::Account(kind))
            }
            (Some(BeginAlone::Connection(id)), Some(repairs)) if id.parse() == Ok(repairs) => Ok(Self::Repair(repairs)),
            (_, None) => Err(Problem::not_allowed("a setup link begins a setup for a kind alone")),
            (_, Some(_)) => Err(Problem::not_allowed("this setup link begins the repair of its connection alone")),
        }
    }
}

/// Begins the setup of a visitor. After one that failed or was cancelled, the visitor may begin another one.
pub(super) async fn begun(
    api: &Api,
    caller: &Caller<ToSetUp>,
    link: &SetupLink,
    wanted: Option<BeginAlone<'_>>,
) -> Result<SetupSession, Problem> {
    let wanted = Wanted::of(link, wanted)?;
    if let Some(before) = link.setup
        && !has_failed(&caller.registry, before).await?
    {
        return Err(used());
    }
    let opened = link.private_addresses.iter().cloned();
    let session = match wanted {
        Wanted::Account(kind) => {
            let begin = caller.registry.setups().begin(&kind).use_start_address().confirm_account();
            begin.visitor(opened).tags(link.tags.clone()).await?
        }
        Wanted::Repair(id) => {
            let begin = caller.registry.connection(id).await?.reauthorize().use_start_address().confirm_account();
            begin.visitor(opened).await?
        }
    };
    if !api.registry.access_tokens().set_setup(caller.token.id, link.setup, session.id()).await? {
        session.cancel().await?;
        return Err(used());
    }
    Ok(session)
}

fn used() -> Problem {
    let problem = Problem::new(StatusCode::CONFLICT, "setup_link_used", "this setup link has its setup already");
    problem.remedy("continue that setup; for another account, ask for a new link")
}

/// Returns `true` if a setup has ended without a connection.
async fn has_failed(registry: &ConnectionRegistry, id: SessionId) -> Result<bool, Problem> {
    let session = match registry.setups().get(id).await {
        Err(Error::SessionNotFound(_)) => return Ok(true),
        session => session?,
    };
    Ok(session.info().await?.is_none() && matches!(session.terminal().await?, Outcome::Failed(_) | Outcome::Cancelled))
}
