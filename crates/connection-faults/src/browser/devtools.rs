//! Two commands of Chromium's driver that the WebDriver standard does not have.

use fantoccini::wd::WebDriverCompatibleCommand;
use http::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

/// A command of the DevTools protocol.
#[derive(Debug)]
pub(super) struct Command {
    /// The command's name in the protocol, such as `Page.getNavigationHistory`.
    pub(super) name: &'static str,
    pub(super) parameters: Value,
}

/// A request for the entries that a log gained since the last request: `performance` or `browser`.
#[derive(Debug)]
pub(super) struct Log(pub(super) &'static str);

impl WebDriverCompatibleCommand for Command {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        of_session(base, session, "goog/cdp/execute")
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "cmd": self.name, "params": self.parameters }).to_string()))
    }
}

impl WebDriverCompatibleCommand for Log {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        of_session(base, session, "se/log")
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": self.0 }).to_string()))
    }
}

fn of_session(base: &Url, session: Option<&str>, command: &str) -> Result<Url, ParseError> {
    base.join(&format!("session/{}/{command}", session.unwrap_or_default()))
}
