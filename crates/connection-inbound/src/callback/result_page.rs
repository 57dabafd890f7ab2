//! The page after a callback, which shows the result.

use std::time::Duration;

use axum::{
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderValue, Method, StatusCode, header},
    response::Response,
};
use connection_contract::{Identity, Kind};
use connection_core::{ConnectionRegistry, DeliverError, Outcome, SetupSession, SetupStep};

use super::{Receiver, receive::not_get};
use crate::{
    cookies,
    page::{self, Page},
    public_url::OTHER_BROWSER,
};

/// The maximum time for which a request for the page waits. After that, the browser asks again.
const MAX_DURATION: Duration = Duration::from_secs(10);

pub(super) async fn result_page(
    State(receiver): State<Receiver>,
    kind: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    if *request.method() != Method::GET {
        return not_get();
    }
    let kind = kind.ok().and_then(|Path(kind)| Kind::parse_path_segment(&kind));
    if kind.is_some() && request.uri().query() == Some(OTHER_BROWSER) {
        return page::answer(StatusCode::FORBIDDEN, &Page::OtherBrowser);
    }
    let reference = request.uri().query().and_then(|query| query.strip_prefix("ref="));
    let (Some(kind), Some(reference), Some(registry)) = (kind, reference, receiver.registry.get()) else {
        return page::answer(StatusCode::NOT_FOUND, &Page::Neutral);
    };
    let session = match registry.setups().delivered(&kind, reference).await {
        Ok(session) => session,
        Err(DeliverError::Error(_)) => return page::answer(StatusCode::SERVICE_UNAVAILABLE, &Page::Again),
        Err(_) => return page::answer(StatusCode::NOT_FOUND, &Page::Neutral),
    };
    let page = wait_for_result(&registry, &session).await;
    let mut response = page::answer(StatusCode::OK, &page);
    let headers = response.headers_mut();
    let again = match page {
        Page::Working => Some("1"),
        Page::GoesOn { .. } => Some("5"),
        _ => None,
    };
    headers.extend(again.map(|seconds| (header::REFRESH, HeaderValue::from_static(seconds))));
    if again.is_none() && !cookies::proofs(&receiver.url, request.headers()).is_empty() {
        let cookie = cookies::clear(&receiver.url, &kind, session.id());
        headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    }
    response
}

/// Waits until there is a result to show, for a limited time.
async fn wait_for_result(registry: &ConnectionRegistry, session: &SetupSession) -> Page {
    // Without its title, the name of the kind is shown.
    let title = session.kind_info().await.ok().flatten().map(|info| info.descriptor.display_name);
    let title = title.unwrap_or_else(|| session.kind().to_string().into());
    let clock = registry.clock();
    let rests = async {
        loop {
            match session.next_step().await {
                Ok(Some((_, SetupStep::Notice { beside }))) if beside.iter().all(|notice| notice.reason.is_none()) => {}
                Ok(Some((_, SetupStep::Done { .. } | SetupStep::Failed(_))) | None) => break outcome(session).await,
                Ok(Some((_, SetupStep::Confirm { identity }))) => break RestingState::Confirms(identity),
                Ok(Some(_)) => break RestingState::GoesOn,
                Err(_) => break RestingState::Unknown,
            }
        }
    };
    let found = tokio::select! {
        biased;
        found = rests => found,
        () = clock.sleep(MAX_DURATION) => return Page::Working,
    };
    match found {
        RestingState::Ended(Outcome::Done(done)) => Page::Connected { title, done: Box::new(done) },
        RestingState::Ended(Outcome::Failed(failure)) => Page::Failed { title, failure: Box::new(failure) },
        RestingState::Ended(Outcome::Cancelled) => Page::Neutral,
        RestingState::Confirms(identity) => Page::Confirms { title, identity: Box::new(identity) },
        RestingState::GoesOn | RestingState::Unknown => Page::GoesOn { title },
    }
}

/// A state of a session that a page shows.
enum RestingState {
    Confirms(Identity),
    Ended(Outcome),
    GoesOn,
    /// The session cannot continue now.
    Unknown,
}

async fn outcome(session: &SetupSession) -> RestingState {
    session.terminal().await.map_or(RestingState::Unknown, RestingState::Ended)
}
