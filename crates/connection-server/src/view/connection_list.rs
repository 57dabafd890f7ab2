//! Pages of connections: those that need attention first, then by the provider and by the label.

use connection_api::{ConnectionCounts, ConnectionPage, ListState};
use connection_contract::{Kind, Liveness, Timestamp};
use connection_core::{
    ConnectionId, ConnectionInfo, ConnectionRegistry, Cursor, Error, Filter, Overview, OverviewCounts,
};

use super::{Titles, connection::listed_with};

/// The number of connections that are read at once if those that match are found only by reading them.
const CHUNK: u16 = 500;
/// The number of connections with a tag that are sorted at once. The connections of a tag that more have are found in the
/// order of the list.
const FEW: u16 = 1000;

/// What a list of connections selects, and its page. All conditions must hold.
///
/// ```
/// use connection_contract::Kind;
/// use connection_server::view::ListQuery;
///
/// let query = ListQuery { kind: Some(Kind::from_static("github")), limit: 50, ..ListQuery::default() };
/// # drop(query);
/// ```
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes one chooses among all conditions")]
pub struct ListQuery {
    /// Words that the label, the account, the kind, the provider or a tag contains.
    pub search: Option<String>,
    /// The kind.
    pub kind: Option<Kind>,
    /// The provider.
    pub provider: Option<Kind>,
    /// The state.
    pub state: Option<ListState>,
    /// The name of an extension to which the connections are granted.
    pub extension: Option<String>,
    /// The name and the value of a tag.
    pub tag: Option<(String, String)>,
    /// The position after which the page begins.
    pub after: Option<Cursor>,
    /// The maximum number of connections.
    pub limit: u16,
}

impl ListQuery {
    /// Returns the conditions that an overview compares itself.
    fn overview(&self, among: Option<Vec<ConnectionId>>) -> Overview {
        let overview = self.kind.iter().cloned().fold(Overview::new(), Overview::kind);
        let overview = self.provider.iter().cloned().fold(overview, Overview::provider);
        let overview = match self.state {
            Some(ListState::Attention) => overview.only_attention(),
            Some(ListState::Live) => overview.liveness(Liveness::Live),
            Some(ListState::Offline) => overview.liveness(Liveness::Offline),
            Some(ListState::Failing) => overview.liveness(Liveness::Failing),
            Some(_) => overview.liveness(Liveness::Unknown),
            None => overview,
        };
        among.into_iter().fold(overview, Overview::among)
    }

    /// Returns `true` if the conditions hold that an overview does not compare.
    fn matches(&self, titles: &Titles<'_>, info: &ConnectionInfo) -> bool {
        let has_tag = self.tag.as_ref().is_none_or(|(name, value)| info.tags.get(name) == Some(value));
        has_tag && self.search.as_ref().is_none_or(|words| is_found(titles, info, words))
    }
}

fn is_found(titles: &Titles<'_>, info: &ConnectionInfo, words: &str) -> bool {
    let texts = [
        info.label.to_string(),
        info.identity.label.to_string(),
        info.identity.account_id.to_string(),
        info.kind.to_string(),
        info.provider.to_string(),
        titles.title(&info.kind),
    ];
    let tags = info.tags.iter().map(|(name, value)| format!("{name}={value}"));
    let texts: Vec<_> = texts.into_iter().chain(tags).map(|text| text.to_lowercase()).collect();
    words.to_lowercase().split_whitespace().all(|word| texts.iter().any(|text| text.contains(word)))
}

/// Returns a page of connections. The first page counts the connections without the conditions.
///
/// # Errors
///
/// Those of the store.
pub async fn connection_list(
    registry: &ConnectionRegistry,
    query: &ListQuery,
    now: Timestamp,
) -> Result<ConnectionPage, Error> {
    let among = match (&query.extension, &query.tag) {
        (Some(extension), _) => {
            let granted = registry.extensions().grants_to(extension).await?;
            Some(granted.iter().map(|grant| grant.connection).collect())
        }
        (None, Some((name, value))) => {
            let page = registry.list_connections(Filter::new().tag(name, value).limit(FEW)).await?;
            page.next.is_none().then(|| page.items.iter().map(|info| info.id).collect())
        }
        (None, None) => None,
    };
    let titles = Titles::new(registry);
    let (found, next) = find(registry, query, among, &titles).await?;
    let ids: Vec<_> = found.iter().map(|info| info.id).collect();
    let grants = registry.extensions().grants_of(&ids).await?;
    let items = found.iter().map(|info| listed_with(&titles, info, &grants, now)).collect();
    let counts = match query.after {
        None => Some(counts(registry.overview_counts().await?)),
        Some(_) => None,
    };
    Ok(ConnectionPage { items, next: next.map(|next| next.to_string()), counts })
}

/// Returns the connections of a page, and the position of the next page.
async fn find(
    registry: &ConnectionRegistry,
    query: &ListQuery,
    among: Option<Vec<ConnectionId>>,
    titles: &Titles<'_>,
) -> Result<(Vec<ConnectionInfo>, Option<Cursor>), Error> {
    let limit = usize::from(query.limit);
    let is_compared = query.search.is_some() || query.tag.is_some();
    let overview = query.overview(among).limit(if is_compared { CHUNK } else { query.limit });
    let mut found = Vec::new();
    let mut last = None;
    let mut after = query.after.clone();
    loop {
        let page = registry.overview(after.into_iter().fold(overview.clone(), Overview::after)).await?;
        titles.learn(page.items.iter().map(|entry| &entry.info.kind)).await?;
        for entry in page.items.into_iter().filter(|entry| query.matches(titles, &entry.info)) {
            if found.len() == limit {
                return Ok((found, last));
            }
            found.push(entry.info);
            last = Some(entry.cursor);
        }
        after = page.next;
        if after.is_none() || !is_compared {
            return Ok((found, after));
        }
    }
}

fn counts(counts: OverviewCounts) -> ConnectionCounts {
    let OverviewCounts { all, attention, live, offline, failing, unknown, .. } = counts;
    ConnectionCounts { all, attention, live, offline, failing, unknown, limit: OverviewCounts::LIMIT }
}
