//! Reads from the row of a session how the session ended.

use connection_contract::SetupFailure;

use super::{Done, Outcome, System, codec, row, slot::Slot};
use crate::{
    Error,
    store::{
        SETUP_STEP,
        rows::{SetupRow, SetupState},
    },
};

/// Returns how a session ended, or `None` for an open session.
pub(super) async fn ended(system: &System, slot: &Slot, row: &SetupRow) -> Result<Option<Outcome>, Error> {
    Ok(match row.state {
        SetupState::Running | SetupState::Waiting => None,
        SetupState::Cancelled => Some(Outcome::Cancelled),
        SetupState::Done => Some(stored(system, slot, row).await?),
        SetupState::Failed => {
            let cell = slot.cell(&SETUP_STEP, row.step_seq);
            let bytes = match &row.sealed_step {
                Some(sealed) => system.ground.open_or_lost(&cell, sealed).await?,
                None => None,
            };
            let failure = bytes.and_then(|bytes| codec::to_failure(bytes.expose()));
            Some(Outcome::Failed(failure.unwrap_or_else(row::expired)))
        }
    })
}

/// Returns the outcome of a session that is stored as done.
async fn stored(system: &System, slot: &Slot, row: &SetupRow) -> Result<Outcome, Error> {
    let mut reader = system.ground.reader().await?;
    // Nothing in the row of a session that has ended is sealed for its owner.
    let listed = reader.listed(row.connection_id).await?.filter(|row| row.account.owner == slot.owner);
    let Some(info) = system.ground.info_of(&mut reader, listed).await? else {
        let failure = SetupFailure::new("setup_ended", "the connection that this setup made was removed");
        return Ok(Outcome::Failed(failure));
    };
    Ok(Outcome::Done(Done {
        connection: info.id,
        label: info.label,
        identity: info.identity,
        liveness: info.liveness,
        reason: info.reason,
    }))
}
