//! Looks at every row that decides who gets a secret or what is run.

use connection_contract::BoxFuture;
use uuid::Uuid;

use super::{Events, Systems};
use crate::{
    Error,
    frozen::row_error,
    guard::{self, RowError, RowFault},
    store::broken_row_link,
};

/// The number of rows that are read at once.
const PAGE: i64 = 1000;

impl<'a> Events<'a> {
    /// Returns the rows, of all owners, that were edited or put back by somebody who can write the database and has no
    /// key. Each of them is refused where it would be used; this list is for the person who looks after the program.
    ///
    /// For a connection, its newest event is checked; for the marks of the other rows, the whole record. A database
    /// that was put back as a whole, with its newest events, is not detected.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn edited_rows(self) -> BoxFuture<'a, Result<Vec<RowError>, Error>> {
        Box::pin(async move {
            let systems = &self.registry.systems;
            let mut found = connections(systems).await?;
            let freeze = systems.ground.reader().await?.freeze().await?;
            found.extend(freeze.is_none().then(|| row_error(RowFault::Missing)));
            let owners = systems.ground.reader().await?.owners_of_marked_rows().await?;
            for owner in owners {
                found.extend(record(systems, &owner).await?);
                let mut reader = systems.ground.reader().await?;
                for table in guard::TABLES {
                    found.extend(table.refused(&mut reader, &systems.ground.sealer, &owner).await?);
                }
            }
            Ok(found)
        })
    }
}

async fn connections(systems: &Systems) -> Result<Vec<RowError>, Error> {
    let mut found = Vec::new();
    let mut after = Uuid::nil();
    loop {
        let rows = systems.ground.reader().await?.standings(after, PAGE).await?;
        found.extend(rows.iter().filter_map(|row| guard::refused(&systems.ground.sealer, row)));
        match rows.last() {
            Some(last) if rows.len() as i64 == PAGE => after = last.account.id.as_uuid(),
            _ => return Ok(found),
        }
    }
}

/// The row events of an owner, which vouch for that owner's rows.
async fn record(systems: &Systems, owner: &str) -> Result<Option<RowError>, Error> {
    let mut before = Vec::new();
    let mut last = 0_i64;
    let mac = |bytes: &[u8]| guard::event_mac(&systems.ground.sealer, bytes);
    loop {
        let events = systems.ground.reader().await?.row_events(owner, last, PAGE).await?;
        if let Some(seq) = broken_row_link(&before, owner, last.saturating_add(1), &events, &mac) {
            let what = format!("row event {seq}").into();
            let owner = owner.to_owned();
            return Ok(Some(RowError { table: "connection_row_event", owner, what, fault: RowFault::Edited }));
        }
        match events.last() {
            Some(event) if events.len() as i64 == PAGE => (before, last) = (event.chain.clone(), event.seq),
            _ => return Ok(None),
        }
    }
}
