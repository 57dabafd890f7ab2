//! Runs what may wait for a person, a device or a long computation.
//!
//! A thread of its own: the blocking threads of a runtime keep the runtime from ending until they are done, and a keyring
//! that waits for a person may never be done.

use tokio::sync::oneshot;

/// The result of the work; `None` when the system gives no thread, or when the work panicked. A caller that stops waiting
/// leaves the thread to end by itself.
pub(super) async fn run<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, result) = oneshot::channel();
    let thread = std::thread::Builder::new().name(format!("key {name}"));
    thread.spawn(move || drop(done.send(work()))).ok()?;
    result.await.ok()
}
