//! The outcome of a refresh is in the log, in the counts that a host reads, and on record if something changed.

use std::time::Duration;

use connection_contract::{Liveness, RefreshSemantics};
use connection_core::{
    Connection, ConnectionRegistry, Error, ManualClock, Outcome, RefreshOutcome, RefreshedConnection,
};
use tokio::{runtime::Handle, task::JoinHandle};

use crate::{
    fake::{Deed, set},
    log,
    renewing::{RENEWING, Renewals, Renewing, process},
    test_host::{answers, step},
    test_server::Reply,
};

/// The log, the counts and the record of one connection's refreshes in one process.
struct Observed<'a> {
    it: &'a Renewals,
    registry: &'a ConnectionRegistry,
}

impl<'a> Observed<'a> {
    fn of(it: &'a Renewals) -> Self {
        Self { it, registry: &it.registry }
    }

    fn by(it: &'a Renewals, registry: &'a ConnectionRegistry) -> Self {
        Self { it, registry }
    }

    /// Checks that the counts have exactly these outcomes.
    #[track_caller]
    fn counts(&self, expected: &[(&str, u64)]) {
        let outcomes = self.registry.events().refresh_outcomes();
        let counted: Vec<_> =
            outcomes.iter().map(|(kind, outcome, count)| (kind.clone(), outcome.as_str(), count)).collect();
        let expected: Vec<_> = expected.iter().map(|(outcome, count)| (RENEWING, *outcome, *count)).collect();
        assert_eq!(counted, expected);
    }

    /// Checks the log of all processes of this test.
    #[track_caller]
    fn logged(&self, outcome: RefreshOutcome, times: usize) {
        let id = format!("connection={}", self.it.connection.id());
        let outcome = format!("outcome=\"{outcome}\"");
        let lines = log::lines_with(&id);
        let found = lines.iter().filter(|line| line.contains(&outcome) && line.contains("kind=renewing")).count();
        assert_eq!(found, times, "{outcome}: {lines:#?}");
    }

    /// Returns the names of the events, with the outcome if they have one.
    async fn recorded(&self) -> Vec<String> {
        let history = self.registry.events().history(self.it.connection.id(), None).await.unwrap();
        assert_eq!(history.broken_at, None);
        let word = |event: &connection_core::Event| {
            let details: serde_json::Value = serde_json::from_str(&event.details).unwrap();
            let words = [Some(event.name.as_str()), details["outcome"].as_str(), details["reason"].as_str()];
            words.into_iter().flatten().collect::<Vec<_>>().join(" ")
        };
        history.page.items.iter().map(word).collect()
    }
}

fn asking(connection: &Connection) -> JoinHandle<Result<RefreshedConnection, Error>> {
    let connection = connection.clone();
    Handle::current().spawn(async move { connection.refresh().await })
}

async fn reauthorize(connection: &Connection) {
    let session = connection.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("name", "ada")])).await.unwrap();
    assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
}

/// Gives no answer to that many requests for a token, and ignores them.
fn loses(it: &Renewals, mut times: usize) {
    let issued = it.provider.clone();
    it.world.provider(move |request| {
        if request.starts_with("POST /token") && times > 0 {
            times -= 1;
            return Reply::raw("");
        }
        issued.answer(request)
    });
}

#[test]
fn each_outcome_has_a_word_of_its_own_and_is_in_the_list() {
    let words = RefreshOutcome::ALL.map(RefreshOutcome::as_str);
    assert!(words.is_sorted() && words.windows(2).all(|pair| pair[0] != pair[1]), "{words:?}");
    const PAGE: &str = include_str!("../../../../docs/spec/refresh.md");
    let listed: Vec<_> = PAGE
        .lines()
        .skip_while(|line| !line.starts_with("| `outcome` |"))
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(word, _)| word))
        .filter(|word| *word != "outcome")
        .collect();
    let mut listed = listed;
    let mut words = words.to_vec();
    listed.sort_unstable();
    words.sort_unstable();
    assert_eq!(listed, words, "the page lists them");
}

