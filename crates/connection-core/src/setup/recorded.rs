//! The services that a setup gets, each an effect of its journal or derived from its seed.

use connection_contract::{
    BoxFuture, CallbackHandle, Clock, Crypto, FileService, FileStat, HttpError, HttpRequest, HttpResponse, HttpService,
    InboundHttpService, KvService, LogEvent, LogService, Root, Secret, ServiceError, SignatureAlgorithm, Spend,
    SpendService, Text, Timestamp, encode, host,
};
use connection_egress::{AllowedOrigin, Egress};
use connection_replay::Effect;

use super::{
    effects::{Beside, Effects, MOST_BYTES, SEND_ONCE, Stop, Turn, changed},
    lease::LOOKED,
};
use crate::{
    exchange::{self, Ended, Exchange, ExchangeKey, Rule, Scope, Uncertain},
    registry::has_environment,
    services::{
        files::{LocalFiles, Reading},
        kv::{self, Part, StoredValues},
    },
};

impl HttpService for Effects {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        let (url, body) = (self.settled(request.url().as_bytes()), self.settled(request.body.expose()));
        let what = format!("1 send {} {url} {body}", request.method);
        let live = async move { Effect::Http(self.shared.http.send(&self.egress(), request).await) };
        Box::pin(async move {
            match self.ask(what, live).await {
                Effect::Http(result) => result,
                _ => self.fail(changed()).await,
            }
        })
    }
}

impl SpendService for Effects {
    /// An effect as any other, in front of which stands the exchange: what a lost run sent is not sent again, but its
    /// answer comes back, or that nobody knows of one.
    fn send_once<'a>(
        &'a self,
        spend: Spend<'a>,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        let (session, effect) = (self.slot.id, self.lock().next);
        let key = ExchangeKey::of_session(&self.shared.sealer, session, effect, &spend);
        // Not the body: what tells it from others is what it spends.
        let what = format!("{SEND_ONCE}{} {} {}", request.method, self.settled(request.url().as_bytes()), key.to_hex());
        let live = async move {
            let exchange = Exchange {
                key,
                scope: Scope::Session(session),
                owner: self.slot.owner.clone(),
                kind: self.slot.kind.clone(),
                rule: Rule::Once,
                generation: None,
                egress: self.egress(),
                deadline: Some(self.shared.clock.passed().saturating_add(exchange::SEND_WITHIN)),
            };
            match exchange::send(&self.shared, exchange, request).await {
                // Whoever sent it may tell yet: this run begins again, and finds what it told.
                Ok(Ended::Uncertain(Uncertain { replay_at: Some(_), .. })) => {
                    self.shared.clock.sleep(LOOKED).await;
                    Err(Stop::Held)
                }
                Ok(ended) => Ok(Effect::Http(ended.result())),
                Err(error) => Err(Stop::Suspend(error)),
            }
        };
        Box::pin(async move {
            match self.ask_once(what, key, live).await {
                Effect::Http(result) => result,
                _ => self.fail(changed()).await,
            }
        })
    }
}

impl Effects {
    /// Where a request may go: what the descriptor declares, and what the user named in this session.
    pub(super) fn egress(&self) -> Egress {
        let declared = self.kind.checked.addresses.iter().map(|(_, base)| base.origin().clone());
        let mut origins: Vec<_> = declared.map(|origin| AllowedOrigin { origin, named: false }).collect();
        let inner = self.lock();
        let named = inner.origins.iter().filter(|origin| !self.kind.checked.declares(origin));
        origins.extend(named.map(|origin| AllowedOrigin { origin: origin.clone(), named: true }));
        let is_of_process = has_environment(&self.slot.owner);
        let (wildcards, heard) = (self.kind.checked.wildcards.clone(), inner.heard.clone());
        Egress { origins, wildcards, is_of_process, heard, ..Egress::default() }
    }

    pub(super) fn derived(&self, label: &str, n: u64) -> [u8; 32] {
        self.shared.crypto.hmac_sha256(&self.seed, format!("{label} {n}").as_bytes())
    }

    /// A hash in which a signature counts as what it signs: made again in a replay, it may be another one.
    fn settled(&self, text: &[u8]) -> String {
        let settled = self.lock().signatures.settled(text);
        encode::hex(&self.sha256(settled.expose()))
    }

