//! Imports of connections that another program made.

use std::{collections::BTreeMap, fmt, io};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Liveness, Reason};

/// The connections to import.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Imports {
    /// At most 1,000 connections.
    pub rows: Vec<ImportRow>,
    /// Allows a second connection to the same account.
    #[serde(default)]
    pub again: bool,
    /// Asks the providers whether each credential works.
    #[serde(default)]
    pub verify: bool,
}

/// A connection to import.
///
/// `Debug` hides its credential and its configuration.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportRow {
    /// The name of the kind.
    pub kind: String,
    /// The account.
    pub identity: ImportAccount,
    /// The credential: an object of what a person would enter into the fields of the kind, or what the plugin stores, as
    /// a text or as `{"base64": "…"}`.
    #[cfg_attr(feature = "schema", schema(value_type = Value))]
    pub credential: Value,
    /// The label; the account's name if none is stated.
    pub label: Option<String>,
    /// The public configuration.
    #[serde(default)]
    pub config: BTreeMap<String, String>,
    /// The base address, if it is not the first one of the kind.
    pub base_url: Option<String>,
    /// The time at which the credential ends.
    pub valid_until: Option<String>,
    /// The time at which the credential is renewed.
    pub renew_at: Option<String>,
    /// The time at which the authorization ends.
    pub authorized_until: Option<String>,
    /// The scopes that the provider granted.
    pub scopes: Option<Vec<String>>,
}

/// The account of a connection to import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ImportAccount {
    /// The id of the account at the provider.
    pub id: String,
    /// The name for people; the id if none is stated.
    pub label: Option<String>,
}

/// The result of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ImportResult {
    /// The result of each row, in order.
    pub items: Vec<ImportedRow>,
    /// The number of connections that were imported.
    pub imported: u64,
    /// The number of rows whose account was connected already.
    pub connected: u64,
    /// The number of rows that were refused for another reason.
    pub refused: u64,
}

/// The result of one row, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ImportedRow {
    /// The number of the row; the first one has 1.
    pub row: u64,
    /// The kind of the connection.
    pub kind: String,
    /// The connection that was made, or the reason why the row was refused.
    #[serde(flatten)]
    pub outcome: ImportOutcome,
}

/// The connection that was made of a row, or the reason why the row was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ImportOutcome {
    /// The id of the connection; `null` if the row was refused.
    pub id: Option<String>,
    /// The label of the connection.
    pub label: Option<String>,
    /// The liveness of the connection.
    pub liveness: Option<Liveness>,
    /// The reason why the row was refused.
    pub error: Option<Reason>,
}

impl ImportRow {
    /// Returns the number of bytes of the row in JSON. Its texts, which may be secrets, are not copied.
    pub fn size(&self) -> usize {
        let mut counted = Counted(0);
        // Nothing fails: the row is JSON, and a count takes every byte.
        serde_json::to_writer(&mut counted, self).unwrap_or_default();
        counted.0
    }
}

/// The number of bytes that were written.
struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for ImportRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportRow").field("kind", &self.kind).field("identity", &self.identity).finish_non_exhaustive()
    }
}
