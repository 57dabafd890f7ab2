//! The address that the browser opens, and its parameters.

use connection_contract::prelude::*;
use connection_oauth2::{ClientAuth, ConfigError, Endpoint, OAuth2Config, RequestKind};
use connection_testkit::{Expected, Input, Reply};

use crate::{
    CALLBACK, CODE, ID, REFRESH, SECRET, acme, back, connected, drawn, fields, form, host, me, opened, parameter,
    redeem, renew, state, tokens,
};

/// R-INSEAM-072
#[test]
fn a_callback_becomes_a_connection_of_its_account() {
    let host = host(acme()).expect(redeem().form(&fields(&form())).answer(tokens())).expect(me());
    let run = host.setup([back()]).trace();
    let made = run.result.unwrap();
    assert_eq!(made.identity, Identity::new("42", "Ada"));
    assert_eq!(made.valid_until, Some(host.now().after(3600)));
    assert_eq!(made.granted_scopes, Some(vec!["read".to_owned()]), "absent means as requested");
    assert_eq!(made.reach, Reach::declared());
    assert_eq!(made.measured.unwrap().liveness, Liveness::Live);
    assert_eq!(run.steps.len(), 1);
}

/// S5, R-INSEAM-080: the method is S256, with a verifier of 32 random bytes; `state` is the host's. The tests of the
/// core show that each attempt has its own.
#[test]
fn the_address_has_state_and_a_challenge_of_its_own() {
    let host = host(acme()).expect(redeem().answer(tokens())).expect(me());
    let pairs = opened(&host, vec![back()]);
    let challenge = encode::base64url(&connection_testkit::sha256(drawn(0).as_bytes()));
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", ID),
        ("redirect_uri", CALLBACK),
        ("scope", "read"),
        ("state", &state()),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(parameter(&pairs, name), Some(value), "{name}");
    }
    assert_eq!(pairs.len(), 7);
    assert_eq!((drawn(0).len(), state().len()), (43, 43));
}

/// S8: the redirect address is the host's, letter by letter, in the browser's address and in the exchange. On
/// loopback it has the port at which the host listens (RFC 8252, section 7.3). Nothing in it is normalized.
#[test]
fn the_redirect_address_is_the_hosts_letter_by_letter() {
    for uri in
        ["http://127.0.0.1:49152/callback/acme", "http://[::1]:1/callback/acme", "https://HOST.example/a%2Fb/?x=1"]
    {
        let form: Vec<_> = form()
            .into_iter()
            .map(|(name, value)| (name, if name == "redirect_uri" { uri.to_owned() } else { value }))
            .collect();
        let host = connection_testkit::FakeHost::new(crate::kind(acme())).inbound_http(uri);
        let host = host.expect(redeem().form(&fields(&form)).answer(tokens())).expect(me());
        assert_eq!(parameter(&opened(&host, vec![back()]), "redirect_uri"), Some(uri));
    }
}

/// Q18: there is no challenge in the address and no verifier in the body.
#[test]
fn pkce_can_be_left_out_for_a_provider_that_it_breaks() {
    let form: Vec<_> = form().into_iter().filter(|(name, _)| *name != "code_verifier").collect();
    let host = host(acme().without_pkce()).expect(redeem().form(&fields(&form)).answer(tokens())).expect(me());
    let pairs = opened(&host, vec![back()]);
    assert_eq!((parameter(&pairs, "code_challenge"), parameter(&pairs, "code_challenge_method")), (None, None));
}

