//! A host that answers at once, with what a file expects, and writes down every request.

use std::{collections::BTreeMap, sync::Mutex};

use connection_contract::ConnectionDefinition as _;
use connection_contract::{
    Answer, BaseUrl, BoxFuture, CallbackHandle, Clock, Connection, Context, Crypto, Descriptor, HttpError, HttpRequest,
    HttpResponse, HttpService, InboundHttpService, Input, KvService, LogEvent, LogService, Notice, Prompt, Secret,
    ServiceError, Services, SetupContext, SetupFailure, SetupResult, SetupService, SignatureAlgorithm, Spend,
    SpendService, Text, Timestamp, Wait, WaitOutcome, host,
};

use super::{
    address,
    answers::{self, AnswerSet, CLIENT, TOKEN},
    rehearsal::{RehearsedCall, RehearsedInput},
    samples, write,
};
use crate::kind::{
    FileCredential, FileKind,
    definition::Prepared,
    model::{FieldModel, FieldSource, Mechanism},
};

/// The time of the rehearsal, 2026-01-31T10:20:30Z.
pub(super) const NOW: i64 = 1_769_854_830;
const REDIRECT: &str = "https://host.example/callback";

/// A host in memory, which answers every request of a kind as its file expects.
pub(super) struct World {
    descriptor: Descriptor,
    addresses: Vec<(Text, BaseUrl)>,
    wildcards: Vec<Text>,
    samples: BTreeMap<String, String>,
    callback: Vec<(String, String)>,
    answers: AnswerSet,
    /// Requests before there is a token are part of obtaining it.
    takes_tokens: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    text: String,
    /// The values of the key-value store.
    stored: BTreeMap<String, Secret>,
    inputs: Vec<RehearsedInput>,
    calls: Vec<RehearsedCall>,
    now: i64,
    /// The number of answers that were given since there is a token.
    next: usize,
}

