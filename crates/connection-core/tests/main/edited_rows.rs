//! Rows of connections that another program edited. A value that was sealed for another row or column does not open,
//! reports that, and is never sent. Every other row still works.

use connection_contract::{Kind, Liveness};
use connection_core::{Connection, ConnectionId, ConnectionRegistry, Error, Filter, Teardown};

use crate::{
    acme::Acme,
    fake::Fake,
    sql,
    test_host::{World, connected, me},
};

/// Two accounts of one provider, which knows them by their keys, and the previous credential of the first.
struct Pair {
    world: World,
    registry: ConnectionRegistry,
    one: ConnectionId,
    two: ConnectionId,
    older: Vec<u8>,
}

impl Pair {
    async fn new() -> Self {
        let world = World::new().await;
        world.provider(answer);
        let registry = world.acme().await;
        registry.kinds().register(Fake::of(OTHER)).unwrap();
        let one = connected(&registry, "key-1").await.id();
        let two = connected(&registry, "key-2").await.id();
        let mut pair = Self { world, registry, one, two, older: Vec::new() };
        pair.older = pair.sealed(one).await;
        let rotated = r#"{"id":"1","name":"ada","rotate":"key-1b"}"#;
        pair.world.provider(|_| crate::test_server::Reply::ok(rotated));
        pair.handle(one).await.verify().await.unwrap();
        pair.world.provider(answer);
        pair
    }

    async fn handle(&self, id: ConnectionId) -> Connection {
        self.registry.connection(id).await.unwrap()
    }

    async fn sealed(&self, id: ConnectionId) -> Vec<u8> {
        let id = sql::id(id);
        let sql = format!("SELECT sealed FROM connection_credential WHERE connection_id = {id} AND state = 'current'");
        sql::blob(&self.world.database(), sql).await
    }

    async fn edit(&self, sql: &str) {
        assert_eq!(sql::run(&self.world.database(), sql).await, 1, "{sql}");
    }

    async fn seal(&self, id: ConnectionId, sealed: &[u8]) {
        let id = sql::id(id);
        let sealed = sql::literal(sealed);
        let sql = format!("UPDATE connection_credential SET sealed = {sealed} WHERE connection_id = {id}");
        self.edit(&sql).await;
    }

    async fn account(&self, set: &str) {
        self.edit(&format!("UPDATE connection_account SET {set} WHERE id = {}", sql::id(self.one))).await;
    }

    fn request_count(&self) -> usize {
        self.world.server.requests().len()
    }

    /// Checks that the credential does not open, also for each use, and that nothing is sent.
    async fn closed(&self, registry: &ConnectionRegistry, what: &str) {
        let requests = self.request_count();
        let connection = registry.connection(self.one).await.unwrap();
        let info = connection.verify().await.unwrap();
        let reason = info.reason.clone().unwrap_or_else(|| panic!("{what}: no reason: {info:?}"));
        assert_eq!((info.liveness, &*reason.code), (Liveness::Failing, "credential_unreadable"), "{what}");
        assert!(reason.remedy.unwrap().as_str().contains("authorize this connection again"), "{what}");
        let errors = [
            connection.request("GET", "/things").await.unwrap_err(),
            connection.origins().await.unwrap_err(),
            connection.files().await.unwrap_err(),
            connection.with_access_token(async |_| ()).await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, Error::Sealed { .. }), "{what}: {error:?}");
            assert!(error.to_string().contains(&self.one.to_string()), "{what}: {error}");
            assert!(error.remedy().unwrap().contains("authorize the connection again"), "{what}");
        }
        // A request that was built before the edit is not sent either.
        let request = self.handle(self.two).await.request("GET", "/things").await.unwrap();
        assert!(matches!(connection.send(request).await.unwrap_err(), Error::Sealed { .. }), "{what}");
        assert_eq!(self.request_count(), requests, "{what}: something was sent");
    }

    async fn live(&self, id: ConnectionId, what: &str) {
        let info = self.handle(id).await.verify().await.unwrap();
        assert_eq!((info.liveness, info.reason), (Liveness::Live, None), "{what}");
    }
}

const OTHER: Kind = Kind::from_static("other");

fn answer(request: &str) -> crate::test_server::Reply {
    if request.contains("Bearer key-2") { me("2", "bob") } else { me("1", "ada") }
}

