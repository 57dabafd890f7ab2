//! A person with a browser. No script of a page may fail, and no page may violate its content security policy.
#![expect(clippy::expect_used, reason = "support of tests: what fails here fails the test")]

use connection_faults::browser::Browser;
use tokio::runtime::{Builder, Runtime};

/// The server ends every connection after a minute, also that of the events, which the page then opens again.
const END_OF_EVENTS: &str = "/api/v1/live - Failed to load resource: net::ERR_INCOMPLETE_CHUNKED_ENCODING";

/// Runs a visit in a browser with a new profile, and returns its result. Afterwards, the browser must have logged no
/// error: of a script, of the policy of a page, or of a request.
///
/// Returns `None` if there is no browser on this machine.
pub(crate) fn visit<T>(visit: impl AsyncFnOnce(&Browser) -> T) -> Option<T> {
    visit_with(&[], visit, async |browser: &Browser| browser.errors().await)
}

/// Runs a visit during which a server refuses requests or is restarted, so that requests of the browser fail. Any other
/// error fails the test.
///
/// Returns `None` if there is no browser on this machine.
pub(crate) fn visit_with_failing_requests<T>(visit: impl AsyncFnOnce(&Browser) -> T) -> Option<T> {
    visit_as_named(&[], visit)
}

/// Runs such a visit in a browser that resolves each of `names` to a port of this machine.
///
/// Returns `None` if there is no browser on this machine.
pub(crate) fn visit_as_named<T>(names: &[(&str, u16)], visit: impl AsyncFnOnce(&Browser) -> T) -> Option<T> {
    visit_with(names, visit, async |browser: &Browser| browser.script_errors().await)
}

/// Checks, between the parts of a visit, that the browser has logged no error since the last check.
pub(crate) async fn check_errors(browser: &Browser) {
    check(&browser.errors().await);
}

fn visit_with<T>(
    names: &[(&str, u16)],
    visit: impl AsyncFnOnce(&Browser) -> T,
    errors: impl AsyncFnOnce(&Browser) -> Vec<String>,
) -> Option<T> {
    // Programs are started and waited for on other threads than those of the browser.
    let runtime: Runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let browser = Browser::start(names).await?;
        let result = visit(&browser).await;
        check(&errors(&browser).await);
        Some(result)
    })
}

fn check(errors: &[String]) {
    let errors: Vec<_> = errors.iter().filter(|error| !error.ends_with(END_OF_EVENTS)).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}
