//! The list of connections: those that need attention first, then by the title of the provider and by the label.

use std::{collections::HashMap, sync::Arc};

use axum::{extract::State, http::StatusCode, response::Response};
use connection_contract::{Kind, Liveness, Timestamp};
use connection_core::{ConnectionInfo, ConnectionRegistry, Grant};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    connection_order::{Order, Position},
    titles::Titles,
};
use crate::{
    Api,
    body::json,
    caller::{Caller, ToRead},
    openapi::parameters::{After, Limit},
    problem::Problem,
    shapes::{ConnectionBody, condition, expires_soon, is_restored, is_use_refused, words},
};

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

/// The numbers of connections. Each connection is in `all` and in the number of its liveness.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ConnectionCounts)]
struct Counts {
    all: u64,
    /// The connections that do not work, or soon will not, unless a person acts.
    attention: u64,
    live: u64,
    offline: u64,
    failing: u64,
    /// The connections of which it is not known whether they work, for example because they were never checked.
    unknown: u64,
}

impl Counts {
    fn add(&mut self, info: &ConnectionInfo, needs_attention: bool) {
        self.all += 1;
        self.attention += u64::from(needs_attention);
        *match condition(info).0 {
            Liveness::Live => &mut self.live,
            Liveness::Offline => &mut self.offline,
            Liveness::Failing => &mut self.failing,
            _ => &mut self.unknown,
        } += 1;
    }
}

impl ListedBody {
    pub(super) fn of(titles: &Titles<'_>, info: &ConnectionInfo, grants: &[Grant], now: Timestamp) -> Self {
        let used = grants.iter().filter(|grant| grant.connection == info.id && grant.revoked_at.is_none());
        Self {
            connection: ConnectionBody::of(info, now),
            kind_title: titles.title(&info.kind),
            provider_title: titles.title(&info.provider),
            used_by: used.map(|grant| grant.extension.clone()).collect(),
            needs_attention: needs_attention(info, now),
            remedy_action: remedy_action(info, now),
        }
    }
}

fn needs_attention(info: &ConnectionInfo, now: Timestamp) -> bool {
    let (liveness, _) = condition(info);
    !info.registered
        || liveness == Liveness::Failing
        || info.is_to_choose()
        || is_restored(info)
        || expires_soon(info, now)
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
        Liveness::Offline if info.is_to_choose() => Some("reauthorize"),
        Liveness::Offline => Some("wait"),
        Liveness::Live if expires_soon(info, now) || is_restored(info) => Some("reauthorize"),
        Liveness::Live => is_use_refused(info).then_some("verify"),
        _ => Some("verify"),
    }
}

/// The filters that a request states; `None` does not filter.
#[derive(Serialize)]
struct Wanted {
    search: Option<String>,
    kind: Option<String>,
    provider: Option<String>,
    state: Option<String>,
    extension: Option<String>,
    /// The name and the value of a tag.
    tag: Option<(String, String)>,
}

/// A list of the connections of an owner that match the filters.
struct List<'a> {
    registry: &'a ConnectionRegistry,
    titles: Titles<'a>,
    wanted: Wanted,
    grants: Vec<Grant>,
    now: Timestamp,
}

/// The connections of one page, and the position of the next page.
struct Found {
    connections: Vec<ConnectionInfo>,
    next: Option<String>,
    counts: Option<Counts>,
}

