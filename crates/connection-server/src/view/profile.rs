//! The profiles of local tools.

use connection_api as api;
use connection_contract::Kind;
use connection_core::{Error, Profile, Profiles};

use crate::convert;

/// Returns the shape of a profile of this kind, with the slots that use it and what its directory shows.
///
/// # Errors
///
/// The store's.
pub async fn profile(kind: &Kind, profiles: &Profiles, profile: &Profile) -> Result<api::Profile, Error> {
    let slots = profiles.slots().await?.into_iter().filter(|(_, id)| *id == profile.id);
    let slots: Vec<_> = slots.map(|(slot, _)| slot).collect();
    let probed = profiles.probe(&profile.directory).await?;
    Ok(convert::profile(kind.as_str(), profile, &slots, &probed))
}
