//! What an extension is told of its connection: names and public values, never a secret.

use connection_contract::{Kind, Liveness, Reason, SecretName, Value};
use serde_json::json;

use super::{ConnectionStatus, Readiness};
use crate::{ConnectionId, extension::plain};

/// A requirement as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolvedConnection {
    /// The extension's own name for the connection: `default`.
    pub connection_id: String,
    /// Who asked.
    pub extension_name: String,
    /// Whose connection.
    pub provider: Kind,
    /// The public preferences that it declared and that have a value: an object, in the order of the declaration.
    pub public_config: Value,
    /// What is not there, in the order of the declaration.
    pub missing_secret_names: Vec<SecretName>,
    /// What follows from it.
    pub status: ConnectionStatus,
    /// Why it is `failed` or `unsupported`, or `missing` because it is not clear which connection is
    /// meant or because no kind of this host can connect it; for people.
    pub error: Option<Reason>,
    pub(crate) readiness: Readiness,
    pub(crate) liveness: Liveness,
    pub(crate) connection: Option<ConnectionId>,
    /// Of what is missing: the connection that lacks the names.
    pub(crate) near: Option<ConnectionId>,
    pub(crate) candidates: Vec<ConnectionId>,
    pub(crate) missing_scopes: Vec<String>,
    pub(crate) is_granted: bool,
}

impl ResolvedConnection {
    /// The connection that is meant, by the id of its row; not in the JSON, since an extension needs none.
    pub fn connection(&self) -> Option<ConnectionId> {
        self.connection
    }

    /// Whether the extension may use that connection with every secret that it declares by now. The status does not depend on it: a connection is there or is not.
    pub fn is_granted(&self) -> bool {
        self.is_granted
    }

    /// The first connections that have what is needed, where it is `missing` because none of them was chosen and none is the
    /// default; otherwise empty.
    pub fn candidates(&self) -> &[ConnectionId] {
        &self.candidates
    }

    /// The scopes that the extension declares and that the connection was not granted, as far as its provider said what it
    /// granted. The status does not depend on them; to authorize the connection again may grant them.
    pub fn missing_scopes(&self) -> &[String] {
        &self.missing_scopes
    }

    /// What is there.
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Whether it worked when it was last measured.
    pub fn liveness(&self) -> Liveness {
        self.liveness
    }

    /// The documented JSON: `connectionId`, `extensionName`, `provider`, `publicConfig`, `missingSecretNames`, `status`,
    /// `error` (`code`, `message`, `remedy`) where there is one, and `missingScopes` where there are some.
    pub fn to_json(&self) -> serde_json::Value {
        let missing: Vec<_> = self.missing_secret_names.iter().map(SecretName::as_str).collect();
        let mut json = json!({
            "connectionId": self.connection_id,
            "extensionName": self.extension_name,
            "provider": self.provider.as_str(),
            "publicConfig": plain::to_json(&self.public_config),
            "missingSecretNames": missing,
            "status": self.status.as_str(),
        });
        if let Some(error) = &self.error {
            let remedy = error.remedy.as_ref().map(connection_contract::DisplayText::as_str);
            json["error"] = json!({ "code": &*error.code, "message": error.message.as_str(), "remedy": remedy });
        }
        if !self.missing_scopes.is_empty() {
            json["missingScopes"] = json!(self.missing_scopes);
        }
        json
    }
}
