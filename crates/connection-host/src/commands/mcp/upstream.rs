//! A connection as the remote server of a proxy.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use connection_contract::{HttpRequest, Liveness, Secret, encode};
use connection_core::{Connection, ConnectionRegistry, Error as CoreError, RequestBody, Response};
use connection_mcp::proxy::{Body, BoxFuture, Refusal, Upstream, UpstreamAnswer, UpstreamError, UpstreamRequest};

use crate::{
    Error,
    backend::error_of_use,
    config::Settings,
    output::{quoted, reauthorize_command},
};

/// A connection, to whose address each request goes.
pub(super) struct ConnectionUpstream {
    registry: ConnectionRegistry,
    connection: Connection,
    settings: Arc<Settings>,
    /// The last refusal, until a request succeeds. A client that is refused may try the form of an earlier revision, whose
    /// error says less. It may start another proxy for that, so the first refusal is that of the last verification.
    refusal: Mutex<Option<Refusal>>,
}

impl ConnectionUpstream {
    pub(super) fn new(registry: ConnectionRegistry, connection: Connection, settings: Arc<Settings>) -> Self {
        let upstream = Self { registry, connection, settings, refusal: Mutex::default() };
        if upstream.connection.info().liveness == Liveness::Failing {
            *upstream.refusal() = Some(upstream.signs_in());
        }
        upstream
    }

    /// Locks the last refusal. No code under the lock leaves it inconsistent.
    fn refusal(&self) -> MutexGuard<'_, Option<Refusal>> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self) -> String {
        let info = self.connection.info();
        quoted(&format!("{}:{}", info.kind, info.label))
    }

    async fn send(&self, request: UpstreamRequest) -> Result<UpstreamAnswer, UpstreamError> {
        let answer = self.answered(request).await;
        let refusal = match &answer {
            Ok(answer) if (400..500).contains(&answer.status) => self.refusal().clone(),
            Ok(_) => None,
            Err(UpstreamError::Refused(refusal)) => Some(refusal.clone()),
            Err(_) => return answer,
        };
        self.refusal().clone_from(&refusal);
        match refusal {
            Some(refusal) => Err(refusal.into()),
            None => answer,
        }
    }

    async fn answered(&self, request: UpstreamRequest) -> Result<UpstreamAnswer, UpstreamError> {
        let base = self.connection.base_url().await.map_err(|error| self.refused(error))?;
        let client = request.client;
        let mut sent = HttpRequest::at(request.method.as_str(), &base);
        for (name, value) in request.headers {
            sent.set_header(name, value);
        }
        let body = request.body.map_or_else(RequestBody::empty, |body| RequestBody::whole(Secret::new(body)));
        let answer = self.connection.open(sent, body).await.map_err(|error| self.refused(error))?;
        match answer.status() {
            401 => Err(self.unauthorized().await.into()),
            403 if !answer.missing_scopes().is_empty() => {
                Err(self.lacks(answer.missing_scopes(), client.as_deref()).into())
            }
            status => {
                let headers = answer.headers().to_vec();
                Ok(UpstreamAnswer::new(status, headers, Box::new(Arriving(answer))))
            }
        }
    }

    /// Returns the error for a credential that the server refuses, after the host has checked it.
    async fn unauthorized(&self) -> Refusal {
        if let Err(error) = self.connection.verify_refused_use().await {
            tracing::debug!(code = error.code(), "the verification after a refused request failed");
        }
        let now = self.registry.connection(self.connection.id()).await;
        match now.is_ok_and(|now| now.info().liveness == Liveness::Live) {
            true => self.repeats(),
            false => self.signs_in(),
        }
    }

    /// Returns the error for a credential that is live by its last verification, such as one that ended meanwhile.
    fn repeats(&self) -> Refusal {
        let message = "the server refused the credential of the connection, which is live by its last verification";
        let command = format!("`connections reauthorize {}`", self.name());
        Refusal::new("unauthorized", message)
            .remedy(format!("repeat the request; if it is refused again, sign in again: {command}"))
    }

    /// Returns the error for a credential that needs another sign-in.
    fn signs_in(&self) -> Refusal {
        let message = "the server refuses the credential of the connection";
        let refusal = Refusal::new("unauthorized", message);
        self.to_page(refusal.remedy(format!("sign in again: `connections reauthorize {}`", self.name())), "")
    }

    /// Returns the error for a request of a client that lacks scopes. Its page shows the client and the scopes.
    fn lacks(&self, scopes: &[String], client: Option<&str>) -> Refusal {
        let message = format!("the connection lacks the scopes {}", scopes.join(", "));
        let command = reauthorize_command(&self.name(), scopes);
        let asked = scopes.iter().map(|scope| ("scope", scope.as_str()));
        let query = encode::form(asked.chain(client.map(|name| ("program", name))));
        let refusal = Refusal::new("scope_missing", message).remedy(format!("`{command}` asks for them"));
        self.to_page(refusal, &format!("?{query}"))
    }

    fn refused(&self, error: CoreError) -> UpstreamError {
        if let CoreError::Http { .. } = error {
            return UpstreamError::Unreachable { message: Error::from(error).to_string() };
        }
        let needs_person = matches!(error, CoreError::NotRenewed { .. });
        let error = error_of_use(error, self.connection.info(), self.registry.clock().now());
        let refusal = Refusal::new(error.code.clone(), error.message.clone());
        let refusal = error.remedy.into_iter().fold(refusal, Refusal::remedy);
        UpstreamError::from(if needs_person { self.to_page(refusal, "") } else { refusal })
    }

    /// Adds the address of the connection on the page, where a person can sign in again.
    fn to_page(&self, refusal: Refusal, query: &str) -> Refusal {
        match &self.settings.inbound.public_url {
            Some(url) => refusal.address(format!("{url}/connections/{}{query}", self.connection.id())),
            None => refusal,
        }
    }
}

impl Upstream for ConnectionUpstream {
    fn open(&self, request: UpstreamRequest) -> BoxFuture<'_, Result<UpstreamAnswer, UpstreamError>> {
        Box::pin(self.send(request))
    }
}

/// The body of an answer.
struct Arriving(Response);

impl Body for Arriving {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, UpstreamError>> {
        Box::pin(async move {
            let chunk = self.0.chunk().await;
            chunk.map_err(|error| UpstreamError::Unreachable { message: error.to_string() })
        })
    }
}
