//! The files of a login, as the documentation and the published packages of the tools show them.

use connection_contract::encode;

/// Returns the files of a directory in which a person is signed in.
pub(crate) fn signed_in(kind: &str) -> Vec<(&'static str, String)> {
    match kind {
        "claude" => vec![
            (
                ".claude.json",
                r#"{"oauthAccount": {"accountUuid": "0b5c", "emailAddress": "ada@example.com", "organizationUuid": "9e1f"}}"#
                    .to_owned(),
            ),
            (".credentials.json", r#"{"claudeAiOauth": {"accessToken": "canary-oat", "refreshToken": "canary-ort", "expiresAt": 4102444800000, "scopes": ["user:inference", "user:profile"], "subscriptionType": "max"}}"#.to_owned()),
        ],
        "codex" => vec![("auth.json", codex_login("ada@example.com", "acc-1"))],
        _ => vec![
            ("google_accounts.json", r#"{"active": "ada@example.com", "old": []}"#.to_owned()),
            ("oauth_creds.json", r#"{"access_token": "canary-ya29", "refresh_token": "canary-1//r"}"#.to_owned()),
        ],
    }
}

/// Returns the file that `codex login` writes: <https://developers.openai.com/codex/auth>.
pub(crate) fn codex_login(email: &str, account: &str) -> String {
    codex_login_of_plan(email, account, "plus")
}

/// Returns the same file for an account with this plan.
pub(crate) fn codex_login_of_plan(email: &str, account: &str, plan: &str) -> String {
    let user = email.split('@').next().unwrap_or_default();
    let claims = format!(
        r#"{{"email": "{email}", "https://api.openai.com/auth": {{"chatgpt_plan_type": "{plan}", "chatgpt_user_id": "user-{user}"}}}}"#
    );
    let token = format!("{}.{}.c2ln", encode::base64url(br#"{"alg": "RS256"}"#), encode::base64url(claims.as_bytes()));
    format!(
        r#"{{"OPENAI_API_KEY": null, "tokens": {{"id_token": "{token}", "access_token": "canary-access", "refresh_token": "canary-refresh", "account_id": "{account}"}}, "last_refresh": "2026-01-30T00:00:00Z"}}"#
    )
}
