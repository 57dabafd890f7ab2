//! Requests as a browser sends them, to routes in memory.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use connection_faults::user_agent::question;
use tower::ServiceExt as _;

use crate::test_host::public;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns where a redirect with status 303 leads.
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER.as_u16(), "{self:?}");
        self.header("location")
    }

    /// Returns the cookie that the response sets, as a browser sends it back.
    pub(crate) fn cookie(&self) -> &str {
        self.header("set-cookie").split(';').next().unwrap()
    }
}

pub(crate) async fn send(routes: &Router, request: Request<Body>) -> Answer {
    let response = routes.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

/// Sends a GET of a path with its query.
pub(crate) async fn get(routes: &Router, path: &str) -> Answer {
    send(routes, Request::get(path).body(Body::empty()).unwrap()).await
}

pub(crate) async fn get_with(routes: &Router, path: &str, cookie: &str) -> Answer {
    send(routes, Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap()).await
}

/// Returns a POST from a page of this origin, with a cookie.
pub(crate) fn post(path: &str, origin: &str, cookie: &str) -> Request<Body> {
    let request = Request::post(path).header(header::ORIGIN, origin).header(header::COOKIE, cookie);
    request.body(Body::empty()).unwrap()
}

/// Opens a start address as a person who agrees to continue; returns the answer to the button.
pub(crate) async fn agree(routes: &Router, path: &str) -> Answer {
    let asked = get(routes, path).await;
    let query = question(&asked.body).unwrap_or_else(|| panic!("it does not ask: {asked:?}"));
    let origin = public().origin();
    send(routes, post(&format!("{path}{query}"), &origin, asked.cookie())).await
}

/// Returns the path of a redirect, as the routes see it after the proxy of `PUBLIC` has passed it on.
pub(crate) fn behind_proxy(location: &str) -> &str {
    location.strip_prefix(crate::test_host::PUBLIC).unwrap()
}