    pub(super) fn local_files(&self) -> LocalFiles {
        LocalFiles::new(self.lock().roots.clone(), Reading::of(&self.shared, &self.slot.owner))
    }

    /// The address was given out, perhaps by a process that is gone: the browser must still reach this host there.
    async fn rebind(&self, effect: &Effect) {
        if let (Effect::Allocated(Some(uri)), Some(inbound)) = (effect, &self.shared.inbound)
            && !inbound.rebind(uri).await
        {
            tracing::warn!(session = %self.slot.id, kind = %self.slot.kind, "callbacks do not reach this host any more");
        }
    }

    pub(super) fn fingerprint(&self, name: &str, root: &Root, path: &str) -> String {
        let place = self.sha256(format!("{}\0{path}", root.as_str()).as_bytes());
        format!("1 {name} {}", encode::hex(&place))
    }
}

impl FileService for Effects {
    fn stat<'a>(&'a self, root: &'a Root, path: &'a str) -> BoxFuture<'a, Result<FileStat, ServiceError>> {
        let live = async move { Effect::Files(self.local_files().stat(root, path).await.map(|stat| vec![stat])) };
        Box::pin(async move {
            match self.ask(self.fingerprint("stat", root, path), live).await {
                Effect::Files(Ok(mut stats)) if stats.len() == 1 => Ok(stats.remove(0)),
                Effect::Files(Err(error)) => Err(error),
                _ => self.fail(changed()).await,
            }
        })
    }

    fn list<'a>(&'a self, root: &'a Root, path: &'a str) -> BoxFuture<'a, Result<Vec<FileStat>, ServiceError>> {
        let live = async move { Effect::Files(self.local_files().list(root, path).await) };
        Box::pin(async move {
            match self.ask(self.fingerprint("list", root, path), live).await {
                Effect::Files(result) => result,
                _ => self.fail(changed()).await,
            }
        })
    }

    fn read<'a>(&'a self, root: &'a Root, path: &'a str, limit: usize) -> BoxFuture<'a, Result<Secret, ServiceError>> {
        // More could not be recorded.
        let limit = limit.min(MOST_BYTES);
        let live = async move { Effect::Read(self.local_files().read(root, path, limit).await) };
        Box::pin(async move {
            match self.ask(self.fingerprint("read", root, path), live).await {
                Effect::Read(result) => result,
                _ => self.fail(changed()).await,
            }
        })
    }
}

impl Effects {
    fn values(&self) -> StoredValues {
        StoredValues::new(&self.shared, &self.slot.owner, &self.kind)
    }

    /// Which value, and of a write which text, so that a plugin that writes another one in a replay is noticed.
    pub(super) fn value_fingerprint(&self, name: &str, key: &str, value: Option<&[u8]>) -> String {
        let text = value.map_or_else(|| "-".to_owned(), |value| self.settled(value));
        format!("1 {name} {} {text}", encode::hex(&self.sha256(key.as_bytes())))
    }

    /// Reads a value as an effect; `verb` tells a read by the context from one by the kind's own handle.
    pub(super) async fn read_value(
        &self,
        verb: &str,
        values: StoredValues,
        part: Part,
        key: &str,
    ) -> Result<Option<Secret>, ServiceError> {
        let what = self.value_fingerprint(&part.operation(verb), key, None);
        let live = async move { Effect::Kept(values.read(&part, key).await) };
        match self.ask(what, live).await {
            Effect::Kept(value) => value,
            _ => self.fail(changed()).await,
        }
    }

    /// Writes a value as an effect.
    pub(super) async fn write_value(
        &self,
        verb: &str,
        values: StoredValues,
        part: Part,
        key: &str,
        value: Option<Secret>,
    ) -> Result<(), ServiceError> {
        let what = self.value_fingerprint(&part.operation(verb), key, value.as_ref().map(Secret::expose));
        let live = async move { Effect::Put(values.write(&part, key, value).await) };
        match self.ask(what, live).await {
            Effect::Put(result) => result,
            _ => self.fail(changed()).await,
        }
    }
}

