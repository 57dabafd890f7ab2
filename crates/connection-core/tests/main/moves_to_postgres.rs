//! A store that is moved from a file to a PostgreSQL server: it continues there, a kill at any step leaves at most one
//! store that opens, and a move is taken back until somebody opens the copy.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use connection_core::{
    BackupError, ConnectionId, ConnectionRegistry, KeyFile, MachineBound, MoveError, MoveStep, MoveUndone, Moved,
    OpenError, RegistryBuilder, Restored, StoreError, TokenUse,
};
use connection_faults::postgres;
use sqlx::ConnectOptions as _;

use crate::{
    renewing::{LIFE, Renewals, Renewing, send, token},
    restores::backed_up,
    sql::{self, Database},
    strict_issuer::Strict,
    test_host::{START, World},
};

/// A stopped machine with a store in a file, and an empty database on a server.
struct Moving {
    world: World,
    provider: Strict,
    plugin: Renewing,
    id: ConnectionId,
    server: postgres::Database,
}

impl Moving {
    /// Returns `None` where there is no server.
    async fn new() -> Option<Self> {
        if !postgres::is_there() {
            return None;
        }
        let Renewals { world, provider, plugin, registry, connection } = Renewals::new().await;
        let id = connection.id();
        registry.close().await;
        Some(Self { world, provider, plugin, id, server: postgres::Database::empty().await })
    }

    /// Returns a builder for the file.
    fn here(&self) -> RegistryBuilder {
        self.world.builder().kind(self.plugin.clone())
    }

    /// Returns a builder for the server, on a machine with the same key.
    fn there(&self) -> RegistryBuilder {
        let builder = ConnectionRegistry::builder().store(self.server.url()).key(KeyFile::at(self.world.key()));
        let builder = builder.http(self.world.policy()).clock(Arc::new(self.world.clock.clone()));
        builder.state_directory(self.world.directory.path().join("server.state")).kind(self.plugin.clone())
    }

    async fn move_it(&self) -> Result<Moved, MoveError> {
        self.here().move_to(self.server.url(), |_| {}).await
    }

    async fn undo(&self) -> Result<MoveUndone, MoveError> {
        self.here().undo_move(self.server.url(), |_| {}).await
    }

    /// Moves the store, and kills the process after a step.
    async fn killed_after(&self, step: MoveStep) {
        let killed = self.here().move_to(self.server.url(), kill_after(step)).await.unwrap_err();
        assert_killed(&killed);
    }

    /// Takes the move back, and kills the process after a step.
    async fn undo_killed_after(&self, step: MoveStep) {
        let killed = self.here().undo_move(self.server.url(), kill_after(step)).await.unwrap_err();
        assert_killed(&killed);
    }

    fn on_server(&self) -> Database {
        Database::Server(Box::new(self.server.options()))
    }

    /// Returns `true` if the server has tables. Opening a database without any would create them.
    async fn is_copied(&self) -> bool {
        let tables = "SELECT count(*) FROM pg_class WHERE relname = 'connection_account'";
        sql::number(&self.on_server(), tables).await == Some(1)
    }

    /// Opens a store, and sends a request that refreshes the credential first.
    async fn continues(&self, builder: RegistryBuilder) {
        let ahead = u64::try_from(START + 3 * LIFE - self.world.now()).unwrap_or_default();
        self.world.clock.advance(std::time::Duration::from_secs(ahead));
        let before = self.provider.request_count();
        let registry = builder.open().await.unwrap();
        let connection = registry.connection(self.id).await.unwrap();
        assert_eq!(send(&connection).await.unwrap(), 200);
        assert_eq!(token(&connection).await.unwrap(), "access-2");
        assert!(self.provider.request_count() > before, "the token was used");
        assert!(!self.provider.lock().is_revoked, "and only once");
        assert_eq!(registry.events().history(self.id, None).await.unwrap().broken_at, None);
        assert_eq!(registry.events().edited_rows().await.unwrap().len(), 0);
        registry.close().await;
    }

    async fn restore(&self, file: &Path) -> Result<Restored, BackupError> {
        self.here().restore(file).await
    }
}

