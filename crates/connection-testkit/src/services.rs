//! What plugins call: each service once for the world as it is, and once for the run of a setup, where it is an effect.

use connection_contract::{
    BoxFuture, CallbackHandle, Clock, Crypto, FileService, FileStat, HttpError, HttpRequest, HttpResponse, HttpService,
    InboundHttpService, KvService, Root, Secret, ServiceError, SignatureAlgorithm, Text, Timestamp, encode, host,
};

use crate::{
    crypto::FakeCrypto,
    effects::Effects,
    fault::fail,
    files::FakeFiles,
    journal::Effect,
    kv::{FakeKv, Part},
    poll::yield_once,
    world::{Inbound, World},
};

impl HttpService for World {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            yield_once().await;
            self.answer(&request, self.now())
        })
    }
}
impl HttpService for Effects<'_> {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        let hash = self.hash(&[request.url().as_bytes(), request.body.expose()]);
        let what = format!("send {} #{hash}", self.world.script.shown(&request.method, request.url()));
        Box::pin(async move {
            let live = |now| Effect::Http(self.world.answer(&request, now));
            self.effect(what, live, |e| if let Effect::Http(result) = e { Some(result) } else { None }).await
        })
    }
}
impl Clock for Effects<'_> {
    fn now(&self) -> Timestamp {
        self.lock().now
    }
}
impl Crypto for Effects<'_> {
    fn random(&self, bytes: &mut [u8]) {
        self.crypto.random(bytes);
    }
    fn sha256(&self, bytes: &[u8]) -> [u8; 32] {
        self.crypto.sha256(bytes)
    }
    fn hmac_sha256(&self, key: &Secret, bytes: &[u8]) -> [u8; 32] {
        self.crypto.hmac_sha256(key, bytes)
    }
    fn hmac_sha1(&self, key: &Secret, bytes: &[u8]) -> Option<[u8; 20]> {
        self.crypto.hmac_sha1(key, bytes)
    }
    fn equal(&self, a: &[u8], b: &[u8]) -> bool {
        self.crypto.equal(a, b)
    }
    fn sign(&self, algorithm: SignatureAlgorithm, key: &Secret, bytes: &[u8]) -> Option<Vec<u8>> {
        self.crypto.sign(algorithm, key, bytes)
    }
}
impl InboundHttpService for Effects<'_> {
    fn allocate_callback(&self) -> BoxFuture<'_, Option<CallbackHandle>> {
        Box::pin(async move {
            let uri = || if let Inbound::At(uri) = &self.world.inbound { Some(uri.clone()) } else { None };
            let read = |e| if let Effect::Allocated(uri) = e { Some(uri) } else { None };
            let n = {
                let mut inner = self.lock();
                inner.handles += 1;
                inner.handles
            };
            let uri = self.effect("allocate a callback".to_owned(), |_| Effect::Allocated(uri()), read).await?;
            Some(host::callback_handle(uri, encode::base64url(&FakeCrypto::derived("state", n))))
        })
    }
}

type Files = Result<Vec<FileStat>, ServiceError>;

impl World {
    fn on_files<T>(&self, call: impl FnOnce(&FakeFiles) -> Result<T, ServiceError>) -> Result<T, ServiceError> {
        self.files.as_ref().map_or(Err(ServiceError::Denied), call)
    }
    fn write_kv(&self, part: &Part, key: &str, value: Option<Vec<u8>>) -> Result<(), ServiceError> {
        self.require_declared(part);
        self.kv.as_ref().map_or(Err(ServiceError::Unavailable), |kv| kv.write(part, key, value))
    }
    /// A host refuses to share a value for an origin that the descriptor does not declare.
    fn require_declared(&self, part: &Part) {
        let Part::Shared(origins) = part else { return };
        if !(1..=8).contains(&origins.len()) {
            fail("the plugin shares a value for no origin, or for more than eight");
        }
        for origin in origins {
            let is_declared = self.wildcards.contains(origin)
                || self.addresses.iter().any(|(_, base)| base.origin().as_str() == origin);
            if !is_declared {
                fail(&format!("the plugin shares a value for '{origin}', which its descriptor does not declare"));
            }
        }
    }
    fn read_kv(&self, part: &Part, key: &str) -> Option<Vec<u8>> {
        self.require_declared(part);
        self.kv.as_ref()?.read(part, key)
    }
}
impl FileService for World {
    fn stat<'a>(&'a self, root: &'a Root, path: &'a str) -> BoxFuture<'a, Result<FileStat, ServiceError>> {
        Box::pin(async move {
            yield_once().await;
            self.on_files(|files| files.stat(root, path))
        })
    }
    fn list<'a>(&'a self, root: &'a Root, path: &'a str) -> BoxFuture<'a, Files> {
        Box::pin(async move {
            yield_once().await;
            self.on_files(|files| files.list(root, path))
        })
    }
    fn read<'a>(&'a self, root: &'a Root, path: &'a str, limit: usize) -> BoxFuture<'a, Result<Secret, ServiceError>> {
        Box::pin(async move {
            yield_once().await;
            self.on_files(|files| files.read(root, path, limit))
        })
    }
}
impl FileService for Effects<'_> {
    fn stat<'a>(&'a self, root: &'a Root, path: &'a str) -> BoxFuture<'a, Result<FileStat, ServiceError>> {
        Box::pin(async move {
            let live = |_| Effect::Stat(self.world.on_files(|files| files.stat(root, path)));
            let read = |e| if let Effect::Stat(result) = e { Some(result) } else { None };
            self.effect(format!("stat {} {path}", root.as_str()), live, read).await
        })
    }
    fn list<'a>(&'a self, root: &'a Root, path: &'a str) -> BoxFuture<'a, Files> {
        Box::pin(async move {
            let live = |_| Effect::List(self.world.on_files(|files| files.list(root, path)));
            let read = |e| if let Effect::List(result) = e { Some(result) } else { None };
            self.effect(format!("list {} {path}", root.as_str()), live, read).await
        })
    }
    fn read<'a>(&'a self, root: &'a Root, path: &'a str, limit: usize) -> BoxFuture<'a, Result<Secret, ServiceError>> {
        Box::pin(async move {
            let live = |_| Effect::Read(self.world.on_files(|files| files.read(root, path, limit)));
            let read = |e| if let Effect::Read(result) = e { Some(result) } else { None };
            self.effect(format!("read {} {path}", root.as_str()), live, read).await
        })
    }
}

