//! The kinds of connections that can be made.

use axum::{extract::State, http::StatusCode, response::Response};
use connection_api::{ForgottenClient, Kind as KindShape, ListedKind, Page};
use connection_contract::Kind;
use connection_core::{Error, Fields, Page as CorePage};

use crate::{
    Api,
    body::json,
    caller::{Caller, ToManage, ToSeeKinds},
    convert::{self, is_called_back},
    openapi::{
        parameters::{After, LimitOrAll},
        refusals::NotFound,
    },
    path::Path,
    problem::Problem,
};

/// Returns the refusal of a kind that is not registered.
pub(super) fn unknown() -> Problem {
    let problem = Problem::new(StatusCode::NOT_FOUND, "unknown_kind", "there is no such kind");
    problem.remedy("list the kinds to see which there are")
}

/// Returns `true` if the caller may see a kind. The visitor of a setup link sees those of the link.
fn is_seen(caller: &Caller<ToSeeKinds>, kind: &Kind) -> bool {
    caller.token.link.as_ref().is_none_or(|link| link.kinds.contains(kind))
}

async fn count(caller: &Caller<ToSeeKinds>, kind: &Kind) -> Result<u64, Problem> {
    match caller.token.link {
        Some(_) => Ok(0),
        None => Ok(caller.registry.count_connections(Some(kind)).await?),
    }
}

/// Returns a kind, with its guide and its fields.
#[utoipa::path(
    get,
    path = "/kinds/{kind}",
    params(("kind" = String, Path)),
    responses((status = 200, body = KindShape), NotFound)
)]
pub(super) async fn show(
    State(api): State<Api>,
    caller: Caller<ToSeeKinds>,
    Path(kind): Path<String>,
) -> Result<Response, Problem> {
    let kind = Kind::parse(&kind).filter(|kind| is_seen(&caller, kind));
    let kind = kind.ok_or_else(unknown)?;
    let info = caller.registry.kinds().find(&kind).await?.ok_or_else(unknown)?;
    let descriptor = &info.descriptor;
    let called_back = api.options.url().filter(|_| is_called_back(descriptor) && caller.token.link.is_none());
    let redirect_uri = called_back.map(|url| url.redirect_uri(&descriptor.kind));
    let body = KindShape {
        listed: convert::listed_kind(&info, count(&caller, &descriptor.kind).await?),
        description: convert::kind_description(descriptor, convert::capabilities(&info), redirect_uri),
    };
    Ok(json(StatusCode::OK, &body))
}

/// Returns the kinds, by title.
#[utoipa::path(
    get,
    path = "/kinds",
    params(("search" = Option<String>, Query), LimitOrAll, After),
    responses((status = 200, body = Page<ListedKind>))
)]
pub(super) async fn list(caller: Caller<ToSeeKinds>) -> Result<Response, Problem> {
    let registry = &caller.registry;
    let search = caller.query.get("search").map(str::to_lowercase);
    let mut items = Vec::new();
    // The visitor of a setup link connects no account through the kind of an extension.
    let own = match &caller.token.link {
        None => registry.kinds().own().await?,
        Some(_) => Vec::new(),
    };
    for info in registry.kinds().list().into_iter().chain(own) {
        let descriptor = &info.descriptor;
        let texts = [descriptor.kind.as_str(), descriptor.provider.as_str(), descriptor.display_name.as_str()];
        let is_found = |search: &String| texts.iter().any(|text| text.to_lowercase().contains(search));
        if !search.as_ref().is_none_or(is_found) || !is_seen(&caller, &descriptor.kind) {
            continue;
        }
        items.push(convert::listed_kind(&info, count(&caller, &descriptor.kind).await?));
    }
    let position = |item: &ListedKind| Fields((item.summary.title.to_lowercase(), item.summary.kind.clone()));
    let (after, limit) = (caller.query.after(), caller.query.limit_or_all()?);
    let page = CorePage::within(items, after.as_ref(), limit, position).map_err(Error::from)?;
    Ok(json(StatusCode::OK, &Page { items: page.items, next: page.next.map(|next| next.to_string()) }))
}

/// Forgets the application that was kept for a kind, so that the next setup asks for it again.
#[utoipa::path(
    delete,
    path = "/kinds/{kind}/client",
    params(("kind" = String, Path)),
    responses((status = 200, body = ForgottenClient), NotFound)
)]
pub(super) async fn forget_client(caller: Caller<ToManage>, Path(kind): Path<String>) -> Result<Response, Problem> {
    let kinds = caller.registry.kinds();
    let kind = Kind::parse(&kind).ok_or_else(unknown)?;
    if kinds.find(&kind).await?.is_none() {
        return Err(unknown());
    }
    let forgotten = kinds.forget_values(&kind).await? > 0;
    Ok(json(StatusCode::OK, &ForgottenClient { kind: kind.to_string(), forgotten }))
}
