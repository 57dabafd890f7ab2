//! The browser of the tests starts, and nothing of it is left, even after a test that fails.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use connection_faults::browser::{AccessibilityChecker, Browser, Key, Theme};
use serde_json::json;
use tokio::runtime::Handle;

/// The time after which a killed process has ended.
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns the number of processes whose environment names a directory. The environment of a zombie is empty.
fn alive(directory: &Path) -> usize {
    let text = directory.to_str().unwrap();
    let environments = fs::read_dir("/proc").unwrap().flatten().map(|entry| fs::read(entry.path().join("environ")));
    environments.flatten().filter(|bytes| String::from_utf8_lossy(bytes).contains(text)).count()
}

#[tokio::test]
async fn nothing_is_left_of_a_browser_also_when_a_test_fails() {
    let Some(browser) = Browser::start(&[]).await else { return };
    let directory: PathBuf = browser.directory().to_owned();
    assert!(alive(&directory) > 1 && directory.is_dir(), "the control: it is there");
    let failing = Handle::current().spawn(async move {
        browser.open("data:text/html,<p>here</p>").await;
        browser.shows("here").await;
        // A failing test drops its browser while it unwinds.
        std::panic::resume_unwind(Box::new("failed"));
    });
    assert!(failing.await.unwrap_err().is_panic());
    let began = Instant::now();
    while alive(&directory) > 0 {
        assert!(began.elapsed() < PATIENCE, "{} are left", alive(&directory));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!directory.exists());
}

/// Tests of pages rely on this: an error that the browser did not report would pass unnoticed.
#[tokio::test]
async fn the_errors_of_scripts_and_violations_of_the_policy_are_reported_in_every_tab() {
    let Some(browser) = Browser::start(&[]).await else { return };
    let fine = "data:text/html,<script>document.title = 'fine'</script>";
    let failing = "data:text/html,<script>setTimeout(() => { document.title = 'ran'; throw new Error('one of a test') })</script>";
    let violating = "data:text/html,<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\">\
                     <script>document.title = 'ran'</script><p>shown</p>";
    browser.open(fine).await;
    assert_eq!((browser.title().await.as_str(), browser.errors().await), ("fine", Vec::new()));
    for in_another_tab in [false, true] {
        if in_another_tab {
            browser.open_tab().await;
        }
        browser.open(failing).await;
        browser.until("the script has run", "return document.title === 'ran'", Vec::new()).await;
        let errors = browser.script_errors().await;
        assert!(errors.len() == 1 && errors[0].contains("one of a test"), "{errors:?}");
        browser.open(violating).await;
        browser.shows("shown").await;
        let errors = browser.script_errors().await;
        assert!(errors.len() == 1 && errors[0].contains("Content Security Policy"), "{errors:?}");
    }
    assert_eq!(browser.errors().await, [""; 0], "each error is reported once");
}

/// Tests of screens rely on this: a checker that finds nothing would accept any screen.
#[tokio::test]
async fn the_checker_finds_what_is_hard_to_use_in_the_theme_in_which_it_is() {
    let (Some(browser), Some(checker)) = (Browser::start(&[]).await, AccessibilityChecker::load()) else { return };
    let page = "data:text/html,<html lang=en><title>Test</title><style>body { background: white; color: black } \
                @media (prefers-color-scheme: dark) { body { color: %23eee } }</style><main><h1>Text</h1></main>";
    browser.open(page).await;
    browser.set_theme(Theme::Light).await;
    assert_eq!(checker.violations(&browser).await, [""; 0]);
    browser.set_theme(Theme::Dark).await;
    let violations = checker.violations(&browser).await;
    assert!(violations.len() == 1 && violations[0].starts_with("color-contrast: [\"h1\"]"), "{violations:?}");
}

#[tokio::test]
async fn keys_reach_the_element_that_has_the_focus() {
    let Some(browser) = Browser::start(&[]).await else { return };
    browser.open("data:text/html,<input id=a><input id=b>").await;
    let focused = async || browser.run("return document.activeElement.id", Vec::new()).await;
    browser.press(Key::Tab).await;
    browser.press(Key::Tab).await;
    assert_eq!(focused().await, json!("b"));
    browser.type_text("Ada ü").await;
    browser.press_with_shift(Key::Tab).await;
    assert_eq!((focused().await, browser.property("#b", "value").await), (json!("a"), "Ada ü".to_owned()));
}
