//! The record of events: what happened to the connections of an owner.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Client, Error};

/// Something that happened to a connection.
///
/// ```
/// use connection_client::Event;
///
/// let text = r#"{"id": "018f3b9e-7d2a-7c31-9f43-0123456789ab", "connection": "018f3b9e-7d2a-7c31-9f43-0123456789ac",
///     "number": 1, "at": "2027-01-15T08:00:00Z", "event": "connected", "details": {}}"#;
/// assert_eq!(serde_json::from_str::<Event>(text)?.event, "connected");
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// The id, which is the position in the record.
    pub id: String,
    /// The id of the connection, which may have been removed.
    pub connection: String,
    /// The number of the event, per connection, from 1 and without gaps.
    pub number: u64,
    /// The time at which it was recorded.
    pub at: String,
    /// The name. Later versions record events with other names.
    pub event: String,
    /// The details, an object without secrets; `null` if they cannot be read.
    pub details: Value,
}

/// A page of events.
///
/// ```no_run
/// # use connection_client::{Client, Error};
/// async fn is_whole(client: &Client, id: &str) -> Result<bool, Error> {
///     Ok(client.connection_events(id, None).await?.broken_at.is_none())
/// }
/// # let _ = is_whole;
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventPage {
    /// The events of this page. The list may be empty even if another page follows, so test [`next`](Self::next).
    pub items: Vec<Event>,
    /// The position at which the next page begins; `None` on the last page.
    pub next: Option<String>,
    /// The result of the check for edits: `whole` if every event is as the server wrote it, `broken` if one was changed
    /// outside of the server, and `None` if the events were not checked.
    pub chain: Option<String>,
    /// The number of the first event that was changed outside of the server; `None` if no such event was found.
    pub broken_at: Option<u64>,
}

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
    order: Option<&'static str>,
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
        self.order = Some("newest");
        self
    }

    /// Sets the number of events of a page: 1 to 500, and 50 otherwise.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Begins after the event with this id, such as [`EventPage::next`] of the page before.
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
