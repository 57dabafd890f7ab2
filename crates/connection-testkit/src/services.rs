//! The services of the fake host outside of a setup.

use std::sync::Arc;

use connection_contract::{
    AnswerClass, BoxFuture, Clock, Compute, FileCache, FileService, FileStat, GrantedDirectory, HostServices,
    HttpError, HttpRequest, HttpResponse, HttpService, KvService, Secret, ServiceError, Spend, SpendService, Text,
};
use connection_replay::Part;

use crate::{
    fault::fail,
    files::FakeFiles,
    host_state::HostState,
    kv::FakeKv,
    poll::yield_once,
    spend::{certain, key},
};

impl HttpService for HostState {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            yield_once().await;
            self.answer(&request, self.now())
        })
    }
}

type Files = Result<Vec<FileStat>, ServiceError>;

impl HostState {
    pub(crate) fn on_files<T>(
        &self,
        call: impl FnOnce(&FakeFiles) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        self.files.as_ref().map_or(Err(ServiceError::Denied), call)
    }

    pub(crate) fn write_kv(&self, part: &Part, key: &str, value: Option<Vec<u8>>) -> Result<(), ServiceError> {
        self.require_declared(part);
        self.kv.as_ref().map_or(Err(ServiceError::Unavailable), |kv| kv.write(part, key, value))
    }

    /// Fails the test for origins that a host refuses for a shared value: undeclared ones, none, or more than eight.
    fn require_declared(&self, part: &Part) {
        let Part::Shared(origins) = part else { return };
        if !(1..=8).contains(&origins.len()) {
            fail("the plugin shares a value for no origin, or for more than eight");
        }
        for origin in origins {
            if !self.checked.declares_text(origin) {
                fail(&format!("the plugin shares a value for '{origin}', which its descriptor does not declare"));
            }
        }
    }

    pub(crate) fn read_kv(&self, part: &Part, key: &str) -> Option<Vec<u8>> {
        self.require_declared(part);
        self.kv.as_ref()?.read(part, key)
    }
}

impl FileService for HostState {
    fn stat<'a>(&'a self, root: &'a GrantedDirectory, path: &'a str) -> BoxFuture<'a, Result<FileStat, ServiceError>> {
        Box::pin(async move {
            yield_once().await;
            self.on_files(|files| files.stat(root, path))
        })
    }

    fn list<'a>(&'a self, root: &'a GrantedDirectory, path: &'a str) -> BoxFuture<'a, Files> {
        Box::pin(async move {
            yield_once().await;
            self.on_files(|files| files.list(root, path))
        })
    }

    fn read<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        path: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Secret, ServiceError>> {
        Box::pin(async move {
            yield_once().await;
            self.on_files(|files| files.read(root, path, limit))
        })
    }
}

/// Implements a key-value store by `$get` and `$put`, which read and write a part of it.
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
key_value!(HostState, get_live, put_live);
key_value!(FakeKv, get_now, put_now);

impl HostState {
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

impl SpendService for HostState {
    fn send_once<'a>(
        &'a self,
        spend: Spend<'a>,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            yield_once().await;
            let key = key(&spend);
            if let Some(kept) = self.kept.find(&key) {
                return kept.ok_or(HttpError::Uncertain);
            }
            let result = certain(self.answer(&request, self.now()));
            match &result {
                // A request that was not sent, or that the provider did not process, may be sent again.
                Ok(response) if AnswerClass::of(response.status()) == AnswerClass::Limit => {}
                Ok(response) => self.kept.keep(key, Some(response)),
                Err(HttpError::Uncertain) => self.kept.keep(key, None),
                Err(_) => {}
            }
            result
        })
    }
}

impl HostState {
    /// Returns the services that a kind receives in `activate`.
    pub(crate) fn host_services(&self) -> HostServices {
        let mut services = HostServices::new();
        if let Some(kv) = &self.kv {
            services = services.with_kv(Arc::new(kv.clone()));
        }
        if let Some(tools) = &self.tools {
            services = services.with_tools(Arc::new(tools.clone()));
        }
        if let Some(window) = &self.window {
            services = services.with_login_window(Arc::new(window.clone()));
        }
        services
    }

    pub(crate) fn made(
        &self,
        root: &GrantedDirectory,
        path: &str,
        limit: usize,
        compute: Compute<'_>,
    ) -> Result<Option<String>, ServiceError> {
        let read = |files: &FakeFiles| match files.read(root, path, limit) {
            Ok(content) => compute(&content),
            Err(ServiceError::NotFound) => Ok(None),
            Err(error) => Err(error),
        };
        let made = self.files.as_ref().map_or(Err(ServiceError::Denied), read)?;
        self.made_of_files().extend(made.clone());
        Ok(made)
    }
}

/// The cache stores no result, because a plugin must not depend on a cached result.
impl FileCache for HostState {
    fn cached<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        path: &'a str,
        _: u32,
        limit: usize,
        compute: Compute<'a>,
    ) -> BoxFuture<'a, Result<Option<String>, ServiceError>> {
        Box::pin(async move {
            yield_once().await;
            self.made(root, path, limit, compute)
        })
    }

    fn prune<'a>(&'a self, _: &'a GrantedDirectory, _: &'a [&'a str]) -> BoxFuture<'a, Result<u64, ServiceError>> {
        Box::pin(async { Ok(0) })
    }
}
