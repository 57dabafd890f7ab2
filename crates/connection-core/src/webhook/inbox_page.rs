//! Reads the waiting events of an inbox without claiming them.

use connection_contract::BoxFuture;

use super::ReceivedEvent;
use crate::{ConnectionWebhooks, Error};

/// The number of events that are read at once. Each of them holds a body.
const PAGE: i64 = 20;

/// A page of events that nobody has acknowledged, in the order in which they arrived.
#[derive(Debug)]
#[non_exhaustive]
pub struct InboxPage {
    /// The events, each as it waits, or [`Error::Sealed`] for one that cannot be opened.
    pub events: Vec<Result<ReceivedEvent, Error>>,
    /// The position from which to read the next page, if there may be one.
    pub next: Option<u64>,
}

impl<'a> ConnectionWebhooks<'a> {
    /// Returns a page of the events that wait in the inbox, starting after that number. They are not claimed, so
    /// [`deliveries`](Self::deliveries) still returns them.
    ///
    /// # Errors
    ///
    /// The errors of [`info`](Self::info).
    pub fn inbox(self, after: Option<u64>) -> BoxFuture<'a, Result<InboxPage, Error>> {
        Box::pin(async move {
            self.facet().await?;
            let after = after.map_or(0, |after| i64::try_from(after).unwrap_or(i64::MAX));
            let rows = self
                .connection
                .system
                .ground
                .reader()
                .await?
                .waiting_webhooks(self.connection.id(), after, PAGE)
                .await?;
            let last = rows.last().map(|row| u64::try_from(row.number).unwrap_or_default());
            let next = last.filter(|_| rows.len() as i64 == PAGE);
            let mut events = Vec::with_capacity(rows.len());
            for row in rows {
                match ReceivedEvent::of(&self.connection.system.ground, row).await {
                    // While the key is unavailable, none of the events can be opened.
                    Err(Error::Sealed { what, source }) if source.may_pass() => {
                        return Err(Error::Sealed { what, source });
                    }
                    event => events.push(event),
                }
            }
            Ok(InboxPage { events, next })
        })
    }
}
