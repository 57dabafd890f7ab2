//! A setup that asks for fields of every type, and then for one more beside a code to type elsewhere.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use connection_contract::Clock as _;
use connection_core::{FilesPolicy, HttpPolicy, Role};
use connection_faults::server::{Reply, TestServer};
use serde_json::{Value, json};

use crate::{
    form_plugin::{API, form},
    http::Answer,
    test_host::{KEY, World},
};

/// Makes a host with the kind, whose provider answers as `reply` says.
async fn world(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (World, TestServer) {
    let provider = TestServer::start(move |_| reply()).await;
    let http = HttpPolicy::new().endpoint(API, &provider.origin()).unwrap();
    (World::with(|registry| registry.kind(form()).http(http)).await, provider)
}

/// Begins a setup, and returns its id and its first prompt.
async fn begun(world: &World, token: &str) -> (String, Value) {
    let setup = world.post(token, "/setups", json!({ "kind": "form" })).await.ok(201);
    let id = setup["id"].as_str().unwrap().to_owned();
    let step = world.until(token, &id, &setup, "prompt").await;
    (id, step)
}

async fn answered(world: &World, token: &str, id: &str, step: u64, answers: Value) -> Answer {
    world.post(token, &format!("/setups/{id}/answers"), json!({ "step": step, "answers": answers })).await
}

async fn shown(world: &World, token: &str, id: &str, after: &str) -> Value {
    world.get(token, &format!("/setups/{id}?after={after}")).await.ok(200)
}

/// Confirms the account, because an address of the setup may have been opened in a browser.
async fn confirmed(world: &World, token: &str, id: &str, step: &Value) -> Value {
    assert_eq!((&step["type"], &step["account"]["label"]), (&json!("confirm"), &json!("AC1234")), "{step}");
    let confirm = json!({ "step": step["step"] });
    let setup = world.post(token, &format!("/setups/{id}/confirm"), confirm).await.ok(202);
    world.until(token, id, &setup, "done").await
}

fn first() -> Value {
    json!({ "sid": "AC1234", "token": KEY, "region": "us", "flag": true, "count": 3 })
}

#[tokio::test]
async fn a_form_is_shown_as_it_is_declared_and_answered_to_the_end() {
    let granted = tempfile::TempDir::new().unwrap();
    let files = FilesPolicy::new().allow(granted.path());
    let world = World::with(|registry| registry.kind(form()).files(files)).await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let (id, step) = begun(&world, &token).await;
    assert_eq!((&step["step"], &step["title"], &step["problem"]), (&json!(1), &json!("Form"), &Value::Null));
    let guide = json!([{ "text": "The console shows the SID.", "open": null },
        { "text": "Open the console", "open": "https://console.example" }]);
    assert_eq!(step["guide"], guide);
    let sid = json!({ "name": "sid", "label": "SID", "input": "text", "required": true, "many": false,
        "help": "In the console", "placeholder": "AC0000", "default": null, "pattern": "AC[0-9]{4}", "choices": [] });
    assert_eq!(step["fields"][0], sid);
    let choices = json!([{ "value": "eu", "label": "Europe" }, { "value": "us", "label": "America" }]);
    assert_eq!((&step["fields"][2]["choices"], &step["fields"][2]["default"]), (&choices, &json!("eu")));
    let inputs: Vec<_> =
        step["fields"].as_array().unwrap().iter().map(|field| field["input"].as_str().unwrap()).collect();
    assert_eq!(inputs, ["text", "secret", "choice", "bool", "number", "directory"]);
    let mut answers = first();
    answers["roots"] = json!([granted.path().to_str().unwrap()]);
    answered(&world, &token, &id, 1, answers).await.ok(202);
    let next = shown(&world, &token, &id, step["cursor"].as_str().unwrap()).await;
    assert_eq!((&next["step"], &next["problem"], &next["title"]), (&json!(2), &json!("look again"), &json!("Code")));
    assert_eq!(next["open"], "https://form.example/codes");
    assert_eq!(next["guide"], json!([]), "an address is opened, and there is nothing to look for");
    assert_eq!((&next["beside"][0]["userCode"], &next["beside"][0]["reason"]), (&json!("AB-CD"), &Value::Null));
    answered(&world, &token, &id, 2, json!({ "code": "yes" })).await.ok(202);
    let step = shown(&world, &token, &id, next["cursor"].as_str().unwrap()).await;
    let done = confirmed(&world, &token, &id, &step).await;
    assert_eq!((&done["type"], &done["label"], &done["liveness"]), (&json!("done"), &json!("AC1234"), &json!("live")));
    assert_eq!(done["account"], json!({ "id": "AC1234", "label": "AC1234" }));
    // The result can be read again, also by somebody who has seen it.
    assert_eq!(shown(&world, &token, &id, "").await, done);
    assert_eq!(shown(&world, &token, &id, done["cursor"].as_str().unwrap()).await, done);
    world.check_answers();
}

/// R-INSEAM-088, T20: no answer contains what a person typed.
#[tokio::test]
async fn a_secret_never_comes_back() {
    let (world, _provider) = world(|| Reply::ok("{}")).await;
    let token = world.token(Role::Manage, None).await;
    let (id, step) = begun(&world, &token).await;
    let mut wrong = first();
    wrong["sid"] = json!(KEY);
    assert_eq!(answered(&world, &token, &id, 1, wrong).await.refusal(), (422, "answers_invalid".into()));
    let request = world.request("POST", &format!("/setups/{id}/answers")).bearer(&token).json(&json!({}));
    for broken in [
        format!(r#"{{"step": "{KEY}", "answers": {{}}}}"#),
        format!(r#"{{"step": 1, "answers": {{"token": {{"{KEY}": 1}}}}}}"#),
        format!(r#"{{"step": 1, "{KEY}": 1}}"#),
        format!(r#"{{"step": 1, "answers": {{"token": ["{KEY}", 1]}}}}"#),
        format!(r#"{{"step": 1, "answers": {{"token": "{KEY}", "token": "{KEY}"}}}}"#),
        KEY.to_owned(),
    ] {
        let answer = world.send(&request.clone().text(&broken)).await;
        assert_eq!(answer.refusal(), (422, "invalid_body".into()), "{broken}");
    }
    answered(&world, &token, &id, 1, first()).await.ok(202);
    let next = shown(&world, &token, &id, step["cursor"].as_str().unwrap()).await;
    answered(&world, &token, &id, 1, first()).await.refusal();
    answered(&world, &token, &id, 2, json!({ "code": "no" })).await.ok(202);
    let failed = shown(&world, &token, &id, next["cursor"].as_str().unwrap()).await;
    let reason = json!({ "code": "refused", "message": "the code is wrong", "remedy": "read it again" });
    assert_eq!((&failed["type"], &failed["reason"]), (&json!("failed"), &reason));
    world.check_answers();
}

#[tokio::test]
async fn a_reader_waits_for_another_state_and_25_seconds_at_most() {
    let (world, _provider) = world(|| Reply::ok("{}")).await;
    let token = world.token(Role::Manage, None).await;
    let (id, step) = begun(&world, &token).await;
    for seen in [step["cursor"].as_str().unwrap(), "1"] {
        let began = world.clock.now().seconds();
        let looking = shown(&world, &token, &id, seen);
        assert_eq!(world.outlasted(looking).await, step, "what is shown then");
        assert!(world.clock.now().seconds() >= began + 25, "nothing has changed");
    }
    let looking = shown(&world, &token, &id, "1");
    let (next, given) = tokio::join!(looking, answered(&world, &token, &id, 1, first()));
    assert_eq!((given.status, &next["step"]), (202, &json!(2)));
}

#[tokio::test]
async fn a_network_that_fails_is_told_and_the_setup_goes_on_when_somebody_resumes_it() {
    let is_down = Arc::new(AtomicBool::new(true));
    let down = is_down.clone();
    let reply = move || if down.load(SeqCst) { Reply::whole(503, "", "") } else { Reply::ok("{}") };
    let (world, provider) = world(reply).await;
    let token = world.token(Role::Manage, None).await;
    let (id, _) = begun(&world, &token).await;
    answered(&world, &token, &id, 1, first()).await.ok(202);
    let second = shown(&world, &token, &id, "1").await;
    answered(&world, &token, &id, 2, json!({ "code": "ask" })).await.ok(202);
    let rests = shown(&world, &token, &id, second["cursor"].as_str().unwrap()).await;
    assert_eq!((&rests["type"], &rests["resumable"]), (&json!("notice"), &json!(true)), "{rests}");
    let requests = provider.requests().len();
    // Reading the state sends no request to the provider.
    for _ in 0..3 {
        assert_eq!(shown(&world, &token, &id, "").await, rests);
    }
    assert_eq!(provider.requests().len(), requests);
    is_down.store(false, SeqCst);
    let resumed = world.post(&token, &format!("/setups/{id}/resume"), json!({})).await.ok(202);
    let step = world.until(&token, &id, &resumed, "confirm").await;
    confirmed(&world, &token, &id, &step).await;
    assert_eq!(provider.requests().len(), requests + 1);
}
