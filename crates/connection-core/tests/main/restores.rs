//! A backup that is restored: what it says about the token of each connection.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use connection_contract::reason;
use connection_core::{BackupError, ConnectionId, ConnectionRegistry, Frozen, Restored, TokenUse};
use connection_faults::state_files;

use crate::{
    renewing::{LIFE, Renewals, Renewing, send, token},
    sql::{self, Database},
    strict_issuer::Strict,
    test_host::{START, World},
};

/// Backs up the database of a test host.
pub(crate) async fn backed_up(world: &World) -> PathBuf {
    let file = world.directory.path().join("a.backup");
    ConnectionRegistry::builder().store(world.address()).back_up(&file).await.unwrap();
    file
}

/// A test host whose processes have ended.
pub(crate) struct Stopped {
    pub(crate) world: World,
    provider: Strict,
    pub(crate) plugin: Renewing,
    pub(crate) id: ConnectionId,
}

/// Ends the process of a test host.
pub(crate) async fn stopped(it: Renewals) -> Stopped {
    let Renewals { world, provider, plugin, registry, connection } = it;
    registry.close().await;
    Stopped { world, provider, plugin, id: connection.id() }
}

impl Stopped {
    pub(crate) async fn number(&self, column: &str) -> i64 {
        sql::number(&self.world.database(), format!("SELECT {column} FROM connection_account")).await.unwrap()
    }

    async fn events(&self) -> Vec<String> {
        sql::texts(&self.world.database(), "SELECT kind FROM connection_event ORDER BY seq").await
    }

    fn at(&self, seconds: i64) {
        let ahead = START + seconds - self.world.now();
        self.world.clock.advance(Duration::from_secs(u64::try_from(ahead).unwrap()));
    }

    pub(crate) async fn restore(&self, file: &Path) -> Result<Restored, BackupError> {
        self.world.builder().kind(self.plugin.clone()).restore(file).await
    }
}

/// Restores the backup, and returns what it says about the token.
async fn restored(it: &Stopped, file: &Path) -> (TokenUse, Restored) {
    let restored = it.restore(file).await.unwrap();
    let [connection] = &restored.connections[..] else { panic!("{restored:?}") };
    assert_eq!(connection.connection.id, it.id);
    (connection.token, restored)
}

/// Opens the restored database, and returns whether a use refreshes the credential, which has ended.
async fn is_refreshed_by_a_use(it: &Stopped) -> bool {
    it.at(3 * LIFE);
    let before = it.provider.request_count();
    let registry = it.world.open(it.plugin.clone()).await;
    let connection = registry.connection(it.id).await.unwrap();
    let sent = send(&connection).await;
    let info = registry.connection(it.id).await.unwrap().info().clone();
    let asked = it.provider.request_count() > before;
    match asked {
        true => assert_eq!(sent.unwrap(), 200),
        false => {
            assert_eq!(sent.unwrap_err().code(), "not_renewed");
            assert_eq!(&*info.reason.unwrap().code, reason::RESTORED);
        }
    }
    registry.close().await;
    asked
}

async fn kept_generation(kept: &Path) -> i64 {
    let generation = "SELECT generation FROM connection_account";
    sql::number(&Database::File(kept.to_owned()), generation).await.unwrap()
}

#[tokio::test]
async fn a_token_that_was_used_since_the_backup_is_not_sent_again() {
    let it = Renewals::new().await;
    let file = backed_up(&it.world).await;
    it.at(LIFE);
    assert_eq!((it.send().await.unwrap(), it.token().await), (200, "access-2".to_owned()));
    let it = stopped(it).await;

    let (token, restored) = restored(&it, &file).await;
    assert_eq!((token, restored.unread, restored.is_completed), (TokenUse::Used, None, false));
    assert_eq!(kept_generation(&restored.kept.unwrap()).await, 2, "what is replaced is kept, and opens");
    assert_eq!(it.number("generation").await, 1);
    assert_eq!(it.events().await, ["connected", "restored", "liveness_changed"]);
    assert!(!is_refreshed_by_a_use(&it).await);
    assert!(!it.provider.lock().is_revoked, "the provider would take it for a theft");
}

#[tokio::test]
async fn a_token_that_was_not_used_since_the_backup_is_refreshed_as_before() {
    let it = Renewals::new().await;
    let file = backed_up(&it.world).await;
    assert_eq!(it.send().await.unwrap(), 200);
    it.connection.rename("other").await.unwrap();
    let it = stopped(it).await;

    let (token, restored) = restored(&it, &file).await;
    assert_eq!(token, TokenUse::Unused);
    assert_eq!(restored.connections[0].connection.label.as_str(), "ada", "the name is that of the backup");
    assert_eq!(it.events().await, ["connected", "restored"]);
    let history = it.world.open(it.plugin.clone()).await;
    assert_eq!(history.events().history(it.id, None).await.unwrap().broken_at, None);
    history.close().await;
    assert!(is_refreshed_by_a_use(&it).await);
}

