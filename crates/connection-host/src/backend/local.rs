//! The local store.

use std::sync::Arc;

use connection_agent::UsageMonitor;
use connection_api::NewSetupLink;
use connection_contract::{Kind, Timestamp};
use connection_core::{ConnectionRegistry, Error as CoreError, NewSetupLink as CoreLink, Tags};

use super::{Backend, Lookup};
use crate::{Error, config::Settings};

/// The local store, as a registry that is open.
pub(crate) struct Local {
    pub(crate) registry: ConnectionRegistry,
    pub(super) settings: Arc<Settings>,
    pub(super) usage: UsageMonitor,
}

impl Local {
    pub(crate) fn new(registry: ConnectionRegistry, settings: Arc<Settings>) -> Self {
        let usage = UsageMonitor::new(&registry);
        Self { registry, settings, usage }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.registry.clock().now()
    }
}

#[async_trait::async_trait(?Send)]
impl Backend for Local {
    fn lookup(&self) -> &dyn Lookup {
        &self.registry
    }

    async fn close(&self) {
        self.registry.close().await;
    }
}

impl Local {
    /// Checks what a link connects.
    pub(super) async fn new_link(&self, link: NewSetupLink) -> Result<CoreLink, Error> {
        let owner = self.registry.owner_name();
        let name = link.name.unwrap_or_default();
        let new = match &link.connection {
            Some(id) => {
                let connection = self.connection(id).await?;
                if !connection.info().registered {
                    return Err(CoreError::UnknownKind(connection.info().kind.clone()).into());
                }
                CoreLink::repair(owner, name, connection.id())
            }
            None => {
                let mut kinds = Vec::new();
                for name in &link.kinds {
                    let kind = Kind::parse(name).ok_or_else(|| Error::usage("--kind does not accept this value"))?;
                    if self.registry.kinds().get(&kind).is_none() {
                        return Err(CoreError::UnknownKind(kind).into());
                    }
                    kinds.push(kind);
                }
                CoreLink::new(owner, name, kinds).tags(Tags::new(link.tags).map_err(CoreError::from)?)
            }
        };
        match link.return_to {
            Some(address) if !self.settings.page.allows(&address) => {
                Err(Error::usage("--return-to takes an address of 'page.return_addresses' alone, perhaps with a query")
                    .remedy("add the address to 'page.return_addresses' in the configuration"))
            }
            Some(address) => Ok(new.return_to(address)),
            None => Ok(new),
        }
    }
}