/// Returns what panics after a step, which drops everything that the process holds, as its end does.
fn kill_after(step: MoveStep) -> impl Fn(MoveStep) + Send + Sync + 'static {
    move |done| {
        let is_there = match step {
            MoveStep::Copying { .. } => matches!(done, MoveStep::Copying { .. }),
            step => done == step,
        };
        assert!(!is_there, "killed");
    }
}

fn assert_killed(error: &MoveError) {
    assert!(matches!(error, MoveError::Open(OpenError::Store(StoreError::Panicked))), "{error:?}");
}

/// Returns the code with which a store does not open; `None` if it opens.
async fn refusal(builder: RegistryBuilder) -> Option<String> {
    match builder.open().await {
        Ok(registry) => {
            registry.close().await;
            None
        }
        Err(error) => {
            assert!(!error.to_string().contains('@') && error.remedy().is_some(), "{error}");
            Some(error.code().to_owned())
        }
    }
}

#[tokio::test]
async fn a_store_that_is_moved_continues_on_the_server_with_every_row() {
    let Some(it) = Moving::new().await else { return };
    let steps = Arc::new(Mutex::new(Vec::new()));
    let taken = steps.clone();
    let on_step = move |step| taken.lock().unwrap().push(step);
    let moved = it.here().move_to(it.server.url(), on_step).await.unwrap();
    assert_eq!((moved.connections, moved.is_completed, moved.from.as_str()), (1, false, it.world.address().as_str()));
    assert!(moved.to.starts_with("postgres://") && !moved.to.contains('@'), "{}", moved.to);
    assert!(moved.bound.is_empty(), "nothing is bound to the machine: {:?}", moved.bound);
    let steps = std::mem::take(&mut *steps.lock().unwrap());
    let [MoveStep::Begun, MoveStep::Copying { rows }, MoveStep::Copied, MoveStep::Left, MoveStep::Arrived] = steps[..]
    else {
        panic!("{steps:?}")
    };
    assert_eq!(rows, moved.rows);
    let recorded = "SELECT count(*) FROM connection_kv WHERE namespace = '/server' AND key = 'timeline'";
    assert_eq!(sql::number(&it.on_server(), recorded).await, Some(1), "the tokens are never without their timeline");

    assert_eq!(refusal(it.here()).await.as_deref(), Some("store_moved"));
    let error = it.here().open().await.unwrap_err();
    assert!(error.to_string().contains(&moved.to), "{error}");
    assert!(error.remedy().unwrap().contains("move --undo"), "{error:?}");
    it.continues(it.there()).await;

    let again = it.move_it().await.unwrap();
    assert!(again.is_completed, "nothing is left to do");
    assert_eq!(refusal(it.there()).await, None);
}

/// The five steps, and what each of the two stores says after it.
#[tokio::test]
async fn a_move_that_is_killed_after_any_step_is_completed_or_taken_back_and_only_one_store_opens() {
    for (step, here, there) in [
        (MoveStep::Begun, "move_unfinished", None),
        (MoveStep::Copying { rows: 0 }, "move_unfinished", None),
        (MoveStep::Copied, "move_unfinished", Some("copy_incomplete")),
        (MoveStep::Left, "store_moved", Some("copy_incomplete")),
        (MoveStep::Arrived, "store_moved", None),
    ] {
        let Some(it) = Moving::new().await else { return };
        it.killed_after(step).await;
        assert_eq!(refusal(it.here()).await.as_deref(), Some(here), "{step:?}");
        assert_eq!(it.is_copied().await, !matches!(step, MoveStep::Begun | MoveStep::Copying { .. }), "{step:?}");
        if let Some(there) = there {
            assert_eq!(refusal(it.there()).await.as_deref(), Some(there), "{step:?}");
        }
        let moved = it.move_it().await.unwrap();
        assert_eq!(moved.is_completed, there.is_some() || step == MoveStep::Arrived, "{step:?}");
        assert_eq!(refusal(it.here()).await.as_deref(), Some("store_moved"), "{step:?}");
        it.continues(it.there()).await;

        let Some(it) = Moving::new().await else { return };
        it.killed_after(step).await;
        it.undo().await.unwrap();
        if it.is_copied().await {
            assert_eq!(refusal(it.there()).await.as_deref(), Some("copy_incomplete"), "{step:?}");
            assert_eq!(sql::number(&it.on_server(), "SELECT count(*) FROM connection_event").await, Some(0));
        }
        it.continues(it.here()).await;
    }
}

