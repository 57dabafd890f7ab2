//! Dropped calls: every call that reaches the store is polled n times and dropped, for each n until it is done. The
//! stored state is that from before or after the call, and no connection to the database is left inside a transaction.

use std::{fmt::Debug, future::poll_fn, pin::pin, sync::Arc, task::Poll};

use connection_contract::Liveness;
use connection_core::{Connection, ConnectionRegistry, Error, Filter, Outcome, SetupSession};

use crate::{
    acme::{Acme, KIND},
    inbound::{Inbound, returned, state},
    race_plugin::{RACE, race},
    sql,
    test_host::{on_postgres, World, answers, code, connected, me, step},
    test_server::Reply,
};

/// More polls than any call takes.
const MAX_COUNT: usize = 200;

/// Polls at most `n` times, each time after it was woken, and drops the future. Returns `None` if it was not done.
async fn poll_n<T>(future: impl Future<Output = T>, n: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut polls = 0;
    poll_fn(|context| {
        if polls == n {
            return Poll::Ready(None);
        }
        polls += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if polls == n => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

pub(crate) struct Host {
    pub(crate) world: World,
    pub(crate) registry: ConnectionRegistry,
}

impl Host {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        world.provider(|request| match request.contains("by=poll") {
            true => Reply::whole(400, "", ""),
            false => me("1", "ada"),
        });
        let builder = world.builder().kind(Acme::default()).kind(race()).inbound(Arc::new(Inbound::new()));
        let registry = builder.open().await.unwrap();
        Self { world, registry }
    }

    /// Returns a registry of another owner for each call, so that the rows of a dropped call do not affect the next.
    pub(crate) fn owner(&self, n: usize) -> ConnectionRegistry {
        self.registry.owner(format!("u{n}")).unwrap()
    }

    /// Checks that no connection is in an abandoned transaction, and that the next write succeeds.
    async fn settled(&self, n: usize) {
        if on_postgres() {
            let database = self.world.database();
            let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                       AND state LIKE 'idle in transaction%'";
            // A job that continues by itself is in a transaction for a moment.
            let mut looks = 0;
            while sql::number(&database, sql).await != Some(0) {
                looks += 1;
                assert!(looks < 500, "after {n} polls a transaction stays open");
            }
        }
        let probe = self.registry.owner("probe").unwrap().setups().begin(&KIND).await.unwrap();
        probe.cancel().await.unwrap();
    }

    /// Checks that every account has the credential that it names, and was measured with it or not at all.
    async fn whole(&self, n: usize) {
        for sql in [
            "SELECT count(*) FROM connection_account AS a WHERE NOT EXISTS (SELECT 1 FROM connection_credential AS c \
             WHERE c.connection_id = a.id AND c.generation = a.generation AND c.state = 'current')",
            "SELECT count(*) FROM connection_liveness AS l JOIN connection_account AS a ON a.id = l.connection_id \
             WHERE l.generation <> a.generation",
            "SELECT count(*) FROM connection_credential WHERE state = 'candidate'",
        ] {
            assert_eq!(sql::number(&self.world.database(), sql).await, Some(0), "after {n} polls: {sql}");
        }
    }

    pub(crate) async fn connection(&self, n: usize) -> Connection {
        connected(&self.owner(n), &format!("key-{n}")).await
    }
}

/// Drops `act` after 0 polls, 1, 2 and so on until it is done, each time on a new result of `prepare`. `look`
/// checks the state each time.
pub(crate) async fn at_every_poll<P, T: Debug>(
    host: &Host,
    prepare: impl AsyncFn(usize) -> P,
    act: impl AsyncFn(&P) -> T,
    look: impl AsyncFn(P, Option<T>),
) {
    for n in 0..MAX_COUNT {
        let prepared = prepare(n).await;
        let result = poll_n(act(&prepared), n).await;
        let is_done = result.is_some();
        host.settled(n).await;
        look(prepared, result).await;
        host.whole(n).await;
        if is_done {
            assert!(n > 0, "the control: it was dropped before it was done");
            return;
        }
    }
    panic!("not done after {MAX_COUNT} polls");
}

/// Drops calls that change nothing.
pub(crate) async fn reads<T: Debug>(
    host: &Host,
    connection: &Connection,
    act: impl AsyncFn(&Connection) -> Result<T, Error>,
) {
    at_every_poll(
        host,
        async |_| connection.clone(),
        async |connection| act(connection).await,
        async |connection, result| {
            if let Some(result) = result {
                result.unwrap();
            }
            assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
        },
    )
    .await;
}

#[tokio::test]
async fn a_caller_who_leaves_while_reading_leaves_nothing_open() {
    let host = Host::new().await;
    let connection = connected(&host.registry, "key-1").await;
    let registry = &host.registry;
    reads(&host, &connection, async |c| registry.connection(c.id()).await).await;
    reads(&host, &connection, async |_| registry.connection_of(&KIND).await).await;
    reads(&host, &connection, async |_| registry.list_connections(Filter::new()).await).await;
    reads(&host, &connection, async |_| registry.setups().list().await).await;
    reads(&host, &connection, async |_| Ok(registry.store().health().await)).await;
    reads(&host, &connection, async |c| c.base_url().await).await;
    reads(&host, &connection, async |c| c.origins().await).await;
    reads(&host, &connection, async |c| c.request("GET", "/things").await).await;
    reads(&host, &connection, async |c| {
        let request = c.request("GET", "/things").await?;
        c.send(request).await.map(|answer| answer.status())
    })
    .await;
    reads(&host, &connection, async |c| c.with_access_token(async |token| token.duplicate()).await).await;
    reads(&host, &connection, async |c| c.verify().await).await;
    reads(&host, &connection, async |c| {
        let mut preflight = registry.preflight([c.id()]);
        Ok(preflight.next().await.is_some())
    })
    .await;
}

#[tokio::test]
async fn a_caller_who_leaves_while_changing_a_connection_leaves_it_as_before_or_after() {
    let host = Host::new().await;
    at_every_poll(
        &host,
        async |n| host.connection(n).await,
        async |connection| connection.rename("renamed").await,
        async |connection, result| {
            let owner = host.registry.owner(connection.info().owner.as_str()).unwrap();
            let now = owner.connection(connection.id()).await.unwrap();
            let label = now.info().label.as_str();
            assert!(label == "renamed" || (result.is_none() && label == connection.info().label.as_str()), "{label}");
            assert_eq!(now.verify().await.unwrap().liveness, Liveness::Live);
        },
    )
    .await;
    at_every_poll(
        &host,
        async |n| host.connection(1000 + n).await,
        async |connection| connection.make_default().await,
        async |connection, result| {
            let owner = host.registry.owner(connection.info().owner.as_str()).unwrap();
            let now = owner.connection(connection.id()).await.unwrap();
            assert!(now.info().is_default || result.is_none());
        },
    )
    .await;
    at_every_poll(
        &host,
        async |n| host.connection(2000 + n).await,
        async |connection| {
            let owner = host.registry.owner(connection.info().owner.as_str()).unwrap();
            owner.remove(connection.id()).await
        },
        async |connection, result| {
            let owner = host.registry.owner(connection.info().owner.as_str()).unwrap();
            match owner.connection(connection.id()).await {
                Ok(_) => assert!(result.is_none(), "{result:?}"),
                Err(Error::NotFound(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
        },
    )
    .await;
}

/// Returns a session at its first prompt.
async fn waiting(host: &Host, n: usize) -> (ConnectionRegistry, SetupSession) {
    let owner = host.owner(n);
    let session = owner.setups().begin(&KIND).await.unwrap();
    step(&session).await;
    (owner, session)
}

/// Checks that the session continues to its end, which is one connection, whatever became of the call.
async fn goes_on(owner: &ConnectionRegistry, session: &SetupSession) {
    let outcome = end(owner, session).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
}

/// Returns the end of the session, if it is answered. A session that was not cancelled makes one connection.
async fn end(owner: &ConnectionRegistry, session: &SetupSession) -> Outcome {
    let session = owner.setups().resume(session.id()).await.unwrap();
    while let Some((no, _)) = session.next_step().await.unwrap() {
        if session.advance(no, &answers(&[("accessToken", "key-1")])).await.is_ok() {
            break;
        }
    }
    let outcome = session.terminal().await.unwrap();
    let made = owner.list_connections(Filter::new()).await.unwrap().items.len();
    assert_eq!(made, usize::from(!matches!(outcome, Outcome::Cancelled)), "{outcome:?}");
    outcome
}

#[tokio::test]
async fn a_caller_who_leaves_a_setup_finds_it_as_before_or_after() {
    let host = Host::new().await;
    at_every_poll(
        &host,
        async |n| host.owner(n),
        async |owner| owner.setups().begin(&KIND).await.map(|session| session.id()),
        async |owner, result| {
            let open = owner.setups().list().await.unwrap();
            assert!(open.len() == 1 || (open.is_empty() && result.is_none()), "{open:?} {result:?}");
            for setup in open {
                owner.setups().resume(setup.id).await.unwrap().cancel().await.unwrap();
            }
        },
    )
    .await;
    at_every_poll(
        &host,
        async |n| waiting(&host, 1000 + n).await,
        async |(_, session)| session.advance(1, &answers(&[("accessToken", "key-1")])).await,
        async |(owner, session), _| goes_on(&owner, &session).await,
    )
    .await;
    at_every_poll(
        &host,
        async |n| waiting(&host, 2000 + n).await,
        async |(owner, session)| owner.setups().resume(session.id()).await.map(|session| session.id()),
        async |(owner, session), _| goes_on(&owner, &session).await,
    )
    .await;
    at_every_poll(
        &host,
        async |n| {
            let (owner, session) = waiting(&host, 3000 + n).await;
            session.advance(1, &answers(&[("accessToken", "key-1")])).await.unwrap();
            (owner, session)
        },
        async |(_, session)| session.terminal().await,
        async |(owner, session), _| goes_on(&owner, &session).await,
    )
    .await;
    at_every_poll(
        &host,
        async |n| waiting(&host, 4000 + n).await,
        async |(_, session)| session.cancel().await,
        async |(owner, session), result| {
            let open = owner.setups().list().await.unwrap();
            assert!(open.is_empty() || result.is_none(), "{open:?} {result:?}");
            if open.is_empty() {
                assert_eq!(code(&session.terminal().await.unwrap()), "cancelled");
            } else {
                // A cancellation that has begun ends without its caller, perhaps only now.
                let outcome = end(&owner, &session).await;
                assert!(matches!(outcome, Outcome::Done(_) | Outcome::Cancelled), "{outcome:?}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_callback_whose_caller_leaves_is_delivered_or_not_and_can_come_again() {
    let host = Host::new().await;
    at_every_poll(
        &host,
        async |n| {
            let session = host.owner(n).setups().begin(&RACE).await.unwrap();
            let (_, shown) = step(&session).await;
            (session, state(&shown))
        },
        async |(_, state)| host.registry.setups().deliver(returned(state)).await,
        async |(session, state), _| {
            // The browser sends its request again.
            drop(host.registry.setups().deliver(returned(&state)).await);
            assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
        },
    )
    .await;
}

#[tokio::test]
async fn a_start_or_an_end_that_is_given_up_can_be_done_again() {
    let host = Host::new().await;
    let id = connected(&host.registry, "key-1").await.id();
    at_every_poll(
        &host,
        async |_| (),
        async |()| host.world.builder().kind(Acme::default()).open().await.map(drop),
        async |(), result| result.into_iter().for_each(|opened| opened.unwrap()),
    )
    .await;
    at_every_poll(
        &host,
        async |_| host.world.acme().await,
        async |registry| registry.close().await,
        async |registry, _| {
            registry.close().await;
            assert!(!registry.store().health().await);
            let info = host.registry.connection(id).await.unwrap().verify().await.unwrap();
            assert_eq!(info.liveness, Liveness::Live);
        },
    )
    .await;
}
