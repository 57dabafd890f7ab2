//! A credential that was restored from a backup: its refresh token is sent only after a person asked for that.

use std::time::Duration;

use connection_contract::{Liveness, NotLive, RefreshSemantics, reason};
use connection_core::{BackupError, ConnectionRegistry, Error, Outcome, Restored, TokenUse};

use crate::{
    fake::count,
    renewing::{LIFE, Renewals, Renewing, run, send, token},
    sql,
    test_host::{World, answers, connected, on_postgres, step},
};

/// Marks the store of a test host, as after a restore with other tools, and opens it again.
async fn marked(it: Renewals) -> Renewals {
    it.registry.close().await;
    let restored = mark(&it).await;
    let tokens: Vec<_> = restored.connections.iter().map(|restored| restored.token).collect();
    assert_eq!((tokens, restored.kept), (vec![TokenUse::Unknown], None));
    let registry = it.world.open(it.plugin.clone()).await;
    let connection = registry.connection(it.connection.id()).await.unwrap();
    Renewals { registry, connection, ..it }
}

async fn mark(it: &Renewals) -> Restored {
    it.world.builder().kind(it.plugin.clone()).mark_restored().await.unwrap()
}

fn not_renewed<T: std::fmt::Debug>(result: Result<T, Error>) -> NotLive {
    match result {
        Err(Error::NotRenewed { why, .. }) => *why,
        other => panic!("{other:?}"),
    }
}

async fn liveness(registry: &ConnectionRegistry, it: &Renewals) -> (Liveness, Option<String>) {
    let info = registry.connection(it.connection.id()).await.unwrap().info().clone();
    (info.liveness, info.reason.map(|reason| reason.code.to_string()))
}

#[tokio::test]
async fn a_restored_credential_is_refreshed_neither_by_the_scheduler_nor_by_a_use_and_works_until_its_end() {
    let it = marked(Renewals::new().await).await;
    let restored = Some(reason::RESTORED.to_owned());
    assert_eq!(liveness(&it.registry, &it).await, (Liveness::Live, restored.clone()), "the list says it");
    let scheduler = run(&it.registry);
    for at in [100, LIFE - 100, LIFE - 1] {
        it.at(at);
        assert_eq!((it.send().await.unwrap(), it.token().await), (200, "access-1".to_owned()), "{at}");
        assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Live, "{at}");
    }
    it.at(LIFE);
    // The scheduler finds its end.
    let ends = async {
        while liveness(&it.registry, &it).await != (Liveness::Failing, restored.clone()) {
            it.world.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ends).await.expect("the scheduler reports its end");
    for result in [it.send().await.map(drop), token(&it.connection).await.map(drop)] {
        let why = not_renewed(result);
        assert_eq!((why.liveness, &*why.reason.code), (Liveness::Failing, reason::RESTORED));
        assert!(why.reason.message.as_str().contains("restored from a backup"), "{}", why.reason.message);
        assert!(why.reason.remedy.unwrap().as_str().starts_with("authorize this connection again"));
    }
    drop(scheduler);
    assert_eq!((it.provider.request_count(), it.provider.lock().refused), (0, 0), "no token was sent");
}

#[tokio::test]
async fn a_credential_of_a_server_that_failed_over_is_marked_with_that_reason() {
    let it = Renewals::new().await;
    it.registry.close().await;
    let builder = || it.world.builder().kind(it.plugin.clone());
    let marked = builder().mark_failed_over().await;
    if !on_postgres() {
        let error = marked.unwrap_err();
        assert!(matches!(error, BackupError::NotAServer), "{error:?}");
        assert!(error.remedy().unwrap().contains("connections restore --mark"));
        return;
    }
    let tokens: Vec<_> = marked.unwrap().connections.iter().map(|marked| marked.token).collect();
    assert_eq!(tokens, [TokenUse::Unknown]);
    // Said again, and said to have lost nothing: the mark stays.
    assert_eq!(builder().mark_failed_over().await.unwrap().connections.len(), 1);
    assert!(builder().accept_failover().await.unwrap().connections.is_empty());
    let registry = it.world.open(it.plugin.clone()).await;
    let connection = registry.connection(it.connection.id()).await.unwrap();
    let why = not_renewed(connection.refresh().await);
    assert_eq!(&*why.reason.code, reason::RESTORED);
    let message = why.reason.message.as_str();
    assert!(message.starts_with("the server of the database failed over to timeline "), "{message}");
    assert_eq!(it.events().await, ["connected", "restored"]);
    assert_eq!(it.provider.request_count(), 0);
}

#[tokio::test]
async fn a_restored_credential_whose_end_is_not_known_is_not_refreshed_when_it_is_refused() {
    let plugin = Renewing::new();
    *plugin.valid_for.lock().unwrap() = None;
    let it = marked(Renewals::of(plugin).await).await;
    it.provider.lock().number = 5;
    assert_eq!(it.send().await.unwrap(), 401);
    let info = it.connection.verify().await.unwrap();
    assert_eq!((info.liveness, &*info.reason.unwrap().code), (Liveness::Failing, reason::RESTORED));
    assert_eq!(it.provider.request_count(), 0);
}

#[tokio::test]
async fn a_restored_credential_that_has_ended_is_failing_at_once() {
    let it = Renewals::new().await;
    it.at(LIFE + 10);
    let it = marked(it).await;
    assert_eq!(liveness(&it.registry, &it).await, (Liveness::Failing, Some(reason::RESTORED.to_owned())));
    assert_eq!(it.events().await, ["connected", "restored", "liveness_changed"]);
    let history = it.registry.events().history(it.connection.id(), None).await.unwrap();
    assert_eq!(history.broken_at, None, "the record is whole");
}

