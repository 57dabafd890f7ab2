//! Reads the waiting events of an inbox without claiming them.

use connection_contract::BoxFuture;

use super::ReceivedEvent;
use crate::{ConnectionWebhooks, Cursor, Error, InvalidCursor, Page, page::one_more};

/// The number of events that are read at once. Each of them holds a body.
const PAGE: u32 = 20;

impl<'a> ConnectionWebhooks<'a> {
    /// Returns a page of the events that wait in the inbox, in the order in which they arrived. Each is as it waits, or
    /// [`Error::Sealed`] if it cannot be opened. They are not claimed, so [`deliveries`](Self::deliveries) still returns
    /// them.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`], and the errors of [`info`](Self::info).
    pub fn inbox(self, after: Option<Cursor>) -> BoxFuture<'a, Result<Page<Result<ReceivedEvent, Error>>, Error>> {
        Box::pin(async move {
            self.facet().await?;
            let after = after.as_ref().map_or(Ok(0), Cursor::position::<u64>)?;
            let after = i64::try_from(after).map_err(|_| InvalidCursor)?;
            let rows = self
                .connection
                .system
                .ground
                .reader()
                .await?
                .waiting_webhooks(self.connection.id(), after, one_more(Some(PAGE)))
                .await?;
            let Page { items: rows, next } = Page::of(rows, Some(PAGE), |row| row.number);
            let mut items = Vec::with_capacity(rows.len());
            for row in rows {
                match ReceivedEvent::of(&self.connection.system.ground, row).await {
                    // While the key is unavailable, none of the events can be opened.
                    Err(Error::Sealed { what, source }) if source.may_pass() => {
                        return Err(Error::Sealed { what, source });
                    }
                    event => items.push(event),
                }
            }
            Ok(Page { items, next })
        })
    }
}
