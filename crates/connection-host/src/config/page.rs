//! The table `[page]`: what the page of a setup link shows of this host, and where its visitors return to.

use std::path::PathBuf;

use connection_inbound::PublicEndpoint;
use connection_server::{Accent, ApiOptions, Logo, ReturnAddress};

use crate::Error;

/// The configuration keys below `page`.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageSettings {
    pub(super) name: Option<String>,
    pub(super) logo: Option<PathBuf>,
    pub(super) accent: Option<Accent>,
    pub(super) return_addresses: Vec<ReturnAddress>,
}

impl PageSettings {
    /// Returns `true` if a setup link may lead its visitor to this address at the end.
    pub(crate) fn allows(&self, address: &str) -> bool {
        self.return_addresses.iter().any(|allowed| allowed.allows(address))
    }

    /// Adds the origins of the return addresses, whose pages lead users of the host to their own setups.
    pub(crate) fn add_origins_to(&self, endpoint: PublicEndpoint) -> PublicEndpoint {
        self.return_addresses.iter().fold(endpoint, |endpoint, address| endpoint.return_address(address.as_str()))
    }

    /// Adds the settings to the options of the API.
    ///
    /// # Errors
    ///
    /// The logo cannot be read, or is not one that browsers show.
    pub(crate) fn add_to(&self, options: ApiOptions) -> Result<ApiOptions, Error> {
        let options = match &self.name {
            Some(name) => options.name(name),
            None => options,
        };
        let options = match &self.accent {
            Some(accent) => options.accent(accent.clone()),
            None => options,
        };
        let options = self.return_addresses.iter().cloned().fold(options, ApiOptions::return_address);
        let Some(path) = &self.logo else { return Ok(options) };
        let wrong = |reason: &dyn std::fmt::Display| {
            Error::configuration(format!("'page.logo' is {}: {reason}", path.display()))
                .remedy("name the file of a small image, or remove the key")
        };
        let image = std::fs::read(path).map_err(|error| wrong(&error))?;
        Ok(options.logo(Logo::new(&image).map_err(|error| wrong(&error))?))
    }
}
