//! A complete host in memory, which runs the setup of a plugin and runs it again after each wait.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    convert::Infallible,
    hash::{DefaultHasher, Hasher as _},
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use connection_contract::{
    Answer, AuthType, Crypto, Descriptor, DisplayText, Field, HttpError, HttpRequest, HttpResponse, Identity, Kind,
    LogEvent, Prompt, Secret, Services, SetupContext, SetupFailure, SetupResult, Spend, Timestamp,
};
use connection_replay::{Effect, Effects, Entry, Host, Run, Stop, StoreChange, Suspended};

/// A host with a single journal in memory and without a network. A real host keeps sealed journals in a store.
pub(crate) struct Memory {
    descriptor: Descriptor,
    run: Mutex<Run<Infallible>>,
    recorded: Mutex<Vec<Secret>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    /// Creates a host for a run over `journal`.
    pub(crate) fn new(descriptor: Descriptor, journal: Vec<Secret>) -> Self {
        let entries = journal.iter().filter_map(|entry| Entry::decode(entry.expose())).collect();
        let bytes = journal.iter().map(|entry| entry.expose().len()).sum();
        let run = Run::new(entries, bytes, Timestamp::from_seconds(0));
        Self { descriptor, run: Mutex::new(run), recorded: Mutex::new(journal) }
    }
}

impl Host for Memory {
    type Halt = Infallible;

    fn with_run<T>(&self, work: impl FnOnce(&mut Run<Infallible>) -> T) -> T {
        work(&mut lock(&self.run))
    }

    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn now(&self) -> Timestamp {
        lock(&self.run).now
    }

    /// A real host computes SHA-256.
    fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        let mut hasher = DefaultHasher::new();
        hasher.write(bytes);
        let mut digest = [0; 32];
        let (head, _) = digest.split_at_mut(8);
        head.copy_from_slice(&hasher.finish().to_be_bytes());
        digest
    }

    /// A real host knows the signatures that it has made.
    fn settled(&self, bytes: &[u8]) -> Secret {
        Secret::new(bytes)
    }

    /// A real host derives the `state` from the seed of the session.
    fn state(&self, number: u64) -> [u8; 32] {
        self.digest(&number.to_be_bytes())
    }

    /// A real host returns after the entry is durable.
    async fn record(&self, _: i64, entry: &Secret, _: StoreChange<'_>) -> Result<(), Infallible> {
        lock(&self.recorded).push(entry.duplicate());
        Ok(())
    }

    fn log(&self, _: LogEvent) {}

    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, HttpError> {
        Err(HttpError::Connect)
    }

    fn spend_key(&self, _: i64, _: &Spend<'_>) -> [u8; 32] {
        [0; 32]
    }

    async fn send_once(
        &self,
        _: [u8; 32],
        request: HttpRequest,
    ) -> Result<Result<HttpResponse, HttpError>, Infallible> {
        Ok(self.send(request).await)
    }
}

/// A real host has real cryptography, and derives random bytes from the seed of the session.
impl Crypto for Memory {
    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(4);
    }

    fn sha256(&self, bytes: &[u8]) -> [u8; 32] {
        self.digest(bytes)
    }

    fn hmac_sha256(&self, key: &Secret, bytes: &[u8]) -> [u8; 32] {
        self.digest(&[key.expose(), bytes].concat())
    }

    fn equal(&self, a: &[u8], b: &[u8]) -> bool {
        a == b
    }
}

/// The outcome of one run.
pub(crate) enum Came<T> {
    Ended(T),
    Fault(String),
    Waits(Box<Suspended>),
}

/// Runs a setup over a journal, to its end or the next wait. Returns the journal with the entries that the run added.
pub(crate) fn run<T>(
    descriptor: Descriptor,
    journal: Vec<Secret>,
    setup: impl AsyncFnOnce(&SetupContext<'_>) -> T,
) -> (Came<T>, Vec<Secret>) {
    let effects = Effects::new(Memory::new(descriptor, journal));
    let ended = {
        let context = SetupContext::new(Services::new(&effects, &effects, effects.host(), &effects), &effects);
        let mut plugin = pin!(setup(&context));
        let mut task = Context::from_waker(Waker::noop());
        loop {
            // No service of this host waits, so the plugin is polled until it ends or the run stops.
            match plugin.as_mut().poll(&mut task) {
                Poll::Ready(ended) => break Some(ended),
                Poll::Pending if effects.stopped() => {
                    // An effect that is dropped after this is not a fault of the plugin.
                    effects.host().with_run(Run::end);
                    break None;
                }
                Poll::Pending => {}
            }
        }
        // The end of the block drops the plugin's future.
    };
    let Memory { run, recorded, .. } = effects.into_host();
    let run = run.into_inner().unwrap_or_else(PoisonError::into_inner);
    let journal = recorded.into_inner().unwrap_or_else(PoisonError::into_inner);
    // The stop is read before the result, because a plugin cannot hide a fault by returning.
    let came = match (run.stop, ended) {
        (Some(Stop::Fault(fault)), _) => Came::Fault(fault.to_string()),
        (Some(Stop::Wait(suspended)), _) => Came::Waits(suspended),
        (Some(Stop::Halt(never)), _) => match never {},
        (None, Some(ended)) => Came::Ended(ended),
        (None, None) => Came::Fault("the plugin waits for something that is not one of the host's services".to_owned()),
    };
    (came, journal)
}

/// The setup of a plugin, which asks for a key.
async fn setup(ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
    let key = ctx.prompt(Prompt::new("Connect Acme").field("apiKey")).await.secret("apiKey")?;
    Ok(SetupResult::new(key, Identity::new("42", "Ada")))
}

fn main() {
    let kind = || {
        let descriptor = Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::ApiKey);
        descriptor.field(Field::secret("apiKey", "API key"))
    };
    // region: run
    let (came, mut journal) = run(kind(), Vec::new(), setup);
    let Came::Waits(wait) = came else { return println!("the setup asks for nothing") };
    println!("{}", wait.prompt.map(|prompt| prompt.title).unwrap_or_default());

    // A person answers. The answer is recorded under the fingerprint of the wait, and the setup runs again.
    let answers = vec![("apiKey".into(), Answer::Secret(Secret::from("k-123")))];
    journal.push(Entry::new(wait.what, Timestamp::from_seconds(5), Effect::Answered(answers)).encode());
    let (came, _) = run(kind(), journal, setup);
    // end: run
    let account = match came {
        Came::Ended(Ok(made)) => made.identity.label,
        Came::Ended(Err(failure)) => failure.message,
        Came::Fault(fault) => DisplayText::from(fault),
        Came::Waits(_) => "it waits again".into(),
    };
    println!("{account}");
}
