//! The program and its database, the checks of its doctor, and the health of a connection.

use serde::{Deserialize, Serialize};

/// The program and its database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct System {
    /// The version of the program, if the host states it.
    pub version: Option<String>,
    /// The place of the database, without a password: the server of PostgreSQL, or the path of the file. `null` for a token
    /// of an owner other than that of the process, who learns no path of the host.
    pub database: Option<String>,
    /// `true` if the database can be read.
    pub healthy: bool,
    /// The source of the key; `null` if it cannot be used now, and where `database` is.
    pub key: Option<SystemKey>,
    /// The public address of the host, if it has one.
    pub public_url: Option<String>,
    /// The address of the doors of agents, if they have an origin of their own.
    pub doors_url: Option<String>,
    /// The certificate of the server; `null` if the server itself does not speak TLS, and where `database` is.
    pub certificate: Option<SystemCertificate>,
    /// The time at which the program was started.
    pub started_at: String,
}

/// The certificate with which the server speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SystemCertificate {
    /// The path of the file of the certificate.
    pub file: String,
    /// The time at which the certificate ends.
    pub ends_at: String,
    /// A sentence that says what to do, from 14 days before the end.
    pub remedy: Option<String>,
}

/// The source of the key that wraps the keys of the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SystemKey {
    /// The name of the source.
    pub source: String,
    /// The id of its key, which is not secret.
    pub wrapped_by: String,
}

/// The checks, and the addresses to register at providers. The checks are those of the `database`, the `rows` that were
/// edited, the `state_directory`, the `key`, the `clock`, the `certificate` if the server itself speaks TLS, the `events`
/// if some did not arrive, the `callback` and all `connections`, one `application` for each that a provider does not
/// accept, and one `connection` for each other one that does not work, or of which a request was refused since it was
/// verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Doctor {
    /// The checks and their result.
    #[serde(flatten)]
    pub report: CheckReport,
    /// The addresses to register at providers.
    pub redirect_uris: Vec<RedirectUri>,
}

/// Checks, and their result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CheckReport {
    /// `true` if no check found a problem.
    pub ok: bool,
    /// The checks, in the order in which they were made.
    pub checks: Vec<Check>,
}

/// A check, such as that of the `database` or the `clock`, and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Check {
    /// The name of the check.
    pub check: String,
    /// `true` if it found no problem.
    pub ok: bool,
    /// The finding.
    pub message: String,
    /// A sentence that says what to do, if something can be done.
    pub remedy: Option<String>,
}

/// The address to register at the provider of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RedirectUri {
    /// The name of the kind.
    pub kind: String,
    /// The redirect address, which is registered at the provider.
    pub redirect_uri: String,
}

/// The health of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Health {
    /// The days, oldest first.
    pub days: Vec<HealthDay>,
}

/// A day in UTC, with the seconds for which the connection was in each state. The rest of the day is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HealthDay {
    /// The day, such as `2027-01-15`.
    pub day: String,
    /// The seconds for which the connection was live.
    pub live: i64,
    /// The seconds for which its provider could not be reached.
    pub offline: i64,
    /// The seconds for which it did not work.
    pub failing: i64,
}

impl CheckReport {
    /// Creates the shape of these checks.
    pub fn of(checks: Vec<Check>) -> Self {
        Self { ok: checks.iter().all(|check| check.ok), checks }
    }
}

impl Check {
    /// Creates the shape of a check that found no problem.
    pub fn passed(check: impl Into<String>, message: impl Into<String>) -> Self {
        Self { check: check.into(), ok: true, message: message.into(), remedy: None }
    }

    /// Creates the shape of a check that found a problem.
    pub fn failed(check: impl Into<String>, message: impl Into<String>, remedy: Option<String>) -> Self {
        Self { check: check.into(), ok: false, message: message.into(), remedy }
    }
}
