//! Files, and the cache of results that are computed from them.

use alloc::{
    borrow::ToOwned,
    boxed::Box,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use connection_contract::{
    BoxFuture, Compute, FileCache, FileService, FileStat, GrantedDirectory, Record, Secret, ServiceError,
};

use super::local::decode_tool;
use crate::{Effect, EffectRequest, Effects, Host, run::MAX_BYTES};

fn files(effect: Effect) -> Option<Result<Vec<FileStat>, ServiceError>> {
    if let Effect::Files(result) = effect { Some(result) } else { None }
}

impl<H: Host> FileService for Effects<H> {
    fn stat<'a>(&'a self, root: &'a GrantedDirectory, path: &'a str) -> BoxFuture<'a, Result<FileStat, ServiceError>> {
        Box::pin(async move {
            let live = async move { Effect::Files(self.host().stat(root, path).await.map(|stat| vec![stat])) };
            let one = |effect| match files(effect)? {
                Ok(mut stats) if stats.len() == 1 => stats.pop().map(Ok),
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            };
            self.perform(&EffectRequest::Stat(root, path), live, one).await
        })
    }

    fn list<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        path: &'a str,
    ) -> BoxFuture<'a, Result<Vec<FileStat>, ServiceError>> {
        Box::pin(async move {
            let live = async move { Effect::Files(self.host().list(root, path).await) };
            self.perform(&EffectRequest::List(root, path), live, files).await
        })
    }

    fn read<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        path: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Secret, ServiceError>> {
        Box::pin(async move {
            // A longer content could not be recorded.
            let live = async move { Effect::Read(self.host().read(root, path, limit.min(MAX_BYTES)).await) };
            self.perform(&EffectRequest::Read(root, path), live, decode_tool).await
        })
    }
}

/// A replay reads and computes nothing: the plugin gets the recorded result.
impl<H: Host> FileCache for Effects<H> {
    fn cached<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        path: &'a str,
        version: u32,
        limit: usize,
        compute: Compute<'a>,
    ) -> BoxFuture<'a, Result<Option<String>, ServiceError>> {
        Box::pin(async move {
            let live =
                async move { Effect::Read(self.host().cached(root, path, version, limit, compute).await.map(written)) };
            let made = |effect| match decode_tool(effect)? {
                Ok(made) => Some(Ok(Record::decode(made.expose()).ok()?.text("made").ok().map(str::to_owned))),
                Err(error) => Some(Err(error)),
            };
            self.perform(&EffectRequest::Cached { root, path, version }, live, made).await
        })
    }

    fn prune<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        live: &'a [&'a str],
    ) -> BoxFuture<'a, Result<u64, ServiceError>> {
        Box::pin(async move {
            let pruned = async move {
                Effect::Read(self.host().prune(root, live).await.map(|pruned| Secret::from(pruned.to_string())))
            };
            let pruned = self.perform(&EffectRequest::Prune(root, live), pruned, decode_tool).await?;
            Ok(pruned.expose_str().and_then(|pruned| pruned.parse().ok()).unwrap_or_default())
        })
    }
}

fn written(made: Option<String>) -> Secret {
    made.iter().fold(Record::new(), |record, made| record.with("made", made.as_str())).encode()
}
