//! The state of one opened registry, and how its systems stand on each other.

use std::sync::Arc;

use super::Removal;
use crate::{
    InboundEndpoint, SettingsHandOff,
    agent::KeptCallers,
    connection, credential, exchange, extension,
    extension::{Declarations, ExtensionConsent},
    flights::Flights,
    ground::Ground,
    refresh,
    setup::{self, CallbackAddresses},
    store::Changed,
    verify::{self, ProbeLimits},
    webhook,
};

/// The state that all handles of one opened registry share: its systems, each of which holds those below it.
pub(crate) struct Systems {
    pub(crate) ground: Arc<Ground>,
    pub(crate) credential: Arc<credential::System>,
    pub(crate) exchange: Arc<exchange::System>,
    pub(crate) refresh: Arc<refresh::System>,
    pub(crate) verify: Arc<verify::System>,
    pub(crate) setup: Arc<setup::System>,
    pub(crate) connection: Arc<connection::System>,
    pub(crate) extension: Arc<extension::System>,
    pub(crate) webhook: Arc<webhook::System>,
    pub(super) callers: Arc<KeptCallers>,
    pub(super) removals: Flights<Removal>,
    /// The endpoint through which callbacks reach this host, if there is one.
    pub(super) inbound: Option<Arc<dyn InboundEndpoint>>,
}

/// The choices of a host for the systems.
pub(super) struct Choices {
    pub(super) inbound: Option<Arc<dyn InboundEndpoint>>,
    pub(super) settings: Option<Arc<dyn SettingsHandOff>>,
    pub(super) max_setups: u32,
    pub(super) probes: ProbeLimits,
}

impl Systems {
    /// Builds the systems, the lowest first.
    pub(super) fn new(exchange: exchange::System, callers: Arc<KeptCallers>, choices: Choices) -> Self {
        let Choices { inbound, settings, max_setups, probes } = choices;
        let exchange = Arc::new(exchange);
        let refresh = Arc::new(refresh::System::new(exchange.clone()));
        let verify = Arc::new(verify::System::new(refresh.clone(), probes));
        let declarations = Arc::<Declarations>::default();
        let consent = Arc::new(ExtensionConsent::new(&exchange.ground, &declarations));
        let addresses = inbound.clone().map(|endpoint| Arc::new(endpoint) as Arc<dyn CallbackAddresses>);
        let setup = Arc::new(setup::System::new(exchange.clone(), addresses, consent, max_setups));
        let connection = Arc::new(connection::System::new(verify.clone(), setup.clone()));
        Self {
            ground: exchange.ground.clone(),
            credential: exchange.credential.clone(),
            exchange,
            refresh,
            verify,
            setup,
            extension: Arc::new(extension::System::new(connection.clone(), declarations, settings)),
            webhook: Arc::new(webhook::System::new(connection.clone())),
            connection,
            callers,
            removals: Flights::default(),
            inbound,
        }
    }

    /// Forgets the cached rows, because they hold which kinds are registered.
    pub(super) fn kinds_changed(&self) {
        self.credential.hot.forget(Changed::Something);
    }
}