#[tokio::test]
async fn a_renewal_is_told_and_whoever_joins_it_is_not_counted() {
    log::begin();
    let it = Renewals::new().await;
    it.plugin.before.close();
    let callers: Vec<_> = (0..5).map(|_| asking(&it.connection)).collect();
    it.plugin.before.until_inside(1).await;
    it.plugin.before.open();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().outcome, RefreshOutcome::Refreshed);
    }
    // A caller that came after the end of the first refresh began another one. Callers that joined count as one
    // with it.
    let renewed = it.registry.events().refresh_outcomes().of(&RENEWING, RefreshOutcome::Refreshed);
    assert_eq!(usize::try_from(renewed).unwrap(), it.provider.request_count());
    let observed = Observed::of(&it);
    observed.counts(&[("refreshed", renewed)]);
    observed.logged(RefreshOutcome::Refreshed, it.provider.request_count());
    assert_eq!(observed.recorded().await[..2], ["connected", "credential_rotated refreshed"]);
    assert_eq!(it.registry.events().refresh_outcomes().total(RefreshOutcome::Refreshed), renewed);
}

/// A token whose answer was lost: first the outcome is uncertain, then the same request is sent once more.
#[tokio::test]
async fn an_answer_that_is_lost_is_uncertain_and_then_replayed() {
    log::begin();
    let it = Renewals::of(Renewing::of(RefreshSemantics::Grace(Duration::from_secs(600)))).await;
    loses(&it, 1);
    it.connection.refresh().await.unwrap_err();
    let observed = Observed::of(&it);
    observed.counts(&[("uncertain", 1)]);
    observed.logged(RefreshOutcome::Uncertain, 1);
    let lost = ["connected", "not_renewed uncertain refresh_outcome_unknown"];
    assert_eq!(observed.recorded().await, lost);
    assert_eq!(it.connection.refresh().await.unwrap().outcome, RefreshOutcome::Replayed);
    observed.counts(&[("replayed", 1), ("uncertain", 1)]);
    observed.logged(RefreshOutcome::Replayed, 1);
    observed.logged(RefreshOutcome::Refreshed, 0);
    assert_eq!(observed.recorded().await, [&lost[..], &["credential_rotated replayed"]].concat());
    // The next refresh is an ordinary one.
    assert_eq!(it.connection.refresh().await.unwrap().outcome, RefreshOutcome::Refreshed);
    observed.counts(&[("refreshed", 1), ("replayed", 1), ("uncertain", 1)]);
}

#[tokio::test]
async fn an_uncertain_outcome_is_recorded_once() {
    log::begin();
    let it = Renewals::new().await;
    loses(&it, usize::MAX);
    for _ in 0..3 {
        it.connection.refresh().await.unwrap_err();
    }
    let observed = Observed::of(&it);
    observed.counts(&[("uncertain", 3)]);
    observed.logged(RefreshOutcome::Uncertain, 3);
    assert_eq!(observed.recorded().await, ["connected", "not_renewed uncertain refresh_outcome_unknown"]);
}

#[tokio::test]
async fn a_fault_that_needs_a_person_is_reported() {
    log::begin();
    let it = Renewals::new().await;
    it.provider.lock().is_revoked = true;
    it.connection.refresh().await.unwrap_err();
    let observed = Observed::of(&it);
    observed.counts(&[("needs_reauthorization", 1)]);
    observed.logged(RefreshOutcome::NeedsReauthorization, 1);
    let code = "needs_reauthorization";
    let expected = ["connected".to_owned(), format!("not_renewed {code} {code}"), format!("liveness_changed {code}")];
    assert_eq!(observed.recorded().await, expected);
}

#[tokio::test]
async fn a_transient_failure_is_recorded_at_its_beginning_and_end() {
    log::begin();
    let it = Renewals::of(Renewing::of(RefreshSemantics::Stable)).await;
    it.provider.says(Some((503, "", "")));
    for _ in 0..3 {
        it.connection.refresh().await.unwrap_err();
    }
    it.provider.says(None);
    it.connection.refresh().await.unwrap();
    let observed = Observed::of(&it);
    observed.counts(&[("failed", 3), ("refreshed", 1)]);
    observed.logged(RefreshOutcome::Failed, 3);
    let expected = ["connected", "not_renewed failed provider_error", "credential_rotated refreshed"];
    assert_eq!(observed.recorded().await, expected);
}

/// A failure to store on this host is no end at the provider, but it is counted.
#[tokio::test]
async fn a_commit_that_could_not_be_stored_fails() {
    log::begin();
    let it = Renewals::new().await;
    crate::sql::refuse(&it.world.database(), "INSERT ON connection_credential").await;
    assert!(matches!(it.connection.refresh().await, Err(Error::Store(_))));
    crate::sql::refuse_no_more(&it.world.database()).await;
    it.connection.refresh().await.unwrap();
    let observed = Observed::of(&it);
    observed.counts(&[("failed", 1), ("refreshed", 1)]);
    observed.logged(RefreshOutcome::Failed, 1);
    assert_eq!(observed.recorded().await, ["connected", "credential_rotated refreshed"]);
}

