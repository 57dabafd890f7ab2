//! The kinds of connections that can be made.

use axum::{extract::State, http::StatusCode, response::Response};
use connection_contract::{Kind, Need};
use connection_core::KindInfo;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Api,
    body::{Page, json},
    caller::{Caller, ToManage, ToSeeKinds},
    openapi::{
        parameters::{After, LimitOfAll},
        refusals::NotFound,
    },
    path::Path,
    problem::Problem,
    shapes::{GuideBody, KindFieldBody, auth_word, is_called_back, way_word, words},
};

/// A kind in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedKind)]
struct ListedKindBody {
    kind: String,
    provider: String,
    title: String,
    #[schema(value_type = words::AuthType)]
    auth: &'static str,
    /// `true` if connections of the kind are for one extension alone.
    own: bool,
    /// `true` if the kind is a local tool with profiles.
    profiles: bool,
    /// The number of the owner's connections of this kind. The visitor of a setup link sees 0.
    connections: u64,
}

impl ListedKindBody {
    fn of(info: &KindInfo, connections: u64) -> Self {
        let descriptor = &info.descriptor;
        Self {
            kind: descriptor.kind.to_string(),
            provider: descriptor.provider.to_string(),
            title: descriptor.display_name.to_string(),
            auth: auth_word(descriptor.auth),
            own: descriptor.extension.is_some(),
            profiles: info.capabilities.profiles,
            connections,
        }
    }
}

/// A kind, with what a person needs to know before connecting an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Kind)]
#[serde(rename_all = "camelCase")]
struct KindBody {
    #[serde(flatten)]
    listed: ListedKindBody,
    /// The only extension that may use connections of the kind.
    extension: Option<String>,
    guide: Vec<GuideBody>,
    fields: Vec<KindFieldBody>,
    /// The capabilities of connections of the kind: `send`, `secrets`, `refresh`, `webhooks`, `usage`, `profiles`, `sandbox`
    /// or `files`.
    #[schema(value_type = Vec<words::Capability>)]
    capabilities: Vec<&'static str>,
    /// The ways of finishing a setup: `browser`, `device`, `paste` or `other`.
    #[schema(value_type = Vec<words::Way>)]
    ways: Vec<&'static str>,
    /// The address to register at the provider, if browsers return to this host. The visitor of a setup link does not
    /// get it.
    redirect_uri: Option<String>,
}

/// Returns the refusal of a kind that is not registered.
pub(super) fn unknown() -> Problem {
    let problem = Problem::new(StatusCode::NOT_FOUND, "unknown_kind", "there is no such kind");
    problem.remedy("list the kinds to see which there are")
}

fn capabilities(info: &KindInfo) -> Vec<&'static str> {
    let can = &info.capabilities;
    let present = [
        ("send", can.send),
        ("secrets", can.secrets),
        ("refresh", can.refresh.is_some()),
        ("webhooks", can.webhooks),
        ("usage", can.usage),
        ("profiles", can.profiles),
        ("sandbox", can.sandbox),
        ("files", info.descriptor.needs.contains(&Need::Files)),
    ];
    present.into_iter().filter(|(_, present)| *present).map(|(name, _)| name).collect()
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
    responses((status = 200, body = KindBody), NotFound)
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
    let body = KindBody {
        listed: ListedKindBody::of(&info, count(&caller, &descriptor.kind).await?),
        extension: descriptor.extension.as_ref().map(ToString::to_string),
        guide: descriptor.guide.iter().filter_map(GuideBody::of).collect(),
        fields: descriptor.fields.iter().map(KindFieldBody::from).collect(),
        capabilities: capabilities(&info),
        ways: descriptor.ways.iter().copied().map(way_word).collect(),
        redirect_uri: called_back.map(|url| url.redirect_uri(&descriptor.kind)),
    };
    Ok(json(StatusCode::OK, &body))
}

/// Returns the kinds, by title.
#[utoipa::path(
    get,
    path = "/kinds",
    params(("search" = Option<String>, Query), LimitOfAll, After),
    responses((status = 200, body = Page<ListedKindBody>))
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
        items.push(ListedKindBody::of(&info, count(&caller, &descriptor.kind).await?));
    }
    let page = Page::of(items, &caller.query, |item| [item.title.to_lowercase(), item.kind.clone()])?;
    Ok(json(StatusCode::OK, &page))
}

/// The application of a kind that was asked for in a setup and kept for the next ones.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ForgottenClient)]
struct ForgottenBody {
    kind: String,
    /// `true` if there was one.
    forgotten: bool,
}

/// Forgets the application that was kept for a kind, so that the next setup asks for it again.
#[utoipa::path(
    delete,
    path = "/kinds/{kind}/client",
    params(("kind" = String, Path)),
    responses((status = 200, body = ForgottenBody), NotFound)
)]
pub(super) async fn forget_client(caller: Caller<ToManage>, Path(kind): Path<String>) -> Result<Response, Problem> {
    let kinds = caller.registry.kinds();
    let kind = Kind::parse(&kind).ok_or_else(unknown)?;
    if kinds.find(&kind).await?.is_none() {
        return Err(unknown());
    }
    let forgotten = kinds.forget_values(&kind).await? > 0;
    Ok(json(StatusCode::OK, &ForgottenBody { kind: kind.to_string(), forgotten }))
}
