//! A real browser, Chromium without a window, controlled by WebDriver. Each browser has a new profile, which is
//! deleted afterwards.
//!
//! `cargo xtask setup` installs it. If it is missing, the tests that need it are skipped with a notice, and fail
//! in continuous integration.

mod accessibility;
mod devtools;
mod driver;
mod keys;
mod sent;
mod tabs;

use std::{
    env, fmt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::skip_notice;

pub use accessibility::AccessibilityChecker;
pub use fantoccini::key::Key;
pub use sent::Sent;
pub use tabs::Tab;

use devtools::{Command, Log};
use driver::Driver;

/// Time limit for a page or an element to appear.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two checks of a page. WebDriver does not report when a page changes.
const PACE: Duration = Duration::from_millis(20);

/// The appearance that a person has chosen for the whole system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Light text on a dark ground.
    Dark,
    /// Dark text on a light ground.
    Light,
}

/// A browser window with a profile of its own. Dropping it ends the browser and deletes the profile, also when a test
/// fails.
///
/// Every method panics if the browser does not do what it should, and names the action or text that was expected.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    // Fields are dropped in order, and the driver must outlive the client.
    driver: Driver,
}

impl Browser {
    /// Starts a browser that resolves each of `names` to a port of this machine, whatever port an address names.
    /// Other names do not resolve. Certificates are not checked.
    ///
    /// Returns `None` if there is no browser on this machine, after a notice. In continuous integration the test
    /// fails instead.
    ///
    /// # Panics
    ///
    /// Panics if the browser does not start.
    pub async fn start(names: &[(&str, u16)]) -> Option<Self> {
        // The shell has the same engine without the windows of a desktop, and needs half as much of the processor.
        let chromium = program("chromium-headless-shell").or_else(|| program("chromium"));
        let (Some(chromium), Some(chromedriver)) = (chromium, program("chromedriver")) else {
            skip_notice::say(
                "in a real browser",
                "neither `chromium-headless-shell` nor `chromium` is here, or no `chromedriver`",
            );
            return None;
        };
        let driver = must("the driver starts", Driver::start(&chromedriver));
        let mut rules: Vec<_> = names.iter().map(|(name, port)| format!("MAP {name} 127.0.0.1:{port}")).collect();
        rules.extend(["EXCLUDE 127.0.0.1".to_owned(), "MAP * ~NOTFOUND".to_owned()]);
        let arguments = [
            "--headless=new",
            // Tests also run as root, and on machines where `/dev/shm` is small.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            &format!("--host-resolver-rules={}", rules.join(",")),
        ];
        let capabilities = json!({
            "acceptInsecureCerts": true,
            // By default, a script may take half a minute, which is too little for a checker on a busy machine.
            "timeouts": { "script": 120_000 },
            "goog:chromeOptions": { "binary": chromium, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else { return None };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&driver.address()).await;
        Some(Self { client: must("a session", client), driver })
    }

    /// Returns the directory of the browser's files. It is the temporary directory of all its processes.
    pub fn directory(&self) -> &Path {
        self.driver.directory()
    }

    /// Opens an address, follows redirects and waits until the page is loaded.
    ///
    /// # Panics
    ///
    /// Panics if no page is loaded.
    pub async fn open(&self, url: &str) {
        must(url, self.client.goto(url).await);
    }

    /// Returns the address of the current page.
    ///
    /// # Panics
    ///
    /// Panics if the browser does not answer.
    pub async fn address(&self) -> String {
        must("an address", self.client.current_url().await).to_string()
    }

    /// Returns the title of the current page.
    ///
    /// # Panics
    ///
    /// Panics if the browser does not answer.
    pub async fn title(&self) -> String {
        must("a title", self.client.title().await)
    }

    /// Sets the size of the window in pixels, including its frame.
    ///
    /// # Panics
    ///
    /// Panics if the browser does not answer.
    pub async fn resize(&self, width: u32, height: u32) {
        must("a size", self.client.set_window_size(width, height).await);
    }

    /// Sets the size of the page in the current tab, which may be smaller than the smallest window.
    ///
    /// # Panics
    ///
    /// Panics if the browser rejects the command.
    pub async fn set_view(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Sets the appearance of the system for the current tab, and that the person wants no animations.
    ///
    /// # Panics
    ///
    /// Panics if the browser rejects the command.
    pub async fn set_theme(&self, theme: Theme) {
        let scheme = if theme == Theme::Dark { "dark" } else { "light" };
        let feature = |name: &str, value: &str| json!({ "name": name, "value": value });
        let features = [feature("prefers-color-scheme", scheme), feature("prefers-reduced-motion", "reduce")];
        self.command("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Returns a picture of the current page, as a PNG file.
    ///
    /// # Panics
    ///
    /// Panics if the browser does not answer.
    pub async fn picture(&self) -> Vec<u8> {
        must("a picture", self.client.screenshot().await)
    }

    /// Waits until a page shows this text, and returns all text of the page.
    ///
    /// # Panics
    ///
    /// Panics if no page shows the text within a minute.
    pub async fn shows(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            // There is no body while the browser changes from one page to the next.
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

    /// Waits for the element that a selector finds, and clicks on it.
    ///
    /// # Panics
    ///
    /// Panics if the element does not appear or cannot be clicked.
    pub async fn click(&self, selector: &str) {
        let began = Instant::now();
        loop {
            match self.element(selector).await.click().await {
                // The element's page was replaced before the click, so the element is looked up again.
                Err(error) if error.is_stale_element_reference() && began.elapsed() < PATIENCE => {}
                clicked => return must(selector, clicked),
            }
        }
    }

    /// Waits for the element that a selector finds, and types a text into it.
    ///
    /// # Panics
    ///
    /// Panics if the element does not appear or takes no text.
    pub async fn write(&self, selector: &str, text: &str) {
        must(selector, self.element(selector).await.send_keys(text).await);
    }

    /// Waits for the element that a selector finds, and returns one of its properties. `href` is a whole address.
    ///
    /// # Panics
    ///
    /// Panics if the element does not appear or has no such property.
    pub async fn property(&self, selector: &str, name: &str) -> String {
        let property = must(selector, self.element(selector).await.prop(name).await);
        property.unwrap_or_else(|| panic!("{selector} has no {name}"))
    }

    /// Runs a script as the body of a function in the page, and returns its result or the result of its promise.
    ///
    /// # Panics
    ///
    /// Panics if the script throws.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        must(script, self.client.execute(script, arguments).await)
    }

    /// Waits until a script, run as the body of a function in the page, returns `true`. `what` names the condition.
    ///
    /// # Panics
    ///
    /// Panics if the script throws, or if the condition does not hold within a minute.
    pub async fn until(&self, what: &str, script: &str, arguments: Vec<Value>) {
        let began = Instant::now();
        while self.run(script, arguments.clone()).await != true {
            assert!(began.elapsed() < PATIENCE, "{what}: it does not come to it at {}", self.address().await);
            tokio::time::sleep(PACE).await;
        }
    }

    /// Disables scripts on every page from now on.
    ///
    /// # Panics
    ///
    /// Panics if the browser rejects the command.
    pub async fn without_scripts(&self) {
        self.command("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    }

    /// Runs a script on every page from now on, before the scripts of the page itself.
    ///
    /// # Panics
    ///
    /// Panics if the browser rejects the command.
    pub async fn run_first(&self, script: &str) {
        self.command("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    /// Forgets the files that the browser keeps of pages, so that the next page is loaded as on a first visit.
    ///
    /// # Panics
    ///
    /// Panics if the browser rejects the command.
    pub async fn forget_files(&self) {
        self.command("Network.clearBrowserCache", json!({})).await;
    }

    /// Returns the addresses in the window's history, which a person reaches by going back and forward.
    ///
    /// # Panics
    ///
    /// Panics if the browser does not answer.
    pub async fn history(&self) -> Vec<String> {
        let history = self.command("Page.getNavigationHistory", json!({})).await;
        let entries = history["entries"].as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| entry["url"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Returns the names of all cookies of the profile, including those that pages cannot read.
    ///
    /// # Panics
    ///
    /// Panics if the browser does not answer.
    pub async fn cookies(&self) -> Vec<String> {
        let all = self.command("Storage.getCookies", json!({})).await;
        let cookies = all["cookies"].as_array().cloned().unwrap_or_default();
        cookies.iter().map(|cookie| cookie["name"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Returns the requests that the browser has sent since the last call, with the headers that it sent.
    ///
    /// # Panics
    ///
    /// Panics if the browser does not answer.
    pub async fn sent(&self) -> Vec<Sent> {
        let log = must("a log", self.client.issue_cmd(Log("performance")).await);
        sent::of(log.as_array().map_or(&[], Vec::as_slice))
    }

    /// Returns the errors that the browser has logged since the last call: of scripts, of the content security policy,
    /// and of requests that failed.
    ///
    /// # Panics
    ///
    /// Panics if the browser does not answer.
    pub async fn errors(&self) -> Vec<String> {
        self.logged(|_| true).await
    }

    /// Returns the same errors as [`errors`](Self::errors) without those of requests that failed, which are part of
    /// tests in which a server refuses a request or is restarted.
    ///
    /// # Panics
    ///
    /// Panics if the browser does not answer.
    pub async fn script_errors(&self) -> Vec<String> {
        self.logged(|source| source != "network").await
    }

    /// Returns the errors that were logged since the last call, of the sources that `is_wanted` accepts.
    async fn logged(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let log = must("a log", self.client.issue_cmd(Log("browser")).await);
        let entries = log.as_array().cloned().unwrap_or_default();
        let errors = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        let errors = errors.filter(|entry| is_wanted(entry["source"].as_str().unwrap_or_default()));
        errors.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
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
