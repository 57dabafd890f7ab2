//! The tools over HTTP, at `/mcp`: Streamable HTTP of MCP, without sessions.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::any,
};
use connection_core::{Audience, Door};
use connection_inbound::ArrivedAtSocket;
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};

use super::{delivery::Delivery, server::ToolServer};
use crate::{
    doors::{
        Doors, headers,
        refusal::{Outcome, Refusal},
        token,
    },
    guard::{door_address_in, names_one_of},
    observe::OwnId,
    problem::Problem,
    sign_in::challenge,
};

/// The maximum size of a message in bytes: a request that a person is asked about has at most 1 MiB.
const MAX_MESSAGE: usize = 3 << 19;

type Service = StreamableHttpService<ToolServer, NeverSessionManager>;

/// Returns the route of the door.
pub(in crate::doors) fn routes<S>(doors: &Doors) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let server = ToolServer { doors: doors.clone(), caller: None };
    let config = StreamableHttpServerConfig::default()
        // `checked` compares the host and the origin with those of this host.
        .disable_allowed_hosts()
        .with_max_request_body_bytes(MAX_MESSAGE)
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let service = Service::new(move || Ok(server.clone()), Arc::default(), config);
    Router::new().route("/mcp", any(pass)).with_state((doors.clone(), service))
}

async fn pass(State((doors, service)): State<(Doors, Service)>, request: Request) -> Response {
    let address = door_address_in(&doors.options, &request).filter(|_| !is_at_socket(&request));
    let is_given = request.headers().contains_key(header::AUTHORIZATION);
    let answered = Box::pin(answered(&doors, &service, request)).await;
    let mut response = answered.unwrap_or_else(|refusal| {
        let mut response = refusal.into_response();
        if response.status() == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 11.6.1. At a socket, the addresses of the metadata are not reached.
            let challenge = address.and_then(|address| challenge(&address, is_given));
            let challenge = challenge.unwrap_or(HeaderValue::from_static("Bearer"));
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    });
    headers::protect(response.headers_mut());
    response.extensions_mut().insert(OwnId);
    response
}

async fn answered(doors: &Doors, service: &Service, mut request: Request) -> Result<Response, Refusal> {
    checked(doors, &request)?;
    let text = token::bearer(request.headers())?;
    let caller = doors.caller(&text, Audience::Mcp, Door::Mcp, request.extensions(), Some(token::BEARER)).await?;
    // Nothing below needs the token.
    request.headers_mut().remove(header::AUTHORIZATION);
    let delivery = Delivery::default();
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(delivery.clone());
    Ok(delivery.around(service.handle(request).await.map(Body::new)))
}

fn is_at_socket(request: &Request) -> bool {
    request.extensions().get::<ArrivedAtSocket>().is_some()
}

/// Checks that the request names this host, and that a browser sends it from no other origin.
fn checked(doors: &Doors, request: &Request) -> Result<(), Refusal> {
    let origins = doors.options.door_origins();
    if !is_at_socket(request) && !names_one_of(origins, request) {
        return Err(doors.other_host());
    }
    let mut named = request.headers().get_all(header::ORIGIN).iter();
    match named.all(|named| origins.iter().any(|ours| named == ours.origin())) {
        true => Ok(()),
        false => {
            let problem = Problem::new(StatusCode::FORBIDDEN, "browser", "a page of another origin sent this request");
            Err(Refusal::new(problem.remedy("use the door from a program"), Outcome::Denied))
        }
    }
}
