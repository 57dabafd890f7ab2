//! The headers that are passed on, in both directions.

use std::collections::BTreeSet;

use hyper::{
    HeaderMap,
    header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, HeaderValue, UPGRADE},
};

/// Headers of one hop (RFC 9110, section 7.6.1). The headers that `Connection` names, and those that begin
/// with `Proxy-`, are removed as well.
const OF_ONE_HOP: &[&str] =
    &["connection", "http2-settings", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// Returns the headers of a request that are passed on.
///
/// The client of the reverse door sets `Host` and `Content-Length` itself. The server of this door has answered
/// `Expect` already.
pub(crate) fn of_request(headers: &HeaderMap) -> HeaderMap {
    let mut passed = of_answer(headers);
    for name in [HOST, CONTENT_LENGTH, EXPECT] {
        passed.remove(name);
    }
    passed
}

/// Returns the headers of an answer that are passed on.
pub(crate) fn of_answer(headers: &HeaderMap) -> HeaderMap {
    let named = named_by_connection(headers);
    let stays = |name: &HeaderName| {
        !OF_ONE_HOP.contains(&name.as_str()) && !name.as_str().starts_with("proxy-") && !named.contains(name.as_str())
    };
    let mut passed = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.iter().filter(|(name, _)| stays(name)) {
        passed.append(name.clone(), value.clone());
    }
    passed
}

/// Returns `true` for the headers of a request that asks for a WebSocket (RFC 6455, section 4.2.1).
pub(crate) fn is_websocket(headers: &HeaderMap) -> bool {
    let mut protocols = headers.get_all(UPGRADE).iter().flat_map(|value| value.as_bytes().split(|b| *b == b','));
    protocols.any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
        && named_by_connection(headers).contains(UPGRADE.as_str())
}

/// Returns the headers of an answer that upgrades the connection to a WebSocket.
pub(crate) fn of_upgrade(headers: &HeaderMap) -> HeaderMap {
    let mut passed = of_answer(headers);
    passed.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    passed.insert(UPGRADE, HeaderValue::from_static("websocket"));
    passed
}

fn named_by_connection(headers: &HeaderMap) -> BTreeSet<String> {
    let values = headers.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|b| *b == b','));
    let names = values.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok());
    names.map(|name| name.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        // A map of headers has no order of its own.
        names.sort_unstable();
        names
    }

    #[test]
    fn headers_of_one_hop_are_not_passed_on() {
        let sent = [
            ("host", "api.acme.example"),
            ("connection", "Keep-Alive, X-Mine , upgrade"),
            ("x-mine", "1"),
            ("upgrade", "websocket"),
            ("proxy-authorization", "Basic eDp5"),
            ("proxy-connection", "keep-alive"),
            ("expect", "100-continue"),
            ("te", "trailers"),
            ("content-length", "3"),
            ("authorization", "Bearer of-the-agent"),
            ("x-twice", "1"),
            ("x-twice", "2"),
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(name, value.parse().unwrap());
        }
        assert_eq!(names(&of_request(&headers)), ["authorization", "x-twice", "x-twice"]);
        assert!(names(&of_answer(&headers)).contains(&"content-length"));
    }
}
