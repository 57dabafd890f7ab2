//! Limits the jobs in progress: in all, of a provider, of an origin and of an owner. It also pauses the origins that ask for
//! it.
//!
//! A pause belongs to the connection that got it, whose row says when it is due again. The pauses here keep the scheduler
//! from asking the same origin for other connections. Because an origin may be a server of one owner, or limit one
//! account alone, the pause of a single owner holds up the others for a minute at most.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use connection_contract::Kind;
use connection_egress::MAX_RETRY_AFTER;

use crate::{ConnectionId, ground::Lane, store::Busy};

/// Maximum number of jobs at once.
pub(super) const MAX_JOBS: usize = 16;
/// Maximum number of jobs of one provider at once. A provider may have any number of origins.
const MAX_JOBS_PER_PROVIDER: usize = 8;
/// Maximum number of jobs at once that ask one origin. The jobs of a provider whose origins are not known, and those of one
/// owner's own kinds, have as many.
const MAX_JOBS_PER_ORIGIN: usize = 4;
/// Maximum number of jobs of one owner at once, if there are several owners.
const MAX_JOBS_PER_OWNER: usize = 4;
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// Maximum number of origins whose pauses are remembered, because users can name any number of addresses. Further ones
/// keep the scheduler from nothing; each connection waits for its own pause all the same.
const MAX_PAUSED_ORIGINS: usize = 256;
/// The longest time for which the pause of one owner's connections holds up those of others.
const MAX_SHARED_PAUSE: Duration = Duration::from_secs(60);

/// A job that may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) lane: Lane,
    pub(super) owner: String,
    /// The origin that the job asks; `None` if it is not known.
    pub(super) origin: Option<String>,
}

/// A property that jobs in progress share, by which they are counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shared {
    Provider(Lane),
    /// The jobs of a provider whose origin is not known.
    Unknown(Lane),
    Origin(String),
    Owner(String),
}

/// A pause of an origin that the connections of one owner got, as the clock's `passed`.
#[derive(Clone, Copy, Debug)]
struct Pause {
    began: Duration,
    until: Duration,
}

/// The jobs in progress, the paused origins and the skipped rows.
#[derive(Debug, Default)]
pub(super) struct Pace {
    running: HashMap<ConnectionId, Slot>,
    counts: BTreeMap<Shared, usize>,
    /// The pauses by origin and owner.
    paused: BTreeMap<String, HashMap<String, Pause>>,
    aside: HashMap<ConnectionId, Duration>,
    /// `true` if connections of several owners are stored.
    pub(super) has_several_owners: bool,
}

impl Slot {
    /// Returns the limits that apply to the job.
    fn limits(&self, has_several_owners: bool) -> impl Iterator<Item = (Shared, usize)> {
        let lane = self.lane.shared();
        let place = match &self.origin {
            Some(origin) => Shared::Origin(origin.clone()),
            None => Shared::Unknown(lane.clone()),
        };
        let of_provider = match lane.own() {
            Some(_) => MAX_JOBS_PER_ORIGIN,
            None => MAX_JOBS_PER_PROVIDER,
        };
        let of_owner = if has_several_owners { MAX_JOBS_PER_OWNER } else { MAX_JOBS };
        [
            (Shared::Provider(lane), of_provider),
            (place, MAX_JOBS_PER_ORIGIN),
            (Shared::Owner(self.owner.clone()), of_owner),
        ]
        .into_iter()
    }
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
    pub(super) fn may_ask(&self, lane: &Lane) -> bool {
        self.count(&Shared::Provider(lane.shared())) < MAX_JOBS_PER_PROVIDER
    }

