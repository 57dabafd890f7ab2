//! A plugin that does what a test configures, and counts the calls of the core.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use connection_contract::prelude::*;
use connection_core::{Connection as Handle, ConnectionRegistry, Outcome};
use tokio::sync::watch;

use crate::test_host;

pub(crate) const FAKE: Kind = Kind::from_static("fake");

/// The behaviour of a plugin's code.
#[derive(Clone, Default)]
pub(crate) enum Deed {
    #[default]
    Well,
    Bug,
    Unreadable,
    Unavailable,
    Offline,
    Panics,
    PanicsInDrop,
    Hangs,
    /// Runs without ever yielding, until it is stopped.
    Spins(Stop),
}

/// Stops spinning code when the test ends, even if it fails.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

pub(crate) struct StopOnDrop(pub(crate) Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, SeqCst);
    }
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

impl Deed {
    /// Runs the behaviour in a call that is not polled.
    pub(crate) fn call(&self) -> Result<(), ConnectionError> {
        match self {
            Self::Bug => Err(ConnectionError::Bug("told so".into())),
            Self::Unreadable => Err(CredentialError::Malformed.into()),
            Self::Unavailable => Err(ConnectionError::Service(ServiceError::Unavailable)),
            Self::Offline => Err(NotLive::offline(Reason::new(reason::PROVIDER_ERROR, "down")).into()),
            Self::Panics => panic!("told so"),
            Self::Spins(stop) => {
                while !stop.0.load(SeqCst) {
                    std::thread::yield_now();
                }
                Ok(())
            }
            Self::Well | Self::PanicsInDrop | Self::Hangs => Ok(()),
        }
    }

    pub(crate) async fn polled(self) -> Result<(), ConnectionError> {
        match self {
            Self::Hangs => std::future::pending().await,
            Self::PanicsInDrop => {
                let _bomb = Bomb;
                std::future::pending().await
            }
            deed => deed.call(),
        }
    }
}

/// Holds the probes of a plugin, and counts them.
pub(crate) struct Gate {
    open: watch::Sender<bool>,
    inside: watch::Sender<usize>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { open: watch::Sender::new(true), inside: watch::Sender::new(0) }
    }

    pub(crate) fn close(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }

    /// Waits until this number of probes wait.
    pub(crate) async fn until_inside(&self, probes: usize) {
        drop(self.inside.subscribe().wait_for(|inside| *inside >= probes).await.unwrap());
    }

    pub(crate) fn inside(&self) -> usize {
        *self.inside.borrow()
    }

    /// Waits until no probe waits.
    pub(crate) async fn until_empty(&self) {
        drop(self.inside.subscribe().wait_for(|inside| *inside == 0).await.unwrap());
    }

    pub(crate) async fn pass(&self) {
        struct Inside<'a>(&'a Gate);
        impl Drop for Inside<'_> {
            fn drop(&mut self) {
                self.0.inside.send_modify(|inside| *inside -= 1);
            }
        }
        self.inside.send_modify(|inside| *inside += 1);
        let _inside = Inside(self);
        drop(self.open.subscribe().wait_for(|open| *open).await.unwrap());
    }
}

type Answer = Box<dyn FnMut(&[u8]) -> VerifyResult<Secret> + Send>;

pub(crate) struct Script {
    pub(crate) parsed: AtomicUsize,
    pub(crate) serialized: AtomicUsize,
    pub(crate) verified: AtomicUsize,
    pub(crate) torn: AtomicUsize,
    /// The credential that the next setup stores.
    pub(crate) blob: Mutex<Vec<u8>>,
    /// The credentials that were passed to `verify`.
    pub(crate) seen: Mutex<Vec<Vec<u8>>>,
    /// The credentials that were passed to `teardown`.
    pub(crate) given_back: Mutex<Vec<Vec<u8>>>,
    pub(crate) verify: Mutex<Deed>,
    pub(crate) teardown: Mutex<Deed>,
    pub(crate) serialize: Mutex<Deed>,
    pub(crate) gate: Gate,
    /// If set, the identities of setups say that they can change.
    pub(crate) is_mutable: AtomicBool,
    /// The identity of the next setup, instead of the name that was entered.
    pub(crate) gives: Mutex<Option<Identity>>,
    /// The number of times that the configured behaviour was begun.
    began: watch::Sender<usize>,
    answer: Mutex<Answer>,
}

/// The kind `fake`: asks only for a name, which is the account, and reaches nothing. A clone is the same plugin.
#[derive(Clone)]
pub(crate) struct Fake {
    kind: Kind,
    provider: Kind,
    /// `true` if the provider can only end the whole grant of an application.
    ends_grant: bool,
    script: Arc<Script>,
}

impl std::ops::Deref for Fake {
    type Target = Script;

    fn deref(&self) -> &Script {
        &self.script
    }
}

