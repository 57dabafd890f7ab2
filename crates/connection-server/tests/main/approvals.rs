//! Requests at the reverse door about which a person is asked: what the client gets, and who answers.

use axum::Router;
use connection_core::{Audience, Role};
use connection_server::{ApiOptions, door_router};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Handle};

use crate::{
    doors::{Door, is_protected, new_token},
    http::{Answer, Request},
};

const ANSWER: &str = "HTTP/1.1 204 No Content\r\nset-cookie: a=b\r\nx-own: 1\r\n\r\n";

/// Returns a request about which a rule asks. The client does not wait.
fn removal(door: &Door, name: &str) -> Request {
    door.request("DELETE", &format!("/objects/{name}")).with("prefer", "wait=0")
}

/// Sends a request about which a person is asked, and returns its approval as the client is told.
async fn asked(door: &Door, request: Request) -> Value {
    let answer = door.send(request).await;
    assert_eq!(answer.refusal(), (403, "approval_required".to_owned()));
    assert_eq!((answer.header("connections-outcome"), answer.header("retry-after")), ("asked", "5"));
    is_protected(&answer);
    let body = answer.json();
    assert_eq!(body["message"], body["error"]["message"], "SDKs show one or the other");
    assert_eq!(body["approval"]["id"].as_str().unwrap(), answer.header("connections-approval"));
    body["approval"].clone()
}

fn id(approval: &Value) -> String {
    approval["id"].as_str().unwrap().to_owned()
}

/// Looks at an approval as a person does, and approves it. The provider gives this answer.
pub(crate) async fn approved(door: &Door, token: &str, id: &str, answer: &str) -> (Value, String) {
    let shown = door.world.get(token, &format!("/approvals/{id}")).await.ok(200);
    let digest = shown["approval"]["digest"].clone();
    let provider = async {
        let mut peer = door.provider.accept().await;
        let head = peer.head().await;
        peer.write(answer).await;
        head
    };
    let path = format!("/approvals/{id}/approve");
    let approving = door.world.post(token, &path, json!({ "digest": digest }));
    let (approved, head): (Answer, String) = tokio::join!(approving, provider);
    (approved.ok(200), head)
}

#[tokio::test]
async fn a_client_gets_the_answer_of_the_provider_after_a_person_approved() {
    let door = Door::new().await;
    let approval = asked(&door, removal(&door, "a")).await;
    assert_eq!((&approval["state"], &approval["rule"]), (&json!("waiting"), &json!("remove")));
    let waiting = door.world.get(&door.ada, "/approvals?state=open").await.ok(200);
    assert_eq!(waiting["items"][0]["id"], approval["id"]);
    assert_eq!(waiting["items"][0]["impact"], "deletes");
    let (answer, head) = approved(&door, &door.ada, &id(&approval), ANSWER).await;
    assert_eq!((&answer["state"], &answer["status"]), (&json!("answered"), &json!(204)));
    assert!(head.starts_with("DELETE /objects/a HTTP/1.1\r\n") && !head.contains(&door.token), "{head}");
    // The client sends its request again.
    let got = door.send(removal(&door, "a")).await;
    assert_eq!((got.status, got.header("x-own"), got.header("set-cookie")), (204, "1", ""));
    assert_eq!(got.header("connections-approval"), id(&approval));
    is_protected(&got);
    let next = asked(&door, removal(&door, "a")).await;
    assert_ne!(next["id"], approval["id"]);
}

#[tokio::test]
async fn a_client_that_waits_is_answered_when_a_person_answers() {
    let door = Door::new().await;
    let waits = door.request("DELETE", "/objects/a").with("prefer", "wait=30");
    let answers = async {
        let waiting = loop {
            let waiting = door.world.get(&door.ada, "/approvals?state=waiting").await.ok(200);
            if let Some(first) = waiting["items"].get(0) {
                break first["id"].as_str().unwrap().to_owned();
            }
        };
        approved(&door, &door.ada, &waiting, ANSWER).await
    };
    let (got, _) = tokio::join!(door.send(waits), answers);
    assert_eq!(got.status, 204);
}

