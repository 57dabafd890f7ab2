//! `read_more`: the next part of an answer that was too long for one result.

use super::{arguments::ReadMoreArguments, reply::Reply, send, session::Session};

/// Returns the next part, if the agent may still use the connection that the answer came from.
pub(super) async fn read(session: &Session, arguments: &ReadMoreArguments) -> Reply {
    let now = session.registry.clock().now();
    let Some(part) = session.doors.rests.next(&arguments.rest, session.caller.agent().id(), now) else {
        return Reply::failed(
            "This part is no longer kept. A request that only reads can be sent again. One that changes something was \
             sent, so do not send it again; if a person approved it, check_request with its approval has the answer.",
        );
    };
    match session.caller.granted(part.connection).await {
        Ok(_) => send::with_part(Reply::done(String::new()), part),
        Err(error) => session.error(error),
    }
}