/// R-INSEAM-046
#[tokio::test]
async fn a_credential_that_was_moved_put_back_or_damaged_does_not_open_until_it_is_as_it_was() {
    let pair = Pair::new().await;
    let good = pair.sealed(pair.one).await;
    assert_ne!(good, pair.older);
    let mut edits = vec![
        ("moved from another row".to_owned(), pair.sealed(pair.two).await),
        ("put back from before".to_owned(), pair.older.clone()),
        ("emptied".to_owned(), Vec::new()),
        ("cut in half".to_owned(), good[..good.len() / 2].to_vec()),
        ("cut by a byte".to_owned(), good[..good.len() - 1].to_vec()),
        ("longer by a byte".to_owned(), [&good[..], &[0]].concat()),
        ("zeros".to_owned(), vec![0; good.len()]),
        ("text".to_owned(), b"key-1".to_vec()),
    ];
    // Every part of the envelope, and both ends.
    for at in (0..good.len()).step_by(7).chain([good.len() - 1]) {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        edits.push((format!("flipped at {at}"), flipped));
    }
    for (what, sealed) in edits {
        pair.seal(pair.one, &sealed).await;
        pair.closed(&pair.registry, &what).await;
    }
    pair.live(pair.two, "the other row").await;
    let planned = format!("SELECT next_check_at FROM connection_liveness WHERE connection_id = {}", sql::id(pair.one));
    assert!(sql::number(&pair.world.database(), planned).await.is_some(), "the scheduler looks at it again");
    pair.seal(pair.one, &good).await;
    pair.live(pair.one, "as it was").await;
}

/// R-INSEAM-046
#[tokio::test]
async fn a_credential_that_does_not_open_says_why() {
    let pair = Pair::new().await;
    let good = pair.sealed(pair.one).await;
    let flipped = |at: usize| {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        flipped
    };
    for (sealed, expected) in [
        (pair.sealed(pair.two).await, "Tampered"),
        (pair.older.clone(), "Tampered"),
        (flipped(good.len() - 1), "Tampered"),
        (flipped(7), "WrongKey"),
        (flipped(4), "UnknownFormat"),
        (b"key-1".to_vec(), "UnknownFormat"),
        (good[..good.len() - 1].to_vec(), "Truncated"),
        (Vec::new(), "Truncated"),
    ] {
        pair.seal(pair.one, &sealed).await;
        let error = pair.handle(pair.one).await.origins().await.unwrap_err();
        let Error::Sealed { source, .. } = &error else { panic!("{expected}: {error:?}") };
        assert!(format!("{source:?}").starts_with(expected), "{expected}: {source:?}");
    }
    // The error names a key that does not exist.
    pair.seal(pair.one, &flipped(7)).await;
    let error = pair.handle(pair.one).await.origins().await.unwrap_err();
    let need = connection_contract::encode::hex(&flipped(7)[5..13]);
    assert!(error.remedy().unwrap().contains(&format!("restore key {need}")), "{error:?}");
}

#[tokio::test]
async fn an_account_that_was_edited_does_not_lend_its_credential() {
    let pair = Pair::new().await;
    let mallory = pair.registry.owner("mallory").unwrap();
    for (set, back, registry) in [
        ("owner = 'mallory'", "owner = 'local'", &mallory),
        ("kind = 'other'", "kind = 'acme'", &pair.registry),
        ("generation = 1", "generation = 2", &pair.registry),
        ("next_generation = 9, generation = 3", "generation = 2", &pair.registry),
    ] {
        pair.account(set).await;
        pair.closed(registry, set).await;
        pair.account(back).await;
        pair.live(pair.one, back).await;
    }
    let id = sql::id(pair.one);
    let credential = |set: &str| format!("UPDATE connection_credential SET {set} WHERE connection_id = {id}");
    for (set, back) in [
        ("state = 'previous'", "state = 'current'"),
        ("state = 'candidate'", "state = 'current'"),
        ("generation = 7", "generation = 2"),
    ] {
        pair.edit(&credential(set)).await;
        pair.closed(&pair.registry, set).await;
        pair.edit(&credential(back)).await;
        pair.live(pair.one, back).await;
    }
    // Moved with its generation, to another row of the same owner and kind.
    let two = sql::id(pair.two);
    pair.edit(&format!("DELETE FROM connection_credential WHERE connection_id = {two}")).await;
    pair.edit(&credential(&format!("generation = 1, connection_id = {two}"))).await;
    let requests = pair.request_count();
    for id in [pair.one, pair.two] {
        let info = pair.handle(id).await.verify().await.unwrap();
        assert_eq!(&*info.reason.unwrap().code, "credential_unreadable");
    }
    assert_eq!(pair.request_count(), requests);
}

