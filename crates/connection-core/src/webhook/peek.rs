//! Shows what waits in an inbox, and takes nothing.

use super::ReceivedEvent;
use crate::{Connection, Error};

/// So many are read at once: each holds a body.
const PAGE: i64 = 20;

/// Events that nobody has acknowledged, in the order in which they came.
#[derive(Debug)]
#[non_exhaustive]
pub struct InboxPage {
    /// Each as it waits, or [`Error::Sealed`] for one that does not open.
    pub events: Vec<Result<ReceivedEvent, Error>>,
    /// Where the next page begins, if there may be one.
    pub next: Option<u64>,
}

impl Connection {
    /// A page of what waits in its inbox, behind that number: it is shown, not handed over. Nothing is claimed, and whoever
    /// takes events gets them as before.
    ///
    /// # Errors
    ///
    /// As [`webhook`](Self::webhook).
    pub async fn inbox(&self, after: Option<u64>) -> Result<InboxPage, Error> {
        self.webhooks()?;
        let after = after.map_or(0, |after| i64::try_from(after).unwrap_or(i64::MAX));
        let rows = self.shared.reader().await?.waiting_webhooks(self.id(), after, PAGE).await?;
        let last = rows.last().map(|row| u64::try_from(row.number).unwrap_or_default());
        let next = last.filter(|_| rows.len() as i64 == PAGE);
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            match ReceivedEvent::of(&self.shared, row).await {
                // Behind a key that cannot be asked now, none of them opens.
                Err(Error::Sealed { what, source }) if source.may_pass() => return Err(Error::Sealed { what, source }),
                event => events.push(event),
            }
        }
        Ok(InboxPage { events, next })
    }
}