impl List<'_> {
    /// Returns the owner and the filters as one text.
    fn name(&self) -> String {
        serde_json::to_string(&(self.registry.owner_name(), &self.wanted)).unwrap_or_default()
    }

    fn matches(&self, info: &ConnectionInfo) -> bool {
        let wanted = &self.wanted;
        wanted.kind.as_ref().is_none_or(|kind| info.kind.as_str() == kind)
            && wanted.provider.as_ref().is_none_or(|provider| info.provider.as_str() == provider)
            && wanted.tag.as_ref().is_none_or(|(name, value)| info.tags.get(name) == Some(value))
            && self.has_state(info)
            && self.is_granted(info)
            && self.is_found(info)
    }

    fn has_state(&self, info: &ConnectionInfo) -> bool {
        let (liveness, _) = condition(info);
        match self.wanted.state.as_deref() {
            None => true,
            Some("attention") => needs_attention(info, self.now),
            Some("live") => liveness == Liveness::Live,
            Some("offline") => liveness == Liveness::Offline,
            Some("failing") => liveness == Liveness::Failing,
            _ => liveness == Liveness::Unknown,
        }
    }

    fn is_granted(&self, info: &ConnectionInfo) -> bool {
        self.wanted.extension.as_ref().is_none_or(|extension| {
            let is_current = |grant: &&Grant| grant.extension == *extension && grant.revoked_at.is_none();
            self.grants.iter().filter(is_current).any(|grant| grant.connection == info.id)
        })
    }

    fn is_found(&self, info: &ConnectionInfo) -> bool {
        let Some(search) = &self.wanted.search else { return true };
        let texts = [
            info.label.to_string(),
            info.identity.label.to_string(),
            info.identity.account_id.to_string(),
            info.kind.to_string(),
            info.provider.to_string(),
            self.titles.title(&info.kind),
        ];
        let tags = info.tags.iter().map(|(name, value)| format!("{name}={value}"));
        let texts: Vec<_> = texts.into_iter().chain(tags).map(|text| text.to_lowercase()).collect();
        search.split_whitespace().all(|word| texts.iter().any(|text| text.contains(word)))
    }

    /// Returns the connections of a page, with the order of all that match.
    async fn read(&self, after: Option<&Position>, limit: usize) -> Result<(Found, Order), Problem> {
        let mut counts = Counts::default();
        let mut order = Vec::new();
        // The title of a kind is looked up once.
        let mut providers = HashMap::new();
        let outlines = self.registry.outlines().await?;
        self.titles.learn(outlines.iter().map(|info| &info.kind)).await?;
        for info in outlines {
            let needs_attention = needs_attention(&info, self.now);
            counts.add(&info, needs_attention);
            if !self.matches(&info) {
                continue;
            }
            let title = || self.titles.title(&info.provider).to_lowercase().into();
            let provider: &Arc<str> = providers.entry(info.provider.clone()).or_insert_with(title);
            let label = info.label.to_string();
            order.push(Position { works: !needs_attention, provider: provider.clone(), label, id: info.id });
        }
        order.sort_unstable();
        let mut found = self.read_in_order(&order, after, limit).await?;
        found.counts = after.is_none().then_some(counts);
        Ok((found, order.into()))
    }

    /// Reads the connections of a page of an order. A connection that was removed, or has changed so that it no longer
    /// matches, is left out.
    async fn read_in_order(
        &self,
        order: &[Position],
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Found, Problem> {
        let begin = after.map_or(0, |after| order.partition_point(|position| position <= after));
        let mut rest = order.get(begin..).unwrap_or_default();
        let mut connections = Vec::new();
        let mut last = None;
        while connections.len() < limit && !rest.is_empty() {
            let (some, others) = rest.split_at(rest.len().min(limit - connections.len()));
            let ids: Vec<_> = some.iter().map(|position| position.id).collect();
            let read = self.registry.listed_by_id(&ids).await?;
            self.titles.learn(read.iter().map(|info| &info.kind)).await?;
            let mut read: HashMap<_, _> = read.into_iter().map(|info| (info.id, info)).collect();
            connections.extend(ids.iter().filter_map(|id| read.remove(id)).filter(|info| self.matches(info)));
            last = some.last();
            rest = others;
        }
        let next = last.filter(|_| !rest.is_empty()).map(Position::cursor);
        Ok(Found { connections, next, counts: None })
    }
}

/// Returns a page of connections: those that need attention first, then by the title of the provider and by the label.
#[utoipa::path(
    get,
    path = "/connections",
    params(
        ("search" = Option<String>, Query, description = "Words that the label, the account, the kind or a tag such as `plan=pro` contains."),
        ("kind" = Option<String>, Query),
        ("provider" = Option<String>, Query),
        ("state" = inline(Option<words::ListState>), Query),
        ("extension" = Option<String>, Query, description = "The extension to which a connection is granted."),
        ("tag" = Option<String>, Query, description = "A tag that a connection has, as in `plan=pro`."),
        Limit,
        After,
    ),
    responses((status = 200, body = ConnectionPage))
)]
pub(super) async fn list(State(api): State<Api>, caller: Caller<ToRead>) -> Result<Response, Problem> {
    let registry = &caller.registry;
    let query = &caller.query;
    let states = ["live", "attention", "offline", "failing", "unknown"];
    let known_state = |text: &str| states.contains(&text).then(|| text.to_owned());
    let kind = |text: &str| Kind::parse(text).map(|kind| kind.to_string());
    let tag = |text: &str| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let wanted = Wanted {
        search: query.get("search").map(str::to_lowercase),
        kind: query.parsed("kind", kind)?,
        provider: query.parsed("provider", kind)?,
        state: query.parsed("state", known_state)?,
        extension: query.get("extension").map(str::to_owned),
        tag: query.parsed("tag", tag)?,
    };
    let limit = query.limit()? as usize;
    let after = query.parsed("after", Position::parse)?;
    let grants = registry.extensions().grants().await?;
    let now = api.registry.server().clock().now();
    let list = List { registry, titles: Titles::new(registry), wanted, grants, now };
    let name = list.name();
    let kept = after.as_ref().and_then(|_| api.orders.of(&name, now));
    let found = match (&after, kept) {
        (Some(after), Some(order)) => list.read_in_order(&order, Some(after), limit).await?,
        _ => {
            let (found, order) = list.read(after.as_ref(), limit).await?;
            if found.next.is_some() {
                api.orders.keep(name, order, now);
            }
            found
        }
    };
    let Found { connections, next, counts } = found;
    let items = connections.iter().map(|info| ListedBody::of(&list.titles, info, &list.grants, now)).collect();
    Ok(json(StatusCode::OK, &ConnectionPage { items, next, counts }))
}
