//! A store whose accounts were connected under the first terms of the catalogue is opened with the catalogue of now.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{collections::BTreeMap, path::Path};

use connection_contract::{
    Authorizer, CredentialError, Descriptor, NamedSecrets, Refresher, SetupFailure, SetupResult, Timestamp,
    VerifyContext, prelude::*,
};
use connection_core::{ConnectionRegistry, HttpPolicy, Import, KeyFile, RegistryBuilder, SystemClock};
use connection_faults::certificates::Certificate;
use connection_manifest::{Catalogue, FileCredential, FileKind, RehearsedCall, RehearsedInput};
use connection_testkit::{Expected, FakeHost, Input, Reply};

use crate::provider::Provider;

/// The terms of each kind before files could name how a single token is revoked. A line `# KIND` begins those of a kind.
const TERMS: &str = include_str!("former_terms.txt");

/// A kind of the catalogue under its former terms.
struct Former {
    kind: FileKind,
    terms: &'static str,
    /// The address that a person typed. An import takes declared addresses alone.
    typed: Option<String>,
}

impl ConnectionDefinition for Former {
    type Credential = FileCredential;

    fn descriptor(&self) -> Descriptor {
        let mut descriptor = self.kind.descriptor();
        descriptor.terms = Some(self.terms.into());
        descriptor.revocation_facts.clear();
        self.typed.iter().fold(descriptor, |descriptor, typed| descriptor.origin(typed.clone()))
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<FileCredential>, SetupFailure> {
        self.kind.setup(ctx).await
    }

    fn serialize_credential(&self, credential: &FileCredential) -> Result<Secret, CredentialError> {
        self.kind.serialize_credential(credential)
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<FileCredential, CredentialError> {
        self.kind.parse_credential(bytes)
    }

    async fn verify(
        &self,
        credential: &FileCredential,
        ctx: &VerifyContext<'_>,
    ) -> Result<VerifyResult<FileCredential>, ConnectionError> {
        self.kind.verify(credential, ctx).await
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<FileCredential>> {
        self.kind.authorizer()
    }

    fn secrets(&self) -> Option<&dyn NamedSecrets<FileCredential>> {
        self.kind.secrets()
    }

    fn refresher(&self) -> Option<&dyn Refresher<FileCredential>> {
        self.kind.refresher()
    }
}

/// Returns the former terms of each kind.
fn former_terms() -> BTreeMap<&'static str, &'static str> {
    let kinds = TERMS.split("# ").filter(|text| !text.is_empty());
    kinds.map(|text| text.split_once('\n').expect("a kind and its terms")).collect()
}

fn kind(id: &str) -> FileKind {
    Catalogue::kind(id).unwrap().unwrap_or_else(|problems| panic!("{problems}")).definition()
}

/// Connects an account of a kind with the answers that its file expects, and returns what an import needs, and the
/// address that a person typed.
fn made(id: &'static str, now: Timestamp) -> (Import, Option<String>) {
    let kind = kind(id);
    let script = kind.rehearsal().unwrap();
    // The keys of a script sign nothing.
    let key = Secret::from(Certificate::self_signed(&[]).key);
    let inputs: Vec<Input> = script.inputs.into_iter().map(|answered| input(answered, &key)).collect();
    let host = FakeHost::new(kind).at(now).inbound_http("https://host.example/callback").key_value();
    let host = script.setup.iter().fold(host, |host, call| host.expect(expected(call)));
    let made = host.setup(inputs).run().unwrap();
    let bytes = host.definition().serialize_credential(&made.credential).unwrap();
    let import = Import::new(Kind::parse(id).unwrap(), bytes, made.identity).label(id);
    let import = made.config.into_iter().fold(import, |import, (name, value)| import.config(&*name, value));
    let declared = host.definition().descriptor().origins;
    let typed = made.reach.base_url.as_ref().map(ToString::to_string);
    let import = made.reach.base_url.into_iter().fold(import, Import::base_url);
    (import, typed.filter(|typed| declared.iter().all(|known| **known != **typed)))
}

fn input(input: RehearsedInput, key: &Secret) -> Input {
    let is_key = |value: &Secret| value.expose().starts_with(b"-----BEGIN PRIVATE KEY");
    let real = |value: Secret| if is_key(&value) { key.duplicate() } else { value };
    match input {
        RehearsedInput::Answers(answers) => {
            Input::Answers(answers.into_iter().map(|(name, value)| (name, real(value))).collect())
        }
        RehearsedInput::Callback(parameters) => Input::Callback(parameters),
        RehearsedInput::Elapsed => Input::Elapsed,
    }
}

fn expected(call: &RehearsedCall) -> Expected {
    let text = Reply::text(200, &call.answer);
    let reply = call.headers.iter().fold(text, |reply, (name, value)| reply.header(name, value));
    let expected = Expected::new(&call.method, &call.url).any_query().answer(reply);
    call.alternative.iter().fold(expected, |expected, other| expected.or_else(other))
}

fn builder(directory: &Path, provider: &Provider) -> RegistryBuilder {
    ConnectionRegistry::builder()
        .store(directory.join("store").join("connections.db").display().to_string())
        .key(KeyFile::at(directory.join("key").join("root.key")))
        .http(HttpPolicy::new().only_endpoint(&provider.origin).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_of_the_first_catalogue_sends_with_the_catalogue_of_now() {
    let provider = Provider::start();
    provider.tell(200, "content-type: application/json\r\n", "{}");
    let directory = tempfile::tempdir().unwrap();
    let former = former_terms();
    assert!(former.len() > 110, "{}", former.len());

    let opened = builder(directory.path(), &provider);
    let now = SystemClock::new().now();
    let (items, opened) = former.iter().fold((Vec::new(), opened), |(mut items, opened), (id, terms)| {
        let (item, typed) = made(id, now);
        items.push(item);
        (items, opened.kind(Former { kind: kind(id), terms, typed }))
    });
    let registry = opened.open().await.unwrap();
    let mut imports = registry.import_all(items).start();
    let mut connections = BTreeMap::new();
    for id in former.keys() {
        let imported = imports.next().await.unwrap().unwrap_or_else(|error| panic!("{id}: {error}"));
        connections.insert(*id, imported.connection);
    }
    registry.close().await;

    let opened = builder(directory.path(), &provider);
    let opened = former.keys().fold(opened, |opened, id| opened.kind(kind(id)));
    let registry = opened.open().await.unwrap();
    let mut differ = Vec::new();
    for (id, terms) in &former {
        let connection = registry.connection(connections[id]).await.unwrap();
        assert!(!connection.info().kind_changed, "{id}");
        let sent = provider.seen().len();
        let request = connection.request("GET", "/things").await.unwrap_or_else(|error| panic!("{id}: {error}"));
        connection.send(request).await.unwrap_or_else(|error| panic!("{id}: {error}"));
        assert!(provider.seen().len() > sent, "{id}: nothing was sent");
        if kind(id).descriptor().terms.as_deref() != Some(*terms) {
            differ.push(*id);
        }
    }
    // The control: these kinds have other terms, and a person can look at them and accept them.
    let changes = registry.kinds().changed().await.unwrap();
    let mut changed: Vec<_> = changes.iter().map(|change| change.kind.as_str()).collect();
    changed.sort_unstable();
    assert_eq!(changed, differ);
    assert!(differ.len() >= 8 && changes.iter().all(|change| !change.stops_use), "{changes:?}");
}
