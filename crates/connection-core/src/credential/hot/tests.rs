//! One read serves many uses, within the bound.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use connection_contract::{Identity, Kind, Liveness, Secret, Timestamp};
use connection_egress::{Clock as _, LastSearch, Moment};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    HotRow, HotRows, Outcome, ReadConnection,
    source::Source,
    table::{MAX_ROWS, Subject},
};
use crate::{
    ConnectionId, ConnectionInfo, Error, ManualClock,
    credential::Payload,
    plan::Plan,
    store::{Changed, ObservedVersion, Version},
};

static KIND: Kind = Kind::from_static("acme");
const BOUND: Duration = Duration::from_millis(500);

/// A store that counts its reads, and holds a generation for each connection.
struct Fake {
    clock: ManualClock,
    generations: Mutex<HashMap<u128, i64>>,
    tells: AtomicBool,
    version: AtomicI64,
    version_reads: AtomicUsize,
    reads: AtomicUsize,
    /// `true` if reads wait until they are released.
    slow: AtomicBool,
    began: Notify,
    go: Notify,
}

impl Fake {
    fn new() -> Self {
        Self {
            clock: ManualClock::at(Timestamp::from_seconds(1_000)),
            generations: Mutex::default(),
            tells: AtomicBool::new(false),
            version: AtomicI64::new(1),
            version_reads: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
            slow: AtomicBool::new(false),
            began: Notify::new(),
            go: Notify::new(),
        }
    }

    /// Stores this generation as another process does.
    fn commit(&self, number: u128, generation: i64) {
        self.generations.lock().unwrap().insert(number, generation);
        self.version.fetch_add(1, SeqCst);
    }

    fn of(&self, number: u128) -> One<'_> {
        One { store: self, number, owner: "local", is_handle: true }
    }

    fn reads(&self) -> usize {
        self.reads.load(SeqCst)
    }
}

struct One<'a> {
    store: &'a Fake,
    number: u128,
    owner: &'static str,
    is_handle: bool,
}

impl One<'_> {
    fn id(&self) -> ConnectionId {
        Uuid::from_u128(self.number).into()
    }
}

impl Source for One<'_> {
    fn subject(&self) -> Subject<'_> {
        Subject { id: self.id(), owner: self.owner, kind: self.is_handle.then_some(&KIND) }
    }

    fn now(&self) -> Moment {
        Moment::of(&self.store.clock)
    }

    async fn sleep(&self, time: Duration) {
        self.store.clock.sleep(time).await;
    }

    async fn version(&self, _: Duration) -> Option<ObservedVersion> {
        self.store.version_reads.fetch_add(1, SeqCst);
        let version = Version { connection: 1, number: self.store.version.load(SeqCst) };
        self.store.tells.load(SeqCst).then(|| ObservedVersion { version, at: self.now() })
    }

    async fn read(&self, _: Option<Version>) -> Outcome {
        self.store.reads.fetch_add(1, SeqCst);
        let generation = self.store.generations.lock().unwrap().get(&self.number).copied();
        if self.store.slow.load(SeqCst) {
            self.store.began.notify_one();
            self.store.go.notified().await;
        }
        let payload = Payload {
            credential: Secret::from("key"),
            base_url: None,
            origins: Vec::new(),
            discovered: Vec::new(),
            roots: Vec::new(),
            page: None,
        };
        let generation = generation.ok_or(Error::NotFound(self.id()))?;
        let row = HotRow {
            payload,
            generation,
            plan: Plan::default(),
            is_not_live: false,
            withdrawal: None,
            last_search: LastSearch::default(),
        };
        Ok(Arc::new(ReadConnection::opened(info(self.id(), self.owner, generation), row)))
    }
}

async fn generation(rows: &HotRows, one: &One<'_>) -> i64 {
    version(&rows.read(one).await.unwrap())
}

/// Returns the generation of a row.
fn version(row: &ReadConnection) -> i64 {
    row.info.created_at.seconds()
}

