//! Servers: one that the test starts itself, TLS, and roles with limited rights.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use connection_core::{
    AnswerRoom, ConnectionRegistry, Error, KeyFile, NotReady, OpenError, RegistryBuilder, StoreError,
};
use connection_faults::{
    certificates::Authority,
    postgres::{Cluster, Database, cluster},
};
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use crate::{
    acme::Acme,
    log,
    test_host::{World, connected},
};

/// Marks a process that starts a cluster and waits to be killed.
const KILLED: &str = "CONNECTIONS_TEST_CLUSTER";
const MADE: &str = "a cluster is at ";

pub(super) fn builder(world: &World, address: String) -> RegistryBuilder {
    let builder = ConnectionRegistry::builder().store(address).key(KeyFile::at(world.key())).http(world.policy());
    builder.kind(Acme::default())
}

fn address(cluster: &Cluster, more: &str) -> String {
    format!("postgres://postgres@127.0.0.1:{}/postgres?{more}", cluster.options().get_port())
}

/// Returns the id of the process of the server in a directory.
fn server_in(directory: &Path) -> String {
    let file = std::fs::read_to_string(directory.join("data/postmaster.pid")).unwrap();
    file.lines().next().unwrap().to_owned()
}

/// Returns `true` if the server and its files are gone. Its port may belong to another process by then.
fn is_gone(server: &str, directory: &Path) -> bool {
    // A process that has ended and that nobody has waited for has no program.
    !directory.exists() && std::fs::read_link(Path::new("/proc").join(server).join("exe")).is_err()
}

#[tokio::test]
async fn a_server_of_our_own_serves_and_goes_with_its_value() {
    let world = World::new().await;
    let cluster = cluster().unwrap();
    let registry = builder(&world, address(&cluster, "sslmode=disable")).open().await.unwrap();
    connected(&registry, "key-1").await;
    registry.close().await;
    let directory = cluster.directory().to_owned();
    let server = server_in(&directory);
    assert!(!is_gone(&server, &directory), "the control");
    drop(cluster);
    assert!(is_gone(&server, &directory));
}

/// A SQLite file has its state directory beside it; with a server, the host names one.
#[tokio::test]
async fn a_registry_without_a_state_directory_says_so_in_the_log_and_goes_on() {
    log::begin();
    let world = World::new().await;
    let warnings = || log::lines_with("there is no state directory").len();
    world.builder().open().await.unwrap();
    let before = warnings();
    let registry = builder(&world, world.address()).open().await.unwrap();
    assert_eq!(registry.store().answer_room(), AnswerRoom::Memory);
    assert!(warnings() > before);
    connected(&registry, "key-1").await;
}

#[tokio::test]
async fn a_server_of_our_own_goes_with_a_process_that_is_killed() {
    if said() {
        return make_and_wait();
    }
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["postgres::servers::a_server_of_our_own_goes_with_a_process_that_is_killed", "--exact", "--nocapture"])
        .env(KILLED, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let place = lines.find_map(|line| line.unwrap().strip_prefix(MADE).map(str::to_owned)).unwrap();
    let directory = PathBuf::from(place);
    let server = server_in(&directory);
    assert!(!is_gone(&server, &directory), "the control");
    process.kill().unwrap();
    process.wait().unwrap();
    let mut looks = 0_u64;
    while !is_gone(&server, &directory) {
        looks += 1;
        assert!(looks < 10_000_000, "it stays");
        std::thread::yield_now();
    }
}

#[expect(clippy::disallowed_methods, reason = "a process of this test is told so by its environment")]
fn said() -> bool {
    std::env::var_os(KILLED).is_some()
}

