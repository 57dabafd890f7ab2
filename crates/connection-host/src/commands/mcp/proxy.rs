//! `mcp proxy C`: a server on standard streams that passes messages on to a connection, and attaches its credential.
//!
//! Standard output has messages alone. What was left out goes to standard error.

use std::sync::Arc;

use connection_mcp::proxy::{Proxy, ProxyError};
use tokio::io::{BufReader, stdin, stdout};

use super::upstream::ConnectionUpstream;
use crate::{Error, Exit, backend::AT_THE_SERVER, output::note, program::Program, select};

pub(in crate::commands) async fn run(mut program: Program, reference: &str) -> Result<Exit, Error> {
    if program.server.is_some() {
        return Err(Error::usage("mcp proxy works with the local store alone").remedy(AT_THE_SERVER));
    }
    let registry = program.open().await?;
    let reference = qualified(reference);
    let connection = select::opened(&registry, &reference).await?;
    let upstream = Arc::new(ConnectionUpstream::new(connection, program.settings.clone()));
    let proxy = Proxy::new(upstream).on_diagnostic(|diagnostic| note(&diagnostic.to_string()));
    let ended = proxy.run(BufReader::new(stdin()), stdout()).await;
    registry.close().await;
    match ended {
        Ok(()) => Ok(Exit::Fine),
        Err(ProxyError::Input(error)) => Err(Error::io("standard input", &error)),
        Err(ProxyError::Output(error)) => Err(Error::io("standard output", &error)),
        Err(error) => Err(Error::new(Exit::Unexpected, "io", error.to_string())),
    }
}

/// Returns a reference to a connection of the kind `mcp`, if it is a label alone.
fn qualified(reference: &str) -> String {
    let is_label = reference != "mcp" && !reference.starts_with("mcp:") && reference.contains(['.', ' ', '@']);
    if is_label { format!("mcp:{reference}") } else { reference.to_owned() }
}
