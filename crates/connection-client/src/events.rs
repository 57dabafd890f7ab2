//! The record of events: what happened to the connections of an owner.

use connection_api::{EventPage, Order};

use crate::{Client, Error};

/// A filter of events, and the page of the list.
///
/// ```
/// use connection_client::EventFilter;
///
/// let filter = EventFilter::new().event("connected").event("removed").newest_first().limit(10);
/// # drop(filter);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EventFilter {
    connection: Option<String>,
    events: Vec<String>,
    order: Option<Order>,
    limit: Option<u32>,
    after: Option<String>,
}

impl EventFilter {
    /// Selects all events, oldest first.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects events of the connection with this id.
    #[must_use]
    pub fn connection(mut self, id: impl Into<String>) -> Self {
        self.connection = Some(id.into());
        self
    }

    /// Selects events with this name, or with one of these if called repeatedly.
    #[must_use]
    pub fn event(mut self, name: impl Into<String>) -> Self {
        self.events.push(name.into());
        self
    }

    /// Begins with the newest event.
    #[must_use]
    pub fn newest_first(mut self) -> Self {
        self.order = Some(Order::Newest);
        self
    }

    /// Sets the number of events of a page: 1 to 500, and 50 otherwise.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Begins after the event with this id, such as `next` of the [`EventPage`] before.
    #[must_use]
    pub fn after(mut self, id: impl Into<String>) -> Self {
        self.after = Some(id.into());
        self
    }
}

impl Client {
    /// Returns a page of the events of all connections, also of removed ones. They are not checked for changes.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer.
    pub async fn events(&self, filter: &EventFilter) -> Result<EventPage, Error> {
        let names = (!filter.events.is_empty()).then(|| filter.events.join(","));
        let call = self.get(&["events"]).query("connection", filter.connection.as_ref()).query("event", names);
        let call = call.query("order", filter.order).query("limit", filter.limit);
        call.query("after", filter.after.as_ref()).answer().await
    }

    /// Returns the last 500 events of one connection, newest first, or those before the number `before`. All events of the
    /// connection are checked for changes. It may have been removed.
    ///
    /// # Errors
    ///
    /// As [`events`](Self::events); with the code `not_found` if there is no such connection.
    pub async fn connection_events(&self, id: &str, before: Option<u64>) -> Result<EventPage, Error> {
        self.get(&["connections", id, "events"]).query("limit", Some(500)).query("after", before).answer().await
    }
}
