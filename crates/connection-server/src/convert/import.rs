//! Connections that another program made.

use connection_api::{ImportOutcome, ImportRow};
use connection_contract::{Identity, Kind, Secret, Timestamp, encode, host};
use connection_core::{Import, Imported};
use serde_json::Value;

use super::liveness;

/// Converts a row into an import.
///
/// ```
/// use connection_api::ImportRow;
/// use connection_server::convert;
///
/// let row = r#"{"kind": "github", "identity": {"id": "1", "label": "mona"}, "credential": "a token"}"#;
/// let row: ImportRow = serde_json::from_str(row)?;
/// assert!(convert::import(row).is_ok());
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
///
/// The name of the member whose value is not valid.
pub fn import(row: ImportRow) -> Result<Import, &'static str> {
    let kind = Kind::parse(&row.kind).ok_or("kind")?;
    let name = row.identity.label.unwrap_or_else(|| row.identity.id.clone());
    let identity = Identity::new(row.identity.id, name);
    let mut import = match credential(row.credential).ok_or("credential")? {
        Credential::Stored(secret) => Import::new(kind, secret, identity),
        Credential::Fields(fields) => Import::from_fields(kind, fields, identity),
    };
    if let Some(label) = row.label {
        import = import.label(label);
    }
    for (name, value) in row.config {
        import = import.config(name, value);
    }
    if let Some(base_url) = row.base_url {
        import = import.base_url(host::base_url(&base_url).ok_or("baseUrl")?);
    }
    if let Some(time) = row.valid_until {
        import = import.valid_until(Timestamp::parse(&time).ok_or("validUntil")?);
    }
    if let Some(time) = row.renew_at {
        import = import.renew_at(Timestamp::parse(&time).ok_or("renewAt")?);
    }
    if let Some(time) = row.authorized_until {
        import = import.authorized_until(Timestamp::parse(&time).ok_or("authorizedUntil")?);
    }
    Ok(match row.scopes {
        Some(scopes) => import.scopes(scopes),
        None => import,
    })
}

/// Converts a connection that was imported.
pub fn import_outcome(imported: &Imported) -> ImportOutcome {
    ImportOutcome {
        id: Some(imported.connection.to_string()),
        label: Some(imported.label.to_string()),
        liveness: Some(liveness(imported.liveness)),
        error: None,
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
