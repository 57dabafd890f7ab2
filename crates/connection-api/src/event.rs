//! The record of events, and the events that were not delivered to the operator.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::words::words;

words! {
    /// The result of the check of a record of events.
    Chain {
        /// Every event is as the server wrote it.
        Whole = "whole",
        /// An event was changed outside of the server.
        Broken = "broken",
        _ => Unrecognized,
    }
    /// The order of a list of events.
    Order {
        /// The oldest event comes first.
        Oldest = "oldest",
        /// The newest event comes first.
        Newest = "newest",
    }
    /// The state of an event that was not delivered to the operator.
    EventDeliveryState {
        /// The event is sent again.
        Waiting = "waiting",
        /// All attempts failed.
        Failed = "failed",
        _ => Unrecognized,
    }
}

/// Something that happened to a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub details: Value,
}

/// The data of a hint that something changed, which `GET /live` streams. The event of the stream says what changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LiveHint {
    /// The id of the connection or setup, or the name of the extension; absent if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A page of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    /// The events of this page. The list may be empty even if another page follows.
    pub items: Vec<Event>,
    /// The position at which the next page begins; `null` on the last page.
    pub next: Option<String>,
    /// `whole` if no event was changed outside of this program, `broken` if one was; `null` if that was not checked.
    pub chain: Option<Chain>,
    /// The number of the first event of the connection that was changed outside of this program.
    pub broken_at: Option<u64>,
}

/// An event that was not delivered to the address of the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EventDelivery {
    /// The id of the event, which is also the `webhook-id` of its message.
    pub id: String,
    /// The owner of the connection.
    pub owner: String,
    /// The id of the connection, which may have been removed.
    pub connection: String,
    /// The type of the message, such as `connection.connected`.
    #[serde(rename = "type")]
    pub name: String,
    /// `waiting` if it is sent again, `failed` if all attempts failed.
    pub state: EventDeliveryState,
    /// The number of attempts until now.
    pub attempts: u32,
    /// The time of the next attempt; `null` if there is none.
    pub next_attempt_at: Option<String>,
    /// The reason why the last attempt failed, as a clause.
    pub failure: Option<String>,
}
