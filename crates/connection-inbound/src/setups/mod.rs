//! Setups by JSON, for a page or a program: begin, look, answer, resume, cancel.
//!
//! `GET` alone waits, and changes nothing. The bodies are types of this crate, made by hand from the core's, so that
//! nothing gets out that is not named here; an answer that was given never comes back.

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

/// What the handlers share.
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

/// Routes by which a page or a program runs setups:
///
/// | Request | What it does |
/// |---|---|
/// | `POST /setups` | begins one: `{"kind": "github"}`, or `{"connection": ID}` to authorize one again |
/// | `GET /setups/{id}?after=CURSOR` | the step, as soon as there is another one than that |
/// | `POST /setups/{id}/answers` | answers a step: `{"step": 1, "answers": {"accessToken": "…"}}` |
/// | `POST /setups/{id}/resume` | asks again for one that waits for a network: `{}` |
/// | `DELETE /setups/{id}` | cancels it |
///
/// `owner_of` says whose a request is, from the host's own session, or with which status it is refused; what is another
/// owner's is not found. `url` is where the browser sees these routes and [the callbacks](crate::callback_routes): what is
/// begun here ends in the same browser, by a cookie of one setup. So these routes are for pages; a program that sends a
/// person's browser elsewhere begins its setups through the registry.
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
        .layer(middleware::map_response(headers::guarded))
        .with_state(setups)
}
