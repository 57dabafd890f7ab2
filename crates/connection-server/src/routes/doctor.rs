//! The doctor: checks of this host and of the owner's connections, each with what to do about a problem.

use axum::{extract::State, http::StatusCode, response::Response};
use connection_api::{Check, CheckReport, Doctor, Empty, RedirectUri};
use connection_contract::{Kind, Liveness, reason};
use connection_core::{AnswerRoom, ConnectionInfo, Filter, KeyStatus, NotReady};
use connection_inbound::check_callback;

use super::system::database;
use crate::{
    Api,
    body::{Json, json},
    caller::{Caller, ToManage},
    checks::{MAX_COUNTED, TO_PUT_BACK, certificate, clock, courier, events},
    convert::{self, condition, connections_summary, is_called_back, is_use_refused, liveness, refused_applications},
    problem::Problem,
};

/// The maximum number of connections that are named.
const MAX_NAMED: usize = 100;
/// The number of connections that are read at once.
const PAGE: u16 = 1000;

fn passed(check: &'static str, message: String) -> Check {
    Check::passed(check, message)
}

fn failed(check: &'static str, message: String, remedy: &str) -> Check {
    Check::failed(check, message, Some(remedy.to_owned()))
}

/// Checks that this machine has room for answers of providers that the database cannot store, and says what a kill loses.
fn state_directory(room: AnswerRoom, courier: &str) -> Check {
    let name = "state_directory";
    match room {
        AnswerRoom::Reserved { directory } => passed(name, format!("{}; {courier}", directory.display())),
        AnswerRoom::Unreserved { directory, why } => {
            let place = directory.display();
            let message = format!("{place} has no room for answers of providers ({why}); a full disk would lose them");
            failed(name, message, "free some space on that disk, and start the server again")
        }
        _ => {
            let message = "there is none; an answer that the database cannot take is lost when its process ends";
            failed(name, message.to_owned(), "name a directory of this machine in the configuration of the host")
        }
    }
}

fn key(status: &KeyStatus) -> Check {
    let name = "key";
    let message = format!("{}, key {}", status.source, status.wrapped_by);
    if status.slots.len() > 1 {
        let message = format!("{message}; a change of its source has not finished");
        return failed(name, message, "finish the change for the source that you want to keep");
    }
    match status.rotated {
        true => passed(name, message),
        false => failed(name, format!("{message}; a rotation has not finished"), "continue the rotation"),
    }
}

fn is_down(info: &ConnectionInfo) -> bool {
    !info.registered || info.kind_changed || matches!(info.liveness, Liveness::Failing | Liveness::Offline)
}

/// Checks the last measured state of the connections, and whether a request was refused since. No provider is asked.
fn connections(rows: &[ConnectionInfo]) -> Vec<Check> {
    let (down, others): (Vec<_>, Vec<_>) = rows.iter().partition(|info| is_down(info));
    let (refused, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|info| is_use_refused(info));
    let restored: Vec<_> = others.into_iter().filter(|info| info.is_restored()).collect();
    let unverified = rows.iter().filter(|info| info.liveness == Liveness::Unknown).count();
    let summary = connections_summary(rows.len(), unverified, down.len(), refused.len(), restored.len());
    let is_well = down.is_empty() && refused.is_empty() && restored.is_empty();
    let mut checks = vec![match is_well {
        true => passed("connections", summary),
        false => failed("connections", summary, "see each of them for its reason"),
    }];
    // An application is named once, and not with each of its connections.
    let why = |info: &ConnectionInfo| condition(info).1.as_ref().map(convert::reason);
    let reasons: Vec<_> = rows.iter().filter_map(|info| Some((info.kind.as_str(), why(info)?))).collect();
    let applications = refused_applications(reasons.iter().map(|(kind, why)| (*kind, why)));
    checks.extend(applications.into_iter().map(|(what, remedy)| Check::failed("application", what, Some(remedy))));
    let is_named = |info: &&&ConnectionInfo| why(info).is_none_or(|why| !reason::is_application_refused(&why.code));
    let named = down.iter().chain(&refused).chain(&restored).filter(is_named);
    checks.extend(named.take(MAX_NAMED).map(|info| {
        let (state, reason) = condition(info);
        let why = reason.as_ref().map(|reason| format!(": {}", reason.message)).unwrap_or_default();
        let message = format!("{}:{} is {}{why}", info.kind, info.label, liveness(state));
        let remedy = reason.and_then(|reason| reason.remedy).map(|remedy| remedy.to_string());
        Check::failed("connection", message, remedy)
    }));
    checks
}

