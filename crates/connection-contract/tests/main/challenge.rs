//! A challenge tells an invalid token apart from a missing scope.

use connection_contract::Challenge;

fn of(text: &str) -> Challenge {
    Challenge::of(&[("WWW-Authenticate".to_owned(), text.to_owned())])
}

#[track_caller]
fn check(text: &str, expected: Option<&[&str]>) {
    let missing = of(text).missing_scopes;
    assert_eq!(
        missing.as_deref(),
        expected.map(|all| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()).as_deref(),
        "{text}"
    );
}

#[test]
fn the_scopes_of_a_challenge_are_those_that_the_request_lacked() {
    // RFC 6750, section 3.1; Google separates with spaces, some providers with commas.
    check(
        r#"Bearer realm="example", error="insufficient_scope", scope="a:read https://b.example/x""#,
        Some(&["a:read", "https://b.example/x"]),
    );
    check(r#"bearer scope="a,b , c",error=insufficient_scope"#, Some(&["a", "b", "c"]));
    check(r#"Basic realm="x", DPoP error="insufficient_scope", scope="a a""#, Some(&["a"]));
    check(r#"Bearer error="insufficient_scope", error_description="say \"scope=\" , ok", scope=a"#, Some(&["a"]));
    check(r#"Bearer error="insufficient_scope""#, Some(&[]));
    check(r#"Bearer error="insufficient_scope", Basic scope="a""#, Some(&[]));
    check(
        r#"Bearer realm=https://b.example/x, error=Insufficient_Scope, scope=https://b.example/x"#,
        Some(&["https://b.example/x"]),
    );
    let many: Vec<_> = (0..100).map(|number| format!("s{number}")).collect();
    let text = format!(r#"Bearer error="insufficient_scope", scope="{} é {}""#, many.join(" "), "x".repeat(300));
    assert_eq!(of(&text).missing_scopes.unwrap().len(), 32);
}

/// A gateway of AWS renames the header.
#[test]
fn a_challenge_is_read_from_the_header_that_a_gateway_renames() {
    for name in ["x-amzn-remapped-www-authenticate", "x-amzn-Remapped-WWW-Authenticate"] {
        let of = |text: &str| Challenge::of(&[(name.to_owned(), text.to_owned())]);
        assert_eq!(of(r#"Bearer error="insufficient_scope", scope="a""#).missing_scopes.unwrap(), ["a"]);
        assert!(of("Bearer error=invalid_token").is_invalid_token && of("Basic").is_present);
        assert!(Challenge::is_header(name));
    }
    assert!(Challenge::is_header("WWW-AUTHENTICATE") && !Challenge::is_header("x-www-authenticate"));
}

#[test]
fn an_answer_that_names_no_lacking_scope_has_none() {
    check(r#"Bearer realm="example", scope="a""#, None);
    check(r#"Bearer error="invalid_token", scope="a""#, None);
    check(r#"error="insufficient_scope", scope="a""#, None);
    check("", None);
    assert!(!of(" ").is_present && !Challenge::of(&[]).is_present && of("Negotiate").is_present);
}

#[test]
fn an_invalid_token_is_told_apart_from_a_missing_scope() {
    for text in [
        "Bearer error=invalid_token",
        r#"Basic realm="a", bearer error="invalid_token", scope="b""#,
        r#"Bearer realm=https://api.acme.example, error="invalid_token""#,
        r#"Bearer realm=My API, error="invalid_token""#,
        r#"Negotiate YII=, Bearer error="invalid_token""#,
        r#"Negotiate YII/a+b==, Bearer error="invalid_token""#,
        r#"Bearer error="INVALID_TOKEN""#,
        // Facebook's form.
        r#"OAuth "Facebook Platform" "invalid_token" "Invalid OAuth access token.""#,
        r#"OAuth "Facebook Platform" "Invalid_Token" "Invalid OAuth access token.""#,
    ] {
        assert!(of(text).is_invalid_token && of(text).missing_scopes.is_none(), "{text}");
    }
    for text in [
        r#"Bearer error="invalid_request""#,
        r#"Bearer error_description="invalid_token""#,
        "Bearer",
        r#"OAuth "Facebook Platform" "invalid_request" "(#4) invalid_token""#,
    ] {
        assert!(!of(text).is_invalid_token, "{text}");
    }
}
