//! The statements of a resolution: one if the connection is clear, and no more for many extensions.

use std::time::Duration;

use connection_contract::{AuthType, ConnectionDefinition, ExtensionDeclaration};
use connection_core::{ConnectionRegistry, Limits, RegistryBuilder};
use connection_faults::host_pool::Pool;

use crate::{
    acme::{Acme, KIND},
    extension_kit::{TWIN, Twin, acme_extension, handle, keys_are_accounts, needs, of},
    log,
    test_host::{World, connected},
};

/// The part of a statement that writes entries of uses.
const ENTRY: &str = "INTO connection_use ";

/// The part of a statement by which a process is present.
const PRESENCE: &str = "connection_presence";

/// A host with a pool of a single connection, whose statements are logged.
pub(crate) struct Counted {
    pub(crate) world: World,
    pool: Pool,
    pub(crate) registry: ConnectionRegistry,
    thread: String,
}

impl Counted {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        keys_are_accounts(&world);
        Self::of(world, Acme::default()).await
    }

    /// Creates a host with this kind.
    pub(crate) async fn of(world: World, kind: impl ConnectionDefinition) -> Self {
        Self::with(world, |builder| builder.kind(kind)).await
    }

    /// Creates a host with additions to its builder.
    pub(crate) async fn with(world: World, add: impl FnOnce(RegistryBuilder) -> RegistryBuilder) -> Self {
        log::begin();
        let pool = Pool::of(&world.database(), 1).await;
        let builder = world.builder().limits(Limits::new().hot_rows(Duration::from_millis(500))).store(pool.lend());
        let registry = add(builder).open().await.unwrap();
        let thread = std::thread::current().name().unwrap().to_owned();
        Self { world, pool, registry, thread }
    }

    /// Opens another process on the same database, whose statements are counted, too.
    pub(crate) async fn another(&self, kind: impl ConnectionDefinition) -> ConnectionRegistry {
        let pool = Pool::of(&self.world.database(), 1).await;
        let builder = self.world.builder().limits(Limits::new().hot_rows(Duration::from_millis(500)));
        builder.store(pool.lend()).kind(kind).open().await.unwrap()
    }

    /// Returns the number of statements that `what` takes: the fewest of three runs, because tasks of an earlier
    /// setup may add statements of their own, and nothing removes any.
    pub(crate) async fn takes<T>(&self, mut what: impl AsyncFnMut() -> T) -> (usize, T) {
        let mut fewest = self.once(&mut what).await;
        for _ in 0..2 {
            let (statements, done) = self.once(&mut what).await;
            fewest = (statements.min(fewest.0), done);
        }
        fewest
    }

    pub(crate) async fn once<T>(&self, what: &mut impl AsyncFnMut() -> T) -> (usize, T) {
        let before = self.statement_count().await;
        let done = what().await;
        (self.statement_count().await - before, done)
    }

    async fn statement_count(&self) -> usize {
        // The entries of uses are written behind, whenever that is, and withdrawals are looked for now and then.
        let is_beside = |line: &str| [ENTRY, PRESENCE, "connection_withdrawal"].iter().any(|part| line.contains(part));
        self.count(|line| !is_beside(line)).await
    }

    /// Returns the number of statements that have written entries of uses.
    pub(crate) async fn entry_count(&self) -> usize {
        self.count_of(ENTRY).await
    }

    /// Returns the number of statements so far that begin with these words, of which the log has the first four.
    pub(crate) async fn count_of(&self, words: &str) -> usize {
        self.count(|line| line.contains(words)).await
    }

    async fn count(&self, is_counted: impl Fn(&str) -> bool) -> usize {
        const MARK: &str = "SELECT 1";
        // Each statement is logged after its answer, and before the next one begins.
        self.pool.run(MARK).await;
        let mark = format!("summary={MARK:?}");
        log::statements_of(&self.thread).iter().filter(|line| !line.contains(&mark) && is_counted(line)).count()
    }
}

