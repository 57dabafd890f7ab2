//! The list of connections: those that need attention first, then by the title of the provider and by the label.

use std::collections::BTreeMap;

use axum::{extract::State, http::StatusCode, response::Response};
use connection_contract::{Kind, Liveness, Timestamp, encode, reason};
use connection_core::{ConnectionInfo, ConnectionRegistry, Filter, Grant};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Api,
    body::json,
    caller::{Caller, ToRead},
    openapi::parameters::{After, Limit},
    problem::Problem,
    shapes::{ConnectionBody, condition, expires_soon, words},
};

/// The number of connections that are read at once.
const PAGE: u16 = 1000;

/// A connection, with what a person can do about it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedConnection)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListedBody {
    #[serde(flatten)]
    connection: ConnectionBody,
    /// The name of the kind that a person reads.
    kind_title: String,
    /// The name of the provider that a person reads.
    provider_title: String,
    /// The extensions to which a person granted the use of the connection.
    used_by: Vec<String>,
    /// `true` if the connection does not work, or soon will not, unless a person acts.
    needs_attention: bool,
    /// `reauthorize`, `verify`, `accept` or `wait`; `null` if nothing is to be done.
    #[schema(value_type = Option<words::RemedyAction>)]
    remedy_action: Option<&'static str>,
}

/// A page of connections.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectionPage)]
struct ConnectionPage {
    items: Vec<ListedBody>,
    next: Option<String>,
    /// The numbers of connections without the filters, on the first page.
    counts: Option<Counts>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ConnectionCounts)]
struct Counts {
    all: u64,
    attention: u64,
}

/// The position of a connection in the list.
type Position = (bool, String, String, String);

impl ListedBody {
    pub(super) fn of(registry: &ConnectionRegistry, info: &ConnectionInfo, grants: &[Grant], now: Timestamp) -> Self {
        let used = grants.iter().filter(|grant| grant.connection == info.id && grant.revoked_at.is_none());
        Self {
            connection: ConnectionBody::of(info, now),
            kind_title: title(registry, &info.kind),
            provider_title: title(registry, &info.provider),
            used_by: used.map(|grant| grant.extension.clone()).collect(),
            needs_attention: needs_attention(info, now),
            remedy_action: remedy_action(info, now),
        }
    }
}

pub(super) fn title(registry: &ConnectionRegistry, kind: &Kind) -> String {
    let known = registry.kinds().get(kind);
    known.map_or_else(|| kind.to_string(), |kind| kind.descriptor.display_name.to_string())
}

/// Returns `true` if refreshing was tried for so long that a person must choose between waiting and authorizing again.
fn is_to_choose(info: &ConnectionInfo) -> bool {
    info.liveness == Liveness::Offline
        && info.reason.as_ref().is_some_and(|why| why.code == reason::REFRESH_OUTCOME_UNKNOWN && why.remedy.is_some())
}

fn needs_attention(info: &ConnectionInfo, now: Timestamp) -> bool {
    let (liveness, _) = condition(info);
    !info.registered || liveness == Liveness::Failing || is_to_choose(info) || expires_soon(info, now)
}

fn remedy_action(info: &ConnectionInfo, now: Timestamp) -> Option<&'static str> {
    if info.kind_changed {
        return Some("accept");
    }
    if !info.registered {
        return None;
    }
    match info.liveness {
        Liveness::Failing => Some("reauthorize"),
        Liveness::Offline if is_to_choose(info) => Some("reauthorize"),
        Liveness::Offline => Some("wait"),
        Liveness::Live => expires_soon(info, now).then_some("reauthorize"),
        _ => Some("verify"),
    }
}

fn position(registry: &ConnectionRegistry, info: &ConnectionInfo, now: Timestamp) -> Position {
    let title = title(registry, &info.provider).to_lowercase();
    (!needs_attention(info, now), title, info.label.to_string(), info.id.to_string())
}

fn cursor(position: &Position) -> String {
    encode::base64url(serde_json::to_string(position).unwrap_or_default().as_bytes())
}

fn parse_cursor(text: &str) -> Option<Position> {
    serde_json::from_slice(&encode::from_base64url(text)?).ok()
}

