//! The filter of a list of connections.

use connection_api::ListState;

/// A filter of connections, and the page of the list.
///
/// ```
/// use connection_client::{ConnectionFilter, ListState};
///
/// let filter = ConnectionFilter::new().kind("github").state(ListState::Attention).search("work").limit(10);
/// # drop(filter);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ConnectionFilter {
    pub(crate) kind: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) state: Option<ListState>,
    pub(crate) extension: Option<String>,
    pub(crate) search: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) limit: Option<u32>,
    pub(crate) after: Option<String>,
}

impl ConnectionFilter {
    /// Creates a filter that selects all connections of the token's owner.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects connections of this kind.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Selects connections of this provider.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<String>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// Selects connections in this state.
    #[must_use]
    pub fn state(mut self, state: ListState) -> Self {
        self.state = Some(state);
        self
    }

    /// Selects connections that are granted to this extension.
    #[must_use]
    pub fn extension(mut self, extension: impl Into<String>) -> Self {
        self.extension = Some(extension.into());
        self
    }

    /// Selects connections whose label, account, kind or tags contain each of these words.
    #[must_use]
    pub fn search(mut self, words: impl Into<String>) -> Self {
        self.search = Some(words.into());
        self
    }

    /// Selects connections that have this tag, such as `plan=pro`.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into());
        self
    }

    /// Sets the number of connections of a page: 1 to 500, and 50 otherwise.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Begins after this place, which is [`ConnectionPage::next`](crate::ConnectionPage::next) of the page before.
    #[must_use]
    pub fn after(mut self, place: impl Into<String>) -> Self {
        self.after = Some(place.into());
        self
    }
}