#[tokio::test]
async fn an_edited_configuration_leads_no_request_elsewhere() {
    let pair = Pair::new().await;
    let evil = World::new().await;
    let address = evil.server.origin();
    pair.account(&format!(r#"config = '[["apiBaseUrl","{address}"],["base","{address}"]]'"#)).await;
    let connection = pair.handle(pair.one).await;
    assert_eq!(connection.info().config[0], ("apiBaseUrl".to_owned(), address.clone()), "the row was edited");
    let requests = pair.request_count();
    let base = connection_contract::host::base_url(&address).unwrap();
    let path = "/things";
    for config in [None, Some("config = 'no JSON'")] {
        if let Some(config) = config {
            pair.account(config).await;
        }
        let reason = connection.verify().await.unwrap().reason.unwrap();
        assert_eq!(reason.code, "row_changed");
        assert!(matches!(connection.base_url().await.unwrap_err(), Error::Row(_)));
        let error = connection.send(connection_contract::HttpRequest::get(&base, path)).await.unwrap_err();
        assert!(matches!(error, Error::Row(_)), "{error:?}");
    }
    assert_eq!(pair.request_count(), requests);
    assert!(evil.server.requests().is_empty());
}

#[tokio::test]
async fn an_edited_account_is_told_and_an_edited_name_is_put_right() {
    let pair = Pair::new().await;
    pair.account("account_label = 'eve'").await;
    pair.live(pair.one, "names").await;
    let info = pair.handle(pair.one).await.info().clone();
    assert_eq!(info.identity.label.as_str(), "ada");
    pair.account("account_id = '2'").await;
    let info = pair.handle(pair.one).await.verify().await.unwrap();
    assert_eq!((info.liveness, &*info.reason.unwrap().code), (Liveness::Failing, "row_changed"));
    pair.account("account_id = '1'").await;
    pair.live(pair.one, "as it was").await;
}

#[tokio::test]
async fn what_does_not_open_is_listed_and_removed_and_breaks_nothing() {
    let pair = Pair::new().await;
    pair.seal(pair.one, b"").await;
    pair.closed(&pair.registry, "emptied").await;
    let listed = pair.registry.list_connections(Filter::new()).await.unwrap().items;
    assert_eq!(listed.iter().map(|info| info.id).collect::<Vec<_>>(), [pair.one, pair.two]);
    // Another process also fails to open it.
    let again = pair.world.open(Acme::default()).await;
    pair.closed(&again, "in another process").await;
    let requests = pair.request_count();
    assert_eq!(again.remove(pair.one).await.unwrap().teardown, Teardown::NotRevoked);
    assert_eq!(pair.request_count(), requests);
    assert!(matches!(again.connection(pair.one).await, Err(Error::NotFound(_))));
    pair.live(pair.two, "the other row").await;
    assert_eq!(again.remove(pair.two).await.unwrap().teardown, Teardown::Revoked, "the control");
    assert_eq!(pair.request_count(), requests + 2);
}

#[tokio::test]
async fn a_row_whose_kind_is_no_kind_is_listed_and_removed() {
    let pair = Pair::new().await;
    pair.account("kind = 'No Kind!'").await;
    pair.registry.kinds().register(Fake::of(Kind::from_static("unreadable"))).unwrap();
    let listed = pair.registry.list_connections(Filter::new()).await.unwrap().items;
    assert_eq!(listed.iter().map(|info| info.id).collect::<Vec<_>>(), [pair.one, pair.two]);
    pair.closed(&pair.registry, "no kind").await;
    pair.live(pair.two, "the other row").await;
    let requests = pair.request_count();
    assert_eq!(pair.registry.remove(pair.one).await.unwrap().teardown, Teardown::NotRevoked);
    assert_eq!(pair.request_count(), requests);
    let left = sql::number(&pair.world.database(), "SELECT count(*) FROM connection_credential").await;
    assert_eq!(left, Some(1));
}
