//! Setup links: addresses at which somebody else connects one account for an owner, on the page of this host.

use axum::{extract::State, http::StatusCode, response::Response};
use connection_contract::{Kind, Origin, host};
use connection_core::{
    ConnectionRegistry, Error, IssuedToken, NewSetupLink, Outcome, SessionId, SetupLink, SetupSession,
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::kinds::unknown as unknown_kind;
use crate::{
    Api,
    body::json,
    caller::{Caller, ToManage, ToSetUp},
    once::{Made, Once, not_shown_again},
    openapi::refusals::{Conflict, NotFound},
    problem::Problem,
};

/// The name of a link for which none is stated.
const NAME: &str = "Setup link";

/// A setup link to make.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewSetupLink)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewSetupLinkBody {
    /// The kinds of which the visitor connects one account.
    kinds: Vec<String>,
    /// The owner of the connection; that of the request if none is stated.
    owner: Option<String>,
    /// The name by which the link is listed.
    name: Option<String>,
    /// The address to which the page leads the visitor at the end: one that the host has configured, perhaps with a query.
    return_to: Option<String>,
    /// The addresses in the network of the host, such as `https://git.internal`, that the visitor may enter if the owner
    /// may reach them. All others are closed to the visitor.
    #[serde(default)]
    private_addresses: Vec<String>,
}

/// A setup link that was made, with its address, which is shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = SetupLink)]
#[serde(rename_all = "camelCase")]
struct SetupLinkBody {
    /// The id by which the link is revoked until somebody opens it: `DELETE /tokens/{id}`.
    id: String,
    /// The address for the visitor. It can be opened once, until it expires.
    address: String,
    expires_at: String,
}

/// Makes a setup link. Its address can be opened once within 30 minutes; the visitor then has 30 minutes to connect one
/// account of one of the kinds, and sees nothing else of the owner. A request that is repeated with the same
/// `Idempotency-Key` gets 409 with the id of the link in `made`.
#[utoipa::path(
    post,
    path = "/setup-links",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = NewSetupLinkBody,
    responses((status = 201, body = SetupLinkBody), NotFound, Conflict)
)]
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    once: Once<NewSetupLinkBody>,
) -> Result<Response, Problem> {
    let own = api.clone();
    let make = async move |body| {
        let issued = issue(&own, &caller, body).await?;
        let id = issued.token.id.to_string();
        let body = SetupLinkBody {
            id: id.clone(),
            address: format!("{}/link#link={}", own.options.address(), issued.text.expose_secret()),
            expires_at: issued.token.expires_at.to_rfc3339(),
        };
        Ok(Made { id, answer: Ok(json(StatusCode::CREATED, &body)) })
    };
    let again = async |id| {
        let remedy = "if the address was lost, revoke the link, and make another one with another key";
        Err(not_shown_again("this request has made a setup link, whose address is not shown again", remedy, id))
    };
    once.run(&api, make, again).await
}

async fn issue(api: &Api, caller: &Caller<ToManage>, body: NewSetupLinkBody) -> Result<IssuedToken, Problem> {
    let owner = caller.owner_named(body.owner)?.unwrap_or_else(|| caller.registry.owner_name().to_owned());
    let registry = api.registry.owner(&owner)?;
    let kinds = body.kinds.iter().map(|kind| checked_kind(&registry, kind)).collect::<Result<Vec<_>, _>>()?;
    let link = NewSetupLink::new(owner, body.name.unwrap_or_else(|| NAME.to_owned()), kinds);
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

/// Begins the setup of a visitor. After one that failed or was cancelled, the visitor may begin another one.
pub(super) async fn begun(
    api: &Api,
    caller: &Caller<ToSetUp>,
    link: &SetupLink,
    kind: Option<&str>,
) -> Result<SetupSession, Problem> {
    let kind = kind.ok_or_else(|| Problem::not_allowed("a setup link begins a setup for a kind alone"))?;
    let kind = &Kind::parse(kind).ok_or_else(unknown_kind)?;
    if !link.kinds.contains(kind) {
        return Err(Problem::not_allowed(format!("the setup link is not for the kind '{kind}'")));
    }
    if let Some(before) = link.setup
        && !has_failed(&caller.registry, before).await?
    {
        return Err(used());
    }
    let begin = caller.registry.setups().begin(kind).use_start_address().confirm_account();
    let session = begin.visitor(link.private_addresses.iter().cloned()).await?;
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
    if registry.setups().list().await?.iter().any(|open| open.id == id) {
        return Ok(false);
    }
    match registry.setups().get(id).await {
        Err(Error::SessionNotFound(_)) => Ok(true),
        Err(error) => Err(error.into()),
        Ok(ended) => Ok(matches!(ended.terminal().await?, Outcome::Failed(_) | Outcome::Cancelled)),
    }
}
