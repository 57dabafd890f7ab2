//! Follows redirects within an origin, without a body, and only a few in a row.
//!
//! The HTTP library does not follow them, because it would forward custom headers, the body and a referer to another
//! origin.

use connection_contract::HttpError;
use reqwest::{
    StatusCode,
    header::{HeaderMap, LOCATION},
};

use crate::{egress::Target, outgoing::Outgoing, policy::agreed_origin};

/// The maximum number of redirects in a row.
pub(super) const MAX_COUNT: usize = 5;

/// The next step after an answer.
pub(super) enum Next {
    /// Return the answer to the caller.
    Answer,
    /// Send the same request to the target.
    Same(Target),
    /// Send a `GET` to the target.
    Get(Target),
}

/// Returns the next step, from the status and the headers of an answer.
///
/// A redirect to another origin is denied, even if its status would not be followed for this request. If the request
/// follows no redirects, a redirect is the answer.
pub(super) fn next(
    status: StatusCode,
    headers: &HeaderMap,
    from: &Target,
    request: &Outgoing,
) -> Result<Next, HttpError> {
    let followed = matches!(
        status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let followed = followed && request.follows;
    let Some(location) = headers.get(LOCATION).filter(|_| followed) else { return Ok(Next::Answer) };
    let location = location.to_str().map_err(|_| HttpError::Protocol)?;
    let url = from.url.join(location).map_err(|_| HttpError::Protocol)?;
    // A mapped endpoint may use its own name or that of the origin that it stands for.
    let origin = agreed_origin(&url, url.as_str());
    if !origin.is_some_and(|origin| origin == from.origin || origin == from.requested) {
        return Err(HttpError::Denied);
    }
    let there = from.at(&url)?;
    Ok(match status {
        StatusCode::SEE_OTHER => Next::Get(there),
        _ if request.is_plain_read() => Next::Same(there),
        _ => Next::Answer,
    })
}
