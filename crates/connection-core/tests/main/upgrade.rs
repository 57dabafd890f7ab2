//! A process goes on beside one of the next version, until the upgrade is finished. The next version is a stand-in, with a
//! migration more and with marks that cover a column more.

use std::time::Duration;

use connection_core::{ConnectionRegistry, Error, NotReady, OpenError, StoreError};

use crate::{
    acme::{Acme, KIND},
    log,
    renewing::{LIFE, RENEWING, Renewals, send},
    sql,
    test_host::{World, connected},
};

async fn next(world: &World) -> ConnectionRegistry {
    world.builder().kind(Acme::default()).as_next_version().open().await.unwrap()
}

/// Returns the number of the layout of an agent's mark.
async fn layout(world: &World, agent: &str) -> u8 {
    sql::blob(&world.database(), format!("SELECT mark FROM connection_agent WHERE name = '{agent}'")).await[40]
}

/// Returns the names of the agents, and fails if a row was refused.
async fn agents(registry: &ConnectionRegistry) -> Vec<String> {
    assert_eq!(registry.events().edited_rows().await.unwrap(), []);
    registry.agents().list().await.unwrap().iter().map(|agent| agent.name().to_owned()).collect()
}

fn is_too_old<T: std::fmt::Debug>(result: Result<T, Error>) -> bool {
    let error = result.unwrap_err();
    error.code() == "program_too_old" && error.remedy().is_some_and(|remedy| remedy.contains("newer version"))
}

#[tokio::test]
async fn a_process_goes_on_beside_the_next_version_until_the_upgrade_is_finished() {
    log::begin();
    let world = World::new().await;
    let former = world.acme().await;
    former.agents().create("first").await.unwrap();
    let later = next(&world).await;
    let columns = sql::columns(&world.database()).await;
    assert!(columns.contains(&"connection_agent.stand_in".to_owned()), "the control: {columns:?}");
    assert_eq!((former.store().ready().await, later.store().ready().await), (Ok(()), Ok(())));

    // Each reads what the other writes, and the former version can come back.
    later.agents().create("second").await.unwrap();
    former.agents().create("third").await.unwrap();
    for registry in [&former, &later] {
        assert_eq!(agents(registry).await, ["first", "second", "third"]);
    }
    assert_eq!(layout(&world, "second").await, 1);
    let connection = connected(&former, "key-1").await;
    later.connection(connection.id()).await.unwrap().rename("moved").await.unwrap();
    former.close().await;
    let former = world.acme().await;
    former.connection(connection.id()).await.unwrap().rename("back").await.unwrap();

    let status = later.store().upgrade().await.unwrap();
    assert_eq!((status.program, status.oldest, status.written, status.is_finished()), (2, 1, 1, false));
    assert!(former.store().upgrade().await.unwrap().is_finished(), "for its own version");
    let status = later.store().finish_upgrade().await.unwrap();
    assert_eq!((status.oldest, status.written, status.is_finished()), (2, 2, true));
    assert_eq!(later.store().finish_upgrade().await.unwrap(), status, "once more");

    assert_eq!(former.store().ready().await, Err(NotReady::TooOld));
    assert_eq!(NotReady::TooOld.code(), "program_too_old");
    assert!(is_too_old(former.agents().create("fourth").await));
    assert!(is_too_old(former.connection(connection.id()).await.unwrap().rename("never").await));
    assert!(is_too_old(former.setups().begin(&KIND).await.map(|_| ())));
    assert!(is_too_old(former.store().finish_upgrade().await));
    let told = log::lines_with(&world.place()).into_iter().filter(|line| line.starts_with("ERROR"));
    let told = told.filter(|line| line.contains("too old to write"));
    assert_eq!(told.count(), 1, "it is said once");
    let error = world.builder().kind(Acme::default()).open().await.unwrap_err();
    assert!(matches!(error, OpenError::Store(StoreError::ProgramTooOld { .. })), "{error:?}");

    later.agents().create("fourth").await.unwrap();
    assert_eq!((layout(&world, "first").await, layout(&world, "fourth").await), (1, 2));
    assert_eq!(agents(&later).await, ["first", "fourth", "second", "third"]);
    assert_eq!(later.store().ready().await, Ok(()));
    // The former version does not know the marks, and gives such a row to nobody.
    let refused: Vec<_> = former.events().edited_rows().await.unwrap().iter().map(|row| row.code()).collect();
    assert!(!refused.is_empty() && refused.iter().all(|code| *code == "row_version"), "{refused:?}");
    former.close().await;
    later.close().await;
}

/// Ends the time of the former version while its request is out, as another process does.
fn finish(database: &sql::Database) {
    let database = database.clone();
    let finished = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(sql::run(&database, "UPDATE connection_part SET oldest = 2, written = 2"))
    });
    assert_eq!(finished.join().unwrap(), 1);
}

#[tokio::test]
async fn an_answer_that_was_out_when_its_program_became_too_old_is_recorded_and_used_by_the_next_version() {
    let it = Renewals::new().await;
    it.at(LIFE);
    let (issued, database) = (it.provider.clone(), it.world.database());
    it.world.provider(move |request| {
        let answer = issued.answer(request);
        if request.starts_with("POST /token") {
            finish(&database);
        }
        answer
    });
    let error = it.send().await.unwrap_err();
    assert_eq!(error.code(), "program_too_old", "{error:?}");
    let answered = "SELECT COUNT(*) FROM connection_exchange WHERE state = 'answered'";
    assert_eq!(sql::number(&it.world.database(), answered).await, Some(1), "the answer is recorded");
    assert_eq!(it.number("generation").await, 1, "and nothing else");
    let released = async {
        while it.lease("lease_until").await.is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), released).await.expect("the lease is held");
    assert!(is_too_old(it.registry.setups().begin(&RENEWING).await.map(|_| ())));

    let issued = it.provider.clone();
    it.world.provider(move |request| issued.answer(request));
    let later = it.world.builder().kind(it.plugin.clone()).as_next_version().open().await.unwrap();
    let connection = later.connection(it.connection.id()).await.unwrap();
    assert_eq!(send(&connection).await.unwrap(), 200);
    let issuer = it.provider.lock().clone();
    assert_eq!((issuer.requests, issuer.is_revoked, issuer.number), (1, false, 2), "the token was spent once");
    assert_eq!(sql::number(&it.world.database(), "SELECT COUNT(*) FROM connection_exchange").await, Some(0));
    later.close().await;
}
