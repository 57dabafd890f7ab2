//! The state of a server as load balancers see it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Says whether a server takes requests. Clones share the state.
///
/// A host that is asked to stop calls [`drain`](Self::drain) before it stops to listen, so that load balancers send
/// their requests to other processes first.
///
/// ```
/// use connection_server::Readiness;
///
/// let readiness = Readiness::new();
/// // When the server is asked to stop:
/// readiness.drain();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Returns the state of a server that takes requests.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes `GET /readyz` answer 503 from now on.
    pub fn drain(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Returns `true` after the server was asked to stop.
    pub fn is_draining(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
