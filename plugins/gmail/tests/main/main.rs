//! The plugin against a fake host. No test sends a request.

mod conformance;
mod mail;

use connection_oauth2::{CLIENT_KEY, OAuth2, client_value};
use connection_plugin_gmail::gmail;
use connection_testkit::{Expected, FakeHost, Input, Reply};

const ID: &str = "1234-canary.apps.googleusercontent.com";
const SECRET: &str = "GOCSPX-canary0011223344";
const ACCESS: &str = "ya29.canary-a0b1c2d3";
const REFRESH: &str = "1//canary-r0e1f2a3b4";
const SCOPE: &str = "https://www.googleapis.com/auth/gmail.readonly";
const TOKEN: &str = "https://oauth2.googleapis.com/token";
const CALLBACK: &str = "http://127.0.0.1:47781/callback/gmail";

fn host() -> FakeHost<OAuth2> {
    known(FakeHost::new(gmail()).inbound_http(CALLBACK))
}

/// Returns a host that already has the application.
fn known(host: FakeHost<OAuth2>) -> FakeHost<OAuth2> {
    host.secret_value(CLIENT_KEY, client_value(ID, Some(&SECRET.into())))
}

fn back() -> Input {
    Input::callback(&[("code", "4/canary-code-99"), ("iss", "https://accounts.google.com"), ("scope", SCOPE)])
}

fn redeem() -> Expected {
    Expected::post(TOKEN)
}

/// Returns Google's answer with tokens. While the application is in testing, it includes the lifetime of the refresh
/// token.
fn tokens(more: &str) -> Reply {
    Reply::json(
        200,
        &format!(
            r#"{{"access_token": "{ACCESS}", "expires_in": 3599, "refresh_token": "{REFRESH}", "scope": "{SCOPE}", "token_type": "Bearer"{more}}}"#
        ),
    )
}

fn renew() -> Expected {
    Expected::post(TOKEN).form(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", REFRESH),
        ("client_id", ID),
        ("client_secret", SECRET),
    ])
}

fn profile() -> Expected {
    Expected::get("https://gmail.googleapis.com/gmail/v1/users/me/profile")
        .header("authorization", &format!("Bearer {ACCESS}"))
        .answer(Reply::json(200, r#"{"emailAddress": "ada@example.com", "messagesTotal": 7, "historyId": "9"}"#))
}
