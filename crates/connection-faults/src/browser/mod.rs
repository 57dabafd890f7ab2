//! A real browser (Chromium without a window), led by WebDriver: a profile of its own, and nothing left of it afterwards.
//!
//! `cargo xtask setup` installs it. Where it is not there, tests that need it are left out, loudly; in CI that is an error.

mod devtools;
mod driver;
mod sent;

use std::{
    env, fmt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::skipped;

pub use sent::Sent;

use devtools::{Command, Log};
use driver::Driver;

/// A page that takes longer than this does not come.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at a page: the browser tells nobody when one changes.
const PACE: Duration = Duration::from_millis(20);

/// A window with a profile of its own, gone with this value, also when a test fails.
///
/// What the browser does not do ends the test: every method panics then, and says what was to be seen.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    // After the client, which it serves.
    driver: Driver,
}

impl Browser {
    /// With names that lead to ports of this machine, whatever port an address says; other names lead nowhere. Certificates
    /// are not looked at. `None` where there is no browser, which is said, and which fails the test in CI.
    ///
    /// # Panics
    ///
    /// It does not start.
    pub async fn start(names: &[(&str, u16)]) -> Option<Self> {
        let (Some(chromium), Some(chromedriver)) = (program("chromium"), program("chromedriver")) else {
            skipped::say("in a real browser", "`chromium` or `chromedriver` is not here");
            return None;
        };
        let driver = must("the driver starts", Driver::start(&chromedriver));
        let mut rules: Vec<_> = names.iter().map(|(name, port)| format!("MAP {name} 127.0.0.1:{port}")).collect();
        rules.extend(["EXCLUDE 127.0.0.1".to_owned(), "MAP * ~NOTFOUND".to_owned()]);
        let arguments = [
            "--headless=new",
            // Tests run as root, and where `/dev/shm` is small.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            &format!("--host-resolver-rules={}", rules.join(",")),
        ];
        let capabilities = json!({
            "acceptInsecureCerts": true,
            "goog:chromeOptions": { "binary": chromium, "args": arguments },
            "goog:loggingPrefs": { "performance": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else { return None };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&driver.address()).await;
        Some(Self { client: must("a session", client), driver })
    }

    /// Where it keeps what it keeps: the environment of all its processes has it, too.
    pub fn directory(&self) -> &Path {
        self.driver.directory()
    }

    /// Goes to an address, and on from there; until a page is there.
    ///
    /// # Panics
    ///
    /// No page comes.
    pub async fn open(&self, url: &str) {
        must(url, self.client.goto(url).await);
    }

    /// What is in the address bar.
    ///
    /// # Panics
    ///
    /// It does not answer.
    pub async fn address(&self) -> String {
        must("an address", self.client.current_url().await).to_string()
    }

    /// The page's title.
    ///
    /// # Panics
    ///
    /// It does not answer.
    pub async fn title(&self) -> String {
        must("a title", self.client.title().await)
    }

    /// Waits until a page says this, and gives all that it says.
    ///
    /// # Panics
    ///
    /// None does, for a minute.
    pub async fn shows(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            // While one page goes and another comes there is none.
            let shown = match self.client.find(Locator::Css("body")).await {
                Ok(body) => body.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if shown.contains(text) {
                return shown;
            }
            assert!(began.elapsed() < PATIENCE, "{text:?} is not shown at {}: {shown}", self.address().await);
            tokio::time::sleep(PACE).await;
        }
    }

    /// Clicks on what a selector finds, when it is there.
    ///
    /// # Panics
    ///
    /// It does not come, or cannot be clicked.
    pub async fn click(&self, selector: &str) {
        let began = Instant::now();
        loop {
            match self.element(selector).await.click().await {
                // The page that it was of went away before anything was clicked.
                Err(error) if error.is_stale_element_reference() && began.elapsed() < PATIENCE => {}
                clicked => return must(selector, clicked),
            }
        }
    }

    /// Types into what a selector finds, when it is there.
    ///
    /// # Panics
    ///
    /// It does not come, or cannot be typed into.
    pub async fn write(&self, selector: &str, text: &str) {
        must(selector, self.element(selector).await.send_keys(text).await);
    }

    /// A property of what a selector finds, when it is there: `href` is a whole address.
    ///
    /// # Panics
    ///
    /// It does not come, or has no such property.
    pub async fn property(&self, selector: &str, name: &str) -> String {
        let property = must(selector, self.element(selector).await.prop(name).await);
        property.unwrap_or_else(|| panic!("{selector} has no {name}"))
    }

    /// Runs the body of a function in the page, and waits for what it returns, or for what its promise gives.
    ///
    /// # Panics
    ///
    /// It throws.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        must(script, self.client.execute(script, arguments).await)
    }

    /// From here on no page runs a script.
    ///
    /// # Panics
    ///
    /// It cannot be told so.
    pub async fn without_scripts(&self) {
        self.command("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    }

    /// The addresses in the window's history: what a person finds by going back and forth.
    ///
    /// # Panics
    ///
    /// It does not answer.
    pub async fn history(&self) -> Vec<String> {
        let history = self.command("Page.getNavigationHistory", json!({})).await;
        let entries = history["entries"].as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| entry["url"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The names of all cookies of the profile, also of those that no page sees.
    ///
    /// # Panics
    ///
    /// It does not answer.
    pub async fn cookies(&self) -> Vec<String> {
        let all = self.command("Storage.getCookies", json!({})).await;
        let cookies = all["cookies"].as_array().cloned().unwrap_or_default();
        cookies.iter().map(|cookie| cookie["name"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What it has sent since this was asked last, as it went out.
    ///
    /// # Panics
    ///
    /// It does not answer.
    pub async fn sent(&self) -> Vec<Sent> {
        let log = must("a log", self.client.issue_cmd(Log).await);
        sent::of(log.as_array().map_or(&[], Vec::as_slice))
    }

    async fn command(&self, name: &'static str, parameters: Value) -> Value {
        must(name, self.client.issue_cmd(Command { name, parameters }).await)
    }

    async fn element(&self, selector: &str) -> Element {
        must(selector, self.client.wait().at_most(PATIENCE).for_element(Locator::Css(selector)).await)
    }
}

#[track_caller]
fn must<T, E: fmt::Display>(what: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("the browser, {what}: {error}"))
}

fn program(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}
