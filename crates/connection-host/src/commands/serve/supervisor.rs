//! What `serve` says to the service manager that has started it, such as systemd: that it serves, that it works, and that
//! it stops.
//!
//! The messages are those of
//! [`sd_notify`](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).

use std::{convert::Infallible, ffi::OsString, future::pending, sync::Arc, time::Duration};

use connection_core::Clock;

use crate::{
    config::Environment,
    platform::{self, OPERATIONS},
};

/// The service manager, if one waits for messages of this process.
#[derive(Debug)]
pub(super) struct Supervisor {
    socket: Option<OsString>,
    /// The time without a message of health after which the manager restarts this process.
    watchdog: Option<Duration>,
    clock: Arc<dyn Clock>,
}

impl Supervisor {
    pub(super) fn new(environment: &Environment, clock: Arc<dyn Clock>) -> Self {
        let socket = environment.notify_socket().map(ToOwned::to_owned);
        let watchdog = environment.watchdog(std::process::id()).filter(|_| socket.is_some());
        Self { socket, watchdog, clock }
    }

    /// Says that the server answers requests.
    pub(super) fn serves(&self) {
        self.tell("READY=1");
    }

    /// Says that the server was asked to stop.
    pub(super) fn stops(&self) {
        self.tell("STOPPING=1");
    }

    /// Says that this process works, twice in the time of the watchdog, while the check finds nothing. After it has
    /// failed for that time, the manager restarts the process.
    pub(super) async fn feed(&self, check: impl Fn() -> Result<(), &'static str>) -> Infallible {
        let Some(watchdog) = self.watchdog else { return pending().await };
        let mut before = Ok(());
        loop {
            let found = check();
            match found {
                Ok(()) => self.tell("WATCHDOG=1"),
                Err(reason) if found != before => tracing::error!(
                    target: OPERATIONS,
                    "the check of this process fails: {reason}; the service manager will restart it"
                ),
                Err(_) => {}
            }
            before = found;
            self.clock.sleep(watchdog / 2).await;
        }
    }

    fn tell(&self, message: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = platform::notify(socket, message) {
            tracing::warn!(target: OPERATIONS, "cannot send {message} to the service manager: {error}");
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    //! A check that fails, into which no test can bring a process.

    use std::{cell::Cell, os::unix::net::UnixDatagram};

    use connection_contract::Timestamp;
    use connection_core::ManualClock;
    use tokio::task::yield_now;

    use super::*;

    /// Returns the next message.
    fn heard(manager: &UnixDatagram) -> Option<String> {
        let mut message = [0; 64];
        let length = manager.recv(&mut message).ok()?;
        Some(String::from_utf8_lossy(&message[..length]).into_owned())
    }

    #[tokio::test]
    async fn a_watchdog_is_fed_twice_in_its_time_and_not_while_the_check_fails() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();
        let path = path.display().to_string();
        let variables = [("NOTIFY_SOCKET", path.as_str()), ("WATCHDOG_USEC", "60000000")];
        let clock = ManualClock::at(Timestamp::from_seconds(0));
        let supervisor = Supervisor::new(&Environment::of(&variables), Arc::new(clock.clone()));
        let found = Cell::new(Ok(()));
        let passes = async |seconds| {
            clock.advance(Duration::from_secs(seconds));
            // The task of the test also feeds the watchdog.
            for _ in 0..3 {
                yield_now().await;
            }
            heard(&manager)
        };
        let expected = Some("WATCHDOG=1".to_owned());
        tokio::select! {
            never = supervisor.feed(|| found.get()) => match never {},
            () = async {
                assert_eq!(passes(0).await, expected);
                assert_eq!((passes(29).await, passes(1).await), (None, expected.clone()));
                found.set(Err("stuck"));
                assert_eq!((passes(30).await, passes(300).await), (None, None));
                found.set(Ok(()));
                assert_eq!(passes(30).await, expected);
            } => {}
        }
    }

    #[test]
    fn a_watchdog_is_that_of_the_process_which_the_manager_names() {
        let own = std::process::id().to_string();
        for (socket, time, process, expected) in [
            ("/run/notify", "2000000", own.as_str(), Some(2)),
            ("/run/notify", "2000000", "1", None),
            ("/run/notify", "2000000", "", None),
            ("/run/notify", "0", own.as_str(), None),
            ("/run/notify", "soon", own.as_str(), None),
            ("", "2000000", own.as_str(), None),
        ] {
            let variables = [("NOTIFY_SOCKET", socket), ("WATCHDOG_USEC", time), ("WATCHDOG_PID", process)];
            let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(0)));
            let supervisor = Supervisor::new(&Environment::of(&variables), clock);
            assert_eq!(supervisor.watchdog, expected.map(Duration::from_secs), "{variables:?}");
        }
    }
}
