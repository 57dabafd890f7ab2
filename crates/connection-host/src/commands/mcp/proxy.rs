//! `mcp proxy C`: a server on standard streams that passes messages on to a connection, and attaches its credential.
//!
//! Standard output has messages alone. What was left out goes to standard error.

use std::{sync::Arc, time::Duration};

use connection_core::{Backoff, Connection, ConnectionRegistry};
use connection_mcp::proxy::{Proxy, ProxyError};
use tokio::io::{BufReader, stdin, stdout};

use super::upstream::ConnectionUpstream;
use crate::{Error, Exit, backend::AT_THE_SERVER, output::note, platform::finish, program::Program, select};

/// The pauses before the stream of the server is opened again.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));

pub(in crate::commands) async fn run(mut program: Program, reference: &str) -> Result<Exit, Error> {
    if program.server.is_some() {
        return Err(Error::usage("mcp proxy works with the local store alone").remedy(AT_THE_SERVER));
    }
    let registry = program.open().await?;
    let connection = selected(&registry, reference).await?;
    let upstream = Arc::new(ConnectionUpstream::new(registry.clone(), connection, program.settings.clone()));
    let proxy = Proxy::new(upstream)
        .pauses(|failures| PAUSES.after(failures))
        .on_diagnostic(|diagnostic| note(&diagnostic.to_string()));
    let ended = proxy.run(BufReader::new(stdin()), stdout()).await;
    // The client has gone away, perhaps during a refresh.
    finish(&registry).await;
    match ended {
        Ok(()) => Ok(Exit::Fine),
        Err(ProxyError::Input(error)) => Err(Error::io("standard input", &error)),
        Err(ProxyError::Output(error)) => Err(Error::io("standard output", &error)),
        Err(error) => Err(Error::new(Exit::Unexpected, "io", error.to_string())),
    }
}

/// Returns the connection of a reference, which may be the label of an MCP server alone.
async fn selected(registry: &ConnectionRegistry, reference: &str) -> Result<Connection, Error> {
    if !reference.contains(':')
        && let Ok(found) = select::opened(registry, &format!("mcp:{reference}")).await
    {
        return Ok(found);
    }
    select::opened(registry, reference).await
}
