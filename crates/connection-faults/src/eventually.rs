//! Waits for the result of work that goes on beside a test, however slow the machine is.

use std::time::Duration;

/// The time after which a condition counts as one that never holds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the condition holds. A test whose clock stands meanwhile passes or fails by what happens, and not by when it
/// happens.
///
/// # Panics
///
/// Panics with `what` if the condition does not hold within a minute.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let holds = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, holds).await;
    assert!(in_time.is_ok(), "it does not come to it: {what}");
}
