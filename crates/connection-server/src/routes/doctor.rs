//! The doctor: checks of this host and of the owner's connections, each with what to do about a problem.

use axum::{extract::State, http::StatusCode, response::Response};
use connection_api::{Check, CheckReport, Doctor, Empty, RedirectUri};
use connection_contract::{Kind, Liveness};
use connection_core::{AnswerRoom, ConnectionInfo, Filter, KeyStatus};
use connection_inbound::check_callback;

use super::system::database;
use crate::{
    Api,
    body::{Json, json},
    caller::{Caller, ToManage},
    checks::{MAX_COUNTED, certificate, clock, events},
    convert::{condition, connections_summary, is_called_back, is_use_refused, liveness},
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

/// Checks that this machine has room for answers of providers that the database cannot store.
fn state_directory(room: AnswerRoom) -> Check {
    let name = "state_directory";
    match room {
        AnswerRoom::Reserved { directory } => passed(name, directory.display().to_string()),
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
    if down.is_empty() && refused.is_empty() && restored.is_empty() {
        return vec![passed("connections", summary)];
    }
    let mut checks = vec![failed("connections", summary, "see each of them for its reason")];
    checks.extend(down.iter().chain(&refused).chain(&restored).take(MAX_NAMED).map(|info| {
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
        rows.extend(page.connections);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    // Another owner learns no path of the host, and can mend nothing of it.
    let sees_host = caller.sees_host();
    let mut checks = vec![passed("database", if sees_host { database(registry) } else { "it answers".to_owned() })];
    let edited = registry.events().edited_rows().await?;
    let own = edited.iter().filter(|row| caller.token.owner.is_none() || row.owner == registry.owner_name());
    checks.extend(own.map(|row| failed("rows", row.to_string(), &row.remedy())));
    if sees_host {
        checks.push(state_directory(registry.store().answer_room()));
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
    checks.extend(events(&undelivered.await?));
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
