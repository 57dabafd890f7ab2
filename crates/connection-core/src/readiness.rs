//! The status of a requirement, which is computed from its readiness and the liveness of its connection.

use connection_contract::{DisplayText, Liveness, SecretName};

use crate::words::words;

/// The readiness of a requirement: whether the store and this machine have what is needed. It is determined by presence
/// alone, without a network and without opening a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a host handles every one of them")]
pub enum Readiness {
    /// These secrets are missing, in the order of the declaration.
    Missing(Vec<SecretName>),
    /// All that the requirement needs is there.
    Ready,
    /// This host cannot meet the requirement, whatever a person connects.
    Unsupported(DisplayText),
}

words! {
    /// The status that an extension receives.
    #[expect(clippy::exhaustive_enums, reason = "a host handles every one of them")]
    pub enum ConnectionStatus {
        /// The connection exists and is not known to be refused. The extension may offer its features.
        Connected = "connected",
        /// The connection exists, but the provider refused it when it was last asked.
        Failed = "failed",
        /// A person has not connected it yet. The extension shows how to connect, and offers no feature.
        Missing = "missing",
        /// This host cannot meet the requirement.
        Unsupported = "unsupported",
    }
}

impl std::fmt::Display for ConnectionStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Computes the status from the readiness and the liveness.
///
/// | | live | unknown | offline | failing |
/// |---|---|---|---|---|
/// | ready | connected | connected | connected | failed |
/// | missing | missing | missing | missing | missing |
/// | unsupported | unsupported | unsupported | unsupported | unsupported |
///
/// A provider that cannot be reached has not refused the credential, so offline counts as connected. A connection that
/// was never measured is not known to be refused.
pub fn status(readiness: &Readiness, liveness: Liveness) -> ConnectionStatus {
    match (readiness, liveness) {
        (Readiness::Missing(_), _) => ConnectionStatus::Missing,
        (Readiness::Unsupported(_), _) => ConnectionStatus::Unsupported,
        (Readiness::Ready, Liveness::Failing) => ConnectionStatus::Failed,
        (Readiness::Ready, _) => ConnectionStatus::Connected,
    }
}
