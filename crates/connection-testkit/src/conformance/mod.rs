//! The conformance suite: the tests that every plugin must pass.
//!
//! They run from one script of a setup, a verify and a teardown that succeed.
//!
//! | Module | Rule |
//! |---|---|
//! | `webhook_cost` | Webhooks: the work before the check of a signature grows no faster than the delivery. |
//! | `classification` | A transient failure is never reported as a lost authorization. |
//! | `descriptor` | The descriptor is the same each time and is accepted by a host. |
//! | `seats` | A credential stands in the places of a request that the kind states, and in no other place. |
//! | `secrets` | No secret appears in a `Debug` output, log, step or URL. |
//! | `activation` | A second activation changes nothing. A fetch of usage may run any number of times. |
//! | `webhook_delivery` | Webhooks: a signed delivery is received, and one with a changed bit is not. |
//! | `recorded_credentials` | Credentials that earlier versions stored can be read. |
//! | `refresh` | A refresh spends nothing twice, may be dropped at any await, and does not report a bad network as a lost authorization. A re-authorization takes over the same data each time. |
//! | `repetition` | Futures may be dropped at any await. Verify, teardown and revoke may run any number of times. A credential is reported as revoked only after a request. |
//! | `serialization` | Serialize and parse are inverse. Foreign bytes are refused without a panic. |
//!
//! Every setup that the suite runs is also replayed from each of its effects.

mod activation;
mod classification;
mod descriptor;
mod recorded_credentials;
mod refresh;
mod repetition;
mod seats;
mod secrets;
mod serialization;
mod webhook_cost;
mod webhook_delivery;

use std::{
    cell::{OnceCell, RefCell},
    collections::HashSet,
    fmt::Debug,
};

use connection_contract::{ConnectionDefinition, Liveness, Seat, Secret, SetupResult};

use crate::{
    Expected, FakeHost, Input, SetupRun,
    canary::Canary,
    fault::{collected, fail},
    input::duplicates,
    kv,
};

/// The minimum length of a secret in bytes. A shorter one would be found by chance.
const MIN_SECRET: usize = 12;

type Prepare<D> = Box<dyn Fn(FakeHost<D>) -> FakeHost<D>>;

/// The script of one plugin, from which all tests of the suite run.
///
/// The suite searches all output for the answers to secret fields. Each such answer must be at least 12 bytes long and
/// must not occur elsewhere in the script.
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
    revoke: Vec<Expected>,
    recorded: Option<String>,
    usage: Vec<Expected>,
    has_secret_in_address: bool,
    /// The seats that the credential fills, if they are not all that the kind states.
    seats: Option<Vec<Seat>>,
    canaries: OnceCell<Vec<(String, Canary)>>,
    /// The texts that were searched and show no secret.
    searched: RefCell<HashSet<String>>,
    /// The key-value store as the scripted setup left it.
    kv: RefCell<Option<kv::State>>,
}

/// The result of one check of a [`Suite`].
///
/// ```
/// # use connection_testkit::conformance::CheckResult;
/// fn line(result: &CheckResult) -> String {
///     match &result.problem {
///         None => format!("ok: {}", result.rule),
///         Some(problem) => format!("failed: {}: {problem}", result.rule),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckResult {
    /// Name of the check: one word.
    pub name: &'static str,
    /// The rule that was checked, as a sentence.
    pub rule: &'static str,
    /// The first way in which the plugin breaks the rule, without a secret.
    pub problem: Option<String>,
}

impl CheckResult {
    /// Creates the result of a check that failed, for a rule that a host checks itself.
    pub fn failed(name: &'static str, rule: &'static str, problem: impl Into<String>) -> Self {
        Self { name, rule, problem: Some(problem.into()) }
    }
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
    /// Creates a suite for the plugin that `make` returns.
    pub fn new(make: impl Fn() -> D + 'static) -> Self {
        Self {
            make: Box::new(make),
            prepare: Box::new(|host| host),
            inputs: Vec::new(),
            setup: Vec::new(),
            verify: Vec::new(),
            refresh: Vec::new(),
            teardown: Vec::new(),
            revoke: Vec::new(),
            recorded: None,
            usage: Vec::new(),
            has_secret_in_address: false,
            seats: None,
            canaries: OnceCell::new(),
            searched: RefCell::default(),
            kv: RefCell::default(),
        }
    }

    /// Sets a function that gives every fake host the services that the kind needs, such as files or inbound HTTP.
    pub fn host(mut self, prepare: impl Fn(FakeHost<D>) -> FakeHost<D> + 'static) -> Self {
        self.prepare = Box::new(prepare);
        self
    }

    /// Sets the inputs and requests of a setup that creates a connection.
    pub fn setup(
        mut self,
        inputs: impl IntoIterator<Item = Input>,
        requests: impl IntoIterator<Item = Expected>,
    ) -> Self {
        (self.inputs, self.setup) = (inputs.into_iter().collect(), requests.into_iter().collect());
        self
    }

    /// Sets the requests of a verify that finds the connection live.
    pub fn verify(mut self, requests: impl IntoIterator<Item = Expected>) -> Self {
        self.verify = requests.into_iter().collect();
        self
    }

    /// Sets the requests of a refresh of the credential that the setup created.
    pub fn refresh(mut self, requests: impl IntoIterator<Item = Expected>) -> Self {
        self.refresh = requests.into_iter().collect();
        self
    }

    /// Sets the requests of a teardown of the connection.
    pub fn teardown(mut self, requests: impl IntoIterator<Item = Expected>) -> Self {
        self.teardown = requests.into_iter().collect();
        self
    }

    /// Sets the requests that revoke the credential that a person entered.
    pub fn revoke(mut self, requests: impl IntoIterator<Item = Expected>) -> Self {
        self.revoke = requests.into_iter().collect();
        self
    }

