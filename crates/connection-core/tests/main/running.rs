//! A scheduler that runs during a test.

use connection_core::ConnectionRegistry;

/// A scheduler that runs until this is dropped.
pub(crate) struct Running(tokio::task::JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) fn run(registry: &ConnectionRegistry) -> Running {
    let registry = registry.clone();
    Running(tokio::runtime::Handle::current().spawn(async move { registry.run().await }))
}