/// Returns a connection with this generation, which its time of creation holds.
fn info(id: ConnectionId, owner: &str, generation: i64) -> ConnectionInfo {
    ConnectionInfo {
        id,
        owner: owner.to_owned(),
        kind: KIND.clone(),
        provider: KIND.clone(),
        label: "ada".into(),
        identity: Identity::new("1", "ada"),
        liveness: Liveness::Live,
        reason: None,
        checked_at: None,
        paused_until: None,
        valid_until: None,
        authorized_until: None,
        renews: false,
        scopes: None,
        config: Vec::new(),
        profile: None,
        is_default: false,
        tags: crate::Tags::default(),
        usable_at: 0,
        created_at: Timestamp::from_seconds(generation),
        updated_at: Timestamp::from_seconds(generation),
        registered: true,
        kind_changed: false,
        frozen: false,
        terms: None,
    }
}

#[tokio::test]
async fn a_row_is_reused_until_its_maximum_age() {
    let store = Fake::new();
    let rows = HotRows::new(BOUND);
    store.commit(1, 1);
    assert_eq!(generation(&rows, &store.of(1)).await, 1);
    store.commit(1, 2);
    store.clock.advance(Duration::from_millis(499));
    assert_eq!((generation(&rows, &store.of(1)).await, store.reads()), (1, 1));
    store.clock.advance(Duration::from_millis(1));
    assert_eq!((generation(&rows, &store.of(1)).await, store.reads()), (2, 2));
}

#[tokio::test]
async fn a_bound_of_zero_reads_each_time_and_one_of_an_hour_is_half_a_second() {
    let store = Fake::new();
    let rows = HotRows::new(Duration::ZERO);
    store.commit(1, 1);
    for reads in 1..4 {
        assert_eq!((generation(&rows, &store.of(1)).await, store.reads()), (1, reads));
    }
    let rows = HotRows::new(Duration::from_secs(3_600));
    generation(&rows, &store.of(1)).await;
    store.commit(1, 2);
    assert_eq!(generation(&rows, &store.of(1)).await, 1);
    store.clock.advance(BOUND);
    assert_eq!(generation(&rows, &store.of(1)).await, 2);
}

#[tokio::test]
async fn one_look_at_the_store_keeps_what_nobody_changed() {
    let store = Fake::new();
    let rows = HotRows::new(BOUND);
    store.tells.store(true, SeqCst);
    store.commit(1, 1);
    generation(&rows, &store.of(1)).await;
    assert_eq!(store.version_reads.load(SeqCst), 0, "the first use asks for nothing but the row");
    store.clock.advance(BOUND);
    // From here on, the version of the store before the read of the row is known.
    generation(&rows, &store.of(1)).await;
    for _ in 0..5 {
        store.clock.advance(BOUND);
        assert_eq!((generation(&rows, &store.of(1)).await, store.reads()), (1, 2));
    }
    assert_eq!(store.version_reads.load(SeqCst), 6);
    // A check that found the row unchanged serves all uses until the check is as old as the bound.
    for _ in 0..5 {
        store.clock.advance(BOUND / 6);
        generation(&rows, &store.of(1)).await;
    }
    assert_eq!((store.version_reads.load(SeqCst), store.reads()), (6, 2));
    // After any commit, the row is read again.
    store.commit(2, 7);
    store.clock.advance(BOUND);
    assert_eq!((generation(&rows, &store.of(1)).await, store.reads()), (1, 3));
    store.commit(1, 2);
    store.clock.advance(BOUND);
    assert_eq!((generation(&rows, &store.of(1)).await, store.reads()), (2, 4));
}

#[tokio::test]
async fn time_during_the_sleep_of_the_machine_counts() {
    let store = Fake::new();
    let rows = HotRows::new(BOUND);
    store.commit(1, 1);
    generation(&rows, &store.of(1)).await;
    store.commit(1, 2);
    store.clock.jump_to(Timestamp::from_seconds(5_000));
    assert_eq!(generation(&rows, &store.of(1)).await, 2);
}

