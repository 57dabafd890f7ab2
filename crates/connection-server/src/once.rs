//! Requests that make something, and that a caller may send again under the same key (`Idempotency-Key`).
//!
//! The store keeps a MAC of the key and of the request, and the id of the thing that was made, which the transaction
//! that makes it writes as well. The answer is made again.

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use connection_core::{ConnectionRegistry, RepeatedRequest, RequestKey};
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use utoipa::ToSchema;

use crate::{Api, body::read, caller::CallersToken, problem::Problem};

const HEADER: &str = "idempotency-key";
/// The maximum length of a key.
const MAX_LENGTH: usize = 255;

/// The body of a request that makes something.
#[derive(Debug)]
pub(crate) struct Once<T> {
    body: T,
    /// `None` if the caller sent no key.
    key: Option<RequestKey>,
}

/// The id of the thing that a request has made, and the answer to the request.
pub(crate) struct Made {
    /// The id, or an empty text if the request has made nothing. Such a request may be carried out again.
    pub(crate) id: String,
    /// A refusal says that the answer could not be made; the thing exists all the same.
    pub(crate) answer: Result<Response, Problem>,
}

/// Returns the refusal of a repeated request whose answer is not given again, with the id of what it has made.
pub(crate) fn not_shown_again(detail: &str, remedy: &str, id: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, "already_created", detail).made(id).remedy(remedy)
}

impl<T: DeserializeOwned + ToSchema> FromRequest<Api> for Once<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let key = key(&parts.headers)?;
        // Each handler finds out the caller first.
        let token = parts.extensions.get::<CallersToken>().copied();
        let route = format!("{} {}", parts.method, parts.uri.path_and_query().map_or("", |path| path.as_str()));
        let of = |bytes: &[u8]| {
            let CallersToken(token) = token?;
            Some(api.registry.access_tokens().request_key(token, key?, &route, bytes))
        };
        let (body, key) = read(api, body, of).await?;
        Ok(Self { body, key })
    }
}

impl<T> Once<T> {
    pub(crate) fn body(&self) -> &T {
        &self.body
    }

    /// Carries the request out, unless it was before: then `again` answers with the id of what was made.
    ///
    /// The request is carried out to its end even if its client is gone, because the client will send it again.
    pub(crate) async fn run<M, A>(
        self,
        api: &Api,
        make: impl FnOnce(T) -> M,
        again: impl FnOnce(String) -> A,
    ) -> Result<Response, Problem>
    where
        M: Future<Output = Result<Made, Problem>> + Send + 'static,
        A: Future<Output = Result<Response, Problem>>,
    {
        self.run_in_parts(api, make, again, |_| false).await
    }

    /// Carries out a request that makes several things in several transactions. `is_whole` says whether the ids that an
    /// interrupted request has made, separated by commas, are all that it was to make.
    pub(crate) async fn run_in_parts<M, A>(
        self,
        api: &Api,
        make: impl FnOnce(T) -> M,
        again: impl FnOnce(String) -> A,
        is_whole: impl FnOnce(&str) -> bool,
    ) -> Result<Response, Problem>
    where
        M: Future<Output = Result<Made, Problem>> + Send + 'static,
        A: Future<Output = Result<Response, Problem>>,
    {
        let make = make(self.body);
        let Some(key) = self.key else { return make.await?.answer };
        // Only a task of its own is carried on when the client is gone. It also begins the request: a request that is
        // recorded and not carried out would be in progress until its lease ends.
        let task = carried_out(api.registry.clone(), key, make);
        let failed = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "unexpected", "the request was not finished");
        match Handle::current().spawn(task).await.map_err(failed)?? {
            Carried::Now(made) => made.answer,
            Carried::Before(id) => again(id).await,
            Carried::Interrupted(ids) if is_whole(&ids) => again(ids).await,
            Carried::Interrupted(ids) => Err(partly_made(ids)),
        }
    }
}

/// The time at which a request was carried out: now, or by an earlier one under the same key.
enum Carried {
    Now(Made),
    /// The id of the thing that the earlier request made.
    Before(String),
    /// The ids of the things that the earlier request made before it was interrupted.
    Interrupted(String),
}

async fn carried_out(
    registry: ConnectionRegistry,
    key: RequestKey,
    make: impl Future<Output = Result<Made, Problem>> + Send,
) -> Result<Carried, Problem> {
    let tokens = registry.access_tokens();
    match tokens.begin_request(key).await? {
        RepeatedRequest::First => {}
        RepeatedRequest::Made(id) => return Ok(Carried::Before(id)),
        RepeatedRequest::Other => {
            let message = "another request was sent with this Idempotency-Key";
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", message);
            return Err(problem.remedy("send each request with a key of its own"));
        }
        RepeatedRequest::Part(ids) => return Ok(Carried::Interrupted(ids)),
        _ => {
            let message = "the request with this Idempotency-Key is in progress, or was interrupted moments ago";
            let problem = Problem::new(StatusCode::CONFLICT, "request_in_progress", message);
            return Err(problem.remedy("send it again in 30 s"));
        }
    }
    let made = tokens.carry_out_request(key, Box::pin(make)).await;
    let ended = match &made {
        Ok(made) => tokens.end_request(key, Some(made.id.clone()).filter(|id| !id.is_empty())).await,
        Err(problem) if problem.is_refusal() => tokens.end_request(key, None).await,
        // A commit whose answer was lost may have made something. The next request with the key reads the row.
        Err(_) => tokens.release_request(key).await,
    };
    if let Err(error) = ended {
        tracing::warn!(%error, "the end of a request with a key was not recorded; its lease ends by itself");
    }
    made.map(Carried::Now)
}

/// Returns the refusal of a repeated request that was interrupted after it had made these things.
fn partly_made(ids: String) -> Problem {
    let detail = "the request with this Idempotency-Key was interrupted, and what it made until then is kept";
    let problem = Problem::new(StatusCode::CONFLICT, "partly_created", detail);
    problem.made(ids).remedy("look at what exists, and send what is missing with another key")
}

/// Returns the key of a request: a text in quotation marks, or as it is.
fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().map(str::trim).map(|text| {
        let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        quoted.unwrap_or(text)
    });
    let is_key = |text: &&str| {
        (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
    };
    match text.filter(is_key) {
        Some(key) if values.next().is_none() => Ok(Some(key)),
        _ => {
            let problem = Problem::invalid("the header Idempotency-Key is not 1 to 255 visible ASCII characters");
            Err(problem.remedy("send one key, such as a UUID"))
        }
    }
}
