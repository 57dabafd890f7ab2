//! Calls of an agent about which a person is asked.

use std::time::Duration;

use connection_core::{AgentCaller, ApprovalId, ConnectionRegistry};
use rmcp::{
    model::{ErrorCode, ErrorData},
    transport::streamable_http_client::StreamableHttpPostResponse,
};

use crate::answer::{Answer, Posted, TransportError};

/// The longest time for which the store is asked once.
const WAIT: Duration = Duration::from_secs(60);
/// The error of a call that a person did not allow, in the range for implementations (JSON-RPC 2.0, section 5.1). The
/// doors for agents have the same.
const NOT_ALLOWED: ErrorCode = ErrorCode(-32003);

/// Waits until a person has answered and the call was sent, or until it is over, and returns what the client gets.
pub(crate) async fn answered(
    registry: &ConnectionRegistry,
    caller: &AgentCaller,
    id: ApprovalId,
    posted: &Posted,
) -> Result<StreamableHttpPostResponse, TransportError> {
    let mut found = loop {
        let found = registry.for_agent(caller).approval(id, WAIT).await.map_err(TransportError::Client)?;
        if !found.state.is_open() {
            break found;
        }
    };
    let answer = found.answer.take().filter(|answer| answer.is_complete);
    let response = match answer {
        Some(answer) => Box::pin(Answer::from(answer).for_message(posted)).await,
        None => Ok(posted.refused(ErrorData::new(NOT_ALLOWED, found.unanswered().unwrap_or_default(), None))),
    };
    // The next equal call is a new one.
    registry.for_agent(caller).fetched(id).await.map_err(TransportError::Client)?;
    response
}
