//! Setups by JSON, for a page or a program: begin, read, answer, resume, cancel.
//!
//! Only `GET` waits, and it changes nothing. The bodies are types of this crate, converted by hand from those of the
//! core, so that no field is exposed that is not named here. A given answer is never sent back.

mod answers;
mod error;
mod handlers;
mod poll;
mod requests;
mod schema;
mod step;

use std::{fmt, sync::Arc};

use axum::{
    Router,
    http::{StatusCode, request::Parts},
    middleware,
    routing::{any, get, post},
};
use connection_core::ConnectionRegistry;

use crate::{PublicUrl, headers};

pub use answers::AnswerValue;
pub use error::{ErrorBody, ErrorDetail, ProblemBody};
pub use requests::{AnswersBody, BeginBody};
pub use schema::{Schema, schemas};
pub use step::{AccountBody, ChoiceBody, FieldBody, GuideBody, NoticeBody, ReasonBody, SetupBody, StateBody};

type OwnerOf = dyn Fn(&Parts) -> Result<String, StatusCode> + Send + Sync;

/// The state that the handlers share.
#[derive(Clone)]
struct Setups {
    registry: ConnectionRegistry,
    url: Arc<PublicUrl>,
    owner_of: Arc<OwnerOf>,
}

impl fmt::Debug for Setups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setups").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Returns the routes with which a page or a program runs setups:
///
/// | Request | What it does |
/// |---|---|
/// | `POST /setups` | begins a setup: `{"kind": "github"}`, or `{"connection": ID}` for a re-authorization |
/// | `GET /setups/{id}?after=CURSOR` | returns the step, waiting until it differs from the cursor |
/// | `POST /setups/{id}/answers` | answers a step: `{"step": 1, "answers": {"accessToken": "…"}}` |
/// | `POST /setups/{id}/resume` | resumes a setup that waits for the network: `{}` |
/// | `DELETE /setups/{id}` | cancels the setup |
///
/// `owner_of` returns the owner of a request, from the host's own session, or the status with which it is refused. A
/// setup of another owner is not found.
///
/// `url` is the address at which the browser reaches these routes and [the callbacks](crate::callback_routes). A setup
/// that begins here must end in the same browser, which a cookie of that setup ensures. These routes are therefore for
/// pages; a program that sends a person's browser elsewhere begins its setups through the registry.
pub fn setup_routes<S, F>(registry: ConnectionRegistry, url: PublicUrl, owner_of: F) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    F: Fn(&Parts) -> Result<String, StatusCode> + Send + Sync + 'static,
{
    let setups = Setups { registry, url: Arc::new(url), owner_of: Arc::new(owner_of) };
    Router::new()
        .route("/setups", post(handlers::begin).fallback(handlers::other_method))
        .route("/setups/{id}", get(handlers::show).delete(handlers::cancel).fallback(handlers::other_method))
        .route("/setups/{id}/answers", post(handlers::answer).fallback(handlers::other_method))
        .route("/setups/{id}/resume", post(handlers::resume).fallback(handlers::other_method))
        .route("/setups/{id}/{*rest}", any(handlers::nothing))
        .layer(middleware::map_response(headers::with_security_headers))
        .with_state(setups)
}