impl World {
    /// Creates a host that answers secret fields with what `secret` returns.
    pub(super) fn new(kind: &FileKind, secret: fn(&Prepared, &FieldModel) -> String) -> Self {
        let descriptor = kind.descriptor();
        let model = &kind.0.model;
        let sample =
            |field: &FieldModel| if field.secret { secret(&kind.0, field) } else { samples::of(&kind.0, field) };
        let mut samples: BTreeMap<String, String> =
            model.fields.iter().filter_map(|field| Some((field.name.clone()?, sample(field)))).collect();
        if samples::has_key_of_application(&kind.0) {
            samples.insert("clientSecret".to_owned(), samples::private_key("client-secret"));
        }
        let (wildcards, fixed): (Vec<Text>, Vec<Text>) =
            descriptor.origins.iter().cloned().partition(|origin| origin.contains("://*."));
        let addresses = fixed.into_iter().filter_map(|text| Some((text.clone(), host::base_url(&text)?))).collect();
        let code =
            model.oauth2.as_ref().and_then(|table| table.code_param.clone()).unwrap_or_else(|| "code".to_owned());
        let mut callback = vec![(code, "code-dummy".to_owned())];
        let captured = model.fields.iter().filter(|field| field.source == FieldSource::Callback);
        for name in captured.filter_map(|field| field.name.as_ref()) {
            callback.push((name.clone(), samples.get(name).cloned().unwrap_or_default()));
        }
        if let Some(issuer) = model.oauth2.as_ref().and_then(|table| table.issuer.clone()) {
            callback.push(("iss".to_owned(), issuer));
        }
        let answers = answers::of(&kind.0, &samples);
        let takes_tokens = matches!(model.mechanism, Some(Mechanism::Oauth2 | Mechanism::TokenExchange));
        let state = Mutex::new(State { now: NOW, ..State::default() });
        Self { descriptor, addresses, wildcards, samples, callback, answers, takes_tokens, state }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // Nothing panics while the state is locked.
        change(&mut self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub(super) fn text(&self) -> String {
        self.with(|state| state.text.clone())
    }

    /// Returns the inputs of the setup.
    pub(super) fn inputs(&self) -> Vec<RehearsedInput> {
        self.with(|state| std::mem::take(&mut state.inputs))
    }

    /// Returns the requests since the last call of this function.
    pub(super) fn calls(&self) -> Vec<RehearsedCall> {
        self.with(|state| std::mem::take(&mut state.calls))
    }

    /// Returns the connection that a host would store for this result of a setup.
    pub(super) fn connection(&self, made: &SetupResult<FileCredential>) -> Connection {
        let declared = || self.addresses.first().map(|(_, base)| base.clone());
        Connection::new("connection", "owner")
            .with_config(made.config.iter().cloned())
            .with_base_url(made.reach.base_url.clone().or_else(declared))
    }

    /// Answers the next request as the verification of a connection.
    pub(super) fn before_verify(&self, kind: &FileKind) {
        let of_verify = usize::from(kind.0.model.verify.is_some());
        self.with(|state| state.next = self.answers.then.len().saturating_sub(of_verify));
    }

    pub(super) fn services(&self) -> Services<'_> {
        Services::new(self, self, self, self).addresses(&self.addresses).wildcards(&self.wildcards).spend(self).kv(self)
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context::new(self.services())
    }

    pub(super) async fn setup(&self, kind: &FileKind) -> Result<SetupResult<FileCredential>, SetupFailure> {
        kind.setup(&SetupContext::new(self.services(), self)).await
    }

    /// Returns a sample call below the base of a connection.
    pub(super) fn sample(&self, kind: &FileKind, made: &SetupResult<FileCredential>) -> Option<HttpRequest> {
        let base = made.reach.base_url.as_ref().or(self.addresses.first().map(|(_, base)| base))?;
        let has_body = kind.0.model.request.as_ref().is_some_and(|request| !request.json.is_empty());
        Some(if has_body { HttpRequest::post(base, "/sample") } else { HttpRequest::get(base, "/sample") })
    }

    fn answer(&self, request: &HttpRequest, is_flow: bool) -> HttpResponse {
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(TOKEN);
        let has_token = request.headers.iter().any(|(_, value)| shown(value.expose()))
            || shown(request.url().as_bytes())
            || shown(request.body.expose());
        self.with(|state| {
            write(&mut state.text, "", request);
            let is_flow = is_flow || self.takes_tokens && !has_token;
            let value = match self.answers.then.get(state.next).filter(|_| !is_flow) {
                Some(value) => {
                    state.next += 1;
                    value
                }
                None => &self.answers.flow,
            };
            let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            headers.extend(self.answers.token_header.iter().map(|name| (name.clone(), TOKEN.to_owned())));
            let answer = value.to_string();
            let method = request.method.to_string();
            let url = request.url().to_owned();
            let call = RehearsedCall { method, alternative: alternative(&url), url, headers, answer };
            state.calls.push(call.clone());
            HttpResponse::new(200, call.headers, call.answer, Timestamp::from_seconds(state.now))
        })
    }

    fn answers_to(&self, prompt: &Prompt) -> Vec<(Text, Answer)> {
        let mut all = Vec::new();
        let mut given = Vec::new();
        for name in &prompt.fields {
            let Some(field) = self.descriptor.fields.iter().find(|field| field.name == *name) else { continue };
            let sample = self.samples.get(&**name).cloned().unwrap_or_else(|| match &**name {
                "clientId" => CLIENT.to_owned(),
                "clientSecret" => "client-secret-dummy".to_owned(),
                name => format!("{name}-dummy"),
            });
            given.push((name.to_string(), Secret::from(sample.as_str())));
            let answer = match &field.input {
                Input::Bool => Answer::Bool(sample == "true"),
                Input::Number => Answer::Number(sample.parse().unwrap_or(1)),
                Input::Secret => Answer::Secret(Secret::from(sample)),
                Input::Url => match host::base_url(&sample) {
                    Some(url) => Answer::Url(url),
                    None => continue,
                },
                _ => Answer::Text(sample),
            };
            all.push((name.clone(), answer));
        }
        self.with(|state| state.inputs.push(RehearsedInput::Answers(given)));
        all
    }
}

impl HttpService for World {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        Box::pin(async move { Ok(self.answer(&request, false)) })
    }
}

impl SpendService for World {
    fn send_once<'a>(&'a self, _: Spend<'a>, request: HttpRequest) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move { Ok(self.answer(&request, true)) })
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.with(|state| Timestamp::from_seconds(state.now))
    }
}

impl Crypto for World {
    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }

    fn sha256(&self, _: &[u8]) -> [u8; 32] {
        [7; 32]
    }

    fn hmac_sha256(&self, _: &Secret, _: &[u8]) -> [u8; 32] {
        [7; 32]
    }

    fn equal(&self, a: &[u8], b: &[u8]) -> bool {
        a == b
    }

    fn sign(&self, _: SignatureAlgorithm, _: &Secret, _: &[u8]) -> Option<Vec<u8>> {
        Some(vec![7; 64])
    }
}

