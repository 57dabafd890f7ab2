//! The responses of the providers, written after their public documentation.
//!
//! GitHub: docs.github.com/rest/users/users, "Get the authenticated user".
//! Notion: developers.notion.com/reference/get-self and /reference/status-codes.
//! Twilio: www.twilio.com/docs/iam/api/account and /docs/api/errors/20003.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::readme::provider::Credentials;
use crate::readme::provider::request::Request;

/// Remaining lifetime of the GitHub token: five days and an hour.
const LIFETIME: Duration = Duration::from_secs(5 * 86_400 + 3_600);

/// A response of the provider that stands in for the real ones.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The headers in addition to those of every response.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Value,
}

impl Reply {
    fn new(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body }
    }

    /// Returns the response as HTTP/1.1 text.
    pub(crate) fn encode(&self) -> String {
        let body = self.body.to_string();
        let reason = match self.status {
            200 => "OK",
            400 => "Bad Request",
            401 => "Unauthorized",
            _ => "Not Found",
        };
        let mut text =
            format!("HTTP/1.1 {} {reason}\r\nContent-Type: application/json; charset=utf-8\r\n", self.status);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()));
        text
    }
}

/// Answers a request as api.github.com does.
pub(crate) fn github(credentials: &Credentials, request: &Request, now: u64) -> Reply {
    let said = request.header("authorization").unwrap_or_default();
    let documentation = "https://docs.github.com/rest";
    if ![format!("Bearer {}", credentials.github_token), format!("token {}", credentials.github_token)]
        .contains(&said.to_owned())
    {
        return Reply::new(
            401,
            json!({"message": "Bad credentials", "documentation_url": documentation, "status": "401"}),
        );
    }
    let mut reply = match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/user") => Reply::new(
            200,
            json!({
                "login": "octocat", "id": 583_231, "node_id": "MDQ6VXNlcjU4MzIzMQ==", "type": "User", "site_admin": false,
                "name": "The Octocat", "company": "@github", "html_url": "https://github.com/octocat",
                "url": "https://api.github.com/users/octocat", "public_repos": 8, "followers": 20, "following": 0,
                "created_at": "2011-01-25T18:44:36Z", "updated_at": "2024-01-22T12:00:00Z",
            }),
        ),
        _ => Reply::new(404, json!({"message": "Not Found", "documentation_url": documentation, "status": "404"})),
    };
    let end = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(now) + LIFETIME;
    let end = format!("{} {:02}:{:02}:{:02} UTC", end.date(), end.hour(), end.minute(), end.second());
    reply.headers = vec![
        ("X-OAuth-Scopes", "read:org, repo".to_owned()),
        ("X-Accepted-OAuth-Scopes", String::new()),
        ("X-GitHub-Media-Type", "github.v3; format=json".to_owned()),
        ("X-RateLimit-Limit", "5000".to_owned()),
        ("X-RateLimit-Remaining", "4999".to_owned()),
        ("X-RateLimit-Reset", (now + 3_600).to_string()),
        ("github-authentication-token-expiration", end),
    ];
    reply
}

/// Answers a request as api.notion.com does.
pub(crate) fn notion(credentials: &Credentials, request: &Request, _now: u64) -> Reply {
    let error = |status: u16, code: &str, message: &str| {
        let id = "7f0ce5ab-2c4c-4f43-8f0a-3a6a3f4e0d11";
        Reply::new(
            status,
            json!({"object": "error", "status": status, "code": code, "message": message, "request_id": id}),
        )
    };
    if request.header("authorization") != Some(&format!("Bearer {}", credentials.notion_token)) {
        return error(401, "unauthorized", "API token is invalid.");
    }
    if request.header("notion-version").is_none() {
        return error(400, "missing_version", "Notion-Version header failed validation: it should be defined.");
    }
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/v1/users/me") => Reply::new(
            200,
            json!({
                "object": "user", "id": "16d84278-ab0e-484c-9bdd-b35da3bd8905", "name": "Field notes", "avatar_url": null,
                "type": "bot", "request_id": "7f0ce5ab-2c4c-4f43-8f0a-3a6a3f4e0d12",
                "bot": {
                    "owner": {"type": "workspace", "workspace": true}, "workspace_name": "Acme",
                    "workspace_id": "5b3e3f0e-7a4b-4a1e-9d57-0c3f4be0c5d2",
                },
            }),
        ),
        _ => error(404, "object_not_found", "Could not find the object."),
    }
}

/// Answers a request as api.twilio.com does.
pub(crate) fn twilio(credentials: &Credentials, request: &Request, _now: u64) -> Reply {
    let account = &credentials.twilio_account;
    let error = |status: u16, code: u32, message: &str| {
        let more = format!("https://www.twilio.com/docs/errors/{code}");
        Reply::new(status, json!({"code": code, "message": message, "more_info": more, "status": status}))
    };
    let pair = STANDARD.encode(format!("{account}:{}", credentials.twilio_token));
    if request.header("authorization") != Some(&format!("Basic {pair}")) {
        return error(401, 20_003, "Authenticate");
    }
    let path = request.path.strip_prefix(&format!("/2010-04-01/Accounts/{account}"));
    match (request.method.as_str(), path) {
        ("GET", Some(".json")) => Reply::new(
            200,
            json!({
                "sid": account, "owner_account_sid": account, "friendly_name": "Acme messages", "status": "active",
                "type": "Full", "auth_token": credentials.twilio_token,
                "date_created": "Thu, 30 Jul 2015 20:00:00 +0000", "date_updated": "Thu, 30 Jul 2015 20:00:00 +0000",
                "uri": format!("/2010-04-01/Accounts/{account}.json"),
            }),
        ),
        ("GET", Some("/Messages.json")) => Reply::new(
            200,
            json!({"messages": [], "page": 0, "page_size": 1, "uri": request.path, "next_page_uri": null}),
        ),
        _ => error(404, 20_404, "The requested resource was not found"),
    }
}