#[expect(clippy::print_stdout, reason = "the parent waits for it")]
fn make_and_wait() {
    let cluster = cluster().unwrap();
    println!("\n{MADE}{}", cluster.directory().display());
    // The process waits until it is killed.
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// The pool and the connection that creates the tables: all of them are encrypted.
#[tokio::test]
async fn a_server_is_talked_to_by_tls_and_only_the_right_one_is_trusted() {
    let world = World::new().await;
    let cluster = cluster().unwrap();
    let authority = Authority::new();
    let certificate = authority.sign("127.0.0.1");
    cluster.keep("server.crt", &certificate.pem).unwrap();
    cluster.keep("server.key", &certificate.key).unwrap();
    let at = cluster.directory().display();
    let files = format!("ssl_cert_file = '{at}/server.crt'\nssl_key_file = '{at}/server.key'\nhba_file = '{at}/hba'\n");
    cluster.set(&format!("ssl = on\n{files}")).unwrap();
    cluster.keep("hba", "hostssl all all 127.0.0.1/32 trust\n").unwrap();
    cluster.control(&["restart"]).unwrap();
    let right = world.directory.path().join("right.pem");
    let wrong = world.directory.path().join("wrong.pem");
    std::fs::write(&right, authority.pem).unwrap();
    std::fs::write(&wrong, Authority::new().pem).unwrap();
    let verified = |file: &PathBuf| format!("sslmode=verify-full&sslrootcert={}", file.display());

    for more in ["sslmode=require".to_owned(), verified(&right)] {
        let registry = builder(&world, address(&cluster, &more)).open().await.unwrap();
        assert!(registry.store().health().await, "{more}");
        registry.close().await;
    }
    let error = builder(&world, address(&cluster, &verified(&wrong))).open().await.unwrap_err();
    let OpenError::Store(StoreError::Unavailable { detail, .. }) = &error else { panic!("{error:?}") };
    assert!(detail.contains("certificate"), "{detail}");
    let missing = world.directory.path().join("missing.pem");
    let error = builder(&world, address(&cluster, &verified(&missing))).open().await.unwrap_err();
    assert!(error.to_string().contains("`sslrootcert`"), "{error}");
    assert!(error.remedy().unwrap().contains("files for TLS"), "{error:?}");
    let error = builder(&world, address(&cluster, "sslmode=disable")).open().await.unwrap_err();
    assert!(matches!(error, OpenError::Store(StoreError::Unavailable { .. })), "the control: {error:?}");
    cluster.set(&format!("ssl = off\nhba_file = '{at}/hba'\n")).unwrap();
    cluster.control(&["restart"]).unwrap();
    let error = builder(&world, address(&cluster, "sslmode=require")).open().await.unwrap_err();
    assert!(error.to_string().contains("does not support TLS"), "{error}");
}

/// Creates a role for one test. Roles belong to the server, not to a database.
pub(super) async fn role(database: &Database, name: &str) -> (String, String) {
    let role = format!("connections_test_{name}_{}", std::process::id());
    admin(database, &format!("DROP ROLE IF EXISTS {role}")).await;
    admin(database, &format!("CREATE ROLE {role} LOGIN PASSWORD 'x'")).await;
    let options = database.options().username(&role).password("x");
    (role, options.to_url_lossy().to_string())
}

pub(super) async fn admin(database: &Database, sql: &str) {
    let mut connection = database.connect().await;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_role_that_may_not_make_tables_works_on_those_that_another_made() {
    let world = World::new().await;
    let database = Database::empty().await;
    let (role, address) = role(&database, "rows").await;
    let error = builder(&world, address.clone()).open().await.unwrap_err();
    assert!(matches!(error, OpenError::Store(StoreError::Unprepared { .. })), "{error:?}");
    assert!(error.remedy().unwrap().contains("create the tables with another role"), "{:?}", error.remedy());

    connection_core::migrate(database.url()).await.unwrap();
    let rights = format!(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}; \
         REVOKE INSERT, UPDATE, DELETE ON connection_migrations FROM {role}"
    );
    admin(&database, &rights).await;
    let registry = builder(&world, address.clone()).open().await.unwrap();
    let connection = connected(&registry, "key-1").await;
    connection.verify().await.unwrap();
    registry.remove(connection.id()).await.unwrap();
    let kept = connected(&registry, "key-1").await;
    registry.close().await;

    // The other tables can still be written.
    admin(&database, &format!("REVOKE INSERT ON connection_setup FROM {role}")).await;
    let registry = builder(&world, address.clone()).open().await.unwrap();
    assert_eq!(registry.store().ready().await, Err(NotReady::ReadOnly));
    let kept = registry.connection(kept.id()).await.unwrap();
    kept.rename("work").await.unwrap();
    assert_eq!(registry.store().ready().await, Err(NotReady::ReadOnly), "another write shows nothing");
    admin(&database, &format!("GRANT INSERT ON connection_setup TO {role}")).await;
    assert_eq!(registry.store().ready().await, Ok(()));
    registry.close().await;

    admin(&database, &format!("REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public FROM {role}")).await;
    let registry = builder(&world, address).open().await.unwrap();
    assert!(registry.connection(kept.id()).await.is_ok(), "what may be read is read");
    let error = registry.setups().begin(&crate::acme::KIND).await.unwrap_err();
    let Error::Store(error) = &error else { panic!("{error:?}") };
    assert_eq!(**error, StoreError::ReadOnly { place: place(&database) });
    registry.close().await;
    admin(&database, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

fn place(database: &Database) -> String {
    let options = database.options();
    format!("postgres://{}:{}/{}", options.get_host(), options.get_port(), options.get_database().unwrap())
}
