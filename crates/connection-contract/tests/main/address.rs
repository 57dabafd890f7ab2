//! Addresses: only hosts create them, and no joined path leaves its base.

use connection_contract::{HttpRequest, Link, host};

#[test]
fn only_plain_addresses_are_bases() {
    for (text, expected) in [
        ("https://api.example.com", Some("https://api.example.com")),
        ("HTTPS://API.Example.com:443/v1/", Some("https://api.example.com/v1")),
        ("http://127.0.0.1:80", Some("http://127.0.0.1")),
        ("http://[::1]:9001/a", Some("http://[::1]:9001/a")),
        ("https://user@example.com", None),
        ("https://example.com:99999", None),
        ("https://example.com:x", None),
        ("https://example.com?x=1", None),
        ("https://example.com/#a", None),
        ("https://example.com/a/../b", None),
        ("https://example.com\\@evil.example", None),
        ("https://", None),
        ("https://:443", None),
        ("ftp://example.com", None),
        ("example.com", None),
        ("", None),
    ] {
        assert_eq!(host::base_url(text).map(|base| base.to_string()).as_deref(), expected, "{text}");
    }
}

#[test]
fn a_path_is_encoded_and_cannot_leave_its_base() {
    let base = host::base_url("https://api.example.com/v1").unwrap();
    for (path, expected) in [
        ("/user", "https://api.example.com/v1/user"),
        ("user", "https://api.example.com/v1/user"),
        ("/a b/ü?x#y", "https://api.example.com/v1/a%20b/%C3%BC%3Fx%23y"),
        ("/../admin", "https://api.example.com/v1/%2E%2E/admin"),
        ("//evil.example/", "https://api.example.com/v1/evil.example/"),
    ] {
        assert_eq!(HttpRequest::get(&base, path).url(), expected, "{path}");
    }
    let request = HttpRequest::get(&base, "/q").query("a b", "c&d").query("e", "f");
    assert_eq!(request.url(), "https://api.example.com/v1/q?a%20b=c%26d&e=f");
}

#[test]
fn a_host_keeps_what_a_person_encoded_and_refuses_what_leads_elsewhere() {
    let base = host::base_url("https://api.example.com/v1").unwrap();
    let url = |path: &str| host::request("GET", &base, path).map(|request| request.url().to_owned());
    assert_eq!(url("/a%2Fb?c=d%20e").as_deref(), Some("https://api.example.com/v1/a%2Fb?c=d%20e"));
    assert_eq!(url("/a?b[]=c").as_deref(), Some("https://api.example.com/v1/a?b[]=c"));
    for refused in ["a", "", "/a[]", "/a#b", "/../x", "/%2e%2e/x", "/a b", "/a%2", "/a\\b", "/a\r\nb", "/ü", "/a?b=%zz"]
    {
        assert_eq!(url(refused), None, "{refused}");
    }
}

#[test]
fn a_link_of_a_provider_is_https_or_on_this_machine_or_nothing() {
    let here = ["http://127.0.0.1:8080/device", "http://localhost/device", "http://[::1]:80/device"];
    for link in here.into_iter().chain(["https://example.com/device?a=b"]) {
        assert!(Link::from_provider(link).is_some(), "{link}");
    }
    let away = ["http://example.com", "http://127.0.0.1.example.com/", "http://localhost.example.com", "http://[::2]/"];
    let odd = ["javascript:alert(1)", "https://a b", "https://user@example.com", "ftp://localhost/", ""];
    for refused in away.into_iter().chain(odd) {
        assert!(Link::from_provider(refused).is_none(), "{refused}");
    }
}

#[test]
fn an_origin_is_on_this_machine_only_if_its_text_says_so() {
    let here = ["http://127.0.0.1:80", "http://127.8.9.10", "https://[::1]:9", "http://[::ffff:127.0.0.1]"];
    let named = ["http://localhost:9001", "http://a.localhost", "http://LOCALHOST."];
    for origin in here.into_iter().chain(named) {
        assert!(host::is_loopback(&host::origin(origin).unwrap()), "{origin}");
    }
    let away = ["http://127.0.0.1.example.com", "http://localhost.example.com", "http://notlocalhost", "http://[::2]"];
    for origin in away.into_iter().chain(["http://0.0.0.0", "http://127.1", "http://10.0.0.1"]) {
        assert!(!host::is_loopback(&host::origin(origin).unwrap()), "{origin}");
    }
}

#[test]
fn a_wildcard_stands_for_one_label_and_nothing_else() {
    let wildcard = "https://*.acme.example";
    for fits in ["https://shop.acme.example", "https://SHOP-1.acme.example:443", "https://7.acme.example"] {
        assert!(host::matches(wildcard, &host::origin(fits).unwrap()), "{fits}");
    }
    let others = [
        "http://shop.acme.example",
        "https://acme.example",
        "https://a.b.acme.example",
        "https://shop.acme.example:8443",
        "https://shop.acme.example.evil.example",
        "https://evilacme.example",
        "https://shop_1.acme.example",
    ];
    for other in others {
        assert!(!host::matches(wildcard, &host::origin(other).unwrap()), "{other}");
    }
    assert!(!host::matches("https://shop.acme.example", &host::origin("https://shop.acme.example").unwrap()));
}

#[test]
fn a_callback_handle_has_an_address_for_providers_that_give_no_state_back() {
    let handle = host::callback_handle("https://host.example/callback/acme", "s-1");
    assert_eq!(handle.redirect_uri(), "https://host.example/callback/acme");
    assert_eq!(handle.unique_url().expose_str(), Some("https://host.example/callback/acme?state=s-1"));
}

#[test]
fn a_base_is_extended_only_within_its_origin() {
    let base = host::base_url("https://api.example.com/v1").unwrap();
    for (path, expected) in [
        ("/a/b", Some("https://api.example.com/v1/a/b")),
        ("a", Some("https://api.example.com/v1/a")),
        ("", Some("https://api.example.com/v1")),
        ("/../admin", None),
        ("/a?b", None),
        ("@evil.example", None),
    ] {
        assert_eq!(base.below(path).map(|base| base.to_string()).as_deref(), expected, "{path}");
    }
    let root = host::base_url("https://api.example.com").unwrap();
    assert_eq!(root.below(".evil.example").unwrap().origin().as_str(), "https://api.example.com");
}

/// A request may be authorized again, so nothing is added twice.
#[test]
fn a_credential_in_the_query_or_the_path_is_set_in_place() {
    let base = host::base_url("https://api.example.com/v1").unwrap();
    let mut request = HttpRequest::get(&base, "/user").query("a", "1").query("key", "old").query("b", "2");
    for key in ["first", "n&w"] {
        request.set_query("key", key);
        request.set_path_prefix("/bot1:A/..");
    }
    assert_eq!(request.url(), "https://api.example.com/bot1:A/%2E%2E/v1/user?a=1&b=2&key=n%26w");
    let mut root = HttpRequest::get(&base, "");
    root.set_query("key", "k");
    assert_eq!(root.url(), "https://api.example.com/v1/?key=k");
    root.set_query("key", "l");
    assert_eq!(root.url(), "https://api.example.com/v1/?key=l");
}