#[tokio::test]
async fn a_move_is_taken_back_until_somebody_opens_the_copy() {
    let Some(it) = Moving::new().await else { return };
    assert_eq!(it.undo().await.unwrap_err().code(), "not_moved");
    it.move_it().await.unwrap();
    // The undoing is killed between its two marks: neither store opens, and either way is open.
    it.undo_killed_after(MoveStep::Withdrawn).await;
    assert_eq!(refusal(it.here()).await.as_deref(), Some("store_moved"));
    assert_eq!(refusal(it.there()).await.as_deref(), Some("copy_incomplete"));
    it.move_it().await.unwrap();
    it.undo_killed_after(MoveStep::Withdrawn).await;
    it.undo().await.unwrap();
    assert_eq!(refusal(it.here()).await, None);

    // The copy that was withdrawn makes way for another one.
    it.move_it().await.unwrap();
    it.continues(it.there()).await;
    let opened = it.undo().await.unwrap_err();
    assert_eq!(opened.code(), "copy_opened");
    assert!(opened.to_string().contains("was opened after the move"), "{opened}");
    let elsewhere = postgres::Database::empty().await;
    let missing = it.here().undo_move(elsewhere.url(), |_| {}).await.unwrap_err();
    assert_eq!(missing.code(), "copy_missing");
    assert_eq!(it.here().move_to(elsewhere.url(), |_| {}).await.unwrap_err().code(), "copy_missing");
    assert_eq!(refusal(it.here()).await.as_deref(), Some("store_moved"));
}

/// A move that has begun and whose server is gone for good does not lock anybody out.
#[tokio::test]
async fn a_move_that_has_begun_is_taken_back_without_the_server() {
    let Some(it) = Moving::new().await else { return };
    it.killed_after(MoveStep::Copied).await;
    let undone = it.here().undo_move("postgres://nobody@127.0.0.1:1/gone", |_| {}).await.unwrap();
    assert!(undone.unreached.unwrap().contains("cannot reach PostgreSQL"));
    assert_eq!(refusal(it.there()).await.as_deref(), Some("copy_incomplete"));
    // What is left there belongs to an attempt that no store names any more.
    assert_eq!(it.move_it().await.unwrap_err().code(), "target_unsuited");
    assert_eq!(refusal(it.there()).await.as_deref(), Some("copy_incomplete"));
    it.continues(it.here()).await;
}