impl LogService for World {
    fn log(&self, _: LogEvent) {}
}

impl World {
    /// Returns a stored value by its part and key.
    fn stored(&self, part: &[Text], key: &str) -> Option<Secret> {
        self.with(|state| state.stored.get(&place(part, key)).map(Secret::duplicate))
    }

    fn store(&self, part: &[Text], key: &str, value: Option<Secret>) {
        self.with(|state| match value {
            Some(value) => drop(state.stored.insert(place(part, key), value)),
            None => drop(state.stored.remove(&place(part, key))),
        });
    }
}

/// Returns the name of a stored value. No part of a name has a control character.
fn place(part: &[Text], key: &str) -> String {
    part.iter().map(|part| &**part).chain([key]).collect::<Vec<_>>().join("\n")
}

/// The part of the values that are no secrets.
const PUBLIC: &[Text] = &[Text::Borrowed("public")];
/// The part of the secrets of the kind alone.
const OWN: &[Text] = &[Text::Borrowed("own")];

impl KvService for World {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, ServiceError>> {
        Box::pin(async move { Ok(self.stored(PUBLIC, key).and_then(|value| value.expose_str().map(str::to_owned))) })
    }

    fn put<'a>(&'a self, key: &'a str, value: Option<String>) -> BoxFuture<'a, Result<(), ServiceError>> {
        self.store(PUBLIC, key, value.map(Secret::from));
        Box::pin(async { Ok(()) })
    }

    fn get_secret<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Secret>, ServiceError>> {
        Box::pin(async move { Ok(self.stored(OWN, key)) })
    }

    fn put_secret<'a>(&'a self, key: &'a str, value: Option<Secret>) -> BoxFuture<'a, Result<(), ServiceError>> {
        self.store(OWN, key, value);
        Box::pin(async { Ok(()) })
    }

    fn get_shared<'a>(&'a self, part: &'a [Text], key: &'a str) -> BoxFuture<'a, Result<Option<Secret>, ServiceError>> {
        Box::pin(async move { Ok(self.stored(part, key)) })
    }

    fn put_shared<'a>(
        &'a self,
        part: &'a [Text],
        key: &'a str,
        value: Option<Secret>,
    ) -> BoxFuture<'a, Result<(), ServiceError>> {
        self.store(part, key, value);
        Box::pin(async { Ok(()) })
    }
}

impl SetupService for World {
    fn wait<'a>(&'a self, wait: Wait<'a>) -> BoxFuture<'a, WaitOutcome> {
        if let (Some(open), Some(_)) = (&wait.open, wait.callback) {
            self.with(|state| address(&mut state.text, "open ", open.link.as_str()));
            let pairs = || self.callback.iter().map(|(name, value)| (name.clone(), Secret::from(value.as_str())));
            self.with(|state| state.inputs.push(RehearsedInput::Callback(pairs().collect())));
            let request = host::callback_request(pairs().collect());
            return Box::pin(async move { WaitOutcome::Callback(request) });
        }
        if let Some(after) = wait.elapsed {
            let seconds = i64::try_from(after.as_secs()).unwrap_or(1);
            self.with(|state| {
                state.now = state.now.saturating_add(seconds.max(1));
                state.inputs.push(RehearsedInput::Elapsed);
            });
            return Box::pin(async { WaitOutcome::Elapsed });
        }
        let answers = wait.prompt.as_ref().map(|prompt| self.answers_to(prompt)).unwrap_or_default();
        Box::pin(async move { WaitOutcome::Answered(host::answers(answers)) })
    }

    fn show(&self, _: Notice) {}

    fn inbound_http(&self) -> Option<&dyn InboundHttpService> {
        Some(self)
    }
}

impl InboundHttpService for World {
    fn allocate_callback(&self) -> BoxFuture<'_, Option<CallbackHandle>> {
        Box::pin(async { Some(host::callback_handle(REDIRECT, "state-dummy")) })
    }
}

/// Returns the second place of a provider's metadata for its first one (RFC 8414, section 5).
fn alternative(url: &str) -> Option<String> {
    let (origin, path) = url.split_once("/.well-known/oauth-authorization-server")?;
    Some(format!("{origin}{path}/.well-known/openid-configuration"))
}
