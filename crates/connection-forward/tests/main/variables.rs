//! The names of the variables, and the hosts that are reached without the proxy.

use std::collections::BTreeMap;

#[test]
fn the_variables_name_the_proxy_the_certificates_and_the_hosts_without_a_proxy() {
    let proxy = "http://run:6e6f74@127.0.0.1:40123";
    let variables = |direct| connection_forward::variables(&proxy.into(), "/tmp/roots.pem", direct);
    let found: BTreeMap<_, _> = variables(Some("::1")).into_iter().collect();
    let bundle = [
        "AWS_CA_BUNDLE",
        "CARGO_HTTP_CAINFO",
        "CURL_CA_BUNDLE",
        "DENO_CERT",
        "GIT_SSL_CAINFO",
        "NODE_EXTRA_CA_CERTS",
        "PIP_CERT",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_FILE",
        "npm_config_cafile",
    ];
    let mut expected = BTreeMap::from(bundle.map(|name| (name, "/tmp/roots.pem".to_owned())));
    expected.extend(["HTTPS_PROXY", "https_proxy"].map(|name| (name, proxy.to_owned())));
    expected.extend(["NO_PROXY", "no_proxy"].map(|name| (name, "::1".to_owned())));
    expected.insert("NODE_USE_ENV_PROXY", "1".to_owned());
    assert_eq!(found, expected);
    // An inherited value would lead requests past the door, so an empty one replaces it.
    assert!(variables(None).contains(&("NO_PROXY", String::new())));
}
