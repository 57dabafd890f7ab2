//! The ways in which a server is connected.

use connection_contract::prelude::*;
use connection_testkit::{Expected, Input, Reply};

use crate::{
    ACCESS, DISCOVERED, ISSUER, ISSUER_METADATA, METADATA, ROOT_METADATA, SERVER, TOKEN, TOOLS, address, found, host,
    issuer, missing, post, refused, resource,
};

fn register() -> Expected {
    Expected::post("https://auth.example/register").answer(Reply::json(201, r#"{"client_id": "own"}"#))
}

fn authorized() -> Expected {
    post().header("authorization", &format!("Bearer {ACCESS}"))
}

fn tokens() -> Expected {
    let body = format!(r#"{{"access_token": "{ACCESS}", "expires_in": 3600, "token_type": "Bearer"}}"#);
    Expected::post(TOKEN).answer(Reply::json(200, &body))
}

#[test]
fn a_server_that_asks_for_nothing_is_connected_without_a_credential() {
    let host = host()
        .expect(post().answer(Reply::json(200, DISCOVERED)))
        .expect(post().answer(Reply::json(200, TOOLS)))
        .expect(missing(METADATA))
        .expect(missing(ROOT_METADATA));
    let made = host.setup([address(SERVER)]).run().unwrap();
    assert_eq!(made.identity.label.as_str(), "mcp.example");
    assert_eq!(made.measured.unwrap().liveness, Liveness::Live);
}

#[test]
fn a_server_that_refuses_its_tools_alone_wants_a_credential() {
    let host = host()
        .expect(post().answer(Reply::json(200, DISCOVERED)))
        .expect(refused())
        .expect(found(METADATA, &resource(SERVER, ISSUER)))
        .expect(found(ISSUER_METADATA, &issuer("")))
        .expect(register())
        .expect(tokens())
        .expect(authorized().answer(Reply::json(200, DISCOVERED)))
        .expect(authorized().answer(Reply::json(200, TOOLS)));
    let back = Input::callback(&[("code", "c-1")]);
    let made = host.setup([address(SERVER), back, Input::answers(&[("name", "Ada")])]).run().unwrap();
    assert_eq!(made.measured.unwrap().liveness, Liveness::Live);
}

#[test]
fn a_page_in_place_of_metadata_leaves_the_next_address() {
    let page = Reply::text(200, "<!doctype html><div id=app></div>").header("content-type", "text/html");
    let host = host()
        .expect(refused())
        .expect(found(METADATA, &resource("https://mcp.example/v1", ISSUER)))
        .expect(Expected::get(ISSUER_METADATA).answer(page))
        .expect(found("https://auth.example/.well-known/openid-configuration/tenant", &issuer("")))
        .expect(register())
        .expect(tokens())
        .expect(authorized().answer(Reply::json(200, DISCOVERED)))
        .expect(authorized().answer(Reply::json(200, TOOLS)));
    let back = Input::callback(&[("code", "c-1")]);
    let made = host.setup([address(SERVER), back, Input::answers(&[("name", "Ada")])]).run().unwrap();
    assert_eq!(made.measured.unwrap().liveness, Liveness::Live);
}

#[test]
fn a_person_signs_in_at_the_server_that_the_resource_names() {
    let names: Vec<_> = (1..=22).map(|number| format!("tool_{number}")).collect();
    let listed: Vec<_> = names.iter().map(|name| format!(r#"{{"name": "{name}"}}"#)).collect();
    let tools = TOOLS.replace("[]", &format!("[{}]", listed.join(", ")));
    let shown = format!("{} and 2 more", names[..20].join(", "));
    let host = host()
        .expect(refused())
        .expect(found(METADATA, &resource("https://mcp.example/v1", ISSUER)))
        .expect(found(ISSUER_METADATA, &issuer("")))
        .expect(register())
        .expect(tokens())
        .expect(authorized().answer(Reply::json(200, DISCOVERED)))
        .expect(authorized().answer(Reply::json(200, &tools)));
    let back = Input::callback(&[("code", "c-1")]);
    let made = host.setup([address(SERVER), back, Input::answers(&[("name", "Ada")])]).run().unwrap();
    assert_eq!(made.identity.label.as_str(), "Ada");
    assert!(made.config.iter().any(|(name, value)| name == "tools" && *value == shown), "{:?}", made.config);
    assert_eq!(made.measured.as_ref().unwrap().liveness, Liveness::Live);
    assert!(made.config.iter().any(|(name, value)| name == "issuer" && value == ISSUER));
}

#[test]
fn a_query_of_the_address_is_sent_and_is_no_public_value() {
    let url = format!("{SERVER}?key=canary-query-77");
    let asked = || Expected::post(&url);
    let host = host()
        .expect(asked().answer(Reply::json(200, DISCOVERED)))
        .expect(asked().answer(Reply::json(200, TOOLS)))
        .expect(missing(METADATA))
        .expect(missing(ROOT_METADATA));
    let made = host.setup([address(&url)]).run().unwrap();
    assert!(made.config.iter().all(|(_, value)| !value.contains("canary")), "{:?}", made.config);
}

#[test]
fn a_server_of_the_own_network_may_be_unencrypted_if_a_person_confirms_it() {
    const DEVICE: &str = "http://192.168.1.20:8080/mcp";
    let origin = "http://192.168.1.20:8080/.well-known/oauth-protected-resource";
    let host = host()
        .expect(Expected::post(DEVICE).answer(Reply::json(200, DISCOVERED)))
        .expect(Expected::post(DEVICE).answer(Reply::json(200, TOOLS)))
        .expect(missing(&format!("{origin}/mcp")))
        .expect(missing(origin));
    let confirmed = Input::answers(&[("url", DEVICE), ("unencrypted", "true")]);
    let made = host.setup([confirmed]).run().unwrap();
    assert_eq!(made.measured.unwrap().liveness, Liveness::Live);
}

#[test]
fn a_server_without_metadata_takes_a_pasted_token() {
    let host = host()
        .expect(refused())
        .expect(missing(METADATA))
        .expect(missing(ROOT_METADATA))
        .expect(missing("https://mcp.example/.well-known/oauth-authorization-server"))
        .expect(missing("https://mcp.example/.well-known/openid-configuration"))
        .expect(authorized().answer(Reply::json(200, DISCOVERED)))
        .expect(authorized().answer(Reply::json(200, TOOLS)));
    let token = Input::answers(&[("accessToken", ACCESS)]);
    let made = host.setup([address(SERVER), token, Input::answers(&[("name", "Ada")])]).run().unwrap();
    assert_eq!(made.identity.label.as_str(), "Ada");
}

#[test]
fn the_secret_of_an_application_is_not_shown() {
    const SECRET: &str = "canary-application-9c";
    let host = host()
        .expect(refused())
        .expect(found(METADATA, &resource(SERVER, ISSUER)))
        .expect(found(ISSUER_METADATA, &issuer("").replace(r#"["none"]"#, r#"["client_secret_post"]"#)))
        .expect(tokens())
        .expect(authorized().answer(Reply::json(200, DISCOVERED)))
        .expect(authorized().answer(Reply::json(200, TOOLS)));
    let given = Input::answers(&[("url", SERVER), ("clientId", "own"), ("clientSecret", SECRET)]);
    let back = Input::callback(&[("code", "c-1")]);
    let made = host.setup([given, back, Input::answers(&[("name", "Ada")])]).run().unwrap();
    assert!(!format!("{made:?}").contains(SECRET), "{made:?}");
}

#[test]
fn the_refused_application_of_a_connection_is_told_with_this_connection() {
    let tokens = format!(r#"{{"access_token": "{ACCESS}", "refresh_token": "r-1", "expires_in": 3600}}"#);
    let host = host()
        .discovered("https://mcp.example")
        .discovered("https://auth.example")
        .expect(refused())
        .expect(found(METADATA, &resource(SERVER, ISSUER)))
        .expect(found(ISSUER_METADATA, &issuer("").replace(r#"["none"]"#, r#"["client_secret_post"]"#)))
        .expect(Expected::post(TOKEN).answer(Reply::json(200, &tokens)))
        .expect(authorized().answer(Reply::json(200, DISCOVERED)))
        .expect(authorized().answer(Reply::json(200, TOOLS)))
        .expect(Expected::post(TOKEN).answer(Reply::json(401, r#"{"error": "invalid_client"}"#)));
    let given = Input::answers(&[("url", SERVER), ("clientId", "own"), ("clientSecret", "canary-application-9c")]);
    let back = Input::callback(&[("code", "c-1")]);
    let made = host.setup([given, back, Input::answers(&[("name", "Ada")])]).run().unwrap();
    let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
        panic!("it is refused")
    };
    assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, "mcp_secret_refused"));
    assert!(!reason::is_application_refused(&found.reason.code), "it concerns no other connection");
}
