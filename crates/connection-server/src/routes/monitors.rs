//! The routes of monitors: the metrics and the readiness, which are at the root of a server.

use std::time::Duration;

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use connection_core::{ConnectionRegistry, NotReady, Role};

use crate::{
    Api, ApiOptions,
    caller::AnyCaller,
    checks::TO_PUT_BACK,
    observe::{Metrics, MetricsFormat, Readiness},
    problem::Problem,
};

/// The time limit of a check. A store that takes longer is useless to clients.
const PATIENCE: Duration = Duration::from_secs(3);

const NO_STORE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// Returns the routes of monitors, `/metrics` and `/readyz`, which a server has at its root.
///
/// `GET /metrics` needs an access token with the role `read` or more and without an owner, as the header
/// `Authorization: Bearer TOKEN`, because its numbers are about all owners. It is for every caller alike: a request from
/// this machine may have been passed on by a proxy. It answers in the text format of Prometheus, and in that of
/// OpenMetrics to a request that accepts it.
///
/// `GET /readyz` is for anyone. It answers 200 while the process could answer requests, and 503 with a problem
/// otherwise, and once it [drains](Readiness::drain).
///
/// Monitors name a process by the address at which they reach it, so these routes answer to any host.
pub fn monitor_router<S>(
    registry: ConnectionRegistry,
    options: ApiOptions,
    metrics: Metrics,
    readiness: Readiness,
) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let ready = {
        let registry = registry.clone();
        async move || ready(&registry, &readiness).await
    };
    let metrics = async move |AnyCaller(token): AnyCaller, headers: HeaderMap| {
        if token.extension.is_some() || token.owner.is_some() || token.role < Role::Read {
            let problem = Problem::not_allowed("metrics are about all owners, and the token is for one of them");
            return Err(problem.remedy("use a token with the role 'read' and without an owner"));
        }
        shown(&metrics, MetricsFormat::accepted(&headers)).await
    };
    Router::new().route("/metrics", get(metrics)).route("/readyz", get(ready)).with_state(Api::new(registry, options))
}

async fn shown(metrics: &Metrics, format: MetricsFormat) -> Result<Response, Problem> {
    match metrics.text().await {
        Ok(text) => {
            let headers = [NO_STORE, (header::CONTENT_TYPE, format.media_type()), (header::VARY, "accept")];
            Ok((headers, format.text(text)).into_response())
        }
        // Writing to a text does not fail.
        Err(_) => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "unexpected", "the metrics cannot be shown")),
    }
}

async fn ready(registry: &ConnectionRegistry, readiness: &Readiness) -> Response {
    if readiness.is_draining() {
        let message = "this process was asked to stop";
        return refused("draining", message, "send the request to another process");
    }
    let clock = registry.clock();
    let found = tokio::select! {
        biased;
        found = registry.store().ready() => found,
        () = clock.sleep(PATIENCE) => Err(NotReady::Store),
    };
    let Err(reason) = found else {
        return ([NO_STORE, (header::CONTENT_TYPE, "application/json")], r#"{"ok":true}"#).into_response();
    };
    let remedy = match reason {
        NotReady::Displaced => TO_PUT_BACK,
        NotReady::Tables => "run the version of the program that last changed the tables",
        NotReady::TooOld => "run the newer version of the program, and end this process",
        NotReady::Standby => "send the request to a process that uses the primary, or promote the standby",
        NotReady::ReadOnly => "name a server on which this process may write, and check the rights of its role",
        NotReady::Keys => "configure the key source that opens this database, and start the process again",
        _ => "see the log of the process, and check the database",
    };
    refused(reason.code(), &reason.to_string(), remedy)
}

fn refused(code: &'static str, message: &str, remedy: &str) -> Response {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, message).remedy(remedy);
    ([NO_STORE], problem).into_response()
}