/// Two processes: one refreshes, and the other waits and gets its result.
#[tokio::test]
async fn waiting_for_another_process_counts_as_waited_whatever_its_result() {
    log::begin();
    for fails in [false, true] {
        let it = Renewals::of_processes(Renewing::new()).await;
        let leading = Renewing::new();
        let clock = ManualClock::at(connection_contract::Clock::now(&it.world.clock));
        let leader = it.process(&leading).await;
        let follower = process(&it.world, &it.plugin, clock.clone()).await;
        leading.before.close();
        if fails {
            set(&leading.deed, Deed::Offline);
        }
        let first = asking(&leader);
        leading.before.until_inside(1).await;
        let second = asking(&follower.connection(it.connection.id()).await.unwrap());
        // It reads the row from time to time; nothing else sleeps there.
        clock.until_asleep(1).await;
        assert!(!second.is_finished());
        leading.before.open();
        let outcome = |refreshed: Result<RefreshedConnection, Error>| refreshed.ok().map(|refreshed| refreshed.outcome);
        assert_eq!(outcome(first.await.unwrap()), (!fails).then_some(RefreshOutcome::Refreshed));
        for _ in 0..10_000 {
            clock.advance(Duration::from_millis(100));
            it.number("generation").await;
            if second.is_finished() {
                break;
            }
        }
        assert_eq!(outcome(second.await.unwrap()), (!fails).then_some(RefreshOutcome::Waited));
        let observed = Observed::by(&it, &follower);
        observed.counts(&[("waited", 1)]);
        observed.logged(RefreshOutcome::Waited, 1);
        observed.logged(if fails { RefreshOutcome::Failed } else { RefreshOutcome::Refreshed }, 1);
        let recorded = observed.recorded().await;
        let expected = if fails { "not_renewed failed provider_error" } else { "credential_rotated refreshed" };
        assert_eq!(recorded, ["connected", expected], "the one who waited records nothing");
    }
}

/// A holder that overslept finds the credential of another process, and uses that.
#[tokio::test]
async fn a_caller_that_finds_a_fresh_credential_adopts_it() {
    log::begin();
    let it = Renewals::of_processes(Renewing::new()).await;
    let late = Renewing::new();
    let sleeping = process(&it.world, &late, connection_core::SystemClock::new()).await;
    late.before.close();
    let asking = asking(&sleeping.connection(it.connection.id()).await.unwrap());
    late.before.until_inside(1).await;
    it.edit("UPDATE connection_liveness SET lease_owner = NULL, lease_until = NULL").await;
    it.connection.refresh().await.unwrap();
    late.before.open();
    let adopted = asking.await.unwrap().unwrap();
    assert_eq!((adopted.outcome, adopted.connection.liveness), (RefreshOutcome::Adopted, Liveness::Live));
    assert_eq!((it.provider.request_count(), it.number("generation").await), (1, 2));
    let observed = Observed::by(&it, &sleeping);
    observed.counts(&[("adopted", 1)]);
    observed.logged(RefreshOutcome::Adopted, 1);
    Observed::of(&it).counts(&[("refreshed", 1)]);
    assert_eq!(observed.recorded().await, ["connected", "credential_rotated refreshed"]);
}

#[tokio::test]
async fn late_and_needless_callbacks_are_distinguished() {
    log::begin();
    let it = Renewals::new().await;
    it.plugin.after.close();
    let first = asking(&it.connection);
    it.plugin.after.until_inside(1).await;
    it.edit("UPDATE connection_liveness SET lease_owner = 'other', lease_until = 9000000000, fence = fence + 1").await;
    it.plugin.after.open();
    assert_eq!(first.await.unwrap().unwrap().outcome, RefreshOutcome::RefreshedLate);
    it.edit("UPDATE connection_liveness SET lease_owner = NULL, lease_until = NULL").await;
    it.plugin.after.close();
    let second = asking(&it.connection);
    it.plugin.after.until_inside(1).await;
    reauthorize(&it.connection).await;
    it.plugin.after.open();
    assert_eq!(second.await.unwrap().unwrap().outcome, RefreshOutcome::Superseded);
    let observed = Observed::of(&it);
    observed.counts(&[("refreshed_late", 1), ("superseded", 1)]);
    observed.logged(RefreshOutcome::RefreshedLate, 1);
    observed.logged(RefreshOutcome::Superseded, 1);
    assert_eq!(observed.recorded().await, ["connected", "credential_rotated refreshed_late", "reauthorized"]);
}
