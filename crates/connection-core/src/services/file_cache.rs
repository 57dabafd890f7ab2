//! A cache of results that were computed from files, valid while the files do not change. In memory only.
//!
//! A file counts as unchanged while its size and modification time are the same. Both are taken before the file is
//! read, so a file that changes during the read is read again by the next call. Concurrent callers for the same
//! file wait for one read. An error is never returned to a call that began after the error occurred.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use connection_contract::{FileService as _, GrantedDirectory, Secret, ServiceError};
use tokio::sync::Mutex as AsyncMutex;

use super::files::{FileVersion, LocalFiles};

/// The maximum length of a cached result. A longer one is returned and not cached.
const MAX_RESULT_LENGTH: usize = 64 * 1024;
/// The maximum number of entries. At this number, entries that no caller uses are removed.
const MAX_RESULTS: usize = 10_000;

/// The key of an entry. A namespace, such as an owner and a kind, sees only its own results.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    namespace: String,
    root: String,
    path: String,
}

/// A file, and the computation on its content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Computation<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) root: &'a GrantedDirectory,
    pub(crate) path: &'a str,
    /// The version of the computation. Another version computes the result again.
    pub(crate) version: u32,
    /// The maximum size of the file, in bytes.
    pub(crate) limit: usize,
}

#[derive(Clone)]
struct CachedResult {
    mark: FileVersion,
    version: u32,
    value: Option<String>,
}

#[derive(Default)]
struct State {
    kept: Option<CachedResult>,
    /// The number of reads that have ended.
    ended: u64,
    /// The error of the last read, with the number and the version of that read. Only callers that waited for it
    /// get it.
    failed: Option<(u64, u32, ServiceError)>,
}

#[derive(Default)]
struct Entry {
    /// Locked while the file is read. Dropping the reader releases it.
    reading: AsyncMutex<()>,
    state: Mutex<State>,
}

/// The results of a registry that were computed from files.
#[derive(Default)]
pub(crate) struct Cache(Mutex<HashMap<Key, Arc<Entry>>>);

impl Cache {
    /// Returns the cached result for a file, or computes it now; `None` if the file does not exist. If the file
    /// does not exist or cannot be examined, its cached result is removed.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, one of the waiting callers reads the file.
    ///
    /// # Errors
    ///
    /// The errors of reading the file, and those of `compute`.
    pub(crate) async fn cached(
        &self,
        made: Computation<'_>,
        files: &LocalFiles,
        compute: impl FnOnce(&Secret) -> Result<Option<String>, ServiceError> + Send,
    ) -> Result<Option<String>, ServiceError> {
        let Computation { namespace, root, path, version, limit } = made;
        let key = Key { namespace: namespace.to_owned(), root: root.as_str().to_owned(), path: path.to_owned() };
        let entry = self.entry(&key);
        let before = lock(&entry.state).ended;
        let waited = entry.reading.try_lock().is_err();
        let _reading = entry.reading.lock().await;
        if waited && let Some((number, of, error)) = lock(&entry.state).failed {
            // The error is that of the read that was running when this call began.
            if number == before + 1 && of == version {
                return Err(error);
            }
        }
        let mark = match files.mark(root, path).await {
            Ok(mark) => mark,
            Err(error) => {
                self.forget(&key);
                lock(&entry.state).kept = None;
                // A file that cannot be examined now is not treated as missing.
                return if error == ServiceError::NotFound { Ok(None) } else { Err(error) };
            }
        };
        let kept = lock(&entry.state).kept.clone();
        if let Some(kept) = kept.filter(|kept| kept.mark == mark && kept.version == version) {
            return Ok(kept.value);
        }
        let result = match files.read(root, path, limit).await {
            Ok(content) => compute(&content),
            // The file was removed in between.
            Err(ServiceError::NotFound) => Ok(None),
            Err(error) => Err(error),
        };
        let mut state = lock(&entry.state);
        state.ended += 1;
        (state.kept, state.failed) = match &result {
            Err(error) => (None, Some((state.ended, version, *error))),
            Ok(value) if value.as_ref().is_some_and(|value| value.len() > MAX_RESULT_LENGTH) => (None, None),
            Ok(value) => (Some(CachedResult { mark, version, value: value.clone() }), None),
        };
        result
    }

    /// Removes the results of files below a root, except those in `live`. Returns how many were removed.
    pub(crate) fn prune(&self, namespace: &str, root: &GrantedDirectory, live: &[&str]) -> u64 {
        let mut table = lock(&self.0);
        let before = table.len();
        table.retain(|key, _| {
            key.namespace != namespace || key.root != root.as_str() || live.contains(&key.path.as_str())
        });
        u64::try_from(before - table.len()).unwrap_or(u64::MAX)
    }

    fn entry(&self, key: &Key) -> Arc<Entry> {
        let mut table = lock(&self.0);
        if let Some(entry) = table.get(key) {
            return entry.clone();
        }
        if table.len() >= MAX_RESULTS {
            table.retain(|_, entry| Arc::strong_count(entry) > 1);
        }
        let entry = Arc::<Entry>::default();
        table.insert(key.clone(), entry.clone());
        entry
    }

    fn forget(&self, key: &Key) {
        lock(&self.0).remove(key);
    }
}

