//! The OAuth applications that the configuration has for kinds.

use std::{collections::BTreeMap, sync::Arc};

use connection_contract::Kind;

use crate::{
    Error,
    config::{Application, Settings, known_kinds},
    kind_entry::KindEntry,
};

/// Returns the configured applications. A kind that is unknown or takes no application is an error.
pub(crate) fn applications(
    settings: &Settings,
    kinds: &[KindEntry],
    has_catalogue: bool,
) -> Result<BTreeMap<Kind, Arc<Application>>, Error> {
    let mut applications = BTreeMap::new();
    for (name, configured) in &settings.kinds {
        let Some(entry) = kinds.iter().find(|entry| entry.descriptor.kind.as_str() == name) else {
            let known: Vec<_> = kinds.iter().map(|entry| entry.descriptor.kind.as_str()).collect();
            return Err(Error::configuration(format!("{}: unknown kind '{name}'", configured.place()))
                .remedy(known_kinds(&known, has_catalogue)));
        };
        let application = configured.application(&entry.descriptor)?;
        applications.insert(entry.descriptor.kind.clone(), Arc::new(application));
    }
    Ok(applications)
}
