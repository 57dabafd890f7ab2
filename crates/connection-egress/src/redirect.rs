//! Redirects, followed by us: within an origin, without a body, and not often.
//!
//! A client that follows them itself forwards custom headers, the body and a referer to another origin.

use connection_contract::HttpError;
use reqwest::{
    StatusCode,
    header::{HeaderMap, LOCATION},
};

use crate::{egress::Target, outgoing::Outgoing, policy::agreed_origin};

/// How many in a row.
pub(super) const MOST: usize = 5;

/// What to do with an answer.
pub(super) enum Next {
    /// It is the answer.
    Answer,
    /// Ask there, with the same request.
    Same(Target),
    /// Ask there, with a `GET` instead.
    Get(Target),
}

/// Decides on an answer by its status and headers. Another origin is denied, whether or not it would be followed; where
/// nothing is followed, a redirect is the answer.
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
    // What stands for an origin may call itself by either name.
    let origin = agreed_origin(&url, url.as_str());
    if !origin.is_some_and(|origin| origin == from.origin || origin == from.meant) {
        return Err(HttpError::Denied);
    }
    let there = from.at(&url)?;
    Ok(match status {
        StatusCode::SEE_OTHER => Next::Get(there),
        _ if request.is_plain_read() => Next::Same(there),
        _ => Next::Answer,
    })
}
