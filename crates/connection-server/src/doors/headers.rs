//! The headers that a door passes on, and those that it sets itself.

use std::collections::BTreeSet;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers of one hop (RFC 9110, section 7.6.1), and those with which each hop says where the request goes and how long
/// the body is. Those that `Connection` names come to them.
const OF_ONE_HOP: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers that a proxy before this host adds to each request, or that a client of the proxy sends to deceive it. They
/// concern this host alone.
const OF_PROXIES: &[&str] = &["forwarded", "via", "x-real-ip"];

/// Headers that only a browser sends. The `fetch` of Node sends `Sec-Fetch-Mode`, which is not one of them.
const OF_BROWSERS: &[&str] = &[
    "origin",
    "service-worker",
    "sec-fetch-site",
    "sec-fetch-dest",
    "sec-fetch-user",
    "access-control-request-method",
    "access-control-request-headers",
];

/// Headers of a provider that act on the browser of a person or on the origin of this host.
const FOR_BROWSERS: &[&str] = &[
    "accept-ch",
    "alt-svc",
    "clear-site-data",
    "connections-outcome",
    "connections-request-id",
    "critical-ch",
    "nel",
    "origin-agent-cluster",
    "permissions-policy",
    "refresh",
    "report-to",
    "reporting-endpoints",
    "service-worker-allowed",
    "set-cookie",
    "set-cookie2",
    "sourcemap",
    "speculation-rules",
    "strict-transport-security",
    "www-authenticate",
    "x-sourcemap",
];

/// The beginnings of the names of such headers.
const FOR_BROWSERS_BEGIN: &[&str] = &["access-control-", "cross-origin-", "proxy-"];

/// Returns `true` for a request of a browser, which has no business at a door.
pub(super) fn is_of_browser(headers: &HeaderMap) -> bool {
    OF_BROWSERS.iter().any(|name| headers.contains_key(*name))
}

/// Returns the headers that are passed on to the provider, in their order.
pub(super) fn passed_on(headers: &HeaderMap) -> impl Iterator<Item = (String, Vec<u8>)> {
    let named = named_by_connection(headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok()));
    let stays = move |name: &str| {
        !OF_ONE_HOP.contains(&name)
            && !named.contains(name)
            && !OF_PROXIES.contains(&name)
            && !name.starts_with("x-forwarded-")
    };
    let passed = headers.iter().filter(move |(name, _)| stays(name.as_str()));
    passed.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
}

/// Returns the headers of a provider's answer that are passed on to the client.
pub(super) fn of_answer(headers: &[(String, String)]) -> HeaderMap {
    let of_connection = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
    let named = named_by_connection(of_connection.map(|(_, value)| value.as_str()));
    let mut passed = HeaderMap::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let stays = name == "content-length" || !OF_ONE_HOP.contains(&&*name);
        let is_for_browsers =
            FOR_BROWSERS.contains(&&*name) || FOR_BROWSERS_BEGIN.iter().any(|all| name.starts_with(all));
        if !stays || named.contains(&name) || is_for_browsers {
            continue;
        }
        let header = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value));
        if let (Ok(name), Ok(value)) = header {
            passed.append(name, value);
        }
    }
    passed
}

/// Sets the headers with which no browser shows or runs what a provider sent.
pub(super) fn protect(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'; frame-ancestors 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let is_attachment = |value: &HeaderValue| {
        let given = value.as_bytes();
        given.get(..10).is_some_and(|begin| begin.eq_ignore_ascii_case(b"attachment"))
    };
    let mut given = headers.get_all(header::CONTENT_DISPOSITION).iter();
    if !(given.next().is_some_and(is_attachment) && given.next().is_none()) {
        headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    }
}

fn named_by_connection<'a>(values: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    values.flat_map(|value| value.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(headers: &[(&str, &str)]) -> HeaderMap {
        let pairs = headers.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        pairs.fold(HeaderMap::new(), |mut map, (name, value)| {
            map.append(name, value);
            map
        })
    }

    #[test]
    fn headers_of_one_hop_and_of_proxies_stay_here() {
        let sent = map(&[
            ("host", "door.example"),
            ("connection", "keep-alive, X-Mine"),
            ("x-mine", "1"),
            ("x-forwarded-for", "192.0.2.1"),
            ("te", "trailers"),
            ("accept", "application/json"),
            ("x-twice", "1"),
            ("x-twice", "2"),
        ]);
        let passed: Vec<_> = passed_on(&sent).map(|(name, _)| name).collect();
        assert_eq!(passed, ["accept", "x-twice", "x-twice"]);
    }

    #[test]
    fn an_answer_keeps_no_header_that_acts_on_a_browser() {
        let answer = [
            ("Content-Type", "text/html"),
            ("Content-Length", "5"),
            ("Set-Cookie", "a=b"),
            ("WWW-Authenticate", "Bearer"),
            ("Access-Control-Allow-Origin", "*"),
            ("Cross-Origin-Opener-Policy", "unsafe-none"),
            ("Connection", "close, X-Hop"),
            ("X-Hop", "1"),
            ("X-Request-Id", "provider-1"),
            ("Content-Security-Policy", "default-src *"),
            ("Content-Disposition", "inline"),
        ];
        let answer = answer.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut passed = of_answer(&answer);
        protect(&mut passed);
        let names: BTreeSet<_> = passed.keys().map(HeaderName::as_str).collect();
        let expected = [
            "content-disposition",
            "content-length",
            "content-security-policy",
            "content-type",
            "cross-origin-resource-policy",
            "x-content-type-options",
            "x-request-id",
        ];
        assert_eq!(names, BTreeSet::from(expected));
        assert_eq!(passed["content-disposition"], "attachment");
        assert_eq!(passed["content-security-policy"], "sandbox; default-src 'none'; frame-ancestors 'none'");
    }
}
