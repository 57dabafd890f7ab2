//! The resolved requirement that an extension receives: names and public values, never a secret.

use connection_contract::{Kind, Liveness, Reason, SecretName, Value};
use serde_json::json;

use crate::{ConnectionId, ConnectionStatus, Readiness, extension::plain_json};

/// A requirement with its current state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolvedConnection {
    /// The extension's own name for the connection, such as `default`.
    pub connection_id: String,
    /// The name of the extension that declares the requirement.
    pub extension_name: String,
    /// The provider that the extension requires.
    pub provider: Kind,
    /// The declared public preferences that have a value, as an object in the order of the declaration.
    pub public_config: Value,
    /// The missing secrets, in the order of the declaration.
    pub missing_secret_names: Vec<SecretName>,
    /// The status that the extension receives.
    pub status: ConnectionStatus,
    /// The reason for the status `failed` or `unsupported`, or for `missing` if the selection is ambiguous or no kind
    /// of this host can connect the provider. For people.
    pub error: Option<Reason>,
    pub(crate) readiness: Readiness,
    pub(crate) liveness: Liveness,
    pub(crate) connection: Option<ConnectionId>,
    /// If secrets are missing, the connection that lacks them.
    pub(crate) near: Option<ConnectionId>,
    pub(crate) candidates: Vec<ConnectionId>,
    pub(crate) missing_scopes: Vec<String>,
    pub(crate) askable_scopes: Vec<String>,
    pub(crate) is_chosen: bool,
    pub(crate) is_granted: bool,
}

impl ResolvedConnection {
    /// Returns the selected connection. Its id is not in the JSON, because an extension does not need it.
    pub fn connection(&self) -> Option<ConnectionId> {
        self.connection
    }

    /// Returns `true` if a person [chose](crate::Extensions::choose) a connection for the extension, so that neither its
    /// grants nor the default of the provider count. A chosen connection that lacks a secret is not
    /// [selected](Self::connection).
    pub fn is_chosen(&self) -> bool {
        self.is_chosen
    }

    /// Returns `true` if the extension may use the connection with every secret that it declares, or within rules, which
    /// release no secret. The status does not depend on it.
    pub fn is_granted(&self) -> bool {
        self.is_granted
    }

    /// Returns the first connections that have what is needed, if the status is `missing` because none of them was
    /// chosen, is the only granted one or is the default; otherwise nothing.
    pub fn candidates(&self) -> &[ConnectionId] {
        &self.candidates
    }

    /// Returns the scopes that the extension declares but the provider did not grant, as far as the provider reports
    /// them, and those for lack of which the provider refused a [request](crate::ExtensionHandle::send) of the extension.
    /// The status does not depend on them. A re-authorization may grant them.
    pub fn missing_scopes(&self) -> &[String] {
        &self.missing_scopes
    }

    /// Returns those of the missing scopes that a re-authorization may [ask for](crate::Reauthorize::scope) in addition to
    /// those that it asks for in any case.
    pub fn askable_scopes(&self) -> &[String] {
        &self.askable_scopes
    }

    /// Returns the readiness of the requirement.
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Returns the liveness of the connection, as last measured. It is failing while the connection's
    /// [kind has changed](crate::ConnectionInfo::kind_changed).
    pub fn liveness(&self) -> Liveness {
        self.liveness
    }

    /// Returns the documented JSON: `connectionId`, `extensionName`, `provider`, `publicConfig`, `missingSecretNames`,
    /// `status`, `error` (`code`, `message`, `remedy`) if there is one, and `missingScopes` if there are some.
    pub fn to_json(&self) -> serde_json::Value {
        let missing: Vec<_> = self.missing_secret_names.iter().map(SecretName::as_str).collect();
        let mut json = json!({
            "connectionId": self.connection_id,
            "extensionName": self.extension_name,
            "provider": self.provider.as_str(),
            "publicConfig": plain_json::to_json(&self.public_config),
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