/// A key-value store for the world and for a run alike: `$get` and `$put` say how a part is read and written.
macro_rules! key_value {
    ($service:ty, $get:ident, $put:ident) => {
        impl KvService for $service {
            fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, ServiceError>> {
                Box::pin(async move {
                    let value = self.$get(Part::Public, key).await;
                    Ok(value.and_then(|bytes| String::from_utf8(bytes).ok()))
                })
            }
            fn put<'a>(&'a self, key: &'a str, value: Option<String>) -> BoxFuture<'a, Result<(), ServiceError>> {
                Box::pin(self.$put(Part::Public, key, value.map(String::into_bytes)))
            }
            fn get_secret<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Secret>, ServiceError>> {
                Box::pin(async move { Ok(self.$get(Part::Secret, key).await.map(Secret::new)) })
            }
            fn put_secret<'a>(
                &'a self,
                key: &'a str,
                value: Option<Secret>,
            ) -> BoxFuture<'a, Result<(), ServiceError>> {
                Box::pin(self.$put(Part::Secret, key, value.map(|secret| secret.expose().to_vec())))
            }
            fn get_shared<'a>(
                &'a self,
                origins: &'a [Text],
                key: &'a str,
            ) -> BoxFuture<'a, Result<Option<Secret>, ServiceError>> {
                Box::pin(async move { Ok(self.$get(Part::shared(origins), key).await.map(Secret::new)) })
            }
            fn put_shared<'a>(
                &'a self,
                origins: &'a [Text],
                key: &'a str,
                value: Option<Secret>,
            ) -> BoxFuture<'a, Result<(), ServiceError>> {
                Box::pin(self.$put(Part::shared(origins), key, value.map(|secret| secret.expose().to_vec())))
            }
        }
    };
}
key_value!(World, get_live, put_live);
key_value!(FakeKv, get_now, put_now);
key_value!(Effects<'_>, get_effect, put_effect);

impl World {
    async fn get_live(&self, part: Part, key: &str) -> Option<Vec<u8>> {
        yield_once().await;
        self.read_kv(&part, key)
    }
    async fn put_live(&self, part: Part, key: &str, value: Option<Vec<u8>>) -> Result<(), ServiceError> {
        yield_once().await;
        self.write_kv(&part, key, value)
    }
}
impl FakeKv {
    async fn get_now(&self, part: Part, key: &str) -> Option<Vec<u8>> {
        yield_once().await;
        self.read(&part, key)
    }
    async fn put_now(&self, part: Part, key: &str, value: Option<Vec<u8>>) -> Result<(), ServiceError> {
        yield_once().await;
        self.write(&part, key, value)
    }
}
impl Effects<'_> {
    async fn get_effect(&self, part: Part, key: &str) -> Option<Vec<u8>> {
        let read = |e| if let Effect::Value(value) = e { Some(value) } else { None };
        self.effect(format!("get {part:?} {key}"), |_| Effect::Value(self.world.read_kv(&part, key)), read).await
    }
    async fn put_effect(&self, part: Part, key: &str, value: Option<Vec<u8>>) -> Result<(), ServiceError> {
        // A value that differs in a replay is another question.
        let what = format!("put {part:?} {key} #{}", self.hash(&[value.as_deref().unwrap_or_default()]));
        let read = |e| if let Effect::Put(result) = e { Some(result) } else { None };
        self.effect(what, |_| Effect::Put(self.world.write_kv(&part, key, value)), read).await
    }
}
