//! The plugin against a fake host. No test sends a request.

mod conformance;
mod refusals;
mod setup;
mod webhooks;

use connection_plugin_notion::Notion;
use connection_testkit::{Expected, FakeHost, Input, Reply};

const TOKEN: &str = "ntn_canary81d0c4f7a2";
const ME: &str = r#"{"object": "user", "id": "4d7b4b7a-9f2a", "name": "Robot", "type": "bot",
    "bot": {"owner": {"type": "workspace", "workspace": true}, "workspace_id": "b2f3", "workspace_name": "Acme"}}"#;

fn host() -> FakeHost<Notion> {
    FakeHost::new(Notion)
}

fn token() -> Input {
    Input::answers(&[("apiKey", TOKEN)])
}

/// Returns the only request that the plugin sends, as Notion documents it.
fn get_me() -> Expected {
    Expected::get("https://api.notion.com/v1/users/me")
        .header("authorization", &format!("Bearer {TOKEN}"))
        .header("notion-version", "2026-03-11")
        .answer(Reply::json(200, ME))
}
