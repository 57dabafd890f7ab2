//! A clock that stands still until a test moves it.

use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use connection_contract::{BoxFuture, Timestamp};
use tokio::sync::watch;

use crate::clock::{Boot, Clock};

/// The uptime of the machine of a new clock.
const UP: Duration = Duration::from_secs(30 * 86_400);
/// The number of clocks in this process, so that each of them has its own boot.
static BOOTS: AtomicU64 = AtomicU64::new(0);

/// A clock for tests, which stands still until it is moved. Clones share their time; each new clock has its own boot.
///
/// ```
/// use std::time::Duration;
///
/// use connection_contract::{Clock as _, Timestamp};
/// use connection_egress::ManualClock;
///
/// let clock = ManualClock::at(Timestamp::from_seconds(1_000));
/// clock.advance(Duration::from_secs(5));
/// assert_eq!(clock.now(), Timestamp::from_seconds(1_005));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    boot: Arc<str>,
    times: Arc<watch::Sender<Times>>,
    sleepers: Arc<watch::Sender<usize>>,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    /// The value of `now` when `passed` was zero. A jump changes it.
    start: i64,
    /// The time that sleepers measure.
    passed: Duration,
}

impl Times {
    fn now(self) -> i64 {
        self.start.saturating_add(i64::try_from(self.passed.as_secs()).unwrap_or(i64::MAX))
    }
}

impl ManualClock {
    /// Creates a clock that shows this time.
    pub fn at(now: Timestamp) -> Self {
        let times = Times { start: now.seconds(), passed: Duration::ZERO };
        let boot = format!("manual-{}-{}", process::id(), BOOTS.fetch_add(1, Ordering::Relaxed)).into();
        Self { boot, times: Arc::new(watch::Sender::new(times)), sleepers: Arc::new(watch::Sender::new(0)) }
    }

    /// Lets time pass, and wakes the sleepers whose time is over.
    pub fn advance(&self, duration: Duration) {
        self.times.send_modify(|times| times.passed = times.passed.saturating_add(duration));
    }

    /// Sets the clock forward or back. As with a real clock, this wakes no sleeper.
    pub fn jump_to(&self, now: Timestamp) {
        self.times.send_modify(|times| {
            let passed = i64::try_from(times.passed.as_secs()).unwrap_or(i64::MAX);
            times.start = now.seconds().saturating_sub(passed);
        });
    }

    /// Waits until at least this number of sleepers wait, so that a test can advance the clock at the right moment.
    pub async fn until_asleep(&self, sleepers: usize) {
        // The sender is part of `self`, so the channel is open.
        drop(self.sleepers.subscribe().wait_for(|count| *count >= sleepers).await);
    }

    /// Waits until at most this number of sleepers wait: the others were woken or dropped.
    pub async fn until_awake(&self, sleepers: usize) {
        // The sender is part of `self`, so the channel is open.
        drop(self.sleepers.subscribe().wait_for(|count| *count <= sleepers).await);
    }
}

impl connection_contract::Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.times.borrow().now())
    }
}

impl Clock for ManualClock {
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        let until = self.times.borrow().passed.saturating_add(duration);
        let sleeper = Sleeper::new(Arc::clone(&self.sleepers));
        Box::pin(async move {
            let _sleeper = sleeper;
            // The sender is part of `self`, so the channel is open.
            drop(self.times.subscribe().wait_for(|times| times.passed >= until).await);
        })
    }

    fn passed(&self) -> Duration {
        self.times.borrow().passed
    }

    fn boot(&self) -> Option<Boot> {
        Some(Boot::new(&*self.boot, UP.saturating_add(self.passed())))
    }
}

/// Counts as one sleeper while it lives.
struct Sleeper(Arc<watch::Sender<usize>>);

impl Sleeper {
    fn new(count: Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
