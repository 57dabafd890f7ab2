//! The checks of the doctor that a host and its API share.

use connection_api::Check;
use connection_contract::Timestamp;
use connection_core::{ConnectionInfo, OutgoingEvent};

/// 2024-01-01. A clock before this time was never set.
const EARLIEST: Timestamp = Timestamp::from_seconds(1_704_067_200);

/// The remedy for a database whose file was moved, deleted or replaced under the process that uses it.
pub(crate) const TO_PUT_BACK: &str =
    "end the process, put back the file with its log or restore a backup, and start again";

/// Checks that the clock was set, and that it is not before the time at which a connection was made.
pub fn clock(now: Timestamp, rows: &[ConnectionInfo]) -> Check {
    let name = "clock";
    let newest = rows.iter().map(|info| info.created_at).max().filter(|newest| now < *newest);
    let message = match newest {
        _ if now < EARLIEST => format!("it is {}, which is impossible", now.to_rfc3339()),
        Some(newest) => {
            format!("it is {}, but a connection was made at {}", now.to_rfc3339(), newest.to_rfc3339())
        }
        None => return Check::passed(name, now.to_rfc3339()),
    };
    Check::failed(name, message, Some("set the clock: expiry and setups depend on it".to_owned()))
}

/// Says what a kill of the host in the middle of a request that uses up a token loses, if no courier starts for a reason.
pub fn courier(missing: Option<String>) -> String {
    match missing {
        None => "a kill of this program loses no answer (one of its container or control group may)".to_owned(),
        Some(reason) => format!("a kill of this program may lose an answer: there is no courier, because {reason}"),
    }
}

/// The time in seconds before the end of a certificate at which a host warns about it: more than any renewal needs.
const CERTIFICATE_ENDS_SOON: u64 = 14 * 86_400;

/// Checks that the certificate with which a host speaks TLS is valid, and says what to do from 14 days before its end.
/// The file and the end are those of the certificate.
pub fn certificate(file: &str, ends_at: Timestamp, now: Timestamp) -> Check {
    let name = "certificate";
    let end = ends_at.to_rfc3339();
    if ends_at <= now {
        let message = format!("the certificate in {file} ended on {end}; browsers and programs refuse it");
        return Check::failed(name, message, Some(RENEW.to_owned()));
    }
    let is_soon = ends_at <= now.after(CERTIFICATE_ENDS_SOON);
    let message = format!("the certificate in {file} ends on {end}");
    Check { remedy: is_soon.then(|| RENEW.to_owned()), ..Check::passed(name, message) }
}

/// The remedy for a certificate that ends soon or has ended.
const RENEW: &str = "renew it and check why the program that renews it has not; `connections serve` uses the new \
                     files within ten seconds";

/// The number of undelivered events that a check counts at most.
pub const MAX_COUNTED: u32 = 1000;

/// Checks that the operator got the events. `None` if no attempt to deliver one has failed.
pub fn events(undelivered: &[OutgoingEvent]) -> Option<Check> {
    let failure = undelivered.iter().find_map(|event| event.failure.as_ref())?;
    let count = undelivered.iter().filter(|event| event.failure.is_some()).count();
    let message = format!("{count} events for the operator were not delivered; for the newest, {failure}");
    let remedy = "see `GET /deliveries`; once the receiver works, `POST /deliveries/{id}/retry` sends one again";
    Some(Check::failed("events", message, Some(remedy.to_owned())))
}
