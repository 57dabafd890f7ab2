//! The plugin against a fake host. No test sends a request.

mod conformance;
mod refusals;
mod removal;
mod setup;
mod verify;
mod webhooks;

use connection_plugin_github::GitHub;
use connection_testkit::{Expected, FakeHost, Input, Reply};

const TOKEN: &str = "ghp_canary5f2c9be1a7d34e60";
const USER: &str = r#"{"login": "octocat", "id": 583231, "name": "The Octocat"}"#;

fn host() -> FakeHost<GitHub> {
    FakeHost::new(GitHub)
}

fn token() -> Input {
    Input::answers(&[("accessToken", TOKEN)])
}

/// Returns the only request that the plugin sends, as GitHub documents it.
fn get_user() -> Expected {
    Expected::get("https://api.github.com/user")
        .header("authorization", &format!("Bearer {TOKEN}"))
        .header("accept", "application/vnd.github+json")
        .header("x-github-api-version", "2022-11-28")
}

fn octocat() -> Reply {
    Reply::json(200, USER)
        .header("x-oauth-scopes", "read:user, repo")
        .header("github-authentication-token-expiration", "2026-02-05 10:20:30 UTC")
}
