//! From what is there to what an extension is told: two answers that are never one, and the projection of both.

use connection_contract::{DisplayText, Liveness, SecretName};

/// Whether an extension has what it declared, as far as this machine and the store can tell: by presence alone, without
/// a network and without opening a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a host handles every one of them")]
pub enum Readiness {
    /// These secrets are not there, in the order of the declaration.
    Missing(Vec<SecretName>),
    /// It is all there.
    Ready,
    /// This host cannot do it, whatever a person connects.
    Unsupported(DisplayText),
}

/// What an extension is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a host handles every one of them")]
pub enum ConnectionStatus {
    /// What it needs is there, and is not known to be refused: it may offer what it does.
    Connected,
    /// What it needs is there, and the provider refused it when it was last asked.
    Failed,
    /// A person has not connected it yet: it shows how, and offers nothing.
    Missing,
    /// Not on this host.
    Unsupported,
}

impl ConnectionStatus {
    /// As in JSON: `connected`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Failed => "failed",
            Self::Missing => "missing",
            Self::Unsupported => "unsupported",
        }
    }
}

impl std::fmt::Display for ConnectionStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// The one projection of both answers.
///
/// | | live | unknown | offline | failing |
/// |---|---|---|---|---|
/// | ready | connected | connected | connected | failed |
/// | missing | missing | missing | missing | missing |
/// | unsupported | unsupported | unsupported | unsupported | unsupported |
///
/// A provider that cannot be reached has not refused anybody, so offline is connected; and what was never measured is not
/// known to be refused.
pub fn status(readiness: &Readiness, liveness: Liveness) -> ConnectionStatus {
    match (readiness, liveness) {
        (Readiness::Missing(_), _) => ConnectionStatus::Missing,
        (Readiness::Unsupported(_), _) => ConnectionStatus::Unsupported,
        (Readiness::Ready, Liveness::Failing) => ConnectionStatus::Failed,
        (Readiness::Ready, _) => ConnectionStatus::Connected,
    }
}