/// A poisoned lock is ignored, because no panic can leave a table half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::PathBuf,
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
    };

    use super::*;
    use crate::FilesPolicy;

    struct Tree {
        _directory: tempfile::TempDir,
        file: PathBuf,
        root: GrantedDirectory,
        files: LocalFiles,
        cache: Cache,
        computed: AtomicUsize,
    }

    impl Tree {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let root = FilesPolicy::new().grant(directory.path().to_str().unwrap()).unwrap();
            let files = LocalFiles::new([root.clone()], FilesPolicy::new());
            let file = directory.path().join("a");
            fs::write(&file, "one").unwrap();
            Self { _directory: directory, file, root, files, cache: Default::default(), computed: Default::default() }
        }

        async fn made(&self, namespace: &str, version: u32) -> Result<Option<String>, ServiceError> {
            let made = Computation { namespace, root: &self.root, path: "a", version, limit: 100_000 };
            let compute = |content: &Secret| {
                self.computed.fetch_add(1, SeqCst);
                match content.expose_str() {
                    Some("bad") => Err(ServiceError::Unavailable),
                    text => Ok(text.map(str::to_owned)),
                }
            };
            self.cache.cached(made, &self.files, compute).await
        }

        fn computed(&self) -> usize {
            self.computed.load(SeqCst)
        }
    }

    #[tokio::test]
    async fn a_file_is_made_once_for_each_version_and_namespace_and_anew_when_it_changes() {
        let tree = Tree::new();
        for _ in 0..3 {
            assert_eq!(tree.made("n", 1).await, Ok(Some("one".into())));
        }
        assert_eq!(tree.computed(), 1);
        tree.made("n", 2).await.unwrap();
        tree.made("other", 2).await.unwrap();
        assert_eq!(tree.computed(), 3);
        // The size stays the same, so only the modification time differs.
        let later = fs::metadata(&tree.file).unwrap().modified().unwrap() + std::time::Duration::from_millis(20);
        fs::write(&tree.file, "two").unwrap();
        fs::File::options().write(true).open(&tree.file).unwrap().set_modified(later).unwrap();
        assert_eq!(tree.made("n", 2).await, Ok(Some("two".into())));
        assert_eq!(tree.computed(), 4);
    }

    #[tokio::test]
    async fn concurrent_readers_share_one_result_and_errors_are_not_cached() {
        let tree = Tree::new();
        let key = Key { namespace: "n".into(), root: tree.root.as_str().into(), path: "a".into() };
        let all = || async {
            // No call reads the file before all calls have begun.
            let entry = tree.cache.entry(&key);
            let held = entry.reading.lock().await;
            let let_go = async { drop(held) };
            let (one, two, three, ()) = tokio::join!(tree.made("n", 1), tree.made("n", 1), tree.made("n", 1), let_go);
            (one, two, three)
        };
        assert_eq!(all().await.2, Ok(Some("one".into())));
        assert_eq!(tree.computed(), 1);
        fs::write(&tree.file, "bad").unwrap();
        let later = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        fs::File::options().write(true).open(&tree.file).unwrap().set_modified(later).unwrap();
        let (one, two, three) = all().await;
        assert_eq!(
            (one, two, three),
            (Err(ServiceError::Unavailable), Err(ServiceError::Unavailable), Err(ServiceError::Unavailable))
        );
        assert_eq!(tree.computed(), 2);
        assert_eq!(tree.made("n", 1).await, Err(ServiceError::Unavailable));
        assert_eq!(tree.computed(), 3, "whoever comes later asks again");
    }

    #[tokio::test]
    async fn a_file_that_is_gone_is_nothing_and_what_is_long_is_not_kept() {
        let tree = Tree::new();
        tree.made("n", 1).await.unwrap();
        fs::remove_file(&tree.file).unwrap();
        assert_eq!(tree.made("n", 1).await, Ok(None));
        assert!(lock(&tree.cache.0).is_empty());
        fs::write(&tree.file, "x".repeat(MAX_RESULT_LENGTH + 1)).unwrap();
        tree.made("n", 1).await.unwrap();
        tree.made("n", 1).await.unwrap();
        assert_eq!(tree.computed(), 3);
        assert_eq!(tree.cache.prune("n", &tree.root, &["a"]), 0);
        assert_eq!(tree.cache.prune("other", &tree.root, &[]), 0);
        assert_eq!(tree.cache.prune("n", &tree.root, &[]), 1);
    }

    /// R-JACK-036
    #[cfg(unix)]
    #[tokio::test]
    async fn an_unreadable_file_yields_no_result_and_drops_the_cached_one() {
        for (to, error) in [("a", ServiceError::Unavailable), ("/", ServiceError::Denied)] {
            let tree = Tree::new();
            tree.made("n", 1).await.unwrap();
            fs::rename(&tree.file, tree.file.with_extension("before")).unwrap();
            std::os::unix::fs::symlink(to, &tree.file).unwrap();
            assert_eq!(tree.made("n", 1).await, Err(error));
            assert!(lock(&tree.cache.0).is_empty(), "{to}");
            // The same file again; its cached result was removed.
            fs::remove_file(&tree.file).unwrap();
            fs::rename(tree.file.with_extension("before"), &tree.file).unwrap();
            assert_eq!((tree.computed(), tree.made("n", 1).await), (1, Ok(Some("one".into()))));
            assert_eq!(tree.computed(), 2);
        }
    }

    #[tokio::test]
    async fn a_reader_that_is_dropped_holds_nobody() {
        let tree = Tree::new();
        let mut version = 1;
        // A reader that ends in its first poll is not dropped, and the next one reads for another version.
        while futures_poll(tree.made("n", version)).await.is_some() {
            version += 1;
        }
        assert_eq!(tree.made("n", version).await, Ok(Some("one".into())));
    }

    /// Polls a future once and drops it.
    async fn futures_poll<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut future = Box::pin(future);
        std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
            std::task::Poll::Ready(value) => std::task::Poll::Ready(Some(value)),
            std::task::Poll::Pending => std::task::Poll::Ready(None),
        })
        .await
    }
}
