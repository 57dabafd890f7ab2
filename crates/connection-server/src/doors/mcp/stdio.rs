//! The tools on standard streams, or on any other pair of streams.

use std::io;

use connection_core::{AgentCaller, ConnectionRegistry, Door};
use rmcp::{ServiceExt as _, service::QuitReason};
use tokio::io::{AsyncRead, AsyncWrite};

use super::server::ToolServer;
use crate::{doors::Doors, options::ApiOptions};

/// Serves the tools of the door for models to a client of MCP that writes to `input` and reads `output`, until `input`
/// ends. Every request is one of `caller`.
///
/// `page` is the address of the page, without a slash at the end, at which a person answers and repairs; without one, the
/// tools name the commands alone.
///
/// # Cancellation
///
/// If the future is dropped, requests that were sent may or may not have been acted on.
///
/// # Errors
///
/// The streams fail, or the client does not speak MCP.
///
/// ```
/// use connection_core::{AgentCaller, ConnectionRegistry};
/// use connection_server::{ApiOptions, serve_mcp};
///
/// async fn serve(registry: ConnectionRegistry, caller: AgentCaller, options: ApiOptions) -> std::io::Result<()> {
///     serve_mcp(registry, caller, options, None, tokio::io::empty(), tokio::io::sink()).await
/// }
/// # let _ = serve;
/// ```
pub async fn serve_mcp<R, W>(
    registry: ConnectionRegistry,
    caller: AgentCaller,
    options: ApiOptions,
    page: Option<String>,
    input: R,
    output: W,
) -> io::Result<()>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let doors = Doors::new(registry, options, page);
    let server = ToolServer { doors: doors.clone(), caller: Some(caller.through(Door::Mcp)) };
    let failed = |error: &dyn std::error::Error| io::Error::other(error.to_string());
    let service = server.serve((input, output)).await.map_err(|error| failed(&error))?;
    match service.waiting().await {
        Ok(QuitReason::JoinError(error)) | Err(error) => Err(failed(&error)),
        Ok(_) => Ok(()),
    }
}
