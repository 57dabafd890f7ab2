//! The host's choices for a session, which the builders of both purposes collect.

use connection_contract::Secret;

use super::answerer::Answerer;

/// The host's choices for a session.
#[derive(Debug, Default)]
pub(super) struct SetupOptions {
    pub(super) ephemeral: bool,
    pub(super) browser: Option<Secret>,
    pub(super) led: bool,
    pub(super) confirm: bool,
    pub(super) answerer: Answerer,
}