#[tokio::test]
async fn a_persons_request_refreshes_a_restored_credential_and_ends_its_mark() {
    let it = marked(Renewals::new().await).await;
    it.at(LIFE + 10);
    assert_eq!(&*not_renewed(it.connection.refresh().await).reason.code, reason::RESTORED);
    assert_eq!(it.provider.request_count(), 0, "the remedy comes before the request");
    let refreshed = it.connection.force_refresh().await.unwrap();
    assert_eq!((refreshed.connection.liveness, refreshed.connection.reason.clone()), (Liveness::Live, None));
    assert_eq!((it.token().await, it.provider.request_count()), ("access-2".to_owned(), 1));
    it.at(2 * LIFE + 20);
    assert_eq!((it.send().await.unwrap(), it.provider.request_count()), (200, 2), "it is refreshed as before");
}

#[tokio::test]
async fn a_persons_request_that_the_provider_turns_away_ends_the_mark_too() {
    let it = marked(Renewals::new().await).await;
    it.at(100);
    it.provider.says(Some((429, "retry-after: 10\r\n", "")));
    assert_eq!(&*not_renewed(it.connection.force_refresh().await).reason.code, reason::RATE_LIMITED);
    it.provider.says(None);
    it.at(LIFE + 10);
    assert_eq!((it.send().await.unwrap(), it.token().await), (200, "access-2".to_owned()));
}

#[tokio::test]
async fn a_reauthorization_ends_the_mark_and_takes_over_no_restored_token() {
    let it = marked(Renewals::new().await).await;
    *it.plugin.gives.lock().unwrap() = ["access-9", "", "1"];
    let session = it.connection.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("name", "ada")])).await.unwrap();
    assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
    assert_eq!((it.token().await, count(&it.plugin.inherited)), ("access-9".to_owned(), 0));
    assert_eq!(liveness(&it.registry, &it).await, (Liveness::Live, None));
}

/// The exchange of a process that has ended makes its connection due, unless it was restored.
#[tokio::test]
async fn an_attempt_whose_answer_is_lost_does_not_end_the_mark() {
    let it = Renewals::of_processes(Renewing::new()).await;
    it.provider.says(Some((503, "", "")));
    not_renewed(it.connection.refresh().await);
    // Its process ends, which the next one finds.
    let it = marked(it).await;
    it.edit("UPDATE connection_exchange SET concluded_at = NULL").await;
    let registry = it.world.open(it.plugin.clone()).await;
    assert_eq!(it.number("(SELECT count(*) FROM connection_exchange WHERE concluded_at IS NULL)").await, 0);
    assert_eq!(it.credential("refresh_at").await, None);
    it.expire().await;
    it.edit("UPDATE connection_credential SET refresh_at = NULL").await;
    let connection = registry.connection(it.connection.id()).await.unwrap();
    assert_eq!(&*not_renewed(send(&connection).await).reason.code, reason::RESTORED);
    assert_eq!(it.provider.request_count(), 1);
}

#[tokio::test]
async fn a_credential_that_has_nothing_to_renew_gets_no_mark() {
    let plugin = Renewing::new();
    *plugin.gives.lock().unwrap() = ["access-1", "", "1"];
    let it = Renewals::of(plugin).await;
    it.registry.close().await;
    assert_eq!(mark(&it).await.connections.len(), 0);
    let registry = it.world.open(it.plugin.clone()).await;
    let connection = registry.connection(it.connection.id()).await.unwrap();
    assert_eq!(connection.refresh().await.unwrap().outcome, connection_core::RefreshOutcome::NothingToRenew);
}

#[tokio::test]
async fn only_tokens_that_are_used_up_are_marked_and_only_once() {
    let stable = Renewals::of(Renewing::of(RefreshSemantics::Stable)).await;
    stable.registry.close().await;
    assert_eq!(mark(&stable).await.connections.len(), 0);
    assert_eq!(stable.events().await, ["connected"]);

    let world = World::new().await;
    let registry = world.acme().await;
    connected(&registry, "key-1").await;
    registry.close().await;
    let marked = world.builder().kind(crate::acme::Acme::default()).mark_restored().await.unwrap();
    assert_eq!(marked.connections.len(), 0);

    for semantics in [RefreshSemantics::Strict, RefreshSemantics::Grace(Duration::from_secs(60))] {
        let it = Renewals::of(Renewing::of(semantics)).await;
        it.registry.close().await;
        for _ in 0..2 {
            assert_eq!(mark(&it).await.connections.len(), 1);
        }
        assert_eq!(it.events().await, ["connected", "restored"]);
        let marks = "SELECT restored FROM connection_credential";
        assert_eq!(sql::texts(&it.world.database(), marks).await, ["unknown"]);
    }
}

/// Without its plugin, nobody knows how a provider treats a token.
#[tokio::test]
async fn a_token_of_a_kind_that_is_not_known_counts_as_one_that_is_used_up() {
    let it = Renewals::of(Renewing::of(RefreshSemantics::Stable)).await;
    it.registry.close().await;
    assert_eq!(it.world.builder().mark_restored().await.unwrap().connections.len(), 1);

    let world = World::new().await;
    let registry = world.acme().await;
    connected(&registry, "key-1").await;
    registry.close().await;
    assert_eq!(world.builder().mark_restored().await.unwrap().connections.len(), 0, "a key is not refreshed");
}
