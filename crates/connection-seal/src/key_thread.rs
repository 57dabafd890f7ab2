//! Runs work that may wait for a person, a device or a long computation.
//!
//! Each piece of work gets its own thread. A runtime does not shut down before its blocking threads have ended, and a
//! keyring that waits for a person may never answer.

use tokio::sync::oneshot;

/// Runs `work` on a new thread and returns its result, or `None` if the system gives no thread or the work panicked.
///
/// If the caller stops waiting, the thread continues until the work is done.
pub(super) async fn run<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, result) = oneshot::channel();
    let thread = std::thread::Builder::new().name(format!("key {name}"));
    thread.spawn(move || drop(done.send(work()))).ok()?;
    result.await.ok()
}
