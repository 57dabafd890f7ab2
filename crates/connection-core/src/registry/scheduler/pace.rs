//! Limits the jobs in progress, in all and per provider, and pauses providers that ask for it.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use connection_contract::Kind;

use crate::{ConnectionId, ground::Lane};

/// Maximum number of jobs at once.
pub(super) const MAX_JOBS: usize = 16;
/// Maximum number of jobs of one provider at once, or of one owner's own kinds.
const MAX_JOBS_PER_PROVIDER: usize = 4;
/// The longest pause that a provider may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(86_400);
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// The jobs in progress, the paused providers and the skipped rows.
#[derive(Debug, Default)]
pub(super) struct Pace {
    running: HashSet<ConnectionId>,
    lanes: HashMap<Lane, usize>,
    /// The end of each pause, as the clock's `passed`.
    paused: HashMap<Lane, Duration>,
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
    pub(super) fn may_ask(&self, lane: &Lane, passed: Duration) -> bool {
        let is_paused = self.paused.get(lane).is_some_and(|until| *until > passed);
        !is_paused && self.lanes.get(&lane.shared()).copied().unwrap_or_default() < MAX_JOBS_PER_PROVIDER
    }

    /// Returns the owners of whom no job of an own kind may begin, and the own kinds of which no job may begin.
    pub(super) fn busy_owners(&self, passed: Duration) -> impl Iterator<Item = (&str, Option<&Kind>)> {
        let full = self.lanes.iter().filter(|(_, count)| **count >= MAX_JOBS_PER_PROVIDER).map(|(lane, _)| lane);
        let paused = self.paused.iter().filter(move |(_, until)| **until > passed).map(|(lane, _)| lane);
        full.chain(paused).filter_map(Lane::own)
    }

    /// Counts a job and returns `true`, if it may begin.
    pub(super) fn begin(&mut self, id: ConnectionId, lane: &Lane, passed: Duration) -> bool {
        self.aside.retain(|_, until| *until > passed);
        let is_free = self.running.len() < MAX_JOBS && !self.running.contains(&id) && !self.aside.contains_key(&id);
        let begins = is_free && self.may_ask(lane, passed);
        if begins {
            self.running.insert(id);
            *self.lanes.entry(lane.shared()).or_default() += 1;
        }
        begins
    }

    pub(super) fn end(&mut self, id: ConnectionId, lane: &Lane) {
        if self.running.remove(&id)
            && let Some(count) = self.lanes.get_mut(&lane.shared())
        {
            *count = count.saturating_sub(1);
        }
        self.lanes.retain(|_, count| *count > 0);
    }

    pub(super) fn pause(&mut self, lane: Lane, passed: Duration, pause: Duration) {
        self.paused.retain(|_, until| *until > passed);
        self.paused.insert(lane, passed.saturating_add(pause.clamp(MIN_PAUSE, MAX_PAUSE)));
    }

    pub(super) fn put_aside(&mut self, id: ConnectionId, until: Duration) {
        self.aside.insert(id, until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub() -> Lane {
        Lane::of_provider(Kind::from_static("hub"))
    }

    fn node() -> Lane {
        Lane::of_provider(Kind::from_static("node"))
    }

    fn id(number: u128) -> ConnectionId {
        uuid::Uuid::from_u128(number).into()
    }

    #[test]
    fn one_provider_gets_a_part_and_all_together_no_more_than_the_bound() {
        let mut pace = Pace::default();
        let now = Duration::ZERO;
        let begun = (0..20).filter(|number| pace.begin(id(*number), &hub(), now)).count();
        assert_eq!((begun, pace.may_ask(&hub(), now), pace.may_ask(&node(), now)), (4, false, true));
        for provider in 0..10_u128 {
            let kind = Lane::of_provider(Kind::parse(&format!("kind-{provider}")).unwrap());
            for number in 0..10 {
                pace.begin(id(100 + provider * 10 + number), &kind, now);
            }
        }
        assert_eq!(pace.running(), MAX_JOBS);
        pace.end(id(0), &hub());
        assert!(pace.begin(id(50), &hub(), now) && !pace.begin(id(51), &hub(), now));
    }

    #[test]
    fn a_running_job_is_not_started_again() {
        let mut pace = Pace::default();
        let now = Duration::ZERO;
        assert!(pace.begin(id(1), &hub(), now) && !pace.begin(id(1), &hub(), now));
        pace.end(id(1), &hub());
        pace.end(id(1), &hub());
        assert!(pace.begin(id(1), &hub(), now));
    }

    #[test]
    fn a_provider_that_asks_for_a_pause_gets_it_and_no_other_does() {
        let mut pace = Pace::default();
        let second = Duration::from_secs(1);
        pace.pause(hub(), second, 9 * second);
        assert!(
            !pace.may_ask(&hub(), 9 * second) && pace.may_ask(&node(), second) && pace.may_ask(&hub(), 10 * second)
        );
        pace.pause(hub(), second, Duration::MAX);
        assert!(!pace.may_ask(&hub(), 86_400 * second) && pace.may_ask(&hub(), 86_401 * second));
    }

    #[test]
    fn a_job_that_failed_here_is_set_aside() {
        let mut pace = Pace::default();
        let second = Duration::from_secs(1);
        pace.put_aside(id(1), 60 * second);
        assert!(!pace.begin(id(1), &hub(), 59 * second) && pace.begin(id(1), &hub(), 60 * second));
    }

    #[test]
    fn the_own_kinds_of_an_owner_share_their_part_and_slow_no_other_owner() {
        let mut pace = Pace::default();
        let second = Duration::from_secs(1);
        let lane = |owner: &str, kind: &str| Lane::of_own_kind(owner, Kind::parse(kind).unwrap());
        let kinds = ["one/tracker", "two/tracker"];
        let begun =
            (0..10).filter(|number| pace.begin(id(*number), &lane("mallory", kinds[*number as usize % 2]), second));
        assert_eq!(begun.count(), 4);
        assert!(!pace.may_ask(&lane("mallory", "three/tracker"), second));
        assert!(pace.begin(id(50), &lane("alice", "one/tracker"), second), "another owner has a part of her own");
        assert_eq!(pace.busy_owners(second).collect::<Vec<_>>(), [("mallory", None)]);
        // A pause concerns one kind of one owner, whatever its provider is called.
        pace.pause(lane("bob", "one/hub"), second, 9 * second);
        assert!(!pace.may_ask(&lane("bob", "one/hub"), second) && pace.may_ask(&lane("bob", "two/hub"), second));
        assert!(pace.may_ask(&lane("alice", "one/hub"), second) && pace.may_ask(&hub(), second));
        let kind = Kind::parse("one/hub").unwrap();
        assert!(pace.busy_owners(second).any(|busy| busy == ("bob", Some(&kind))));
        assert_eq!(pace.busy_owners(10 * second).count(), 1, "the pause is over");
    }
}
