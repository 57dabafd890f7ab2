//! The program and the database of the host.

use axum::{extract::State, http::StatusCode, response::Response};
use connection_core::{ConnectionRegistry, OpenError};
use serde::Serialize;
use tokio::sync::OnceCell;
use utoipa::ToSchema;

use crate::{
    Api,
    body::json,
    caller::{Caller, ToManage},
    checks,
    problem::Problem,
};

/// The program and its database.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = System)]
#[serde(rename_all = "camelCase")]
struct SystemBody {
    version: Option<String>,
    /// The place of the database, without a password: the server of PostgreSQL, or the path of the file. `null` for a token
    /// of an owner other than that of the process, who learns no path of the host.
    database: Option<String>,
    /// `true` if the database can be read.
    healthy: bool,
    /// The source of the key; `null` if it cannot be used now, and where `database` is.
    key: Option<KeyBody>,
    public_url: Option<String>,
    /// The certificate of the server; `null` if the server itself does not speak TLS, and where `database` is.
    certificate: Option<CertificateBody>,
    started_at: String,
}

/// The certificate with which the server speaks TLS.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SystemCertificate)]
#[serde(rename_all = "camelCase")]
struct CertificateBody {
    file: String,
    ends_at: String,
    /// A sentence that says what to do, from 14 days before the end.
    remedy: Option<String>,
}

/// The source of the key that wraps the keys of the database.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SystemKey)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyBody {
    /// The name of the source.
    source: String,
    /// The id of its key, which is not secret.
    wrapped_by: String,
}

/// The source of the key of this process, which stays the same. It is asked for once, because it may be a command or a
/// passphrase, whose use is slow.
#[derive(Debug, Default)]
pub(crate) struct KnownKey(OnceCell<KeyBody>);

impl KnownKey {
    async fn get(&self, registry: &ConnectionRegistry) -> Option<KeyBody> {
        let read = async || {
            let status = registry.keys().status().await?;
            Ok::<_, OpenError>(KeyBody { source: status.source, wrapped_by: status.wrapped_by.to_string() })
        };
        let known = self.0.get_or_try_init(read).await;
        known.inspect_err(|error| tracing::debug!(%error, "the source of the key cannot be named")).ok().cloned()
    }
}

/// Returns the place of the database. The word before it is left out, because it stands beside the word already.
pub(super) fn database(registry: &ConnectionRegistry) -> String {
    let name = registry.server().store_name();
    match name.strip_prefix("the database ") {
        Some(place) => place.to_owned(),
        None => name,
    }
}

/// Returns the version of the program, its database, the source of its key and its public address.
#[utoipa::path(get, path = "/system", responses((status = 200, body = SystemBody)))]
pub(super) async fn system(State(api): State<Api>, caller: Caller<ToManage>) -> Result<Response, Problem> {
    let server = api.registry.server();
    let sees_host = caller.sees_host();
    let key = if sees_host { api.key.get(&api.registry).await } else { None };
    let body = SystemBody {
        version: api.options.version.clone(),
        database: sees_host.then(|| database(&api.registry)),
        healthy: server.health().await,
        key,
        public_url: api.options.public_url.clone(),
        certificate: api.options.certificate.as_ref().filter(|_| sees_host).and_then(|(file, tls)| {
            let ends_at = tls.ends_at()?;
            let remedy = checks::certificate(file, ends_at, server.clock().now()).remedy;
            Some(CertificateBody { file: file.clone(), ends_at: ends_at.to_rfc3339(), remedy })
        }),
        started_at: api.started_at.to_rfc3339(),
    };
    Ok(json(StatusCode::OK, &body))
}