/// Checks the host and the connections of the owner, and says what to do. It changes nothing.
///
/// A problem is not an error: the status is 200, and `ok` is `false`.
#[utoipa::path(post, path = "/doctor", request_body = Empty, responses((status = 200, body = Doctor)))]
pub(super) async fn doctor(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Json(Empty {}): Json<Empty>,
) -> Result<Response, Problem> {
    let registry = &caller.registry;
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let filter = Filter::new().limit(PAGE);
        let page = registry.list_connections(after.into_iter().fold(filter, Filter::after)).await?;
        rows.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    // Another owner learns no path of the host, and can mend nothing of it.
    let sees_host = caller.sees_host();
    let upgrade = registry.store().upgrade().await?;
    let place = if sees_host { database(registry) } else { "it answers".to_owned() };
    let is_displaced = registry.store().is_displaced();
    let mut checks = vec![match registry.store().promotion().await? {
        _ if is_displaced => failed("database", NotReady::Displaced.to_string(), TO_PUT_BACK),
        _ if upgrade.program < upgrade.oldest => {
            failed("database", NotReady::TooOld.to_string(), "run the newer version of the program on this machine")
        }
        Some(promoted) => {
            let message = format!("{place}, but tokens that are used up by their use are not sent: it was promoted");
            Check::failed("database", message, promoted.remedy())
        }
        None => passed("database", place),
    }];
    let edited = registry.events().edited_rows().await?;
    let own = edited.iter().filter(|row| caller.token.owner.is_none() || row.owner == registry.owner_name());
    checks.extend(own.map(|row| failed("rows", row.to_string(), &row.remedy())));
    if sees_host {
        let store = registry.store();
        checks.push(state_directory(store.answer_room(), &courier(store.missing_courier_reason().await)));
        checks.push(match registry.keys().status().await {
            Ok(status) => key(&status),
            Err(error) => Check::failed("key", error.to_string(), error.remedy()),
        });
    }
    let now = registry.clock().now();
    checks.push(clock(now, &rows));
    let served = api.options.certificate.as_ref().filter(|_| sees_host);
    checks.extend(served.and_then(|(file, tls)| Some(certificate(file, tls.ends_at()?, now))));
    let undelivered = registry.outgoing_events().undelivered(caller.token.owner.as_deref(), None, MAX_COUNTED);
    checks.extend(events(&undelivered.await?.items));
    let mut redirect_uris = Vec::new();
    if let Some(url) = api.options.url() {
        checks.push(match check_callback(registry, &url).await.problem {
            Some(problem) => failed("callback", problem.message, &problem.remedy),
            None => passed("callback", format!("callbacks arrive at {url}")),
        });
        let own = registry.kinds().own().await?;
        let kinds = registry.kinds().list().into_iter().chain(own).map(|info| info.descriptor).filter(is_called_back);
        let address = |kind: &Kind| RedirectUri { kind: kind.to_string(), redirect_uri: url.redirect_uri(kind) };
        redirect_uris.extend(kinds.map(|descriptor| address(&descriptor.kind)));
    }
    checks.extend(connections(&rows));
    Ok(json(StatusCode::OK, &Doctor { report: CheckReport::of(checks), redirect_uris }))
}