#[tokio::test]
async fn a_target_that_cannot_be_used_is_refused_and_nothing_is_changed() {
    let Some(it) = Moving::new().await else { return };
    let before = sql::rows(&it.world.database()).await;
    let used = postgres::Database::migrated().await;
    let role = format!("no_tables_{}", used.options().get_database().unwrap());
    let closed = postgres::Database::empty().await;
    let server = Database::Server(Box::new(closed.options()));
    let make = format!("CREATE ROLE {role} LOGIN PASSWORD 'x'; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    sql::script(&server, make).await;
    let limited = closed.options().username(&role).password("x").to_url_lossy().to_string();
    let latin = format!("latin_{}", used.options().get_database().unwrap());
    let make = format!("CREATE DATABASE {latin} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    sql::script(&server, make).await;
    let encoded = closed.options().database(&latin).to_url_lossy().to_string();
    let newer = postgres::Database::migrated().await;
    let later = "INSERT INTO connection_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9000, 'later', TRUE, '', 0)";
    sql::run(&Database::Server(Box::new(newer.options())), later).await;

    for (address, code, words) in [
        (it.world.address(), "target_unsuited", "is not that of a PostgreSQL server"),
        (used.url(), "target_unsuited", "is not empty"),
        (newer.url(), "target_unsuited", "is not empty"),
        (limited, "target_unsuited", "may not create tables"),
        (encoded, "target_unsuited", "has the encoding LATIN1"),
        ("postgres://nobody@127.0.0.1:1/gone".to_owned(), "store_failed", "cannot reach PostgreSQL"),
        ("mysql://nobody@127.0.0.1/x".to_owned(), "store_failed", "not supported"),
    ] {
        let refused = it.here().move_to(address, |_| {}).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        assert!(refused.to_string().contains(words) && refused.remedy().is_some(), "{refused}");
        assert_eq!(sql::rows(&it.world.database()).await, before, "{refused}");
    }
    sql::script(&server, format!("DROP ROLE {role}")).await;
    sql::script(&server, format!("DROP DATABASE {latin} WITH (FORCE)")).await;

    let registry = it.here().open().await.unwrap();
    assert_eq!(it.move_it().await.unwrap_err().code(), "database_in_use");
    registry.close().await;
    drop(registry);
    assert!(!it.is_copied().await);
    let of_server = it.there().move_to(used.url(), |_| {}).await.unwrap_err();
    assert_eq!(of_server.code(), "database_not_a_file");
    assert_eq!(refusal(it.here()).await, None);
}

#[tokio::test]
async fn what_only_this_machine_knows_is_recorded_or_named_before_a_move() {
    let Some(it) = Moving::new().await else { return };
    // Another machine has sent a request, and only that one can see that its sender has ended.
    let attempt = format!(
        "INSERT INTO connection_exchange (key, connection_id, node_id, process_id, begun_at, sent_at, seen_at, state) \
         SELECT x'{}', id, 'other', 'process', 1, 1, 1, 'intent' FROM connection_account",
        "07".repeat(32)
    );
    sql::run(&it.world.database(), attempt).await;
    let open = it.move_it().await.unwrap_err();
    assert_eq!(open.code(), "exchanges_open");
    assert!(open.to_string().ends_with("renewing:ada"), "{open}");
    sql::run(&it.world.database(), "UPDATE connection_exchange SET concluded_at = 2").await;

    let store = fs::read_dir(it.world.state()).unwrap().find_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        Some(name.strip_prefix("answers-")?.split('-').next()?.to_owned())
    });
    let rescue = it.world.state().join(format!("answer-{}-{}.rescue", store.unwrap(), "09".repeat(32)));
    connection_core::replace_private(&rescue, b"damaged").unwrap();
    let kept = it.move_it().await.unwrap_err();
    assert_eq!(kept.code(), "answers_kept");
    assert!(!it.is_copied().await);
    assert_eq!(refusal(it.here()).await, None, "nothing was begun");
    fs::remove_file(&rescue).unwrap();

    it.move_it().await.unwrap();
    let carried = "SELECT count(*) FROM connection_exchange WHERE concluded_at = 2";
    assert_eq!(sql::number(&it.on_server(), carried).await, Some(1), "what is concluded is carried");
}

#[tokio::test]
async fn no_backup_of_a_moved_store_restores_a_token_that_is_sent_by_itself() {
    let Some(it) = Moving::new().await else { return };
    let older = backed_up(&it.world).await;
    it.move_it().await.unwrap();
    let newer = it.world.directory.path().join("newer.backup");
    ConnectionRegistry::builder().store(it.world.address()).back_up(&newer).await.unwrap();
    for backup in [&older, &newer] {
        // Over the moved file, and beside it.
        for is_beside in [false, true] {
            let moved = it.world.directory.path().join("moved.db");
            if is_beside {
                fs::rename(it.world.file(), &moved).unwrap();
            }
            let restored = it.restore(backup).await.unwrap();
            assert_eq!(restored.connections[0].token, TokenUse::Unknown, "{backup:?}, {is_beside}");
            let registry = it.here().open().await.unwrap();
            let connection = registry.connection(it.id).await.unwrap();
            let before = it.provider.request_count();
            assert_eq!(connection.refresh().await.unwrap_err().code(), "not_renewed");
            assert_eq!(it.provider.request_count(), before, "{backup:?}, {is_beside}");
            registry.close().await;
            drop((registry, connection));
            fs::rename(restored.kept.unwrap_or(moved), it.world.file()).unwrap();
            assert_eq!(refusal(it.here()).await.as_deref(), Some("store_moved"));
        }
    }
    it.continues(it.there()).await;
}

#[tokio::test]
async fn what_is_bound_to_the_machine_is_listed() {
    let Some(it) = Moving::new().await else { return };
    let moved = it.world.builder().move_to(it.server.url(), |_| {}).await.unwrap();
    // This builder has no kinds.
    assert_eq!(moved.bound, [MachineBound::UnknownKind { kind: "renewing".into(), connections: 1 }]);
}
