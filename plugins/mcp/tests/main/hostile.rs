//! Servers that name what is not theirs. Each is refused with a sentence.

use connection_testkit::{Expected, Reply};

use crate::{ISSUER, ISSUER_METADATA, METADATA, SERVER, address, found, host, issuer, post, refused, resource};

/// Runs the setup of a server with these answers, and returns the code of its failure.
#[track_caller]
fn check(answers: impl IntoIterator<Item = Expected>, code: &str) {
    let host = answers.into_iter().fold(host(), |host, answer| host.expect(answer));
    let failure = host.setup([address(SERVER)]).run().unwrap_err();
    assert_eq!(&*failure.code, code, "{}", failure.message);
}

#[test]
fn metadata_of_another_resource_is_refused() {
    check([refused(), found(METADATA, &resource("https://other.example/mcp", ISSUER))], "mcp_resource");
    check([refused(), found(METADATA, &resource("https://mcp.example/v1/mcpx", ISSUER))], "mcp_resource");
}

#[test]
fn metadata_of_another_issuer_is_refused() {
    let other = issuer("").replace(ISSUER, "https://other.example");
    let answers = [refused(), found(METADATA, &resource(SERVER, ISSUER)), found(ISSUER_METADATA, &other)];
    check(answers, "mcp_authorization_server");
}

#[test]
fn a_server_without_s256_is_refused() {
    for methods in ["", r#", "code_challenge_methods_supported": ["plain"]"#] {
        let document = issuer("").replace(
            r#",
            "code_challenge_methods_supported": ["S256"]"#,
            methods,
        );
        let answers = [refused(), found(METADATA, &resource(SERVER, ISSUER)), found(ISSUER_METADATA, &document)];
        check(answers, "mcp_authorization_server");
    }
}

#[test]
fn an_address_without_encryption_or_with_a_script_is_refused() {
    for endpoint in ["http://auth.example/authorize", "javascript:alert(1)", "http://127.0.0.1:9/authorize"] {
        let document = issuer("").replace("https://auth.example/authorize", endpoint);
        let answers = [refused(), found(METADATA, &resource(SERVER, ISSUER)), found(ISSUER_METADATA, &document)];
        check(answers, "mcp_address");
    }
}

#[test]
fn a_registration_without_encryption_elsewhere_is_refused() {
    let document = issuer("").replace("https://auth.example/register", "http://register.example/");
    let answers = [refused(), found(METADATA, &resource(SERVER, ISSUER)), found(ISSUER_METADATA, &document)];
    check(answers, "mcp_address");
}

#[test]
fn a_document_and_a_header_of_any_size_are_refused() {
    let large = format!(r#"{{"resource": "{SERVER}", "x": "{}"}}"#, "a".repeat(300 * 1024));
    check([refused(), found(METADATA, &large)], "mcp_resource");
    let header = format!("Bearer realm=\"{}\"", "a".repeat(1024 * 1024));
    check([post().answer(Reply::json(401, "{}").header("www-authenticate", &header))], "mcp_challenge");
}

#[test]
fn a_redirect_of_the_server_is_not_followed() {
    let moved = Reply::json(307, "{}").header("location", "https://elsewhere.example/mcp");
    check([post().answer(moved)], "mcp_redirected");
}
