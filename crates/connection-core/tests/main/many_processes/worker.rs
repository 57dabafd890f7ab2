//! One of the processes: performs random operations and records in its ledger those that were reported as done.

use connection_contract::Liveness;
use connection_core::{Connection, ConnectionRegistry, Error, Filter, HttpPolicy, KeyFile, Outcome, SetupStep};
use connection_faults::random::Random;

use super::{
    ledger::{Entry, Ledger},
    operations,
};
use crate::{
    acme::{API, Acme, KIND},
    test_host::{answers, step},
};

/// The accounts that all processes connect, and the names that they compete for.
const SHARED: u64 = 24;
const LABELS: u64 = 60;
/// The process that also rotates the keys, each time after this number of operations.
const ROTATES: (&str, u64) = ("0", 100);

pub(super) async fn work(order: &str) {
    let [address, key, origin, place, number, seed] = order.lines().collect::<Vec<_>>().try_into().unwrap();
    let registry = ConnectionRegistry::builder()
        .store(address)
        .key(KeyFile::at(key))
        .http(HttpPolicy::new().endpoint(API, origin).unwrap())
        .kind(Acme::default())
        .open()
        .await
        .unwrap();
    let seed = seed.parse::<u64>().unwrap() * 100 + number.parse::<u64>().unwrap();
    let mut worker = Worker { registry, ledger: Ledger::create(place), random: Random::new(seed), number, made: 0 };
    for done in 0..operations() {
        if (number, done % ROTATES.1) == (ROTATES.0, 50) {
            worker.registry.keys().rotate().await.unwrap();
        }
        match worker.random.below(10) {
            0..4 => worker.add().await,
            4..7 => worker.verify().await,
            7..9 => worker.rename().await,
            _ => worker.remove().await,
        }
    }
    worker.registry.close().await;
}

struct Worker<'o> {
    registry: ConnectionRegistry,
    ledger: Ledger,
    random: Random,
    number: &'o str,
    made: u64,
}

impl Worker<'_> {
    async fn add(&mut self) {
        let account = if self.random.below(2) == 0 {
            format!("shared-{}", self.random.below(SHARED))
        } else {
            self.made += 1;
            format!("own-{}-{}", self.number, self.made)
        };
        let begin = self.registry.setups().begin(&KIND);
        let begun = match self.random.below(3) {
            0 => begin.label(format!("label-{}", self.random.below(LABELS))).await,
            _ => begin.await,
        };
        let session = match begun {
            Ok(session) => session,
            Err(Error::LabelTaken { .. }) => return self.refused("add", "label_taken"),
            Err(error) => panic!("begin: {error}"),
        };
        let (no, _) = step(&session).await;
        session.advance(no, &answers(&[("accessToken", &format!("{account}.0"))])).await.unwrap();
        if let Ok(Some((_, SetupStep::Notice { .. }))) = session.next_step().await {
            // The provider is down, and the session waits until a person tries again.
            session.cancel().await.unwrap();
        }
        match session.terminal().await.unwrap_or_else(|error| panic!("add: {error}")) {
            Outcome::Done(done) => {
                self.ledger.note(&Entry::Added {
                    id: done.connection.to_string(),
                    account,
                    liveness: word(done.liveness),
                });
            }
            Outcome::Failed(failure) => self.refused("add", &failure.code),
            Outcome::Cancelled => self.refused("add", "cancelled"),
        }
    }

    async fn verify(&mut self) {
        let Some(connection) = self.any().await else { return };
        match connection.verify().await {
            Ok(info) => {
                self.ledger.note(&Entry::Verified { id: info.id.to_string(), liveness: word(info.liveness) });
            }
            Err(Error::NotFound(_)) => self.refused("verify", "not_found"),
            Err(error) => panic!("verify: {error}"),
        }
    }

    async fn rename(&mut self) {
        let Some(connection) = self.any().await else { return };
        let label = format!("label-{}", self.random.below(LABELS));
        match connection.rename(label.clone()).await {
            Ok(info) => self.ledger.note(&Entry::Renamed { id: info.id.to_string(), label }),
            Err(Error::NotFound(_)) => self.refused("rename", "not_found"),
            Err(Error::LabelTaken { .. }) => self.refused("rename", "label_taken"),
            Err(error) => panic!("rename: {error}"),
        }
    }

    async fn remove(&mut self) {
        let Some(connection) = self.any().await else { return };
        match self.registry.remove(connection.id()).await {
            Ok(_) => self.ledger.note(&Entry::Removed { id: connection.id().to_string() }),
            Err(Error::NotFound(_)) => self.refused("remove", "not_found"),
            Err(error) => panic!("remove: {error}"),
        }
    }

    /// Returns any connection, of whichever process.
    async fn any(&mut self) -> Option<Connection> {
        let page = self.registry.list_connections(Filter::new()).await.unwrap().items;
        let count = u64::try_from(page.len()).unwrap();
        if count == 0 {
            return None;
        }
        let at = usize::try_from(self.random.below(count)).unwrap();
        match self.registry.connection(page[at].id).await {
            Ok(connection) => Some(connection),
            Err(Error::NotFound(_)) => None,
            Err(error) => panic!("open: {error}"),
        }
    }

    fn refused(&mut self, what: &str, code: &str) {
        self.ledger.note(&Entry::Refused { what: what.to_owned(), code: code.to_owned() });
    }
}

fn word(liveness: Liveness) -> String {
    format!("{liveness:?}").to_lowercase()
}
