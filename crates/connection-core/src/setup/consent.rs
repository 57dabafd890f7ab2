//! The port by which setups ask extensions. A person may connect an account for an extension, which is then granted the
//! connection in the transaction that stores it.

use std::fmt;

use connection_contract::{BoxFuture, Kind, SetupFailure};

use crate::{
    ConnectionId, Error,
    store::{StoreError, Tx},
};

/// The extension for which a setup was begun, and its requirement at that time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForExtension {
    pub(crate) name: String,
    /// The fingerprint of the requirement, which changes when the declaration requires something else.
    pub(crate) print: [u8; 32],
    /// The names of the secrets that the requirement declares.
    pub(crate) names: Vec<String>,
    /// `true` if the extension had been added.
    pub(crate) added: bool,
}

/// An extension for which a setup is about to begin.
pub(crate) trait Applicant: fmt::Debug + Send + Sync {
    /// Returns the data with which a setup of this kind is begun; `None` if the extension belongs to another owner.
    ///
    /// # Errors
    ///
    /// The kind is of another provider, the declaration is outdated, or the store failed.
    fn for_setup<'a>(&'a self, owner: &'a str, kind: &'a Kind) -> BoxFuture<'a, Result<Option<ForExtension>, Error>>;
}

/// Decides, in the transaction that stores a connection, whether an extension still needs it, and grants it.
pub(crate) trait Consent: Send + Sync {
    /// Returns why nothing may be stored for the extension: its requirement has changed, or it was removed. Called
    /// before anything is stored.
    fn outdated<'a>(
        &'a self,
        tx: &'a mut Tx,
        owner: &'a str,
        extension: &'a ForExtension,
    ) -> BoxFuture<'a, Result<Option<SetupFailure>, StoreError>>;

    /// Grants the extension the connection that a person made for it in this session, and returns whether that changed
    /// something.
    fn grant<'a>(
        &'a self,
        tx: &'a mut Tx,
        owner: &'a str,
        connection: ConnectionId,
        extension: &'a ForExtension,
        session: String,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;
}
