//! Looks at every row that decides who gets a secret or what is run.

use connection_contract::{BoxFuture, Kind};
use uuid::Uuid;

use super::{Events, Systems};
use crate::{
    ApprovalState, Error, access_token, approval,
    extension::{choice, row_marks},
    frozen::{Freezing, row_error},
    grant::{self, agent},
    guard::{self, RowError, RowFault},
    keys::Sealer,
    profile_rows,
    store::{Reader, broken_row_link},
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
            let owners = systems.ground.reader().await?.owners_of_marked_rows().await?;
            let freezing =
                Freezing::read(&systems.ground.sealer, systems.ground.reader().await?.freeze().await?.as_ref());
            found.extend(freezing.fault.map(row_error));
            for owner in owners {
                found.extend(record(systems, &owner).await?);
                found.extend(marked(systems, &owner).await?);
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

async fn approvals(reader: &mut Reader, sealer: &Sealer, owner: &str) -> Result<Vec<RowError>, Error> {
    let mut found = Vec::new();
    for state in ApprovalState::ALL {
        let mut before = Uuid::max();
        loop {
            let rows = reader.approvals(owner, state.stored(), before, PAGE).await?;
            found.extend(rows.iter().filter_map(|row| approval::check(sealer, row).err()));
            match rows.last() {
                Some(last) if rows.len() as i64 == PAGE => before = last.id.as_uuid(),
                _ => break,
            }
        }
    }
    Ok(found)
}

async fn marked(systems: &Systems, owner: &str) -> Result<Vec<RowError>, Error> {
    let sealer = &systems.ground.sealer;
    let mut reader = systems.ground.reader().await?;
    let grants = reader.grants(owner).await?;
    let mut found: Vec<_> = grants.iter().filter_map(|row| grant::check(sealer, owner, row).err()).collect();
    let mut after = None;
    loop {
        let tokens = reader.access_tokens(Some(owner), after, PAGE).await?;
        found.extend(tokens.iter().filter_map(|row| access_token::check(sealer, row).err()));
        after = tokens.last().map(|row| row.id);
        if (tokens.len() as i64) < PAGE {
            break;
        }
    }
    let agents = reader.every_agent(owner).await?;
    found.extend(agents.iter().filter_map(|row| agent::check(sealer, row).err()));
    let grants = reader.every_agent_grant(owner).await?;
    found.extend(grants.iter().filter_map(|row| agent::check_grant(sealer, row).err()));
    found.extend(approvals(&mut reader, sealer, owner).await?);
    let widenings = reader.widenings(owner).await?;
    found.extend(widenings.iter().filter_map(|row| approval::check_widening(sealer, row).err()));
    let choices = reader.choices(owner).await?;
    found.extend(choices.iter().filter_map(|row| choice::check(sealer, owner, row).err()));
    let marks = row_marks::RowMarks { sealer, owner, now: 0 };
    found.extend(reader.extensions(owner).await?.iter().filter_map(|row| marks.check(row).err()));
    found.extend(reader.every_preference(owner).await?.iter().filter_map(|row| marks.check_set(row).err()));
    for name in reader.extension_states(owner).await? {
        let state = reader.extension_state(owner, &name).await?;
        found.extend(state.and_then(|row| marks.check_state(&name, &row).err()));
    }
    for kind in reader.profile_kinds(owner).await? {
        // A name that no kind can have belongs to no profile.
        let Some(kind) = Kind::parse(&kind) else { continue };
        let marks = profile_rows::RowMarks { sealer, owner, kind: &kind, now: 0 };
        found.extend(reader.profiles(owner, kind.as_str()).await?.iter().filter_map(|row| marks.check(row).err()));
        let slots = reader.profile_slots(owner, kind.as_str()).await?;
        found.extend(slots.iter().filter_map(|row| marks.check_slot(row).err()));
    }
    Ok(found)
}