#[tokio::test]
async fn the_address_of_a_result_is_below_the_path_of_the_public_address() {
    let door = Door::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let origin = format!("http://127.0.0.1:{port}");
    let options = ApiOptions::new(origin.parse().unwrap()).public_url(format!("{origin}/accounts"));
    let routes: Router = Router::new().nest("/accounts", door_router(door.world.registry.clone(), options));
    let serving = Handle::current().spawn(async move { axum::serve(listener, routes).await });
    let send = async |method: &str, path: &str| {
        let request = Request::new(method, path).with("host", &format!("127.0.0.1:{port}")).bearer(&door.token);
        request.with("prefer", "respond-async").send(port).await
    };
    let accepted = send("DELETE", &format!("/accounts/use/{}/objects/a", door.connection)).await;
    let location = accepted.header("location").to_owned();
    assert!(location.starts_with("/accounts/use/approvals/"), "{location}");
    assert_eq!(send("GET", &location).await.ok(200)["state"], "waiting");
    serving.abort();
}

#[tokio::test]
async fn a_client_that_prefers_so_is_answered_at_once_and_reads_the_state() {
    let door = Door::new().await;
    let request = door.request("DELETE", "/objects/a").with("prefer", "respond-async");
    let accepted = door.send(request).await;
    assert_eq!((accepted.status, accepted.header("preference-applied")), (202, "respond-async"));
    let location = accepted.header("location").to_owned();
    let state = door.send(door.raw("GET", &location)).await;
    assert_eq!(state.ok(200)["state"], "waiting");
    is_protected(&state);
    approved(&door, &door.ada, accepted.header("connections-approval"), ANSWER).await;
    let state = door.send(door.raw("GET", &location)).await.ok(200);
    assert_eq!((&state["state"], &state["answer"]["status"]), (&json!("answered"), &json!(204)));
    // Whoever has read the result asks anew.
    asked(&door, removal(&door, "a")).await;
    // Another agent, and a token of a person, see nothing.
    let eve = door.registry.agents().create("eve").await.unwrap();
    let eve = new_token(&eve, Audience::Doors).await;
    let refused = door.send(door.raw("GET", &location).bearer(&eve)).await;
    assert_eq!(refused.refusal(), (404, "unknown_approval".to_owned()));
    let refused = door.send(door.raw("GET", &location).bearer(&door.ada)).await;
    assert_eq!(refused.refusal().0, 401);
}

#[tokio::test]
async fn a_client_is_told_the_reason_of_a_refusal() {
    let door = Door::new().await;
    let approval = asked(&door, removal(&door, "a")).await;
    let path = format!("/approvals/{}/refuse", id(&approval));
    let refused = door.world.post(&door.ada, &path, json!({ "reason": "Not before the release." })).await.ok(200);
    assert_eq!(refused["state"], "refused");
    let told = door.send(removal(&door, "a")).await;
    assert_eq!(told.refusal(), (403, "approval_refused".to_owned()));
    assert!(told.json()["message"].as_str().unwrap().contains("Not before the release."));
    assert_eq!(told.header("connections-outcome"), "denied");
    asked(&door, removal(&door, "a")).await;
}

#[tokio::test]
async fn a_client_is_told_that_a_request_may_have_happened() {
    let door = Door::new().await;
    let approval = asked(&door, removal(&door, "a")).await;
    // The provider closes the connection without an answer.
    let (answer, _) = approved(&door, &door.ada, &id(&approval), "").await;
    assert_eq!(answer["state"], "unknown");
    let told = door.send(removal(&door, "a")).await;
    assert_eq!(told.refusal(), (502, "approval_lost".to_owned()));
}

#[tokio::test]
async fn an_answer_of_which_only_a_part_is_stored_breaks_off() {
    let door = Door::new().await;
    let approval = asked(&door, removal(&door, "a")).await;
    approved(&door, &door.ada, &id(&approval), "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc").await;
    let (head, body) = removal(&door, "a").send_for_bytes(door.world.port).await;
    assert_eq!((head.status, head.header("content-length")), (200, ""));
    let text = String::from_utf8_lossy(&body);
    assert!(text.contains("abc") && !text.ends_with("0\r\n\r\n"), "the end of the answer is missing: {text}");
}

#[tokio::test]
async fn a_message_of_json_rpc_gets_an_error_of_json_rpc() {
    let door = Door::new().await;
    let rule = json!({ "name": "tools", "methods": ["POST"], "path": "/mcp", "effect": "ask" });
    door.grant(&json!({ "rule": [rule] })).await;
    let message = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": { "name": "remove" } });
    let answer = door.send(door.request("POST", "/mcp").with("prefer", "wait=0").json(&message)).await;
    let error = answer.ok(200);
    assert_eq!((&error["id"], &error["error"]["data"]["code"]), (&json!(7), &json!("approval_required")));
    assert!(error["error"]["message"].as_str().unwrap().contains("'tools'"), "{error}");
    assert_eq!(answer.header("connections-outcome"), "asked");
    assert_eq!(error["error"]["data"]["approval"]["id"], answer.header("connections-approval"));
}