/// Q7: these parameters make Google issue a refresh token. A response without one is logged, since the connection
/// will end.
#[test]
fn parameters_go_along_and_a_missing_refresh_token_is_told() {
    let builder = acme().parameter(RequestKind::Authorize, "access_type", "offline").parameter(
        RequestKind::Authorize,
        "prompt",
        "consent",
    );
    let reply = Reply::json(200, r#"{"access_token": "access-canary-11aa22bb", "expires_in": 3600}"#);
    let host = host(builder).expect(redeem().answer(reply)).expect(me());
    let pairs = opened(&host, vec![back()]);
    assert_eq!((parameter(&pairs, "access_type"), parameter(&pairs, "prompt")), (Some("offline"), Some("consent")));
    assert_eq!(host.log().iter().map(|event| event.name).collect::<Vec<_>>(), ["refresh_token_missing"]);
}

/// R-INSEAM-081: the endpoint's own query is kept.
#[test]
fn the_query_of_the_endpoint_stays() {
    let builder = OAuth2Config::builder(Kind::from_static("acme"), "Acme")
        .api(crate::API)
        .endpoint(Endpoint::Authorize, "https://id.acme.example/authorize?tenant=t1")
        .endpoint(Endpoint::Token, crate::TOKEN)
        .client(connection_oauth2::Client::Configured { id: ID.into(), secret: Some(SECRET.into()) })
        .account(connection_oauth2::Account::probe("/me", "/id", "/name"));
    let host = host(builder).expect(redeem().answer(tokens())).expect(me());
    let pairs = opened(&host, vec![back()]);
    assert_eq!(pairs.first(), Some(&("tenant".to_owned(), "t1".to_owned())));
    assert_eq!(parameter(&pairs, "scope"), None);
}

/// Q19: parameters are renamed in both requests.
#[test]
fn parameters_have_the_names_that_the_provider_wants() {
    let builder = acme()
        .rename(RequestKind::Authorize, "client_id", "client_key")
        .rename(RequestKind::Authorize, "redirect_uri", "redirect_url")
        .rename(RequestKind::Token, "client_id", "app_id")
        .rename(RequestKind::Token, "code", "auth_code")
        .code_parameter("auth_code");
    let renamed = form().into_iter().map(|(name, value)| match name {
        "client_id" => ("app_id", value),
        "code" => ("auth_code", value),
        name => (name, value),
    });
    let renamed: Vec<_> = renamed.collect();
    let host = host(builder).expect(redeem().form(&fields(&renamed)).answer(tokens())).expect(me());
    let pairs = opened(&host, vec![Input::callback(&[("auth_code", CODE)])]);
    assert_eq!((parameter(&pairs, "client_key"), parameter(&pairs, "client_id")), (Some(ID), None));
    assert_eq!((parameter(&pairs, "redirect_url"), parameter(&pairs, "redirect_uri")), (Some(CALLBACK), None));
}

/// Q20: parameters that must be absent are absent.
#[test]
fn standard_parameters_can_be_left_out() {
    let builder = acme().remove(RequestKind::Authorize, "response_type").remove(RequestKind::Token, "grant_type");
    let form: Vec<_> = form().into_iter().filter(|(name, _)| *name != "grant_type").collect();
    let host = host(builder).expect(redeem().form(&fields(&form)).answer(tokens())).expect(me());
    let pairs = opened(&host, vec![back()]);
    assert_eq!(parameter(&pairs, "response_type"), None);
}

/// Q23: parameters that are added to the code's exchange are not part of a refresh, which has its grant type once.
#[test]
fn parameters_of_the_exchange_do_not_leak_into_the_renewal() {
    let (host, made) = connected(acme().parameter(RequestKind::Token, "expiring", "1"), tokens());
    let host = host.expect(renew().answer(tokens()));
    host.refresh(&made.credential, &host.connection(&made)).unwrap();
}

/// Q29: the attempt's own state is in the body. Q28: each request has a fresh id in a header.
#[test]
fn templates_fill_bodies_and_headers() {
    let builder = acme().parameter(RequestKind::Token, "state", "${flow.state}").header(
        RequestKind::Token,
        "X-Correlation-Id",
        "id-${uuid()}",
    );
    let mut form = form();
    form.push(("state", state()));
    let id = {
        let mut bytes = connection_testkit::hmac_sha256(b"connection-testkit", b"random 1")[..16].to_vec();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = encode::hex(&bytes);
        format!("id-{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    };
    let host = host(builder)
        .expect(redeem().form(&fields(&form)).header("x-correlation-id", &id).answer(tokens()))
        .expect(me());
    host.setup([back()]).run().unwrap();
}

/// RFC 9126: the request is pushed first, authenticated, and the browser carries only its name.
#[test]
fn a_pushed_request_leaves_the_browser_its_name_alone() {
    let builder = acme().endpoint(Endpoint::PushedAuthorization, "https://id.acme.example/par");
    let challenge = encode::base64url(&connection_testkit::sha256(drawn(0).as_bytes()));
    let state = state();
    let push = Expected::post("https://id.acme.example/par").form(&[
        ("response_type", "code"),
        ("client_id", ID),
        ("client_secret", SECRET),
        ("redirect_uri", CALLBACK),
        ("scope", "read"),
        ("state", &state),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let pushed = Reply::json(201, r#"{"request_uri": "urn:example:r1", "expires_in": 60}"#);
    let host = host(builder).expect(push.answer(pushed)).expect(redeem().answer(tokens())).expect(me());
    let pairs = opened(&host, vec![back()]);
    assert_eq!(
        pairs,
        [("client_id".to_owned(), ID.to_owned()), ("request_uri".to_owned(), "urn:example:r1".to_owned())]
    );
}

/// RFC 9126, section 2.2: a pushed request lives for about a minute. After that it is pushed again for the same
/// attempt, so that a user who opens the address late, or returns from the previous one, is not refused.
#[test]
fn a_request_is_pushed_again_before_it_is_stale() {
    let builder = acme().endpoint(Endpoint::PushedAuthorization, "https://id.acme.example/par");
    let challenge = encode::base64url(&connection_testkit::sha256(drawn(0).as_bytes()));
    let state = state();
    let push = |uri: &str, life: &str| {
        Expected::post("https://id.acme.example/par")
            .form(&[
                ("response_type", "code"),
                ("client_id", ID),
                ("client_secret", SECRET),
                ("redirect_uri", CALLBACK),
                ("scope", "read"),
                ("state", &state),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ])
            .answer(Reply::json(201, &format!(r#"{{"request_uri": "{uri}"{life}}}"#)))
    };
    let host = host(builder)
        .expect(push("urn:r1", r#", "expires_in": 60"#))
        .expect(push("urn:r2", r#", "expires_in": "90""#))
        .expect(push("urn:r3", ""))
        .expect(redeem().form(&fields(&form())).answer(tokens()))
        .expect(me());
    let run = host.setup([Input::Elapsed, Input::Elapsed, back()]).trace();
    run.result.unwrap();
    assert_eq!(host.now().seconds() - crate::NOW, 60 + 90, "one that says nothing of its life is not pushed again");
    let links: Vec<_> = run.steps.iter().map(|step| step.open.clone().unwrap().as_str().to_owned()).collect();
    assert_eq!(links.len(), 3, "{links:?}");
    assert!(links[0].ends_with("urn%3Ar1") && links[1].ends_with("urn%3Ar2") && links[2].ends_with("urn%3Ar3"));
}

/// Half an hour of pushing is enough: then the address stays as it is, and the user begins again.
#[test]
fn a_request_is_not_pushed_for_ever() {
    let builder = acme().endpoint(Endpoint::PushedAuthorization, "https://id.acme.example/par");
    let push = || {
        let reply = Reply::json(201, r#"{"request_uri": "urn:r", "expires_in": 60}"#);
        Expected::post("https://id.acme.example/par").answer(reply)
    };
    let host = (0..31).fold(host(builder), |host, _| host.expect(push()));
    let host = host.expect(redeem().answer(tokens())).expect(me());
    let inputs = (0..30).map(|_| Input::Elapsed).chain([back()]);
    host.setup(inputs).run().unwrap();
    assert_eq!(host.now().seconds() - crate::NOW, 1800);
}

/// Q31: a public client sends its id, no secret, and always a verifier.
#[test]
fn a_public_client_sends_no_secret_and_needs_pkce() {
    let form: Vec<_> = form().into_iter().filter(|(name, _)| *name != "client_secret").collect();
    let host =
        host(acme().client_auth(ClientAuth::None)).expect(redeem().form(&fields(&form)).answer(tokens())).expect(me());
    host.setup([back()]).run().unwrap();
    let without = || acme().client_auth(ClientAuth::None).without_pkce();
    assert!(matches!(without().build(), Err(ConfigError::Unsafe(_))));
    assert!(without().unsafe_public_without_pkce().build().is_ok());
}

/// Scopes are joined as the provider requires, and a required one that was not granted is named (R-INSEAM-091).
#[test]
fn scopes_are_asked_in_its_words_and_a_missing_one_is_named() {
    let builder = || acme().scope_separator(",").required_scope("write");
    let granted = Reply::json(
        200,
        &format!(r#"{{"access_token": "{}", "refresh_token": "{REFRESH}", "scope": "read"}}"#, crate::ACCESS),
    );
    let host = host(builder()).expect(redeem().answer(granted));
    let run = host.setup([back()]).trace();
    let link = run.steps[0].open.clone().unwrap();
    assert!(link.as_str().contains("scope=read%2Cwrite"), "{}", link.as_str());
    let failure = run.result.unwrap_err();
    let message = "id.acme.example answered 200 OK: the scope 'write' was not granted";
    assert_eq!((&*failure.code, failure.message.as_str()), ("scope_missing", message));
}

/// A re-authorization requests optional scopes beside those that every setup requests, and no other one.
#[test]
fn optional_scopes_are_requested_only_when_a_re_authorization_asks_for_them() {
    let builder = || acme().optional_scope("write").optional_scope("admin");
    let usual = host(builder()).expect(redeem().answer(tokens())).expect(me());
    assert_eq!(parameter(&opened(&usual, vec![back()]), "scope"), Some("read"));
    let more = host(builder()).further_scope("write").expect(redeem().answer(tokens())).expect(me());
    let run = more.setup([back()]).trace();
    let link = run.steps[0].open.clone().unwrap();
    assert!(link.as_str().ends_with("scope=read+write"), "{}", link.as_str());
    let granted = run.result.unwrap().granted_scopes.unwrap();
    assert_eq!(granted, ["read", "write"], "absent means as requested");
    assert!(matches!(acme().optional_scope("read").build(), Err(ConfigError::Contradiction(_))));
    assert_eq!(crate::kind(builder()).descriptor().optional_scopes, ["write", "admin"]);
}
