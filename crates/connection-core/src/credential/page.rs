//! The address of the page on which a person deletes a credential at the provider.
//!
//! The plugin names it whenever a credential is stored, and it is sealed with the credential. A removal therefore knows
//! it without the plugin.

use std::{sync::Arc, time::Duration};

use connection_contract::{Connection, Link, Secret, Text};

use crate::{
    contain::{self, Contained},
    ground::Ground,
    kinds::KindEntry,
};

/// The longest time for naming an address, which takes microseconds.
const MAX_DURATION: Duration = Duration::from_secs(10);
/// The longest address. A text for people holds it uncut.
const MAX_ADDRESS: usize = 400;

/// Returns the address for a credential, or for one that cannot be read. `None` if the plugin knows none, or does not say
/// so in time.
pub(crate) async fn of(
    ground: &Ground,
    kind: &Arc<KindEntry>,
    connection: Connection,
    credential: Option<Secret>,
) -> Option<String> {
    let definition = kind.definition.clone();
    let name = async move { contain::call(|| definition.credential_page(credential.as_ref(), &connection)) };
    match ground.runtimes.run(&*ground.clock, MAX_DURATION, name).await {
        Contained::Ended(Some(address)) => address.and_then(usable),
        _ => None,
    }
}

/// Returns the address that a plugin names, if a person can open it.
pub(super) fn usable(address: Text) -> Option<String> {
    let link = Link::from_provider(&address).filter(|_| address.len() <= MAX_ADDRESS)?;
    Some(link.as_str().to_owned())
}