#[tokio::test]
async fn which_connection_is_meant_and_what_is_set_is_read_at_once() {
    let on = Counted::new().await;
    let twin = Twin { kind: TWIN, provider: KIND, ..Twin::new() };
    on.registry.kinds().register(twin.clone()).unwrap();
    let issues = handle(&on.registry, "issues");
    let resolve = async || on.takes(async || issues.resolve(issues.requirement()).await).await;
    assert_eq!(resolve().await.0, 1, "nothing is connected");
    let one = connected(&on.registry, "one").await;
    issues.set_preferences(None).set("apiBaseUrl", "https://mine.example").await.unwrap();
    let (statements, found) = resolve().await;
    assert_eq!((statements, found.unwrap().connection()), (1, Some(one.id())));
    let two = connected(&on.registry, "two").await;
    let three = connected(&on.registry, "three").await;
    twin.connected(&on.registry, "AC1", "secret").await;
    let (statements, found) = resolve().await;
    assert_eq!((statements, found.unwrap().connection()), (1, Some(one.id())), "the first one is the default");
    one.clear_default().await.unwrap();
    let (statements, found) = resolve().await;
    assert!(statements > 1 && found.unwrap().candidates().len() == 3, "the control: {statements}");
    for default in [&three, &two] {
        default.make_default().await.unwrap();
        let (statements, found) = resolve().await;
        assert_eq!((statements, found.unwrap().connection()), (1, Some(default.id())));
    }
    let extensions = on.registry.extensions();
    extensions.grant("issues", three.id(), &[]).await.unwrap();
    let (statements, found) = resolve().await;
    assert_eq!((statements, found.unwrap().connection()), (1, Some(three.id())), "its only grant");
    extensions.grant("issues", one.id(), &[]).await.unwrap();
    let (statements, found) = resolve().await;
    assert_eq!((statements, found.unwrap().connection()), (1, Some(two.id())), "two grants leave it to the default");
    extensions.choose("issues", three.id()).await.unwrap();
    let (statements, found) = resolve().await;
    assert_eq!((statements, found.unwrap().connection()), (1, Some(three.id())));
    on.registry.kinds().unregister(&KIND);
    on.registry.kinds().unregister(&TWIN);
    assert_eq!(resolve().await.0, 1, "no kind is registered");
    drop(on.world);
}

/// More kinds than one statement reads.
#[tokio::test]
async fn a_provider_of_many_kinds_is_read_in_a_few() {
    let on = Counted::new().await;
    let kinds = ["k1", "k2", "k3", "k4", "k5", "k6"].map(connection_contract::Kind::from_static);
    let twins = kinds.map(|kind| Twin { kind, provider: KIND, ..Twin::new() });
    for twin in &twins {
        on.registry.kinds().register(twin.clone()).unwrap();
    }
    let sms = on.registry.extensions().handle(of("sms", needs(KIND, AuthType::ApiKey, &["apiSecret"]))).unwrap();
    let resolve = async || on.takes(async || sms.resolve(sms.requirement()).await).await;
    let last = twins[5].connected(&on.registry, "AC6", "six").await;
    let (statements, found) = resolve().await;
    assert_eq!((statements, found.unwrap().connection()), (2, Some(last.id())));
    // One in each part, of which neither is the default.
    let first = twins[0].connected(&on.registry, "AC1", "one").await;
    last.clear_default().await.unwrap();
    assert_eq!(resolve().await.1.unwrap().candidates(), [last.id(), first.id()]);
    for default in [&first, &last] {
        default.make_default().await.unwrap();
        let (statements, found) = resolve().await;
        assert_eq!((statements, found.unwrap().connection()), (2, Some(default.id())));
    }
    // A default without the secret is not selected if another connection has it.
    let blank = twins[1].connected(&on.registry, "AC2", " ").await;
    first.make_default().await.unwrap();
    on.registry.remove(last.id()).await.unwrap();
    blank.make_default().await.unwrap();
    assert_eq!(resolve().await.1.unwrap().connection(), Some(first.id()));
}

/// The benchmark covers one thousand extensions with ten thousand connections.
#[tokio::test]
async fn many_extensions_are_read_with_the_statements_of_one() {
    let on = Counted::new().await;
    connected(&on.registry, "one").await;
    let declarations: Vec<ExtensionDeclaration> =
        (0..2000).map(|number| acme_extension(&format!("extension-{number}"))).collect();
    let (of_one, _) = on.takes(async || on.registry.extensions().resolve_all(&declarations[..1]).await).await;
    let (of_all, all) = on.takes(async || on.registry.extensions().resolve_all(&declarations).await).await;
    assert_eq!((of_one, of_all), (6, 6));
    assert!(all.unwrap().iter().all(|found| found.as_ref().is_ok_and(|found| found.connection().is_some())));
}