    /// Sets the requests of a fetch of the connection's usage.
    pub fn usage(mut self, requests: impl IntoIterator<Item = Expected>) -> Self {
        self.usage = requests.into_iter().collect();
        self
    }

    /// Allows a secret in the address of a request, for a provider that takes it in no other place.
    pub fn secret_in_address(mut self) -> Self {
        self.has_secret_in_address = true;
        self
    }

    /// Sets the places of a request where the credential of this script stands. By default, it stands in every seat that
    /// the [authorizer](connection_contract::Authorizer::seats) states.
    ///
    /// Use it for a kind whose credentials stand in different places, and for a place that the kind cannot state because
    /// a person chooses it.
    pub fn seats(mut self, seats: impl IntoIterator<Item = Seat>) -> Self {
        self.seats = Some(seats.into_iter().collect());
        self
    }

    /// Sets the files with the credentials that the released versions of this plugin stored for the setup.
    ///
    /// The files are `STEM-1.bin`, `STEM-2.bin` and so on, for a stem such as `tests/fixtures/credential`. The last
    /// file holds the form that the plugin stores today.
    ///
    /// Call this method when the plugin is first released. Before that, no stored credential must be read. A plugin
    /// that changes the form keeps the older files and reads them. `CONNECTION_TESTKIT_RECORD=1 cargo test` writes a
    /// form that is not recorded to the next file. `CONNECTION_TESTKIT_RECORD=anew cargo test` deletes the files of the
    /// stem and writes the first one, for authors who recorded before the first release.
    pub fn recorded(mut self, stem: &str) -> Self {
        self.recorded = Some(stem.to_owned());
        self
    }

    /// Runs all tests of the suite.
    ///
    /// # Panics
    ///
    /// The plugin breaks a rule of the contract. The message describes the first one that it breaks.
    #[track_caller]
    pub fn check(self) {
        self.described();
        self.activated();
        self.stored();
        self.hidden();
        self.seated();
        self.classified();
        self.renewed();
        self.repeated();
        self.received();
        self.metered();
        self.recorded_before(recorded_credentials::Record::from_environment());
    }

    /// Runs the checks that concern a kind without webhooks, usage and recorded credentials, such as one that a file
    /// describes. A rule that is broken is a result, and the other rules are checked, unless it is the rule about
    /// descriptors.
    pub fn results(self) -> Vec<CheckResult> {
        type Check<D> = (&'static str, &'static str, fn(&Suite<D>));
        let checks: [Check<D>; 8] = [
            ("descriptor", "the descriptor is the same each time and is accepted by a host", Self::described),
            ("activation", "a second activation changes nothing", Self::activated),
            ("credential", "a stored credential can be read, and foreign bytes are refused", Self::stored),
            ("secrets", "no secret appears in a debug output, log, step or address", Self::hidden),
            (
                "seats",
                "a credential stands in the seats that the kind states, and nowhere else in a request",
                Self::seated,
            ),
            ("failures", "a transient failure is never reported as a lost authorization", Self::classified),
            ("refresh", "a refresh spends nothing twice and may be interrupted", Self::renewed),
            ("repetition", "verification and removal may be interrupted and repeated", Self::repeated),
        ];
        let run = |(name, rule, check): Check<D>| {
            let problem = collected(|| check(&self)).err();
            CheckResult { name, rule, problem }
        };
        let mut results = Vec::new();
        for check in checks {
            results.push(run(check));
            if results.first().is_some_and(|described| described.problem.is_some()) {
                break;
            }
        }
        results
    }

    #[track_caller]
    fn fake(&self, requests: &[Expected]) -> FakeHost<D> {
        let host = (self.prepare)(FakeHost::new((self.make)()));
        requests.iter().map(Expected::duplicate).fold(host, FakeHost::expect)
    }

    /// Returns a host that has run the scripted setup before.
    #[track_caller]
    fn connected(&self, requests: &[Expected]) -> FakeHost<D> {
        let host = self.fake(requests);
        host.world.restore(self.kv.borrow().clone());
        host
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

    /// Runs the scripted setup and returns its result.
    #[track_caller]
    fn made(&self) -> SetupResult<D::Credential> {
        let (host, run) = self.run();
        self.kv.replace(host.world.kv.as_ref().map(kv::FakeKv::state));
        let made = run.result.unwrap_or_else(|failure| {
            fail(&format!("the scripted setup makes no connection: {}", host.world.describe_failure(&failure)))
        });
        if let Some(found) = made.measured.as_ref().filter(|found| found.liveness == Liveness::Failing) {
            let why = found.reason.as_ref().map(|reason| format!(": {}", reason.message)).unwrap_or_default();
            fail(&format!("the new connection does not work{why}"));
        }
        made
    }

    /// Returns the answers to secret fields, with the names of the fields.
    #[track_caller]
    fn canaries(&self) -> &[(String, Canary)] {
        if let Some(known) = self.canaries.get() {
            return known;
        }
        let host = FakeHost::new((self.make)());
        let given = self.inputs.iter().flat_map(|input| match input {
            Input::Answers(pairs) => duplicates(pairs),
            _ => Vec::new(),
        });
        let secrets: Vec<_> = given.filter(|(name, _)| host.is_secret_field(name)).collect();
        if let Some((name, _)) = secrets.iter().find(|(_, value)| value.expose().len() < MIN_SECRET) {
            fail(&format!("give '{name}' at least {MIN_SECRET} bytes, so that it is not found by chance"));
        }
        let canary = |(name, secret): (String, Secret)| (name, Canary::new(secret.expose()));
        self.canaries.get_or_init(|| secrets.into_iter().map(canary).collect())
    }
}