/// The filters of a request.
struct Wanted {
    search: Option<String>,
    kind: Option<Kind>,
    provider: Option<Kind>,
    state: Option<String>,
}

impl Wanted {
    fn matches(&self, registry: &ConnectionRegistry, info: &ConnectionInfo, now: Timestamp) -> bool {
        self.kind.as_ref().is_none_or(|kind| info.kind == *kind)
            && self.provider.as_ref().is_none_or(|provider| info.provider == *provider)
            && self.has_state(info, now)
            && self.is_found(registry, info)
    }

    fn has_state(&self, info: &ConnectionInfo, now: Timestamp) -> bool {
        let (liveness, _) = condition(info);
        match self.state.as_deref() {
            None => true,
            Some("attention") => needs_attention(info, now),
            Some("live") => liveness == Liveness::Live,
            Some("offline") => liveness == Liveness::Offline,
            _ => liveness == Liveness::Unknown,
        }
    }

    fn is_found(&self, registry: &ConnectionRegistry, info: &ConnectionInfo) -> bool {
        let Some(search) = &self.search else { return true };
        let texts = [
            info.label.to_string(),
            info.identity.label.to_string(),
            info.identity.account_id.to_string(),
            info.kind.to_string(),
            info.provider.to_string(),
            title(registry, &info.kind),
        ];
        search.split_whitespace().all(|word| texts.iter().any(|text| text.to_lowercase().contains(word)))
    }
}

/// Returns a page of connections: those that need attention first, then by the title of the provider and by the label.
#[utoipa::path(
    get,
    path = "/connections",
    params(
        ("search" = Option<String>, Query, description = "Words that the label, the account or the kind contains."),
        ("kind" = Option<String>, Query),
        ("provider" = Option<String>, Query),
        ("state" = inline(Option<words::ListState>), Query),
        ("extension" = Option<String>, Query, description = "The extension to which a connection is granted."),
        Limit,
        After,
    ),
    responses((status = 200, body = ConnectionPage))
)]
pub(super) async fn list(State(api): State<Api>, caller: Caller<ToRead>) -> Result<Response, Problem> {
    let registry = &caller.registry;
    let query = &caller.query;
    let known_state = |text: &str| ["live", "attention", "offline", "unknown"].contains(&text).then(|| text.to_owned());
    let wanted = Wanted {
        search: query.get("search").map(str::to_lowercase),
        kind: query.parsed("kind", Kind::parse)?,
        provider: query.parsed("provider", Kind::parse)?,
        state: query.parsed("state", known_state)?,
    };
    let limit = query.limit()? as usize;
    let after = query.parsed("after", parse_cursor)?;
    let grants = registry.extensions().grants().await?;
    let is_granted = |info: &ConnectionInfo| {
        query.get("extension").is_none_or(|extension| {
            let mut of_it = grants.iter().filter(|grant| grant.extension == extension && grant.revoked_at.is_none());
            of_it.any(|grant| grant.connection == info.id)
        })
    };
    let now = api.registry.server().clock().now();
    let mut counts = Counts::default();
    // The first connections after the position, and one more if there are more.
    let mut found: BTreeMap<Position, ConnectionInfo> = BTreeMap::new();
    let mut filter = Filter::new().limit(PAGE);
    loop {
        let page = registry.list_connections(filter.clone()).await?;
        for info in page.connections {
            counts.all += 1;
            counts.attention += u64::from(needs_attention(&info, now));
            let position = position(registry, &info, now);
            let follows = after.as_ref().is_none_or(|after| position > *after);
            if follows && is_granted(&info) && wanted.matches(registry, &info, now) {
                found.insert(position, info);
                if found.len() > limit + 1 {
                    found.pop_last();
                }
            }
        }
        match page.next {
            Some(next) => filter = filter.after(next),
            None => break,
        }
    }
    let has_more = found.len() > limit;
    if has_more {
        found.pop_last();
    }
    let next = found.last_key_value().filter(|_| has_more).map(|(position, _)| cursor(position));
    let items = found.values().map(|info| ListedBody::of(registry, info, &grants, now)).collect();
    Ok(json(StatusCode::OK, &ConnectionPage { items, next, counts: after.is_none().then_some(counts) }))
}
