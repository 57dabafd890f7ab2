//! The checks of the doctor that a host and its API share.

use connection_contract::Timestamp;
use connection_core::{ConnectionInfo, OutgoingEvent};
use serde::Serialize;
use utoipa::ToSchema;

/// 2024-01-01. A clock before this time was never set.
const EARLIEST: Timestamp = Timestamp::from_seconds(1_704_067_200);

/// A check, such as that of the `database` or the `clock`, and its result.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Check)]
#[non_exhaustive]
pub struct CheckBody {
    /// The name of the check.
    pub check: &'static str,
    /// `true` if it found no problem.
    pub ok: bool,
    /// The finding.
    pub message: String,
    /// A sentence that says what to do, if something can be done.
    pub remedy: Option<String>,
}

impl CheckBody {
    /// Creates the shape of a check that found no problem.
    pub fn passed(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, ok: true, message: message.into(), remedy: None }
    }

    /// Creates the shape of a check that found a problem.
    pub fn failed(check: &'static str, message: impl Into<String>, remedy: Option<String>) -> Self {
        Self { check, ok: false, message: message.into(), remedy }
    }

    /// Sets the sentence that says what to do.
    #[must_use]
    pub fn remedy(mut self, remedy: Option<String>) -> Self {
        self.remedy = remedy;
        self
    }
}

/// The address to register at the provider of a kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RedirectUri)]
#[serde(rename_all = "camelCase")]
pub struct RedirectUriBody {
    kind: String,
    redirect_uri: String,
}

impl RedirectUriBody {
    /// Creates the shape from the name of the kind and the address.
    pub fn new(kind: impl Into<String>, redirect_uri: impl Into<String>) -> Self {
        Self { kind: kind.into(), redirect_uri: redirect_uri.into() }
    }

    /// Returns the name of the kind.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the redirect address, which is registered at the provider.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }
}

/// Checks that the clock was set, and that it is not before the time at which a connection was made.
pub fn clock(now: Timestamp, rows: &[ConnectionInfo]) -> CheckBody {
    let name = "clock";
    let newest = rows.iter().map(|info| info.created_at).max().filter(|newest| now < *newest);
    let message = match newest {
        _ if now < EARLIEST => format!("it is {}, which is impossible", now.to_rfc3339()),
        Some(newest) => {
            format!("it is {}, but a connection was made at {}", now.to_rfc3339(), newest.to_rfc3339())
        }
        None => return CheckBody::passed(name, now.to_rfc3339()),
    };
    CheckBody::failed(name, message, Some("set the clock: expiry and setups depend on it".to_owned()))
}

/// The time in seconds before the end of a certificate at which a host warns about it: more than any renewal needs.
const CERTIFICATE_ENDS_SOON: u64 = 14 * 86_400;

/// Checks that the certificate with which a host speaks TLS is valid, and says what to do from 14 days before its end.
/// The file and the end are those of the certificate.
pub fn certificate(file: &str, ends_at: Timestamp, now: Timestamp) -> CheckBody {
    let name = "certificate";
    let end = ends_at.to_rfc3339();
    if ends_at <= now {
        let message = format!("the certificate in {file} ended on {end}; browsers and programs refuse it");
        return CheckBody::failed(name, message, Some(RENEW.to_owned()));
    }
    let is_soon = ends_at <= now.after(CERTIFICATE_ENDS_SOON);
    let message = format!("the certificate in {file} ends on {end}");
    CheckBody::passed(name, message).remedy(is_soon.then(|| RENEW.to_owned()))
}

/// The remedy for a certificate that ends soon or has ended.
const RENEW: &str = "renew it and check why the program that renews it has not; `connections serve` uses the new \
                     files within ten seconds";

/// The number of undelivered events that a check counts at most.
pub const MAX_COUNTED: u32 = 1000;

/// Checks that the operator got the events. `None` if no attempt to deliver one has failed.
pub fn events(undelivered: &[OutgoingEvent]) -> Option<CheckBody> {
    let failure = undelivered.iter().find_map(|event| event.failure.as_ref())?;
    let count = undelivered.iter().filter(|event| event.failure.is_some()).count();
    let message = format!("{count} events for the operator were not delivered; for the newest, {failure}");
    let remedy = "see `GET /deliveries`; once the receiver works, `POST /deliveries/{id}/retry` sends one again";
    Some(CheckBody::failed("events", message, Some(remedy.to_owned())))
}
