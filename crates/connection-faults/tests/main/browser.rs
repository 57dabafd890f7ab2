//! The browser of the tests starts, and nothing of it is left, even after a test that fails.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use connection_faults::browser::Browser;
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
