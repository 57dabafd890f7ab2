//! A process that runs random operations on a database that it shares with others.
//!
//! The operations add, verify, rename, re-authorize and remove connections, and rotate keys. Every process picks from
//! all connections of the database.

use std::{error::Error, path::PathBuf};

use connection_contract::{Liveness, Secret};
use connection_core::{
    AdvanceError, Connection, ConnectionRegistry, Filter, HttpPolicy, KeyFile, Outcome, SetupSession, SetupStep,
};

use crate::{
    double_kind::{API, DOUBLE, double},
    ledger::Ledger,
    random::Random,
};

type Failure = Box<dyn Error + Send + Sync>;

/// Number of accounts at the provider. It is small, so that processes meet on the same accounts.
const ACCOUNTS: u64 = 40;
const LABELS: u64 = 60;

/// The instructions for a worker, which are passed as arguments of its program.
#[derive(Clone, Debug)]
pub struct Order {
    /// The location of the database, as the registry takes it.
    pub store: String,
    /// The path of the key file.
    pub key: PathBuf,
    /// The origin of the provider that the worker sends requests to.
    pub provider: String,
    /// The path of the worker's [`Ledger`].
    pub ledger: PathBuf,
    /// Seed of the random operations.
    pub seed: u64,
    /// Number of operations to run.
    pub operations: u64,
}

impl Order {
    /// Returns the arguments that [`from_arguments`](Self::from_arguments) reads.
    pub fn arguments(&self) -> Vec<String> {
        vec![
            self.store.clone(),
            self.key.display().to_string(),
            self.provider.clone(),
            self.ledger.display().to_string(),
            self.seed.to_string(),
            self.operations.to_string(),
        ]
    }

    /// Reads the arguments that [`arguments`](Self::arguments) makes and returns the remaining ones with the order.
    /// Returns `None` for any other arguments.
    pub fn from_arguments(arguments: &[String]) -> Option<(Self, &[String])> {
        let [store, key, provider, ledger, seed, operations, rest @ ..] = arguments else { return None };
        let order = Self {
            store: store.clone(),
            key: key.into(),
            provider: provider.clone(),
            ledger: ledger.into(),
            seed: seed.parse().ok()?,
            operations: operations.parse().ok()?,
        };
        Some((order, rest))
    }

    /// Opens the registry with the database, the key and the provider of this order.
    ///
    /// # Errors
    ///
    /// Returns an error if the registry cannot be opened.
    pub async fn open(&self) -> Result<ConnectionRegistry, Failure> {
        let policy = HttpPolicy::new().endpoint(API, &self.provider)?;
        let builder = ConnectionRegistry::builder().store(self.store.clone()).key(KeyFile::at(&self.key));
        Ok(builder.http(policy).kind(double()).open().await?)
    }
}

/// Runs the operations of an order.
///
/// # Errors
///
/// Returns the first error that is not a refusal which a user must expect.
pub async fn work(order: &Order) -> Result<(), Failure> {
    let registry = order.open().await?;
    let mut worker =
        Worker { registry, ledger: Ledger::open(&order.ledger)?, random: Random::new(order.seed), keys: 0, order };
    for _ in 0..order.operations {
        worker.step().await?;
    }
    worker.registry.close().await;
    Ok(())
}

struct Worker<'a> {
    registry: ConnectionRegistry,
    ledger: Ledger,
    random: Random,
    keys: u64,
    order: &'a Order,
}

