//! Tests of several processes. The others run the binary of the test, which reads its order from the environment.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::env;

use tokio::runtime::Builder;

/// Runs `work` with the order in this variable. Without one, this is the process in which the test began, and `all`
/// runs.
pub fn run(variable: &str, work: impl AsyncFnOnce(String), all: impl AsyncFnOnce()) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match env::var(variable) {
        Ok(order) => runtime.block_on(work(order)),
        Err(_) => runtime.block_on(all()),
    }
}
