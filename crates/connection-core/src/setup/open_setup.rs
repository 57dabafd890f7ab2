//! An open session as a host shows it, read at one moment by one statement.

use std::fmt;

use connection_contract::{BoxFuture, Secret};

use super::{
    SetupInfo, SetupSession, System,
    info::{self, is_listed},
    row::header_of,
    slot::Slot,
    start_address::{StartPlace, address_at, last_redirect_uri, page_proof},
};
use crate::{
    Error,
    store::{Sealed, rows::SetupRow},
};

/// An open session with what leads a browser to the provider, all of it read at one moment.
#[non_exhaustive]
pub struct OpenSetup {
    /// The session as it is listed.
    pub info: SetupInfo,
    /// The address through which a host leads the browser, as [`SetupSession::start_address`] returns it.
    pub start_address: Option<String>,
    /// The proof for the browsers that show the session, as [`SetupSession::browser_proof`] returns it.
    pub browser_proof: Option<Secret>,
}

impl fmt::Debug for OpenSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The start address opens the session.
        f.debug_struct("OpenSetup").field("info", &self.info).finish_non_exhaustive()
    }
}

impl SetupSession {
    /// Returns this session as a host shows it, or `None` after its end.
    ///
    /// It is read by one statement, however many other sessions are open.
    ///
    /// # Errors
    ///
    /// The store's, and [`Error::Sealed`].
    pub fn read(&self) -> BoxFuture<'_, Result<Option<OpenSetup>, Error>> {
        Box::pin(async move {
            let rows = self.system.ground.reader().await?.setup_and_effects(self.slot.id).await?;
            match &rows {
                Some((row, effects)) => of(&self.system, &self.slot, row, effects).await,
                None => Ok(None),
            }
        })
    }
}

/// Returns the session of these rows as a host shows it, or `None` if it has ended.
pub(super) async fn of(
    system: &System,
    slot: &Slot,
    row: &SetupRow,
    effects: &[(i64, Sealed)],
) -> Result<Option<OpenSetup>, Error> {
    if !is_listed(system, row) {
        return Ok(None);
    }
    let info = info::info(system, row).await;
    let led = header_of(system, slot, row).await?.filter(|header| header.led);
    let (start_address, browser_proof) = match led {
        Some(header) => {
            let uri = last_redirect_uri(system, slot, effects).await?;
            let address = uri.map(|uri| address_at(system, slot, &header.seed, &uri, StartPlace::Anywhere));
            (address, Some(page_proof(system, &header.seed)))
        }
        None => (None, None),
    };
    Ok(Some(OpenSetup { info, start_address, browser_proof }))
}
