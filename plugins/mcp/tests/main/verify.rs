//! What a verification shows.

use connection_contract::prelude::*;
use connection_testkit::{Expected, FakeHost, Input, Reply};

use crate::{DISCOVERED, METADATA, ROOT_METADATA, SERVER, TOOLS, address, host, missing, post, refused};

#[test]
fn a_server_without_a_credential_works_until_it_asks_for_one() {
    let host = host()
        .expect(post().answer(Reply::json(200, DISCOVERED)))
        .expect(post().answer(Reply::json(200, TOOLS)))
        .expect(missing(METADATA))
        .expect(missing(ROOT_METADATA))
        .expect(post().answer(Reply::json(200, DISCOVERED)))
        .expect(post().answer(Reply::json(200, TOOLS)))
        .expect(post().answer(Reply::json(200, DISCOVERED)))
        .expect(refused())
        .discovered("https://mcp.example");
    let made = host.setup([address(SERVER)]).run().unwrap();
    let connection = host.connection(&made);
    assert_eq!(host.verify(&made.credential, &connection).unwrap().liveness, Liveness::Live);
    let found = host.verify(&made.credential, &connection).unwrap();
    assert_eq!((found.liveness, found.reason.unwrap().code.as_ref()), (Liveness::Failing, reason::UNAUTHORIZED));
}

const KEY: &str = "canary-key-31";

fn with_key() -> Expected {
    post().header("x-key", KEY)
}

/// Verifies a connection with a key whose server then answers like this.
#[track_caller]
fn check(answers: impl IntoIterator<Item = Expected>, liveness: Liveness, code: Option<&str>) {
    let host = host().expect(with_key().answer(Reply::json(200, DISCOVERED))).expect(refused());
    let host = answers.into_iter().fold(host.discovered("https://mcp.example"), FakeHost::expect);
    let given = Input::answers(&[("url", SERVER), ("headerName", "X-Key"), ("headerValue", KEY)]);
    let made = host.setup([given, Input::answers(&[("name", "Ada")])]).run().unwrap();
    let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!((found.liveness, found.reason.as_ref().map(|reason| reason.code.as_ref())), (liveness, code));
}

#[test]
fn a_server_that_wants_further_scopes_accepts_the_credential() {
    for (name, challenge) in [
        ("www-authenticate", r#"Bearer error="insufficient_scope", scope="write""#),
        ("www-authenticate", "Bearer error=Insufficient_Scope"),
        ("x-amzn-remapped-www-authenticate", "Bearer error=insufficient_scope"),
    ] {
        let scopes = with_key().answer(Reply::json(403, "{}").header(name, challenge));
        check([scopes, refused()], Liveness::Live, None);
    }
}

#[test]
fn a_server_that_forbids_every_request_is_not_live() {
    let forbidden = with_key().answer(Reply::json(403, r#"{"message": "blocked"}"#));
    check([forbidden], Liveness::Failing, Some(reason::UNAUTHORIZED));
}

#[test]
fn what_answers_in_the_place_of_a_connected_server_says_nothing_about_the_credential() {
    let page = || with_key().answer(Reply::text(200, "<html>Welcome to the network of this hotel</html>"));
    check([page(), page()], Liveness::Offline, Some("mcp_no_server"));
}

#[test]
fn a_page_refuses_no_credential_unless_it_comes_with_a_challenge() {
    let page = |status| Reply::text(status, "<html>Request blocked</html>");
    for status in [401, 403] {
        check([with_key().answer(page(status))], Liveness::Offline, Some(reason::PROVIDER_ERROR));
    }
    let limited = page(403).header("retry-after", "7");
    check([with_key().answer(limited)], Liveness::Offline, Some(reason::RATE_LIMITED));
    let challenged = page(401).header("www-authenticate", "Bearer");
    check([with_key().answer(challenged)], Liveness::Failing, Some(reason::UNAUTHORIZED));
}

/// Servers write names in other ways than as Unicode in a stream, too.
#[test]
fn a_stream_of_events_is_read_as_other_answers_are() {
    let server = r#"{"_meta": {"io.modelcontextprotocol/serverInfo": {"name": "half \ud83d"}}}"#;
    let lines = format!("\u{feff}data: {{\"jsonrpc\": \"2.0\", \"id\": \"1\",\r\ndata: \"result\": {server}}}\r\n\r\n");
    let event = Reply::text(200, &lines).header("content-type", "text/event-stream");
    check([with_key().answer(event), refused()], Liveness::Live, None);
}