#[tokio::test]
async fn without_a_database_that_shows_it_nothing_is_known_of_a_token() {
    let it = Renewals::new().await;
    let file = backed_up(&it.world).await;
    let it = stopped(it).await;
    let whole = fs::read(it.world.file()).unwrap();

    // A disk that was replaced.
    fs::remove_file(it.world.file()).unwrap();
    let (token, first) = restored(&it, &file).await;
    assert_eq!((token, first.kept, first.unread), (TokenUse::Unknown, None, None));
    assert!(!is_refreshed_by_a_use(&it).await);

    // A page in the middle was overwritten, which the file's header does not show.
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 8192].fill(0x5a);
    fs::write(it.world.file(), &damaged).unwrap();
    let (token, second) = restored(&it, &file).await;
    assert_eq!(token, TokenUse::Unknown);
    assert!(second.unread.unwrap().contains("damaged"));
    // Nobody knows what was frozen, so everything is.
    assert_eq!(second.frozen, [Frozen::All]);
    let registry = it.world.open(it.plugin.clone()).await;
    registry.freezes().thaw(Frozen::All).await.unwrap();
    registry.close().await;
    drop(registry);
    assert_eq!(fs::read(second.kept.unwrap()).unwrap(), damaged, "it is kept as it was");
    assert!(!is_refreshed_by_a_use(&it).await);

    // Another store, such as that of a program that was started before the restore.
    fs::remove_file(it.world.file()).unwrap();
    let other = it.world.open(it.plugin.clone()).await;
    other.close().await;
    drop(other);
    let (token, third) = restored(&it, &file).await;
    assert_eq!((token, third.unread), (TokenUse::Unknown, None));
}

#[tokio::test]
async fn a_connection_that_was_removed_or_whose_keys_were_rotated_since_is_not_known() {
    let it = Renewals::new().await;
    let file = backed_up(&it.world).await;
    it.registry.keys().rotate().await.unwrap();
    let it = stopped(it).await;
    let whole = fs::read(it.world.file()).unwrap();
    assert_eq!(restored(&it, &file).await.0, TokenUse::Unknown);

    fs::write(it.world.file(), whole).unwrap();
    let registry = it.world.open(it.plugin.clone()).await;
    registry.remove(it.id).await.unwrap();
    registry.close().await;
    drop(registry);
    assert_eq!(restored(&it, &file).await.0, TokenUse::Unknown);
}

#[tokio::test]
async fn an_attempt_whose_answer_was_lost_since_the_backup_counts_as_a_use() {
    let it = Renewals::new().await;
    let file = backed_up(&it.world).await;
    it.provider.says(Some((503, "", "")));
    it.connection.refresh().await.unwrap_err();
    let it = stopped(it).await;
    assert_eq!(it.number("generation").await, 1);
    assert_eq!(restored(&it, &file).await.0, TokenUse::Used);
}

/// The answer of a process that died is in the state directory, and no row shows it.
#[tokio::test]
async fn an_answer_that_only_the_state_directory_has_counts_as_a_use() {
    let it = Renewals::new().await;
    let file = backed_up(&it.world).await;
    let it = stopped(it).await;
    let store = fs::read_dir(it.world.state()).unwrap().find_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        Some(name.strip_prefix("answers-")?.split('-').next()?.to_owned())
    });
    let rescue = it.world.state().join(format!("answer-{}-{}.rescue", store.unwrap(), "07".repeat(32)));
    let id: uuid::Uuid = it.id.to_string().parse().unwrap();
    let bytes = |generation: i64| {
        [b"CNXR\x02\x01".to_vec(), id.as_bytes().to_vec(), generation.to_be_bytes().to_vec(), vec![7; 90]].concat()
    };
    for (content, expected) in [
        (bytes(1), TokenUse::Used),
        // A later token was spent, so this one was spent before.
        (bytes(2), TokenUse::Used),
        // An earlier token.
        (bytes(0), TokenUse::Unused),
        // Nobody knows whose answer this is.
        (b"damaged".to_vec(), TokenUse::Unknown),
    ] {
        connection_core::replace_private(&rescue, &content).unwrap();
        assert_eq!(state_files::count(&it.world.state()), 1);
        let (token, restored) = restored(&it, &file).await;
        assert_eq!(token, expected, "{content:?}");
        assert_eq!(fs::read(&rescue).unwrap(), content, "it stays for the database that it belongs to");
        fs::rename(restored.kept.unwrap(), it.world.file()).unwrap();
    }
}

