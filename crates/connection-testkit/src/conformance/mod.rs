//! What every plugin must keep, tested from one script of a setup, a verify and a teardown that go well.
//!
//! | Module | What it holds |
//! |---|---|
//! | `bounded` | webhooks: the work before a signature grows no faster than what came |
//! | `described` | the descriptor is the same twice and describes something possible |
//! | `stored` | serialize and parse are inverse; foreign bytes are refused without a panic |
//! | `hidden` | no secret shows in a `Debug`, log, step or URL |
//! | `classified` | a transient failure is never reported as a lost authorization |
//! | `recorded` | what earlier versions stored is read |
//! | `received` | webhooks: what is signed is received, and what was changed by a bit is not |
//! | `renewed` | a refresh spends nothing twice, may be dropped at any await, and is never a lost authorization by itself; a re-authorization takes over the same each time |
//! | `repeated` | futures may be dropped at any await; verify and teardown may run any number of times |
//!
//! Setups are replayed from every effect wherever they run.

mod bounded;
mod classified;
mod described;
mod hidden;
mod lent;
mod received;
mod recorded;
mod renewed;
mod repeated;
mod stored;

use std::fmt::Debug;

use connection_contract::{ConnectionDefinition, Established, Liveness, Secret};

use crate::{Expected, FakeHost, Input, SetupRun, fault::fail, input::duplicates};

/// Shorter ones would be found by chance.
const SHORTEST_SECRET: usize = 12;

type Prepare<D> = Box<dyn Fn(FakeHost<D>) -> FakeHost<D>>;

/// The script of one plugin. What the inputs give to secret fields is searched for everywhere; it has to be at least 12
/// bytes long and like nothing else in the script.
///
/// ```no_run
/// # use connection_contract::prelude::*;
/// use connection_testkit::{Expected, Input, Reply, conformance::Suite};
///
/// # fn check<D: ConnectionDefinition<Credential = Secret>>(acme: fn() -> D) {
/// let me = || Expected::get("https://api.acme.example/v1/me").answer(Reply::json(200, r#"{"id": "42", "name": "A"}"#));
/// Suite::new(acme)
///     .setup([Input::answers(&[("apiKey", "canary-7c1e6a90")])], [me()])
///     .verify([me()])
///     .check();
/// # }
/// ```
#[must_use = "call `check`"]
pub struct Suite<D: ConnectionDefinition> {
    make: Box<dyn Fn() -> D>,
    prepare: Prepare<D>,
    inputs: Vec<Input>,
    setup: Vec<Expected>,
    verify: Vec<Expected>,
    refresh: Vec<Expected>,
    teardown: Vec<Expected>,
    recorded: Option<String>,
    usage: Vec<Expected>,
}
impl<D: ConnectionDefinition> Debug for Suite<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Suite")
    }
}
impl<D: ConnectionDefinition> Suite<D>
where
    D::Credential: Debug,
{
    /// A suite for the plugin that `make` makes.
    pub fn new(make: impl Fn() -> D + 'static) -> Self {
        let (inputs, setup, verify, refresh, teardown, recorded, usage) = Default::default();
        Self {
            make: Box::new(make),
            prepare: Box::new(|host| host),
            inputs,
            setup,
            verify,
            refresh,
            teardown,
            recorded,
            usage,
        }
    }
    /// Gives every fake host what the kind needs: files, a key-value store, inbound HTTP.
    pub fn host(mut self, prepare: impl Fn(FakeHost<D>) -> FakeHost<D> + 'static) -> Self {
        self.prepare = Box::new(prepare);
        self
    }
    /// A setup that makes a connection.
    pub fn setup(
        mut self,
        inputs: impl IntoIterator<Item = Input>,
        requests: impl IntoIterator<Item = Expected>,
    ) -> Self {
        (self.inputs, self.setup) = (inputs.into_iter().collect(), requests.into_iter().collect());
        self
    }
    /// The requests of a verify that finds that connection live.
    pub fn verify(mut self, requests: impl IntoIterator<Item = Expected>) -> Self {
        self.verify = requests.into_iter().collect();
        self
    }
    /// The requests of a refresh that renews what that setup made.
    pub fn refresh(mut self, requests: impl IntoIterator<Item = Expected>) -> Self {
        self.refresh = requests.into_iter().collect();
        self
    }
    /// The requests of a teardown that gives back what that setup took.
    pub fn teardown(mut self, requests: impl IntoIterator<Item = Expected>) -> Self {
        self.teardown = requests.into_iter().collect();
        self
    }
    /// The requests of a fetch of that connection's usage.
    pub fn usage(mut self, requests: impl IntoIterator<Item = Expected>) -> Self {
        self.usage = requests.into_iter().collect();
        self
    }
    /// What the released versions of this plugin stored for that setup: the files `STEM-1.bin`, `STEM-2.bin` and so on,
    /// as `tests/fixtures/credential` has them; the last is what it stores today.
    ///
    /// Call this from the first release on: before it nobody has a credential that must be read. A plugin that stores
    /// another form keeps the older files, and reads them. `CONNECTION_TESTKIT_RECORD=1 cargo test` writes a form that is
    /// not recorded to the next file; `CONNECTION_TESTKIT_RECORD=anew cargo test` deletes the files of the stem and writes
    /// the first one, for whoever recorded before the first release.
    pub fn recorded(mut self, stem: &str) -> Self {
        self.recorded = Some(stem.to_owned());
        self
    }
    /// Fails the test at the first sentence of the contract that does not hold.
    #[track_caller]
    pub fn check(self) {
        self.described();
        self.activated();
        self.stored();
        self.hidden();
        self.classified();
        self.renewed();
        self.repeated();
        self.received();
        self.metered();
        self.recorded_before(recorded::Record::asked());
    }

    #[track_caller]
    fn fake(&self, requests: &[Expected]) -> FakeHost<D> {
        let host = (self.prepare)(FakeHost::new((self.make)()));
        requests.iter().map(Expected::duplicate).fold(host, FakeHost::expect)
    }
    fn inputs(&self) -> Vec<Input> {
        self.inputs.iter().map(Input::duplicate).collect()
    }
    #[track_caller]
    fn run(&self) -> (FakeHost<D>, SetupRun<D::Credential>) {
        let host = self.fake(&self.setup);
        let run = host.setup(self.inputs()).trace();
        (host, run)
    }
    /// What the scripted setup makes.
    #[track_caller]
    fn made(&self) -> Established<D::Credential> {
        let (host, run) = self.run();
        let made = run.result.unwrap_or_else(|failure| {
            fail(&format!("the scripted setup makes no connection: {}", host.world.told(&failure)))
        });
        if let Some(found) = made.measured.as_ref().filter(|found| found.liveness == Liveness::Failing) {
            let why = found.reason.as_ref().map(|reason| format!(": {}", reason.message)).unwrap_or_default();
            fail(&format!("the new connection does not work{why}"));
        }
        made
    }
    /// What the user gives to secret fields, with their names.
    #[track_caller]
    fn secrets(&self) -> Vec<(String, Secret)> {
        let descriptor = FakeHost::new((self.make)());
        let given = self.inputs.iter().flat_map(|input| match input {
            Input::Answers(pairs) => duplicates(pairs),
            _ => Vec::new(),
        });
        let secrets: Vec<_> = given.filter(|(name, _)| descriptor.is_secret_field(name)).collect();
        if let Some((name, _)) = secrets.iter().find(|(_, value)| value.expose().len() < SHORTEST_SECRET) {
            fail(&format!("give '{name}' at least {SHORTEST_SECRET} bytes, so that it is not found by chance"));
        }
        secrets
    }
}