#[tokio::test]
async fn a_ninth_request_that_would_wait_is_answered_at_once() {
    let door = Door::new().await;
    let waits = |name: u32| door.request("DELETE", &format!("/objects/{name}")).with("prefer", "wait=60");
    let mut waiting = Vec::new();
    for number in 0..8 {
        waiting.push(waits(number).open(door.world.port).await);
        // Each waits before the next one arrives.
        loop {
            let list = door.world.get(&door.ada, "/approvals?state=waiting").await.ok(200);
            if list["items"].as_array().unwrap().len() == number as usize + 1 {
                break;
            }
        }
    }
    // The others have their places a moment after their approvals are stored.
    let mut answer = door.send(waits(9)).await;
    assert_eq!(answer.refusal(), (403, "approval_required".to_owned()));
    // Requests that do not wait pass.
    let (passed, _) = door.passed(door.request("GET", "/objects/a"), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(passed.status, 200);
    drop(waiting);
    answer = door.send(removal(&door, "9")).await;
    assert_eq!(answer.refusal().0, 403);
}

/// A token with the role `approve` reads approvals and answers them, and does nothing else.
#[tokio::test]
async fn the_right_to_approve_is_no_step_in_the_order_of_roles() {
    let door = Door::new().await;
    let approval = asked(&door, removal(&door, "a")).await;
    let approver = door.world.token(Role::Approve, Some("ada")).await;
    for path in ["/connections", "/agents", "/uses", "/events", "/tokens", "/freezes", "/kinds"] {
        assert_eq!(door.world.get(&approver, path).await.refusal(), (403, "not_allowed".to_owned()), "{path}");
    }
    let refused = door.world.post(&approver, "/freezes", json!({ "what": "owner:ada" })).await;
    assert_eq!(refused.refusal().1, "not_allowed");
    let own = json!({ "name": "more", "role": "approve" });
    assert_eq!(door.world.post(&approver, "/tokens", own).await.refusal().1, "not_allowed");
    // Neither the smaller steps nor an agent answer.
    let path = format!("/approvals/{}", id(&approval));
    for role in [Role::Read, Role::Use] {
        let token = door.world.token(role, Some("ada")).await;
        assert_eq!(door.world.get(&token, &path).await.refusal().0, 403, "{role:?}");
        let answer = door.world.post(&token, &format!("{path}/approve"), json!({ "digest": "x" })).await;
        assert_eq!(answer.refusal().0, 403, "{role:?}");
    }
    assert_eq!(door.world.get(&door.token, &path).await.refusal().0, 401);
    // Another owner's approver sees nothing.
    let other = door.world.token(Role::Approve, Some("bob")).await;
    assert_eq!(door.world.get(&other, &path).await.refusal().0, 404);
    let (answer, _) = approved(&door, &approver, &id(&approval), ANSWER).await;
    assert_eq!(answer["state"], "answered");
    assert!(answer["answeredBy"].as_str().unwrap().starts_with("token "), "{answer}");
}

#[tokio::test]
async fn bad_answers_are_refused_by_name() {
    let door = Door::new().await;
    let approval = asked(&door, removal(&door, "a")).await;
    let path = format!("/approvals/{}", id(&approval));
    for (body, code) in [
        (json!({ "digest": "x" }), "approval_differs"),
        (json!({ "digest": "x", "minutes": 61 }), "invalid_body"),
        (json!({ "digest": "x", "minutes": 1, "requests": 0 }), "invalid_body"),
        (json!({ "digest": "x", "until": "ever" }), "invalid_body"),
    ] {
        let refused = door.world.post(&door.ada, &format!("{path}/approve"), body.clone()).await;
        assert_eq!(refused.refusal().1, code, "{body}");
    }
    for path in [
        "/approvals?state=done",
        "/approvals?agent=nobody",
        "/approvals?limit=0",
        "/approvals?limit=2147483648",
        "/approvals/x",
    ] {
        let (status, code) = door.world.get(&door.ada, path).await.refusal();
        assert!([404, 422].contains(&status) && code != "internal", "{path}: {status} {code}");
    }
    assert_eq!(door.world.get(&door.ada, &path).await.ok(200)["approval"]["state"], "waiting");
}