#[tokio::test]
async fn a_local_change_is_read_again_at_once() {
    let store = Fake::new();
    let rows = HotRows::new(BOUND);
    for number in [1, 2] {
        store.commit(number, 1);
        generation(&rows, &store.of(number)).await;
        store.commit(number, 2);
    }
    rows.forget(Changed::Connection(store.of(1).id()));
    rows.forget(Changed::Setup(Uuid::from_u128(2).into()));
    assert_eq!((generation(&rows, &store.of(1)).await, generation(&rows, &store.of(2)).await), (2, 1));
    for (generations, changed) in [(3, Changed::Keys), (4, Changed::Something)] {
        store.commit(2, generations);
        rows.forget(changed);
        assert_eq!(generation(&rows, &store.of(2)).await, generations);
    }
    // This happens after the provider has answered that the credential is invalid.
    store.commit(2, 5);
    assert_eq!(version(&rows.reread(&store.of(2)).await.unwrap()), 5);
}

#[tokio::test]
async fn uses_at_one_time_make_one_read() {
    let store = Fake::new();
    let rows = HotRows::new(BOUND);
    store.commit(1, 1);
    store.slow.store(true, SeqCst);
    let one = store.of(1);
    let two = store.of(1);
    let three = store.of(1);
    let released = async {
        store.began.notified().await;
        store.go.notify_waiters();
    };
    let (one, two, three, ()) =
        tokio::join!(generation(&rows, &one), generation(&rows, &two), generation(&rows, &three), released);
    assert_eq!((one, two, three, store.reads()), (1, 1, 1, 1));
}

#[tokio::test]
async fn a_caller_after_a_change_gets_no_earlier_read() {
    let store = Fake::new();
    let rows = HotRows::new(BOUND);
    store.commit(1, 1);
    store.slow.store(true, SeqCst);
    let before = store.of(1);
    let after = async {
        store.began.notified().await;
        store.slow.store(false, SeqCst);
        store.commit(1, 2);
        rows.forget(Changed::Connection(store.of(1).id()));
        let found = generation(&rows, &store.of(1)).await;
        store.go.notify_waiters();
        found
    };
    let (before, after) = tokio::join!(generation(&rows, &before), after);
    assert_eq!((before, after), (1, 2));
    // A late result does not replace a newer row either.
    assert_eq!(generation(&rows, &store.of(1)).await, 2);
}

#[tokio::test]
async fn a_reader_that_leaves_holds_nobody_up_and_an_error_is_not_kept() {
    let store = Fake::new();
    let rows = HotRows::new(BOUND);
    store.commit(1, 1);
    store.slow.store(true, SeqCst);
    let leaver = store.of(1);
    let follower = store.of(1);
    let leaving = async {
        tokio::select! {
            _ = generation(&rows, &leaver) => panic!("nobody lets it go"),
            () = store.began.notified() => {}
        }
        store.slow.store(false, SeqCst);
    };
    let ((), followed) = tokio::join!(leaving, generation(&rows, &follower));
    assert_eq!((followed, store.reads()), (1, 2));
    assert!(matches!(rows.read(&store.of(9)).await, Err(Error::NotFound(_))));
    store.commit(9, 1);
    assert_eq!(generation(&rows, &store.of(9)).await, 1);
}

#[tokio::test]
async fn a_reader_that_is_kept_and_not_polled_holds_others_up_for_the_bound_and_no_longer() {
    let store = Fake::new();
    let rows = HotRows::new(BOUND);
    store.commit(1, 1);
    store.slow.store(true, SeqCst);
    let one = store.of(1);
    let two = store.of(1);
    let three = store.of(1);
    let mut kept = Box::pin(generation(&rows, &one));
    tokio::select! {
        _ = &mut kept => panic!("nobody lets it go"),
        () = store.began.notified() => {}
    }
    store.slow.store(false, SeqCst);
    let passing = async {
        store.clock.until_asleep(2).await;
        store.clock.advance(BOUND);
    };
    let (two, three, ()) = tokio::join!(generation(&rows, &two), generation(&rows, &three), passing);
    assert_eq!((two, three, store.reads()), (1, 1, 2), "one of them reads for both");
    store.go.notify_one();
    assert_eq!(kept.await, 1);
}