impl Worker<'_> {
    async fn step(&mut self) -> Result<(), Failure> {
        let drawn = self.random.below(1000);
        let Some(connection) = self.any().await? else { return self.add().await };
        match drawn {
            0..300 => self.add().await,
            300..550 => self.verify(&connection).await,
            550..750 => self.rename(&connection).await,
            750..850 => self.reauthorize(&connection).await,
            850..995 => self.remove(&connection).await,
            _ => self.rotate().await,
        }
    }

    /// Picks a random connection. Returns `None` if there is none, or if another process has just removed it.
    async fn any(&mut self) -> Result<Option<Connection>, Failure> {
        let mut all = self.registry.list_connections(Filter::new()).await?.items;
        if all.is_empty() {
            return Ok(None);
        }
        let index = usize::try_from(self.random.below(all.len() as u64))?;
        let info = all.swap_remove(index);
        match self.registry.connection(info.id).await {
            Ok(connection) => Ok(Some(connection)),
            Err(error) if error.code() == "not_found" => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns a key that no other worker uses, so that the provider's counts tell keys apart.
    fn key(&mut self, account: &str) -> String {
        self.keys += 1;
        format!("{account}/{}-{}", self.order.seed, self.keys)
    }

    async fn add(&mut self) -> Result<(), Failure> {
        let account = format!("account-{}", self.random.below(ACCOUNTS));
        let key = self.key(&account);
        let label = (self.random.below(2) == 0).then(|| format!("label-{}", self.random.below(LABELS)));
        self.ledger.begin(&format!("add {account} {}", label.as_deref().unwrap_or_default()))?;
        let setup = self.registry.setups().begin(&DOUBLE);
        let setup = match label {
            Some(label) => setup.label(label),
            None => setup,
        };
        let session = match setup.await {
            Ok(session) => session,
            Err(error) => return self.refused(error.code(), &["label_taken"], &error),
        };
        self.finish(&session, &key, &["account_connected", "label_taken"]).await
    }

    async fn reauthorize(&mut self, connection: &Connection) -> Result<(), Failure> {
        let account = connection.info().identity.account_id.to_string();
        let key = self.key(&account);
        self.ledger.begin(&format!("reauthorize {}", connection.id()))?;
        let session = match connection.reauthorize().await {
            Ok(session) => session,
            Err(error) => return self.refused(error.code(), &["not_found"], &error),
        };
        self.finish(&session, &key, &["not_found"]).await
    }

    async fn finish(&mut self, session: &SetupSession, key: &str, expected: &[&str]) -> Result<(), Failure> {
        while let Some((no, step)) = session.next_step().await? {
            if let SetupStep::Prompt { .. } = step {
                match session.advance(no, &[("key".to_owned(), Secret::from(key))]).await {
                    // Another process that removes the connection ends the setups that would change it.
                    Ok(()) | Err(AdvanceError::Ended) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        match session.terminal().await? {
            Outcome::Done(done) => {
                let account = &done.identity.account_id;
                let came = format!("ok {} {} {account} {:?}", done.connection, done.label, done.liveness);
                Ok(self.ledger.end(&came)?)
            }
            Outcome::Failed(failure) => {
                let code = failure.code.to_string();
                self.refused(&code, &[expected, &["unauthorized", "verify_failed"]].concat(), &failure.message)
            }
            Outcome::Cancelled => Err("nobody has cancelled it".into()),
        }
    }

    async fn verify(&mut self, connection: &Connection) -> Result<(), Failure> {
        self.ledger.begin(&format!("verify {}", connection.id()))?;
        match connection.verify().await {
            Ok(info) => {
                let unproven = matches!(info.liveness, Liveness::Offline | Liveness::Unknown);
                if unproven {
                    return Err(
                        format!("the provider is there, and it is {:?}: {:?}", info.liveness, info.reason).into()
                    );
                }
                Ok(self.ledger.end(&format!("ok {:?}", info.liveness))?)
            }
            Err(error) => self.refused(error.code(), &["not_found"], &error),
        }
    }

    async fn rename(&mut self, connection: &Connection) -> Result<(), Failure> {
        let label = format!("label-{}", self.random.below(LABELS));
        self.ledger.begin(&format!("rename {} {label}", connection.id()))?;
        match connection.rename(label).await {
            Ok(info) => Ok(self.ledger.end(&format!("ok {}", info.label))?),
            Err(error) => self.refused(error.code(), &["not_found", "label_taken"], &error),
        }
    }

    async fn remove(&mut self, connection: &Connection) -> Result<(), Failure> {
        self.ledger.begin(&format!("remove {}", connection.id()))?;
        match self.registry.remove(connection.id()).await {
            Ok(_) => Ok(self.ledger.end("ok")?),
            Err(error) => self.refused(error.code(), &["not_found"], &error),
        }
    }

    async fn rotate(&mut self) -> Result<(), Failure> {
        self.ledger.begin("rotate all")?;
        self.registry.keys().rotate().await?;
        Ok(self.ledger.end("ok")?)
    }

    fn refused(&mut self, code: &str, expected: &[&str], why: &dyn std::fmt::Display) -> Result<(), Failure> {
        self.ledger.end(&format!("refused {code}"))?;
        if expected.contains(&code) { Ok(()) } else { Err(format!("{code}: {why}").into()) }
    }
}
