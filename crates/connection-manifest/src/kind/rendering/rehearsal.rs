//! The script of a kind: every input and request of its setup, verification, refresh and removal, with answers that fit
//! its file.

use connection_contract::{
    ConnectionDefinition, RefreshContext, Secret, SetupFailure, TeardownContext, VerifyContext, encode,
};

use super::{answers::TOKEN, ready, samples, world::World};
use crate::kind::{
    FileKind,
    model::KindModel,
    template::{Scope, Template},
};

/// The script of a kind that a file describes, from which the conformance suite of a testkit runs.
///
/// Each secret in it is a text that occurs nowhere else, so that a suite finds it wherever it must not appear. All
/// answers have the status 200.
///
/// ```
/// use connection_manifest::{KindFile, RehearsedInput};
///
/// let file = KindFile::parse("acme.toml", r#"
/// format = 1
/// id = "acme"
/// name = "Acme"
/// mechanism = "api_key"
/// [[fields]]
/// name = "apiKey"
/// label = "API key"
/// secret = true
/// [request]
/// base = "https://api.acme.com"
/// headers = { Authorization = "Bearer ${secret.apiKey}" }
/// [verify]
/// path = "/me"
/// [account]
/// id = "/id"
/// "#)?;
/// let script = file.definition().rehearsal().unwrap();
/// assert!(matches!(script.inputs.as_slice(), [RehearsedInput::Answers(answers)] if answers[0].0 == "apiKey"));
/// assert_eq!(script.verify[0].url, "https://api.acme.com/me");
/// assert_eq!(script.verify[0].answer, r#"{"id":"account-id-dummy"}"#);
/// # Ok::<(), connection_manifest::Problems>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Rehearsal {
    /// The inputs of the setup, in order.
    pub inputs: Vec<RehearsedInput>,
    /// The requests of the setup, in order.
    pub setup: Vec<RehearsedCall>,
    /// The requests of a verification, in order.
    pub verify: Vec<RehearsedCall>,
    /// The requests of a refresh, in order.
    pub refresh: Vec<RehearsedCall>,
    /// The requests that revoke what the setup created when the connection is removed, in order.
    pub teardown: Vec<RehearsedCall>,
    /// The requests that revoke the credential that a person entered, in order.
    pub revoke: Vec<RehearsedCall>,
    /// `true` if the provider takes a secret in the address of a request, as the file says.
    pub has_secret_in_address: bool,
}

/// An input of a setup.
///
/// ```
/// # use connection_manifest::RehearsedInput;
/// fn name(input: &RehearsedInput) -> &'static str {
///     match input {
///         RehearsedInput::Answers(_) => "answers",
///         RehearsedInput::Callback(_) => "a callback",
///         RehearsedInput::Elapsed => "the end of a wait",
///     }
/// }
/// ```
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a setup has no other input, and a suite gives each of them")]
pub enum RehearsedInput {
    /// The answers of a person, as pairs of field name and text.
    Answers(Vec<(String, Secret)>),
    /// The parameters with which the browser returns.
    Callback(Vec<(String, Secret)>),
    /// The time of a wait passes.
    Elapsed,
}

/// A request, and the answer to it.
///
/// ```
/// # use connection_manifest::RehearsedCall;
/// fn line(call: &RehearsedCall) -> String {
///     format!("{} {}", call.method, call.url.split('?').next().unwrap_or_default())
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RehearsedCall {
    /// Method of the request, in capital letters.
    pub method: String,
    /// Address of the request, with its query.
    pub url: String,
    /// Address that the kind requests next if it gets no answer from this one.
    pub alternative: Option<String>,
    /// Headers of the answer, as names and values.
    pub headers: Vec<(String, String)>,
    /// Body of the answer, which is JSON.
    pub answer: String,
}

/// Shows only the method, because an address and an answer may hold secrets.
impl std::fmt::Debug for RehearsedCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RehearsedCall({})", self.method)
    }
}

impl FileKind {
    /// Runs the kind against a host that answers what its file expects, and returns the script of the run. No request
    /// is sent.
    ///
    /// # Errors
    ///
    /// The kind cannot be connected with answers that fit its file.
    pub fn rehearsal(&self) -> Result<Rehearsal, SetupFailure> {
        let world = World::new(self, samples::canary);
        let made = ready(world.setup(self))??;
        let inputs = world.inputs();
        let setup = world.calls();
        let connection = world.connection(&made);
        // A later operation that fails leaves its requests here, and the suite reports the failure.
        world.before_verify(self);
        drop(ready(self.verify(&made.credential, &VerifyContext::new(world.services(), &connection))));
        let verify = world.calls();
        if let Some(refresher) = self.refresher() {
            drop(ready(refresher.refresh(&made.credential, &RefreshContext::new(world.services(), &connection))));
        }
        let refresh = world.calls();
        drop(ready(self.teardown(&made.credential, &TeardownContext::new(world.services(), &connection))));
        let teardown = world.calls();
        if let Some(revoker) = self.revoker() {
            drop(ready(revoker.revoke(&made.credential, &TeardownContext::new(world.services(), &connection))));
        }
        let revoke = world.calls();
        let called = self.authorizer().zip(world.sample(self, &made)).and_then(|(authorizer, mut request)| {
            authorizer.authorize(&made.credential, &mut request, &world.context()).ok()?;
            Some(request.url().to_owned())
        });
        let urls: Vec<&str> = [&setup, &verify, &refresh, &teardown, &revoke]
            .into_iter()
            .flatten()
            .map(|call| call.url.as_str())
            .chain(called.as_deref())
            .collect();
        let is_secret = |name: &str| {
            let secret = |field: &&connection_contract::Field| field.input == connection_contract::Input::Secret;
            self.0.descriptor.fields.iter().filter(secret).any(|field| field.name == name)
        };
        let is_token_shown = urls.iter().any(|url| url.contains(TOKEN));
        let is_shown = |secret: &Secret| {
            let text = secret.expose_str().unwrap_or_default();
            !text.is_empty() && urls.iter().any(|url| url.contains(text) || url.contains(&encode::percent_encode(text)))
        };
        let answers = inputs.iter().flat_map(|input| match input {
            RehearsedInput::Answers(answers) => answers.as_slice(),
            RehearsedInput::Callback(_) | RehearsedInput::Elapsed => &[],
        });
        let has_secret_in_address = is_in_path(&self.0.model)
            || is_token_shown
            || answers.into_iter().any(|(name, value)| is_secret(name) && is_shown(value));
        Ok(Rehearsal { inputs, setup, verify, refresh, teardown, revoke, has_secret_in_address })
    }
}

/// Returns `true` if the path of a request has a secret, a token, or a value of an earlier response.
fn is_in_path(model: &KindModel) -> bool {
    let calls = model.verify.iter().map(|call| &call.path).chain(model.revoke.iter().map(|call| &call.path));
    let lookups = model.lookups.iter().map(|lookup| &lookup.path);
    let steps = model.exchange.iter().flat_map(|exchange| exchange.steps.iter().map(|step| &step.url));
    let all = model.request.iter().filter_map(|request| request.path.as_ref());
    let is_public = |scope| matches!(scope, Scope::Client | Scope::Config | Scope::Flow);
    let has_secret = |template: &Template| template.variables().any(|variable| !is_public(variable.scope));
    calls.chain(lookups).chain(steps).chain(all).any(has_secret)
}