/// A second restore must not believe a database in which a token lies unused because it was marked.
#[tokio::test]
async fn what_an_earlier_restore_found_is_still_so_after_another_one() {
    let it = Renewals::new().await;
    let file = backed_up(&it.world).await;
    it.at(LIFE);
    it.send().await.unwrap();
    let it = stopped(it).await;
    assert_eq!(restored(&it, &file).await.0, TokenUse::Used);
    // Both restores are in the same second.
    assert_eq!(restored(&it, &file).await.0, TokenUse::Used);
    let kept = fs::read_dir(it.world.file().parent().unwrap()).unwrap();
    let kept = kept.map(|file| file.unwrap().file_name().into_string().unwrap());
    let kept = kept.filter(|name| name.contains(".replaced-") && !name.ends_with("-wal") && !name.ends_with("-shm"));
    assert_eq!(kept.count(), 2, "each keeps what it replaces");

    // The mark is in a backup of the restored database, too.
    let second = it.world.directory.path().join("second.backup");
    ConnectionRegistry::builder().store(it.world.address()).back_up(&second).await.unwrap();
    fs::remove_file(it.world.file()).unwrap();
    assert_eq!(restored(&it, &second).await.0, TokenUse::Used);
    assert!(!is_refreshed_by_a_use(&it).await);
}

/// An older backup that was restored, and then a newer one: the store in between shows nothing of the newer token.
#[tokio::test]
async fn a_database_that_is_older_than_the_backup_shows_nothing() {
    let it = Renewals::new().await;
    let first = backed_up(&it.world).await;
    it.at(LIFE);
    it.send().await.unwrap();
    let second = it.world.directory.path().join("second.backup");
    ConnectionRegistry::builder().store(it.world.address()).back_up(&second).await.unwrap();
    let it = stopped(it).await;
    restored(&it, &first).await;
    assert_eq!(restored(&it, &second).await.0, TokenUse::Unknown);
}

#[tokio::test]
async fn a_forced_refresh_of_a_token_that_was_not_used_makes_it_work_again() {
    let it = Renewals::new().await;
    let file = backed_up(&it.world).await;
    let it = stopped(it).await;
    fs::remove_file(it.world.file()).unwrap();
    assert_eq!(restored(&it, &file).await.0, TokenUse::Unknown);
    it.at(LIFE);
    let registry = it.world.open(it.plugin.clone()).await;
    let connection = registry.connection(it.id).await.unwrap();
    connection.force_refresh().await.unwrap();
    assert_eq!(token(&connection).await.unwrap(), "access-2");
}

/// A snapshot of a file system has the log of the database without its index, and cannot be written.
#[tokio::test]
async fn a_snapshot_with_a_log_is_restored_and_nothing_is_written_beside_it() {
    let it = Renewals::new().await;
    let directory = it.world.directory.path().join("snapshot");
    fs::create_dir(&directory).unwrap();
    let log = format!("{}-wal", it.world.file().display());
    assert!(fs::metadata(log).unwrap().len() > 0, "commits are in the log alone");
    for suffix in ["", "-wal"] {
        let file = format!("{}{suffix}", it.world.file().display());
        fs::copy(file, directory.join(format!("a.db{suffix}"))).unwrap();
    }
    let it = stopped(it).await;
    fs::remove_file(it.world.file()).unwrap();
    assert_eq!(it.restore(&directory.join("a.db")).await.unwrap().connections.len(), 1);
    let names = |directory: &Path| {
        let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    assert_eq!(names(&directory), ["a.db", "a.db-wal"]);
    let left = names(it.world.file().parent().unwrap());
    assert!(left.iter().all(|name| !name.contains("restore-draft")), "{left:?}");
    assert_eq!(it.number("generation").await, 1);
}

#[tokio::test]
async fn stable_tokens_are_restored_without_a_mark() {
    let it = Renewals::of(Renewing::of(connection_contract::RefreshSemantics::Stable)).await;
    let file = backed_up(&it.world).await;
    let it = stopped(it).await;
    fs::remove_file(it.world.file()).unwrap();
    assert_eq!(it.restore(&file).await.unwrap().connections.len(), 0);
    assert_eq!(it.events().await, ["connected", "restored"], "the record says it nevertheless");
    assert!(is_refreshed_by_a_use(&it).await);
}
