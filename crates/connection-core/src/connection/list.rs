//! Lists of connections, in pages by key. They hold no secrets, neither sealed nor opened.

use connection_contract::Kind;

use crate::{
    ConnectionId, ConnectionInfo, Cursor, Error, Page, ProfileId,
    ground::Ground,
    page::TimeAndId,
    store::{ListFilter, Reader, any_of, own_kinds_of, rows::FoundRow},
};

/// Selects the connections to list. All conditions must hold.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Filter {
    all_owners: bool,
    kind: Option<Kind>,
    provider: Option<Kind>,
    label: Option<String>,
    /// `Some(None)` selects the connections without a profile.
    profile: Option<Option<ProfileId>>,
    tags: Vec<(String, String)>,
    after: Option<Cursor>,
    limit: Option<u16>,
}

impl Filter {
    /// Selects all connections of the owner.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects among the connections of all owners.
    ///
    /// This method is for the operator of the program: a host does not call it for a request of an owner. Apart from
    /// [`BeginWatch::all_owners`](crate::BeginWatch::all_owners) and
    /// [`AllOwners::connections_of_kind`](crate::AllOwners::connections_of_kind), no other method shows connections of another
    /// owner.
    ///
    /// On PostgreSQL, the order of connections of different owners that are stored at the same moment is not fixed: one
    /// of them may come to stand before a position that was returned already. Within an owner this cannot happen.
    #[must_use]
    pub fn all_owners(mut self) -> Self {
        self.all_owners = true;
        self
    }

    /// Selects the connections of one kind.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Selects the connections of all kinds of one provider.
    #[must_use]
    pub fn provider(mut self, provider: Kind) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Selects the connection with exactly this label, per kind.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Selects the connections of one profile.
    #[must_use]
    pub fn profile(mut self, id: ProfileId) -> Self {
        self.profile = Some(Some(id));
        self
    }

    /// Selects the connections without a profile: their kind has none, or they are older than the first profile.
    #[must_use]
    pub fn without_profile(mut self) -> Self {
        self.profile = Some(None);
        self
    }

    /// Selects the connections that have this tag with this value. Several calls select those that have all of the tags.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((name.into(), value.into()));
        self
    }

    /// Selects the connections after this position: [`Page::next`], or the [`ConnectionInfo::cursor`] of the last
    /// connection seen.
    #[must_use]
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// Sets the maximum number of connections of a page. The default is 1,000. Connections that the filter rejects count
    /// towards the limit: a page may hold fewer, or none, without being the last.
    #[must_use]
    pub fn limit(mut self, limit: u16) -> Self {
        self.limit = Some(limit.max(1));
        self
    }
}

/// Returns the number of connections of an owner or of all owners, and of one kind or of all kinds.
pub(crate) async fn count(ground: &Ground, owner: Option<&str>, kind: Option<&Kind>) -> Result<u64, Error> {
    Ok(ground.reader().await?.count_accounts(owner, kind.map(Kind::as_str)).await?)
}

/// Returns a page of the connections that the filter selects.
pub(crate) async fn list(ground: &Ground, owner: &str, filter: Filter) -> Result<Page<ConnectionInfo>, Error> {
    let Filter { all_owners, kind, provider, label, profile, tags, after, limit } = filter;
    let after = after.as_ref().map(Cursor::position::<TimeAndId<ConnectionId>>).transpose()?;
    let wanted = ListFilter {
        owner: (!all_owners).then(|| owner.to_owned()),
        kind: kind.map(|kind| kind.as_str().to_owned()),
        kinds: provider.map(|provider| {
            let own = own_kinds_of(&provider);
            any_of(ground.kinds_of(&provider).iter().map(Kind::as_str).chain([&*own]))
        }),
        label,
        profile: profile.map(|of| of.map(|id| id.to_string()).unwrap_or_default()),
        tag: tags.first().cloned(),
        after: after.map(|TimeAndId { at, id }| (at, id.as_uuid())),
        limit: i64::from(limit.unwrap_or(1000)),
    };
    let mut reader = ground.reader().await?;
    let (rows, next) = reader.list(&wanted).await?;
    let mut items = infos(ground, &mut reader, rows).await?;
    // The query compares one tag, and none among the connections of all owners.
    let has = |info: &ConnectionInfo, (name, value): &(String, String)| info.tags.get(name) == Some(value);
    items.retain(|info| tags.iter().all(|tag| has(info, tag)));
    Ok(Page { items, next: next.map(|(at, id)| Cursor::at(TimeAndId { at, id: ConnectionId::from(id) })) })
}

/// Returns those of the connections that exist and belong to the owner.
pub(super) async fn named(
    ground: &Ground,
    reader: &mut Reader,
    owner: &str,
    ids: &[ConnectionId],
) -> Result<Vec<ConnectionInfo>, Error> {
    let rows = reader.listed_of(owner, ids).await?;
    infos(ground, reader, rows).await
}

/// Returns the information of rows, some of which may be unreadable.
async fn infos(ground: &Ground, reader: &mut Reader, rows: Vec<FoundRow>) -> Result<Vec<ConnectionInfo>, Error> {
    let mut listed = Vec::new();
    for FoundRow { id, row, .. } in rows {
        match row {
            Some(row) => listed.push(row),
            None => {
                tracing::warn!(connection = id.map(tracing::field::display), "the row of a connection cannot be read");
            }
        }
    }
    let named = listed.iter().map(|row| (&*row.account.owner, &*row.account.kind));
    let kinds = ground.kinds_of_rows(reader, named).await?;
    Ok(listed.into_iter().filter_map(|row| kinds.info(row)).collect())
}