/// Each is an effect: what was read stays what it was in every replay, and what was written is not written again.
impl KvService for Effects {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, ServiceError>> {
        Box::pin(async move { Ok(kv::text(self.read_value("get", self.values(), Part::Public, key).await?)) })
    }

    fn put<'a>(&'a self, key: &'a str, value: Option<String>) -> BoxFuture<'a, Result<(), ServiceError>> {
        Box::pin(self.write_value("put", self.values(), Part::Public, key, value.map(Secret::from)))
    }

    fn get_secret<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Secret>, ServiceError>> {
        Box::pin(self.read_value("get", self.values(), Part::Secret, key))
    }

    fn put_secret<'a>(&'a self, key: &'a str, value: Option<Secret>) -> BoxFuture<'a, Result<(), ServiceError>> {
        Box::pin(self.write_value("put", self.values(), Part::Secret, key, value))
    }

    fn get_shared<'a>(
        &'a self,
        origins: &'a [Text],
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Secret>, ServiceError>> {
        Box::pin(self.read_value("get", self.values(), Part::shared(origins), key))
    }

    fn put_shared<'a>(
        &'a self,
        origins: &'a [Text],
        key: &'a str,
        value: Option<Secret>,
    ) -> BoxFuture<'a, Result<(), ServiceError>> {
        Box::pin(self.write_value("put", self.values(), Part::shared(origins), key, value))
    }
}

impl Clock for Effects {
    fn now(&self) -> Timestamp {
        self.lock().now
    }
}

impl LogService for Effects {
    fn log(&self, event: LogEvent) {
        if self.lock().replay.is_empty() {
            self.plugin_log().log(event);
        }
    }
}

impl Crypto for Effects {
    fn random(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(32) {
            let drawn = self.derived("random", self.next_draw());
            for (byte, random) in part.iter_mut().zip(drawn) {
                *byte = random;
            }
        }
    }
    fn sha256(&self, bytes: &[u8]) -> [u8; 32] {
        self.shared.crypto.sha256(bytes)
    }
    fn hmac_sha256(&self, key: &Secret, bytes: &[u8]) -> [u8; 32] {
        self.shared.crypto.hmac_sha256(key, bytes)
    }
    fn hmac_sha1(&self, key: &Secret, bytes: &[u8]) -> Option<[u8; 20]> {
        self.shared.crypto.hmac_sha1(key, bytes)
    }
    fn equal(&self, a: &[u8], b: &[u8]) -> bool {
        self.shared.crypto.equal(a, b)
    }
    /// Not recorded: some differ each time, so what is compared of a request is what they sign.
    fn sign(&self, algorithm: SignatureAlgorithm, key: &Secret, bytes: &[u8]) -> Option<Vec<u8>> {
        let signature = self.shared.crypto.sign(algorithm, key, bytes)?;
        let signed = self.sha256(&[format!("{algorithm:?} ").as_bytes(), bytes].concat());
        self.lock().signatures.note(&signature, &signed);
        Some(signature)
    }
}

impl InboundHttpService for Effects {
    /// `state` is derived, not drawn: only its hash is kept, and a replay must give the plugin the same one.
    fn allocate_callback(&self) -> BoxFuture<'_, Option<CallbackHandle>> {
        Box::pin(async move {
            let what = "1 allocate".to_owned();
            let number = {
                let mut inner = self.lock();
                inner.handles += 1;
                inner.handles
            };
            let state = encode::base64url(&self.derived("state", number));
            let effect = match self.begin(&what).await {
                Turn::Replay(effect) => {
                    self.rebind(&effect).await;
                    effect
                }
                Turn::Live(busy) => {
                    let inbound = self.shared.inbound.as_ref();
                    let uri = match inbound {
                        Some(inbound) => inbound.redirect_uri(self.kind.kind()).await,
                        None => None,
                    };
                    let hash = || Beside::Endpoint(self.shared.state_hash(&state));
                    let beside = if uri.is_some() { hash() } else { Beside::Nothing };
                    self.record(busy, what, Effect::Allocated(uri), beside).await
                }
            };
            let Effect::Allocated(uri) = effect else { return self.fail(changed()).await };
            uri.map(|uri| host::callback_handle(uri, state))
        })
    }
}
