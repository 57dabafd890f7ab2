//! The address that leads a browser to the provider.
//!
//! A browser that holds the proof of the setup is led on, and so is one that this machine opened. Every other browser
//! gets a page that names who will receive the account, and goes on with its button, which sends a POST. No page of
//! another site can send that POST: it must come from our own origin, with the cookie of the question. A page of
//! another site that the host trusts with its own users sends a POST without the question.
//!
//! Other users of the machine may be able to read the address. Therefore it names neither the `state` nor the
//! provider, and a browser that comes after another one was led on learns only that.

use axum::{
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use connection_contract::{Kind, Secret};
use connection_core::{DeliverError, StartAnswer, StartQuestion, StartVisit};

use super::{Receiver, receive::see};
use crate::{
    cookies,
    page::{self, Page},
};

pub(super) async fn start(
    State(receiver): State<Receiver>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Response {
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, POST")]).into_response();
    }
    let path = path.ok().and_then(|Path((kind, token))| Some((Kind::parse_path_segment(&kind)?, token)));
    let (Some((kind, token)), Some(registry)) = (path, receiver.registry.get()) else {
        return page::answer(StatusCode::NOT_FOUND, &Page::Neutral);
    };
    match registry.setups().open_start_address(&kind, &token, visit(&receiver, &request)).await {
        Ok(StartAnswer::Leads(lead)) => {
            let mut response = see(&lead.link);
            if let Some(proof) = lead.proof {
                let proof = cookies::set(&receiver.url, &kind, lead.session, &proof);
                let answered = cookies::clear_question(&receiver.url, &kind, lead.session);
                let cookies = proof.into_iter().chain(answered).map(|cookie| (header::SET_COOKIE, cookie));
                response.headers_mut().extend(cookies);
            }
            response
        }
        Ok(StartAnswer::Asks(question)) => asked(&receiver, &kind, &question),
        Ok(_) => page::answer(StatusCode::NOT_FOUND, &Page::Neutral),
        Err(DeliverError::OtherBrowser) => {
            tracing::warn!(%kind, "a second browser opened the address of a setup");
            page::answer(StatusCode::FORBIDDEN, &Page::Taken)
        }
        Err(DeliverError::NotNow) => {
            let mut response = page::answer(StatusCode::OK, &Page::Working);
            response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("1"));
            response
        }
        Err(DeliverError::Error(error)) => {
            tracing::warn!(%kind, code = error.code(), "a browser cannot be redirected to the provider now");
            page::answer(StatusCode::SERVICE_UNAVAILABLE, &Page::Again)
        }
        Err(error) => {
            let status = StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::NOT_FOUND);
            page::answer(status, &Page::Neutral)
        }
    }
}

/// Returns what the request shows about its browser.
fn visit(receiver: &Receiver, request: &Request) -> StartVisit {
    let headers = request.headers();
    let mut visit = StartVisit::new().proofs(cookies::proofs(&receiver.url, headers));
    let is_told = |name, value: &str| headers.get(name).is_some_and(|told| told.as_bytes() == value.as_bytes());
    let is_window = is_told("sec-fetch-dest", "document") && is_told("sec-fetch-mode", "navigate");
    // A browser without these headers is an old one, or has an address without TLS in a private network.
    let says_nothing =
        ["sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site"].iter().all(|name| !headers.contains_key(*name));
    if is_window || says_nothing {
        visit = visit.navigation();
    }
    if *request.method() == Method::POST
        && let Some(origin) = only_origin(headers)
    {
        if origin != receiver.url.origin() {
            // The header alone does not say that the POST is not in a frame of another page.
            return if is_window { visit.posted_from(origin) } else { visit };
        }
        let token = request.uri().query().and_then(|query| query.strip_prefix(page::ANSWER));
        if let Some(token) = token.filter(|_| says_nothing || is_told("sec-fetch-site", "same-origin")) {
            visit = visit.agreed(cookies::questions(&receiver.url, headers), Secret::from(token));
        }
    }
    visit
}

fn only_origin(headers: &HeaderMap) -> Option<&str> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = origins.next()?.to_str().ok()?;
    origins.next().is_none().then_some(origin)
}

/// Returns the page that asks before the browser is led on.
fn asked(receiver: &Receiver, kind: &Kind, question: &StartQuestion) -> Response {
    let cookie = cookies::set_question(&receiver.url, kind, question.session, &question.nonce);
    let mut response = page::ask(question, receiver.url.authority());
    let headers = response.headers_mut();
    // With another policy, the browser would hide the origin of the page in the POST of the button.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    response
}