#[tokio::test]
async fn a_row_is_for_whom_it_was_opened() {
    let store = Fake::new();
    let rows = HotRows::new(BOUND);
    store.commit(1, 1);
    generation(&rows, &store.of(1)).await;
    let other = One { owner: "eve", ..store.of(1) };
    generation(&rows, &other).await;
    assert_eq!(store.reads(), 2, "the seal is of one owner");
}

#[tokio::test]
async fn no_more_are_kept_than_there_is_room_for_and_the_first_goes() {
    let store = Fake::new();
    let rows = HotRows::new(BOUND);
    for number in 0..(MAX_ROWS as u128 + 10) {
        store.commit(number, 1);
        generation(&rows, &store.of(number)).await;
        if number == 9 {
            store.clock.advance(Duration::from_millis(1));
        }
    }
    assert_eq!((rows.lock().len(), store.reads()), (MAX_ROWS, MAX_ROWS + 10));
    // The last row is kept, and the first one is not.
    generation(&rows, &store.of(MAX_ROWS as u128)).await;
    assert_eq!(store.reads(), MAX_ROWS + 10);
    generation(&rows, &store.of(0)).await;
    assert_eq!(store.reads(), MAX_ROWS + 11);
    // A row that is not used is removed when another one is used.
    store.clock.advance(Duration::from_secs(10));
    generation(&rows, &store.of(1)).await;
    assert_eq!(rows.lock().len(), 1);
}

#[tokio::test]
async fn a_row_read_by_id_is_reused_by_the_handle_but_not_by_another_owner() {
    let store = Fake::new();
    let rows = HotRows::new(BOUND);
    store.commit(1, 1);
    let by_id = One { is_handle: false, ..store.of(1) };
    assert_eq!((generation(&rows, &by_id).await, generation(&rows, &store.of(1)).await, store.reads()), (1, 1, 1));
    generation(&rows, &One { owner: "eve", ..by_id }).await;
    assert_eq!(store.reads(), 2);
}

/// Entries of rows that were read again or forgotten do not accumulate.
#[tokio::test]
async fn one_row_that_is_read_again_and_again_leaves_little_behind() {
    let store = Fake::new();
    let rows = HotRows::new(BOUND);
    store.commit(1, 1);
    store.commit(2, 1);
    generation(&rows, &store.of(1)).await;
    for _ in 0..10 * MAX_ROWS {
        rows.forget(Changed::Connection(store.of(2).id()));
        generation(&rows, &store.of(2)).await;
    }
    let order = rows.lock().order_len();
    assert!(rows.lock().len() == 2 && order <= 2 * MAX_ROWS, "{order}");
}

#[tokio::test]
async fn a_kept_row_is_returned_without_waiting_until_it_is_old_or_forgotten_and_to_its_owner_alone() {
    let store = Fake::new();
    let rows = HotRows::new(BOUND);
    let kept = |one: &One<'_>| rows.kept(one).map(|row| version(&row));
    store.commit(1, 1);
    assert_eq!(kept(&store.of(1)), None);
    generation(&rows, &store.of(1)).await;
    store.clock.advance(BOUND - Duration::from_millis(1));
    assert_eq!((kept(&store.of(1)), kept(&One { is_handle: false, ..store.of(1) })), (Some(1), Some(1)));
    assert_eq!(kept(&One { owner: "eve", ..store.of(1) }), None);
    store.clock.advance(Duration::from_millis(1));
    assert_eq!(kept(&store.of(1)), None);
    generation(&rows, &store.of(1)).await;
    assert_eq!(kept(&store.of(1)), Some(1));
    rows.forget(Changed::Connection(store.of(1).id()));
    assert_eq!(kept(&store.of(1)), None);
    generation(&rows, &store.of(1)).await;
    store.clock.jump_to(Timestamp::from_seconds(5_000));
    assert_eq!(kept(&store.of(1)), None, "the machine slept");
    assert!(HotRows::new(Duration::ZERO).kept(&store.of(1)).is_none());
}
