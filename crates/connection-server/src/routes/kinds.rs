//! The kinds of connections that can be made.

use axum::{http::StatusCode, response::Response};
use connection_contract::AuthType;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    body::{Page, json},
    caller::{Caller, ToRead},
    problem::Problem,
};

/// A kind in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedKind)]
struct ListedKindBody {
    kind: String,
    provider: String,
    title: String,
    auth: &'static str,
    /// `true` if connections of the kind are for one extension alone.
    own: bool,
    /// The number of the owner's connections of this kind.
    connections: u64,
}

fn auth_word(auth: AuthType) -> &'static str {
    match auth {
        AuthType::ApiKey => "apiKey",
        AuthType::Basic => "basic",
        AuthType::None => "none",
        AuthType::OAuth => "oauth",
        AuthType::PersonalAccessToken => "personalAccessToken",
        _ => "custom",
    }
}

/// Returns the kinds, by title.
#[utoipa::path(
    get,
    path = "/kinds",
    params(("search" = Option<String>, Query)),
    responses((status = 200, body = Page<ListedKindBody>))
)]
pub(super) async fn list(caller: Caller<ToRead>) -> Result<Response, Problem> {
    let registry = &caller.registry;
    let search = caller.query.get("search").map(str::to_lowercase);
    let mut items = Vec::new();
    for info in registry.kinds().list() {
        let descriptor = &info.descriptor;
        let texts = [descriptor.kind.as_str(), descriptor.provider.as_str(), descriptor.display_name.as_str()];
        let is_found = |search: &String| texts.iter().any(|text| text.to_lowercase().contains(search));
        if !search.as_ref().is_none_or(is_found) {
            continue;
        }
        items.push(ListedKindBody {
            kind: descriptor.kind.to_string(),
            provider: descriptor.provider.to_string(),
            title: descriptor.display_name.to_string(),
            auth: auth_word(descriptor.auth),
            own: descriptor.extension.is_some(),
            connections: registry.count_connections(Some(&descriptor.kind)).await?,
        });
    }
    items.sort_by_key(|item| (item.title.to_lowercase(), item.kind.clone()));
    Ok(json(StatusCode::OK, &Page { items, next: None }))
}