impl Fake {
    pub(crate) fn new() -> Self {
        Self::of(FAKE)
    }

    pub(crate) fn of(kind: Kind) -> Self {
        Self::of_provider(kind.clone(), kind)
    }

    pub(crate) fn of_provider(kind: Kind, provider: Kind) -> Self {
        let count = || AtomicUsize::new(0);
        let script = Script {
            parsed: count(),
            serialized: count(),
            verified: count(),
            torn: count(),
            blob: Mutex::new(b"blob".to_vec()),
            seen: Mutex::default(),
            given_back: Mutex::default(),
            verify: Mutex::default(),
            teardown: Mutex::default(),
            serialize: Mutex::default(),
            gate: Gate::new(),
            is_mutable: AtomicBool::new(false),
            gives: Mutex::default(),
            began: watch::Sender::new(0),
            answer: Mutex::new(Box::new(|_| VerifyResult::live())),
        };
        Self { kind, provider, ends_grant: false, script: Arc::new(script) }
    }

    /// Makes the provider one that can only end the whole grant of an application.
    pub(crate) fn ends_grant(self) -> Self {
        Self { ends_grant: true, ..self }
    }

    /// Sets the result of probes from now on, computed from the credential.
    pub(crate) fn finds(&self, answer: impl FnMut(&[u8]) -> VerifyResult<Secret> + Send + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    /// Sets the result of probes from now on: live, or offline or failing with a reason.
    pub(crate) fn is(&self, liveness: Liveness) {
        self.finds(move |_| match liveness {
            Liveness::Live => VerifyResult::live(),
            Liveness::Offline => NotLive::offline(Reason::new(reason::CONNECT, "no way there")).into(),
            _ => NotLive::failing(Reason::new(reason::UNAUTHORIZED, "revoked")).into(),
        });
    }

    /// Waits until the configured behaviour was begun this many times, in a probe or a teardown. Its deadline is
    /// then running.
    pub(crate) async fn until_began(&self, times: usize) {
        drop(self.began.subscribe().wait_for(|began| *began >= times).await.unwrap());
    }

    pub(crate) async fn connected(&self, registry: &ConnectionRegistry, name: &str) -> Handle {
        match test_host::connect(registry, &self.kind, &[("name", name)]).await {
            Outcome::Done(done) => registry.connection(done.connection).await.unwrap(),
            other => panic!("not connected: {other:?}"),
        }
    }
}

pub(crate) fn set(deed: &Mutex<Deed>, what: Deed) {
    *deed.lock().unwrap() = what;
}

pub(crate) fn count(counter: &AtomicUsize) -> usize {
    counter.load(SeqCst)
}

impl ConnectionDefinition for Fake {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new(self.kind.clone(), "Fake", AuthType::Custom)
            .provider(self.provider.clone())
            .field(Field::text("name", "Name"));
        if self.ends_grant { descriptor.revocation_ends_grant() } else { descriptor }
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let answers = ctx.prompt(Prompt::new("Connect").field("name")).await;
        let name = answers.text("name")?.to_owned();
        let given = self.gives.lock().unwrap().clone();
        let identity = given.unwrap_or_else(|| Identity::new(name.clone(), name));
        let identity = if self.is_mutable.load(SeqCst) { identity.mutable() } else { identity };
        let blob = self.blob.lock().unwrap().clone();
        Ok(SetupResult::new(Secret::new(blob), identity).measured(VerifyResult::live()))
    }

    fn serialize_credential(&self, credential: &Secret) -> Result<Secret, CredentialError> {
        self.serialized.fetch_add(1, SeqCst);
        let deed = self.serialize.lock().unwrap().clone();
        deed.call().map_err(|_| CredentialError::Malformed)?;
        Ok(credential.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        self.parsed.fetch_add(1, SeqCst);
        assert!(bytes != b"panics", "told so");
        Ok(Secret::new(bytes))
    }

    async fn verify(
        &self,
        credential: &Secret,
        _: &VerifyContext<'_>,
    ) -> Result<VerifyResult<Secret>, ConnectionError> {
        self.verified.fetch_add(1, SeqCst);
        self.seen.lock().unwrap().push(credential.expose().to_vec());
        self.gate.pass().await;
        let deed = self.verify.lock().unwrap().clone();
        self.began.send_modify(|began| *began += 1);
        deed.polled().await?;
        let mut answer = self.answer.lock().unwrap();
        Ok(answer(credential.expose()))
    }

    async fn teardown(&self, credential: &Secret, _: &TeardownContext<'_>) -> Result<Teardown, ConnectionError> {
        self.torn.fetch_add(1, SeqCst);
        self.given_back.lock().unwrap().push(credential.expose().to_vec());
        self.gate.pass().await;
        let deed = self.teardown.lock().unwrap().clone();
        self.began.send_modify(|began| *began += 1);
        deed.polled().await.map(|()| Teardown::Revoked)
    }
}