    /// Returns the work that may not begin now. `kinds_of` returns the kinds of a provider.
    pub(super) fn busy(&self, passed: Duration, kinds_of: impl Fn(&Lane) -> Vec<Kind>) -> Busy {
        let mut busy = Busy::default();
        for (shared, count) in &self.counts {
            match shared {
                Shared::Provider(lane) if *count >= MAX_JOBS_PER_ORIGIN => {
                    lane.own().into_iter().for_each(|owner| busy.own_kinds(owner));
                }
                Shared::Unknown(lane) if lane.own().is_none() && *count >= MAX_JOBS_PER_ORIGIN => {
                    kinds_of(lane).iter().for_each(|kind| busy.unknown(kind));
                }
                Shared::Origin(origin) if *count >= MAX_JOBS_PER_ORIGIN => busy.origin(origin),
                Shared::Owner(owner) if self.has_several_owners && *count >= MAX_JOBS_PER_OWNER => busy.owner(owner),
                _ => {}
            }
        }
        let paused = self.paused.keys().filter(|origin| self.is_paused(origin, passed));
        paused.for_each(|origin| busy.origin(origin));
        busy
    }

    /// Counts a job and returns `true`, if it may begin.
    pub(super) fn begin(&mut self, id: ConnectionId, slot: &Slot, passed: Duration) -> bool {
        self.aside.retain(|_, until| *until > passed);
        let is_free = self.running.len() < MAX_JOBS && !self.running.contains_key(&id) && !self.aside.contains_key(&id);
        let is_paused = slot.origin.as_ref().is_some_and(|origin| self.is_paused(origin, passed));
        let mut limits = slot.limits(self.has_several_owners);
        let begins = is_free && !is_paused && limits.all(|(shared, limit)| self.count(&shared) < limit);
        if begins {
            for (shared, _) in slot.limits(self.has_several_owners) {
                *self.counts.entry(shared).or_default() += 1;
            }
            self.running.insert(id, slot.clone());
        }
        begins
    }

    pub(super) fn end(&mut self, id: ConnectionId) {
        let Some(slot) = self.running.remove(&id) else { return };
        for (shared, _) in slot.limits(self.has_several_owners) {
            if let Some(count) = self.counts.get_mut(&shared) {
                *count = count.saturating_sub(1);
            }
        }
        self.counts.retain(|_, count| *count > 0);
    }

    /// Records a pause that an origin asked a connection of this owner for.
    pub(super) fn pause(&mut self, origin: String, owner: String, passed: Duration, pause: Duration) {
        self.paused.retain(|_, of_owners| {
            of_owners.retain(|_, pause| pause.until > passed);
            !of_owners.is_empty()
        });
        if self.paused.len() >= MAX_PAUSED_ORIGINS && !self.paused.contains_key(&origin) {
            return;
        }
        let until = passed.saturating_add(pause.clamp(MIN_PAUSE, MAX_RETRY_AFTER));
        self.paused.entry(origin).or_default().insert(owner, Pause { began: passed, until });
    }

    pub(super) fn put_aside(&mut self, id: ConnectionId, until: Duration) {
        self.aside.insert(id, until);
    }

    fn count(&self, shared: &Shared) -> usize {
        self.counts.get(shared).copied().unwrap_or_default()
    }

