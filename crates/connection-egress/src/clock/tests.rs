//! The clock of tests stands still, advances and jumps as a test sets it.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicBool, Ordering},
    task::Poll,
    time::Duration,
};

use connection_contract::{BoxFuture, Clock as _, Timestamp};

use super::{Clock, ManualClock, SystemClock, until};

async fn is_over(sleep: &mut BoxFuture<'_, ()>) -> bool {
    poll_fn(|context| Poll::Ready(sleep.as_mut().poll(context).is_ready())).await
}

#[tokio::test]
async fn a_manual_clock_stands_until_it_is_advanced() {
    let clock = ManualClock::at(Timestamp::from_seconds(100));
    let mut sleep = clock.sleep(Duration::from_secs(10));
    clock.advance(Duration::from_millis(9_999));
    assert!(!is_over(&mut sleep).await);
    assert_eq!(clock.now(), Timestamp::from_seconds(109));
    clock.clone().advance(Duration::from_millis(1));
    assert_eq!((clock.now(), clock.passed()), (Timestamp::from_seconds(110), Duration::from_secs(10)));
    assert!(is_over(&mut sleep).await);
}

#[tokio::test]
async fn a_clock_that_is_set_wakes_nobody() {
    let clock = ManualClock::at(Timestamp::from_seconds(100));
    let mut sleep = clock.sleep(Duration::from_secs(10));
    clock.jump_to(Timestamp::from_seconds(1_000_000));
    assert_eq!((clock.now(), clock.passed()), (Timestamp::from_seconds(1_000_000), Duration::ZERO));
    assert!(!is_over(&mut sleep).await);
    clock.jump_to(Timestamp::from_seconds(-5));
    clock.advance(Duration::from_secs(10));
    assert_eq!(clock.now(), Timestamp::from_seconds(5));
    assert!(is_over(&mut sleep).await);
}

#[tokio::test]
async fn a_test_can_wait_for_sleepers() {
    let clock = ManualClock::at(Timestamp::from_seconds(0));
    let woken = async {
        clock.sleep(Duration::from_secs(1)).await;
        clock.now()
    };
    let moved = async {
        clock.until_asleep(1).await;
        clock.advance(Duration::from_secs(1));
    };
    assert_eq!(tokio::join!(woken, moved).0, Timestamp::from_seconds(1));
    let mut none: BoxFuture<'_, ()> = Box::pin(clock.until_asleep(1));
    assert!(!is_over(&mut none).await);
}

/// A clock whose time passes once, after it was read for the first time.
#[derive(Debug)]
struct Jumpy(ManualClock, AtomicBool);

impl connection_contract::Clock for Jumpy {
    fn now(&self) -> Timestamp {
        let now = self.0.now();
        if !self.1.swap(true, Ordering::Relaxed) {
            self.0.advance(Duration::from_secs(10));
        }
        now
    }
}

impl Clock for Jumpy {
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.0.sleep(duration)
    }
}

#[tokio::test]
async fn time_before_a_sleep_begins_is_subtracted() {
    for (seconds, is_there) in [(10, true), (11, false)] {
        let clock = Jumpy(ManualClock::at(Timestamp::from_seconds(100)), AtomicBool::new(false));
        let mut sleep: BoxFuture<'_, ()> = Box::pin(until(&clock, Timestamp::from_seconds(100 + seconds)));
        assert_eq!(is_over(&mut sleep).await, is_there);
    }
}

#[tokio::test]
async fn a_time_that_is_over_is_not_waited_for() {
    let clock = ManualClock::at(Timestamp::from_seconds(100));
    let mut sleep: BoxFuture<'_, ()> = Box::pin(until(&clock, Timestamp::from_seconds(i64::MIN)));
    assert!(is_over(&mut sleep).await);
    let mut sleep: BoxFuture<'_, ()> = Box::pin(until(&clock, Timestamp::from_seconds(101)));
    assert!(!is_over(&mut sleep).await);
    clock.advance(Duration::from_secs(1));
    assert!(is_over(&mut sleep).await);
}

#[tokio::test]
async fn the_systems_clock_is_past_this_codes_writing_and_sleeps() {
    assert!(SystemClock::new().now() > Timestamp::from_seconds(1_750_000_000));
    SystemClock::new().sleep(Duration::ZERO).await;
}
