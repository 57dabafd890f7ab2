//! The program and the database of the host.

use axum::{extract::State, http::StatusCode, response::Response};
use connection_api::{System, SystemCertificate, SystemKey};
use connection_core::{ConnectionRegistry, OpenError};
use tokio::sync::OnceCell;

use crate::{
    Api,
    body::json,
    caller::{Caller, ToManage},
    checks,
    problem::Problem,
};

/// The source of the key of this process, which stays the same. It is asked for once, because it may be a command or a
/// passphrase, whose use is slow.
#[derive(Debug, Default)]
pub(crate) struct KnownKey(OnceCell<SystemKey>);

impl KnownKey {
    async fn get(&self, registry: &ConnectionRegistry) -> Option<SystemKey> {
        let read = async || {
            let status = registry.keys().status().await?;
            Ok::<_, OpenError>(SystemKey { source: status.source, wrapped_by: status.wrapped_by.to_string() })
        };
        let known = self.0.get_or_try_init(read).await;
        known.inspect_err(|error| tracing::debug!(%error, "the source of the key cannot be named")).ok().cloned()
    }
}

/// Returns the place of the database. The word before it is left out, because it stands beside the word already.
pub(super) fn database(registry: &ConnectionRegistry) -> String {
    let name = registry.store().name();
    match name.strip_prefix("the database ") {
        Some(place) => place.to_owned(),
        None => name,
    }
}

/// Returns the version of the program, its database, the source of its key and its public address.
#[utoipa::path(get, path = "/system", responses((status = 200, body = System)))]
pub(super) async fn system(State(api): State<Api>, caller: Caller<ToManage>) -> Result<Response, Problem> {
    let sees_host = caller.sees_host();
    let key = if sees_host { api.key.get(&api.registry).await } else { None };
    let body = System {
        version: api.options.version.clone(),
        database: sees_host.then(|| database(&api.registry)),
        healthy: api.registry.store().health().await,
        key,
        public_url: api.options.public_url.clone(),
        doors_url: api.options.doors.as_ref().map(|doors| doors.origin().to_owned()),
        certificate: api.options.certificate.as_ref().filter(|_| sees_host).and_then(|(file, tls)| {
            let ends_at = tls.ends_at()?;
            let remedy = checks::certificate(file, ends_at, api.registry.clock().now()).remedy;
            Some(SystemCertificate { file: file.clone(), ends_at: ends_at.to_rfc3339(), remedy })
        }),
        started_at: api.started_at.to_rfc3339(),
    };
    Ok(json(StatusCode::OK, &body))
}