    /// Returns `true` if no connection is to be asked at the origin now. A pause longer than a minute counts if the
    /// connections of two owners got one, or if there is only one owner.
    fn is_paused(&self, origin: &str, passed: Duration) -> bool {
        let Some(of_owners) = self.paused.get(origin) else { return false };
        let running: Vec<_> = of_owners.values().filter(|pause| pause.until > passed).collect();
        let is_new = |pause: &&Pause| passed.saturating_sub(pause.began) < MAX_SHARED_PAUSE;
        match running.len() {
            0 => false,
            1 if self.has_several_owners => running.iter().any(is_new),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const NOW: Duration = Duration::ZERO;

    fn provider(name: &str) -> Lane {
        Lane::of_provider(Kind::parse(name).unwrap())
    }

    fn at(lane: Lane, owner: &str, origin: &str) -> Slot {
        let origin = Some(origin).filter(|origin| !origin.is_empty()).map(ToOwned::to_owned);
        Slot { lane, owner: owner.to_owned(), origin }
    }

    fn id(number: u128) -> ConnectionId {
        uuid::Uuid::from_u128(number).into()
    }

    /// Begins as many of ten jobs as may begin.
    fn begun(pace: &mut Pace, from: u128, slot: &Slot, passed: Duration) -> usize {
        (from..from + 10).filter(|number| pace.begin(id(*number), slot, passed)).count()
    }

    fn busy(pace: &Pace, passed: Duration) -> Busy {
        pace.busy(passed, |_| vec![Kind::from_static("hub")])
    }

    #[test]
    fn one_provider_gets_a_part_and_all_together_no_more_than_the_bound() {
        let mut pace = Pace::default();
        let hub = |origin: &str| at(provider("hub"), "local", origin);
        assert_eq!(begun(&mut pace, 0, &hub("https://one.hub"), NOW), MAX_JOBS_PER_ORIGIN);
        assert_eq!(begun(&mut pace, 10, &hub("https://two.hub"), NOW), MAX_JOBS_PER_ORIGIN);
        assert_eq!(begun(&mut pace, 20, &hub("https://three.hub"), NOW), 0, "the provider has its part");
        assert_eq!((pace.may_ask(&provider("hub")), pace.may_ask(&provider("node"))), (false, true));
        for number in 0..10_u128 {
            let slot = at(provider(&format!("kind-{number}")), "local", &format!("https://{number}.test"));
            begun(&mut pace, 100 + number * 10, &slot, NOW);
        }
        assert_eq!(pace.running(), MAX_JOBS);
        pace.end(id(0));
        assert!(pace.begin(id(50), &hub("https://one.hub"), NOW) && !pace.begin(id(51), &hub("https://one.hub"), NOW));
    }

    #[test]
    fn jobs_whose_origin_is_not_known_yet_share_a_part() {
        let mut pace = Pace::default();
        let unknown = at(provider("hub"), "local", "");
        assert_eq!(begun(&mut pace, 0, &unknown, NOW), MAX_JOBS_PER_ORIGIN);
        let mut expected = Busy::default();
        expected.unknown(&Kind::from_static("hub"));
        assert_eq!(busy(&pace, NOW), expected);
        assert!(pace.begin(id(20), &at(provider("hub"), "local", "https://one.hub"), NOW));
    }

    #[test]
    fn an_origin_of_two_providers_gets_one_part() {
        let mut pace = Pace::default();
        let origin = "https://api.test";
        assert_eq!(begun(&mut pace, 0, &at(provider("hub"), "local", origin), NOW), MAX_JOBS_PER_ORIGIN);
        assert_eq!(begun(&mut pace, 10, &at(provider("node"), "local", origin), NOW), 0);
        let mut expected = Busy::default();
        expected.origin(origin);
        assert_eq!(busy(&pace, NOW), expected);
    }

    #[test]
    fn one_owner_gets_a_part_if_there_are_others() {
        for has_several_owners in [false, true] {
            let mut pace = Pace { has_several_owners, ..Pace::default() };
            let mallory =
                |number: u128| at(provider(&format!("kind-{number}")), "mallory", &format!("https://{number}.test"));
            let begun = (0..20).filter(|number| pace.begin(id(*number), &mallory(*number), NOW)).count();
            assert_eq!(begun, if has_several_owners { MAX_JOBS_PER_OWNER } else { MAX_JOBS });
            let mut expected = Busy::default();
            if has_several_owners {
                expected.owner("mallory");
                assert!(pace.begin(id(50), &at(provider("hub"), "alice", "https://hub.test"), NOW));
            }
            assert_eq!(busy(&pace, NOW), expected);
        }
    }

    #[test]
    fn a_running_job_is_not_started_again() {
        let mut pace = Pace::default();
        let hub = at(provider("hub"), "local", "https://hub.test");
        assert!(pace.begin(id(1), &hub, NOW) && !pace.begin(id(1), &hub, NOW));
        pace.end(id(1));
        pace.end(id(1));
        assert!(pace.begin(id(1), &hub, NOW));
    }

    #[test]
    fn a_pause_concerns_the_origin_and_neither_its_provider_nor_another_origin() {
        let mut pace = Pace::default();
        let one = at(provider("hub"), "local", "https://one.hub");
        let two = at(provider("hub"), "local", "https://two.hub");
        pace.pause("https://one.hub".to_owned(), "local".to_owned(), SECOND, 3_600 * SECOND);
        assert!(!pace.begin(id(1), &one, 3_600 * SECOND) && pace.begin(id(2), &two, 3_600 * SECOND));
        let mut expected = Busy::default();
        expected.origin("https://one.hub");
        assert_eq!(busy(&pace, 3_600 * SECOND), expected);
        assert!(pace.begin(id(1), &one, 3_601 * SECOND), "the only owner waits for the whole pause");
        assert_eq!(busy(&pace, 3_601 * SECOND), Busy::default());
        pace.pause("https://two.hub".to_owned(), "local".to_owned(), SECOND, Duration::MAX);
        assert!(
            pace.is_paused("https://two.hub", 86_400 * SECOND) && !pace.is_paused("https://two.hub", 86_401 * SECOND)
        );
    }

    #[test]
    fn the_pause_of_one_owner_holds_up_others_for_a_minute_and_that_of_two_owners_longer() {
        let mut pace = Pace { has_several_owners: true, ..Pace::default() };
        let origin = || "https://hub.test".to_owned();
        let alice = at(provider("hub"), "alice", "https://hub.test");
        pace.pause(origin(), "mallory".to_owned(), SECOND, 7_200 * SECOND);
        assert!(!pace.begin(id(1), &alice, 60 * SECOND) && pace.begin(id(1), &alice, 61 * SECOND));
        // One of the two owners got a shorter pause, after which the other one's counts for a minute alone.
        pace.pause(origin(), "bob".to_owned(), 100 * SECOND, 600 * SECOND);
        assert!(!pace.begin(id(2), &alice, 699 * SECOND) && pace.begin(id(2), &alice, 700 * SECOND));
    }

    #[test]
    fn the_memory_of_pauses_is_bounded_and_free_again_after_them() {
        let mut pace = Pace::default();
        let origin = |number: usize| format!("https://{number}.test");
        for number in 0..2 * MAX_PAUSED_ORIGINS {
            pace.pause(origin(number), "mallory".to_owned(), NOW, 60 * SECOND);
        }
        assert_eq!(pace.paused.len(), MAX_PAUSED_ORIGINS);
        pace.pause(origin(0), "bob".to_owned(), NOW, 60 * SECOND);
        assert_eq!(pace.paused[&origin(0)].len(), 2, "an origin that is remembered gets further owners");
        pace.pause("https://hub.test".to_owned(), "alice".to_owned(), 60 * SECOND, 60 * SECOND);
        assert!(pace.is_paused("https://hub.test", 61 * SECOND) && pace.paused.len() == 1);
    }

    #[test]
    fn a_job_that_failed_here_is_set_aside() {
        let mut pace = Pace::default();
        let hub = at(provider("hub"), "local", "https://hub.test");
        pace.put_aside(id(1), 60 * SECOND);
        assert!(!pace.begin(id(1), &hub, 59 * SECOND) && pace.begin(id(1), &hub, 60 * SECOND));
    }

    #[test]
    fn the_own_kinds_of_an_owner_share_their_part_and_slow_no_other_owner() {
        let mut pace = Pace { has_several_owners: true, ..Pace::default() };
        let own = |owner: &str, kind: &str| at(Lane::of_own_kind(owner, Kind::parse(kind).unwrap()), owner, "");
        let kinds = ["one/tracker", "two/tracker"];
        let begun = (0..10).filter(|number| pace.begin(id(*number), &own("mallory", kinds[*number as usize % 2]), NOW));
        assert_eq!(begun.count(), 4);
        assert!(pace.begin(id(50), &own("alice", "one/tracker"), NOW), "another owner has a part of her own");
        let mut expected = Busy::default();
        expected.own_kinds("mallory");
        expected.owner("mallory");
        assert_eq!(busy(&pace, NOW), expected);
    }
}
