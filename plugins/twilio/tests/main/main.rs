//! The plugin against a fake host. No test sends a request.

mod conformance;
mod setup;
mod verify;
mod webhooks;

use connection_plugin_twilio::Twilio;
use connection_testkit::{Expected, FakeHost, Input, Reply};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "canary-auth-token-93b1";
const KEY: &str = "SKfedcba9876543210fedcba9876543210";
const SECRET: &str = "canary-key-secret-40af";
/// Twilio's answer to a wrong login, and to a key that may not read accounts.
const DENIED: &str = r#"{"code": 20003, "message": "Authenticate", "status": 401}"#;

fn host() -> FakeHost<Twilio> {
    FakeHost::new(Twilio)
}

fn with_token() -> [Input; 2] {
    [Input::answers(&[("accountSid", ACCOUNT)]), Input::answers(&[("authToken", TOKEN)])]
}

fn with_key() -> [Input; 2] {
    [Input::answers(&[("accountSid", ACCOUNT), ("apiKeySid", KEY)]), Input::answers(&[("apiKeySecret", SECRET)])]
}

fn get_account(user: &str, password: &str) -> Expected {
    Expected::get(&format!("https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}.json"))
        .basic(user, password)
        .answer(account("active"))
}

fn get_messages() -> Expected {
    Expected::get(&format!("https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json?PageSize=1"))
        .basic(KEY, SECRET)
        .answer(Reply::json(200, r#"{"messages": [], "page_size": 1}"#))
}

fn account(status: &str) -> Reply {
    Reply::json(200, &format!(r#"{{"sid": "{ACCOUNT}", "friendly_name": "Acme Support", "status": "{status}"}}"#))
}
