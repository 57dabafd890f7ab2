//! A connection that another program made, as the API and the command take it.

use std::{collections::BTreeMap, fmt};

use connection_contract::{Identity, Kind, Secret, Timestamp, encode, host};
use connection_core::Import;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A connection to import.
///
/// ```
/// use connection_server::ImportRow;
///
/// let row = r#"{"kind": "github", "identity": {"id": "1", "label": "mona"}, "credential": "a token"}"#;
/// let row: ImportRow = serde_json::from_str(row)?;
/// assert_eq!(row.kind, "github");
/// assert!(row.into_import().is_ok());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ImportRow {
    /// The name of the kind.
    pub kind: String,
    /// The account.
    pub identity: ImportAccount,
    /// The credential: an object of what a person would enter into the fields of the kind, or what the plugin stores, as
    /// a text or as `{"base64": "…"}`.
    #[schema(value_type = Value)]
    credential: Value,
    /// The label; the account's name if none is stated.
    pub label: Option<String>,
    /// The public configuration.
    #[serde(default)]
    config: BTreeMap<String, String>,
    /// The base address, if it is not the first one of the kind.
    base_url: Option<String>,
    /// The time at which the credential ends.
    valid_until: Option<String>,
    /// The time at which the credential is renewed.
    renew_at: Option<String>,
    /// The time at which the authorization ends.
    authorized_until: Option<String>,
    /// The scopes that the provider granted.
    scopes: Option<Vec<String>>,
}

/// The account of a connection to import.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ImportAccount {
    /// The id of the account at the provider.
    pub id: String,
    /// The name for people; the id if none is stated.
    pub label: Option<String>,
}

impl fmt::Debug for ImportRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportRow").field("kind", &self.kind).field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl ImportRow {
    /// Converts the row.
    ///
    /// # Errors
    ///
    /// The name of the member whose value is not valid.
    pub fn into_import(self) -> Result<Import, &'static str> {
        let kind = Kind::parse(&self.kind).ok_or("kind")?;
        let name = self.identity.label.unwrap_or_else(|| self.identity.id.clone());
        let identity = Identity::new(self.identity.id, name);
        let mut import = match credential(self.credential).ok_or("credential")? {
            Credential::Stored(secret) => Import::new(kind, secret, identity),
            Credential::Fields(fields) => Import::from_fields(kind, fields, identity),
        };
        if let Some(label) = self.label {
            import = import.label(label);
        }
        for (name, value) in self.config {
            import = import.config(name, value);
        }
        if let Some(base_url) = self.base_url {
            import = import.base_url(host::base_url(&base_url).ok_or("baseUrl")?);
        }
        if let Some(time) = self.valid_until {
            import = import.valid_until(Timestamp::parse(&time).ok_or("validUntil")?);
        }
        if let Some(time) = self.renew_at {
            import = import.renew_at(Timestamp::parse(&time).ok_or("renewAt")?);
        }
        if let Some(time) = self.authorized_until {
            import = import.authorized_until(Timestamp::parse(&time).ok_or("authorizedUntil")?);
        }
        Ok(match self.scopes {
            Some(scopes) => import.scopes(scopes),
            None => import,
        })
    }
}

/// The credential of a row.
enum Credential {
    /// The bytes that the plugin stores.
    Stored(Secret),
    /// What a person would enter, by field. A field of many values is repeated.
    Fields(Vec<(String, Secret)>),
}

/// Returns the credential: text as it is, bytes in base64, or the fields of the kind.
fn credential(value: Value) -> Option<Credential> {
    match value {
        Value::String(text) => Some(Credential::Stored(text.into())),
        Value::Object(members) => {
            if let (1, Some(Value::String(text))) = (members.len(), members.get("base64")) {
                return encode::from_base64(text).map(|bytes| Credential::Stored(Secret::new(bytes)));
            }
            let mut fields = Vec::new();
            for (name, value) in members {
                match value {
                    Value::Array(values) => {
                        for value in values {
                            fields.push((name.clone(), single(value)?));
                        }
                    }
                    value => fields.push((name, single(value)?)),
                }
            }
            Some(Credential::Fields(fields))
        }
        _ => None,
    }
}

/// Returns a value as a person would enter it.
fn single(value: Value) -> Option<Secret> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Bool(value) => Some(value.to_string().into()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}
