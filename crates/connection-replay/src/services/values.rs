//! The values that a host keeps for a kind. A replay reads the recorded value and does not write a value again.

use alloc::{borrow::ToOwned, boxed::Box, string::String};
use core::future::Future;

use connection_contract::{BoxFuture, KvService, Secret, ServiceError, Text};

use crate::{Effect, EffectRequest, Effects, Host, Part, StoreChange};

type Value = Result<Option<Secret>, ServiceError>;

impl<H: Host> Effects<H> {
    /// Reads a value as an effect.
    ///
    /// `verb` is `get` for a read through the context. A read through a handle that the kind keeps has another verb.
    pub async fn read_value(
        &self,
        verb: &str,
        part: &Part,
        key: &str,
        live: impl Future<Output = Value> + Send,
    ) -> Value {
        let live = async move { Effect::Value(live.await) };
        let read = |effect| if let Effect::Value(value) = effect { Some(value) } else { None };
        self.perform(&EffectRequest::Get { verb, part, key }, live, read).await
    }

    /// Writes a value as an effect. `live` performs the write.
    ///
    /// # Errors
    ///
    /// The error of `live`, or the recorded one in a replay.
    pub async fn write_value<F: Future<Output = Result<(), ServiceError>> + Send>(
        &self,
        verb: &str,
        part: &Part,
        key: &str,
        value: Option<Secret>,
        live: impl FnOnce(Option<Secret>) -> F + Send,
    ) -> Result<(), ServiceError> {
        let what = self.asks(&EffectRequest::Put { verb, part, key, value: value.as_ref() });
        let live = async move { Ok(Effect::Put(live(value).await)) };
        let read = |effect| if let Effect::Put(result) = effect { Some(result) } else { None };
        self.perform_with_change(&what, StoreChange::None, live, read).await
    }

    async fn get_part(&self, part: Part, key: &str) -> Value {
        self.read_value("get", &part, key, self.host().get(&part, key)).await
    }

    async fn put_part(&self, part: Part, key: &str, value: Option<Secret>) -> Result<(), ServiceError> {
        self.write_value("put", &part, key, value, |value| self.host().put(&part, key, value)).await
    }
}

impl<H: Host> KvService for Effects<H> {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, ServiceError>> {
        Box::pin(async move {
            let value = self.get_part(Part::Public, key).await?;
            Ok(value.and_then(|value| value.expose_str().map(str::to_owned)))
        })
    }

    fn put<'a>(&'a self, key: &'a str, value: Option<String>) -> BoxFuture<'a, Result<(), ServiceError>> {
        Box::pin(self.put_part(Part::Public, key, value.map(Secret::from)))
    }

    fn get_secret<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Value> {
        Box::pin(self.get_part(Part::Secret, key))
    }

    fn put_secret<'a>(&'a self, key: &'a str, value: Option<Secret>) -> BoxFuture<'a, Result<(), ServiceError>> {
        Box::pin(self.put_part(Part::Secret, key, value))
    }

    fn get_shared<'a>(&'a self, origins: &'a [Text], key: &'a str) -> BoxFuture<'a, Value> {
        Box::pin(self.get_part(Part::shared(origins), key))
    }

    fn put_shared<'a>(
        &'a self,
        origins: &'a [Text],
        key: &'a str,
        value: Option<Secret>,
    ) -> BoxFuture<'a, Result<(), ServiceError>> {
        Box::pin(self.put_part(Part::shared(origins), key, value))
    }
}
