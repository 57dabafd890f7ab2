//! Deciding about a request of an agent by the rules of its grant, when it arrives and again after a person approved it.

use connection_contract::{DisplayText, Secret};
use connection_rules::{Profile, RequestHead, RequestParts};

use crate::{
    AgentCaller, Connection, Error, Permit, RequestBody, RuleError,
    connection::{ReadBody, invalid_body},
    grant::{self, Judgement},
};

/// The body of a request about which rules decide.
pub(crate) enum Body<'a> {
    /// The whole body.
    Whole(Vec<u8>),
    /// A body that may take minutes to arrive, in which the grant of its caller may end.
    Arriving { body: RequestBody, caller: &'a AgentCaller },
}

/// A request about which rules have decided.
pub(crate) struct Decided {
    /// The permit by which it was decided.
    pub(crate) permit: Permit,
    /// The parts and the body of the request, as they are sent.
    pub(crate) parts: RequestParts,
    pub(crate) body: RequestBody,
    pub(crate) judgement: Judgement,
}

/// Reads the head of a request as the kind of the connection says that it is read.
///
/// # Errors
///
/// [`RuleError::Ambiguous`], and the errors of finding the kind.
pub(crate) async fn head(connection: &Connection, permit: &Permit, parts: RequestParts) -> Result<RequestHead, Error> {
    let kind = connection.kind().await?;
    let profile = Profile::of_kind(&kind.descriptor, connection.system.ground.kinds.seats(&kind));
    let ambiguous = |why| RuleError::Ambiguous { grantee: grantee(permit), why };
    Ok(RequestHead::read(parts, &profile).map_err(ambiguous)?)
}

/// Reads the body of a request as far as the rules look at it, and decides.
///
/// # Errors
///
/// [`RuleError::Ambiguous`], [`Error::InvalidRequest`] for a body that does not arrive, and the errors of
/// [`AgentCaller::granted`].
pub(crate) async fn decide(
    connection: &Connection,
    mut permit: Permit,
    head: RequestHead,
    body: Body<'_>,
) -> Result<Decided, Error> {
    let (body, caller) = match body {
        Body::Whole(body) => (RequestBody::whole(Secret::new(body)), None),
        Body::Arriving { body, caller } => (body, Some(caller)),
    };
    let (request, rest) = match permit.rules().wants_body(&head) {
        None => (head.streamed(), Some(body)),
        Some(limit) => {
            let ground = &connection.system.ground;
            let read = body.read_within(limit, &*ground.clock, ground.http.policy().idle_timeout()).await;
            let read = read.map_err(invalid_body)?;
            if let Some(caller) = caller {
                permit = caller.granted(connection.id()).await?;
            }
            match read {
                ReadBody::Whole(bytes) => (head.with_body(bytes), None),
                ReadBody::Longer(body) => (head.streamed(), Some(body)),
            }
        }
    };
    let request = request.map_err(|why| RuleError::Ambiguous { grantee: grantee(&permit), why })?;
    let judgement = grant::judge(&grantee(&permit), permit.rules(), &request);
    let (parts, bytes) = request.into_parts();
    let body = rest.unwrap_or_else(|| RequestBody::whole(Secret::new(bytes.unwrap_or_default())));
    Ok(Decided { permit, parts, body, judgement })
}

fn grantee(permit: &Permit) -> DisplayText {
    permit.agent().name().to_owned().into()
}
