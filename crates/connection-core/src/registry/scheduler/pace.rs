//! Limits the jobs in progress, in all and per provider, and pauses providers that ask for it.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use connection_contract::Kind;

use crate::ConnectionId;

/// Maximum number of jobs at once.
pub(super) const MAX_JOBS: usize = 16;
/// Maximum number of jobs of one provider at once.
const MAX_JOBS_PER_PROVIDER: usize = 4;
/// The longest pause that a provider may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(86_400);
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// The jobs in progress, the paused providers and the skipped rows.
#[derive(Debug, Default)]
pub(super) struct Pace {
    running: HashSet<ConnectionId>,
    providers: HashMap<Kind, usize>,
    /// The end of each pause, as the clock's `passed`.
    paused: HashMap<Kind, Duration>,
    aside: HashMap<ConnectionId, Duration>,
}

impl Pace {
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// Returns the number of rows that are skipped at the moment.
    pub(super) fn aside(&self) -> i64 {
        i64::try_from(self.aside.len().saturating_add(self.running.len())).unwrap_or(i64::MAX)
    }

    /// Returns `true` if a job of this provider may begin.
    pub(super) fn may_ask(&self, provider: &Kind, passed: Duration) -> bool {
        let is_paused = self.paused.get(provider).is_some_and(|until| *until > passed);
        !is_paused && self.providers.get(provider).copied().unwrap_or_default() < MAX_JOBS_PER_PROVIDER
    }

    /// Counts a job and returns `true`, if it may begin.
    pub(super) fn begin(&mut self, id: ConnectionId, provider: &Kind, passed: Duration) -> bool {
        self.aside.retain(|_, until| *until > passed);
        let is_free = self.running.len() < MAX_JOBS && !self.running.contains(&id) && !self.aside.contains_key(&id);
        let begins = is_free && self.may_ask(provider, passed);
        if begins {
            self.running.insert(id);
            *self.providers.entry(provider.clone()).or_default() += 1;
        }
        begins
    }

    pub(super) fn end(&mut self, id: ConnectionId, provider: &Kind) {
        if self.running.remove(&id)
            && let Some(count) = self.providers.get_mut(provider)
        {
            *count = count.saturating_sub(1);
        }
        self.providers.retain(|_, count| *count > 0);
    }

    pub(super) fn pause(&mut self, provider: Kind, passed: Duration, pause: Duration) {
        self.paused.retain(|_, until| *until > passed);
        self.paused.insert(provider, passed.saturating_add(pause.clamp(MIN_PAUSE, MAX_PAUSE)));
    }

    pub(super) fn put_aside(&mut self, id: ConnectionId, until: Duration) {
        self.aside.insert(id, until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: Kind = Kind::from_static("hub");
    const NODE: Kind = Kind::from_static("node");

    fn id(number: u128) -> ConnectionId {
        uuid::Uuid::from_u128(number).into()
    }

    #[test]
    fn one_provider_gets_a_part_and_all_together_no_more_than_the_bound() {
        let mut pace = Pace::default();
        let now = Duration::ZERO;
        let begun = (0..20).filter(|number| pace.begin(id(*number), &HUB, now)).count();
        assert_eq!((begun, pace.may_ask(&HUB, now), pace.may_ask(&NODE, now)), (4, false, true));
        for provider in 0..10_u128 {
            let kind = Kind::parse(&format!("kind-{provider}")).unwrap();
            for number in 0..10 {
                pace.begin(id(100 + provider * 10 + number), &kind, now);
            }
        }
        assert_eq!(pace.running(), MAX_JOBS);
        pace.end(id(0), &HUB);
        assert!(pace.begin(id(50), &HUB, now) && !pace.begin(id(51), &HUB, now));
    }

    #[test]
    fn a_running_job_is_not_started_again() {
        let mut pace = Pace::default();
        let now = Duration::ZERO;
        assert!(pace.begin(id(1), &HUB, now) && !pace.begin(id(1), &HUB, now));
        pace.end(id(1), &HUB);
        pace.end(id(1), &HUB);
        assert!(pace.begin(id(1), &HUB, now));
    }

    #[test]
    fn a_provider_that_asks_for_a_pause_gets_it_and_no_other_does() {
        let mut pace = Pace::default();
        let second = Duration::from_secs(1);
        pace.pause(HUB, second, 9 * second);
        assert!(!pace.may_ask(&HUB, 9 * second) && pace.may_ask(&NODE, second) && pace.may_ask(&HUB, 10 * second));
        pace.pause(HUB, second, Duration::MAX);
        assert!(!pace.may_ask(&HUB, 86_400 * second) && pace.may_ask(&HUB, 86_401 * second));
    }

    #[test]
    fn a_job_that_failed_here_is_set_aside() {
        let mut pace = Pace::default();
        let second = Duration::from_secs(1);
        pace.put_aside(id(1), 60 * second);
        assert!(!pace.begin(id(1), &HUB, 59 * second) && pace.begin(id(1), &HUB, 60 * second));
    }
}
