//! Tests of answers that could not be recorded.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use connection_contract::{
    HttpError,
    RefreshSemantics::{Stable, Strict},
};
use connection_faults::{server::Reply, state_files, test_database::TestDatabase};
use tokio::task::JoinSet;

use super::{
    super::answer_slots::{self, AnswerSlots, MAX_CONTENT, SLOTS},
    World, connection, refresh, remove, row, spend, spends, stopped, text_of, until_stopped,
};
const ANSWER: &str = "fresh-token-that-nobody-may-read";

/// The form in which an answer is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A slot of its process.
    Place,
    /// A separate file, because the answer is too long for a slot.
    File,
}

impl Form {
    const ALL: [Self; 2] = [Self::Place, Self::File];

    fn answer(self) -> String {
        match self {
            Self::Place => ANSWER.to_owned(),
            Self::File => ANSWER.repeat(MAX_CONTENT / ANSWER.len() + 1),
        }
    }

    fn text_of(self) -> String {
        format!("200 {}", self.answer())
    }

    async fn worlds(self) -> Vec<World> {
        World::each(move |_| Reply::ok(&self.answer())).await
    }

    /// Returns the file that holds the one answer of a directory.
    fn of(self, state: &Path) -> PathBuf {
        match self {
            Self::Place => state_files::places(state).remove(0).0,
            Self::File => state_files::files(state).remove(0),
        }
    }
}

/// Returns the number of answers that the machine keeps.
fn kept_of(world: &World) -> usize {
    state_files::count(&world.state())
}

/// Returns a world for each form on each engine.
async fn worlds() -> Vec<(Form, World)> {
    let mut worlds = Vec::new();
    for form in Form::ALL {
        worlds.extend(form.worlds().await.into_iter().map(|world| (form, world)));
    }
    worlds
}

/// Simulates a process that received an answer, could not record it, and ended.
async fn lost(world: &World, token: &str) -> crate::ConnectionId {
    let registry = world.open().await;
    let id = connection(&registry.systems).await;
    world.refuse("UPDATE", "WHEN (NEW.state = 'answered')").await;
    assert_eq!(stopped(&registry.systems, id, token).await.code(), "store_failed");
    world.mend().await;
    world.clock.until_asleep(1).await;
    id
}

#[tokio::test]
async fn an_unrecordable_answer_is_stored_and_recorded_later() {
    for (form, world) in worlds().await {
        let registry = world.open().await;
        let systems = &registry.systems;
        let id = connection(systems).await;
        world.refuse("UPDATE", "WHEN (NEW.state = 'answered')").await;
        assert_eq!(stopped(systems, id, "old").await.code(), "store_failed");
        assert_eq!(stopped(systems, id, "old").await.code(), "store_failed", "it is kept still");
        assert_eq!(kept_of(&world), 1);
        world.mend().await;
        while row(systems, id, "old").await.unwrap().sealed.is_none() || kept_of(&world) > 0 {
            world.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
        // The file is deleted a moment before the caller receives the answer.
        let seen = loop {
            let spends = spends(systems, id, Strict);
            tokio::select! {
                seen = spend(&spends, "old") => break seen.map(|answer| text_of(&answer)),
                () = until_stopped(&spends) => tokio::task::yield_now().await,
            }
        };
        assert_eq!(seen, Ok(form.text_of()));
        assert_eq!(world.times_asked(), 1);
    }
}

/// R-INSEAM-085
#[cfg(unix)]
#[tokio::test]
async fn a_stored_answer_is_private_and_sealed() {
    use std::os::unix::fs::PermissionsExt as _;
    for form in Form::ALL {
        let world = World::on(TestDatabase::in_file(), move |_| Reply::ok(&form.answer())).await;
        lost(&world, "spent-token-that-nobody-may-read").await;
        let file = form.of(&world.state());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
        assert!(fs::read(&file).unwrap().len() > 64, "there is something to look at");
        assert_eq!(in_the_clear(&world), Vec::<PathBuf>::new());
        // The control: a token in plain text is found.
        let planted = world.state().join("planted");
        fs::write(&planted, [b"..", ANSWER.as_bytes(), b".."].concat()).unwrap();
        assert_eq!(in_the_clear(&world), [planted]);
    }
}

/// Returns the files of the node that contain a token in plain text.
#[cfg(unix)]
fn in_the_clear(world: &World) -> Vec<PathBuf> {
    let files = fs::read_dir(world.state()).unwrap().map(|entry| entry.unwrap().path());
    let reads = |path: &PathBuf| fs::read(path).unwrap().windows(14).any(|piece| piece == b"nobody-may-rea");
    files.filter(reads).collect()
}

const NEXT_GENERATION: &str = "UPDATE connection_account SET generation = 2, next_generation = 3";

/// Each generation spends a token that is not used up. The answer to one generation is not an answer to the next.
#[tokio::test]
async fn an_answer_to_an_older_credential_is_never_taken_for_a_newer_one() {
    for opened in ["before", "behind"] {
        for (form, world) in worlds().await {
            let id = lost(&world, "same").await;
            world.sql("DELETE FROM connection_exchange").await;
            world.sql(NEXT_GENERATION).await;
            let registry = if opened == "before" {
                let registry = world.open_without_state().await;
                let file = form.of(&world.state());
                let elsewhere = world.directory.path().join("elsewhere");
                fs::rename(&file, elsewhere.join(file.file_name().unwrap())).unwrap();
                registry
            } else {
                world.open().await
            };
            let spends = super::spends_of(&registry.systems, id, Stable, 2);
            assert_eq!(spend(&spends, "same").await.map(|answer| text_of(&answer)), Ok(form.text_of()));
            assert_eq!(world.times_asked(), 2, "{opened}: it is asked for anew");
            let elsewhere = world.directory.path().join("elsewhere");
            let kept = if opened == "before" { state_files::count(&elsewhere) } else { kept_of(&world) };
            assert_eq!(kept, 0, "{opened}: what nobody waits for is gone");
        }
    }
}

/// A probe may replace the credential while the answer is on its way.
#[tokio::test]
async fn the_answer_to_what_is_noted_counts_whichever_credential_is_current() {
    for (form, world) in worlds().await {
        let id = lost(&world, "old").await;
        world.sql(NEXT_GENERATION).await;
        let registry = world.open().await;
        assert!(row(&registry.systems, id, "old").await.unwrap().sealed.is_some());
        let spends = super::spends_of(&registry.systems, id, Strict, 2);
        assert_eq!(spend(&spends, "old").await.map(|answer| text_of(&answer)), Ok(form.text_of()));
        assert_eq!((world.times_asked(), kept_of(&world)), (1, 0));
    }
}

#[tokio::test]
async fn two_processes_around_one_answer_come_to_the_same() {
    for (form, world) in worlds().await {
        let one = world.open().await;
        let two = world.open().await;
        let three = world.open().await;
        let id = connection(&one.systems).await;
        world.refuse("UPDATE", "WHEN (NEW.state = 'answered')").await;
        assert_eq!(stopped(&one.systems, id, "old").await.code(), "store_failed");
        assert_eq!(stopped(&two.systems, id, "old").await.code(), "store_failed", "it reads the file");
        assert_eq!(kept_of(&world), 1);
        world.mend().await;
        let ask = |registry: &crate::ConnectionRegistry| {
            let systems = registry.systems.clone();
            async move { refresh(&systems, id, Strict, "old").await.0 }
        };
        let (by_two, by_three) = tokio::join!(ask(&two), ask(&three));
        assert_eq!((by_two, by_three), (Ok(form.text_of()), Ok(form.text_of())));
        // The process that has the answer in memory finishes, and leaves no file.
        world.clock.advance(Duration::from_secs(1));
        one.systems.exchange.exchanges.settled().await;
        assert_eq!((world.times_asked(), kept_of(&world)), (1, 0));
    }
}

/// A process that finds no file checks again whether an answer was recorded in the meantime.
#[tokio::test]
async fn many_processes_that_find_one_answer_never_report_it_lost() {
    const PROCESSES: usize = 6;
    for world in World::each(|_| Reply::ok(ANSWER)).await {
        let mut others = Vec::new();
        for _ in 0..PROCESSES {
            others.push(world.open().await);
        }
        for round in 0..5 {
            let keeps = world.open().await;
            let id = connection(&keeps.systems).await;
            world.refuse("UPDATE", "WHEN (NEW.state = 'answered')").await;
            assert_eq!(stopped(&keeps.systems, id, "old").await.code(), "store_failed");
            assert_eq!(kept_of(&world), 1);
            world.mend().await;
            let mut refreshes = JoinSet::new();
            for registry in &others {
                let systems = registry.systems.clone();
                refreshes.spawn(async move { refresh(&systems, id, Strict, "old").await.0 });
            }
            let answers = refreshes.join_all().await;
            assert_eq!(answers, vec![Ok(format!("200 {ANSWER}")); PROCESSES], "round {round}");
            world.clock.advance(Duration::from_secs(1));
            keeps.systems.exchange.exchanges.settled().await;
            assert_eq!((world.times_asked(), kept_of(&world)), (round + 1, 0));
        }
    }
}

/// A process records an intent and dies while another one opens the directory.
#[tokio::test]
async fn the_proof_that_a_process_is_gone_is_kept_whenever_it_dies() {
    use crate::exchange::StateDirectory;
    let directory = tempfile::tempdir().unwrap();
    let open = |process: &str| StateDirectory::open(directory.path().into(), "store".into(), process).unwrap();
    let dies = open("dies").tidy(&[]).unwrap();
    let opening = open("opens");
    drop(dies);
    let opened = opening.tidy(&[]).unwrap();
    assert!(opened.is_gone("dies").unwrap(), "it may have noted something since");
    // The lock file of a process that had ended before and that no exchange names is no longer needed.
    let later = open("later").tidy(&["opens".into()]).unwrap();
    assert!(!later.is_gone("dies").unwrap());
}

#[tokio::test]
async fn the_next_process_of_the_node_records_what_is_kept() {
    for (form, world) in worlds().await {
        let id = lost(&world, "old").await;
        let registry = world.open().await;
        assert!(row(&registry.systems, id, "old").await.unwrap().sealed.is_some(), "by opening");
        assert!(kept_of(&world) == 0);
        assert_eq!(refresh(&registry.systems, id, Strict, "old").await.0, Ok(form.text_of()));
        assert_eq!(world.times_asked(), 1);
    }
}

#[tokio::test]
async fn stored_answers_are_read_before_a_request_is_sent_even_without_an_intent() {
    for (form, world) in worlds().await {
        let id = lost(&world, "old").await;
        world.sql("DELETE FROM connection_exchange").await;
        let registry = world.open().await;
        assert_eq!(refresh(&registry.systems, id, Strict, "old").await.0, Ok(form.text_of()));
        assert_eq!((world.times_asked(), kept_of(&world)), (1, 0));
    }
}

#[tokio::test]
async fn an_answer_that_was_damaged_is_left_and_what_it_answers_is_not_sent_again() {
    for damage in ["flipped", "cut", "emptied"] {
        for (form, world) in worlds().await {
            let id = lost(&world, "old").await;
            let file = form.of(&world.state());
            let mut bytes = fs::read(&file).unwrap();
            // The contents follow the records and the marks. This is the first one.
            let content = if form == Form::Place { 2 * SLOTS * 512 } else { 0 };
            match damage {
                "flipped" => bytes[content + 60] ^= 1,
                "cut" => bytes.truncate(content + 40),
                _ => bytes.truncate(content),
            }
            fs::write(&file, &bytes).unwrap();
            let registry = world.open().await;
            assert!(row(&registry.systems, id, "old").await.unwrap().sealed.is_none(), "{form:?} {damage}");
            for _ in 0..2 {
                let (answer, uncertain) = refresh(&registry.systems, id, Strict, "old").await;
                assert_eq!(answer, Err(HttpError::Uncertain), "{form:?} {damage}");
                assert_eq!(uncertain.unwrap().replay_at, None, "{form:?} {damage}");
                world.passes(3600).await;
            }
            assert_eq!((world.times_asked(), kept_of(&world)), (1, 1), "{form:?} {damage}: it is left");
            assert_eq!(form.of(&world.state()), file, "{form:?} {damage}: nobody takes it over");
        }
    }
}

/// A record that cannot be read does not concern any exchange.
#[tokio::test]
async fn a_place_whose_record_was_damaged_is_kept_as_it_is() {
    let world = World::on(TestDatabase::in_file(), |_| Reply::ok(ANSWER)).await;
    let id = lost(&world, "old").await;
    let file = Form::Place.of(&world.state());
    let mut bytes = fs::read(&file).unwrap();
    bytes[30] ^= 1;
    fs::write(&file, &bytes).unwrap();
    for _ in 0..2 {
        let registry = world.open().await;
        assert!(row(&registry.systems, id, "old").await.unwrap().sealed.is_none());
        drop(registry);
        assert_eq!(fs::read(&file).unwrap(), bytes, "it is as it was");
    }
    let found = answer_slots::read_slots(&file).unwrap();
    assert_eq!((found.occupied, found.unreadable), (Vec::new(), vec![0]));
}

#[tokio::test]
async fn stored_answers_of_removed_connections_are_deleted_and_those_of_other_stores_stay() {
    for form in Form::ALL {
        let one = World::on(TestDatabase::in_file(), move |_| Reply::ok(&form.answer())).await;
        let two = World::on(TestDatabase::in_file(), |_| Reply::ok("x")).await;
        let id = lost(&one, "old").await;
        drop(two.builder().state_directory(one.state()).open().await.unwrap());
        assert_eq!(kept_of(&one), 1, "nobody else's business");
        let registry = one.open_without_state().await;
        remove(&registry.systems, id).await;
        drop(registry);
        drop(one.open().await);
        assert_eq!(kept_of(&one), 0);
    }
}

#[tokio::test]
async fn a_stored_answer_opens_only_for_its_own_exchange() {
    for (form, world) in worlds().await {
        let id = lost(&world, "old").await;
        let file = form.of(&world.state());
        let registry = world.open_without_state().await;
        let systems = &registry.systems;
        let old = super::key(systems, id, "old");
        let other = super::key(systems, id, "other");
        match form {
            Form::File => {
                let moved = file.to_str().unwrap().replace(&old.to_hex(), &other.to_hex());
                fs::rename(&file, &moved).unwrap();
            }
            Form::Place => {
                let answer_slots::Content::Whole(content) =
                    answer_slots::read_slots(&file).unwrap().occupied.remove(0).read().unwrap()
                else {
                    panic!("it is whole")
                };
                fs::remove_file(&file).unwrap();
                assert!(AnswerSlots::make(file, SLOTS).unwrap().keep(other, &content).unwrap());
            }
        }
        drop(registry);
        let registry = world.open().await;
        assert_eq!(refresh(&registry.systems, id, Strict, "other").await.0, Err(HttpError::Uncertain));
        assert_eq!((world.times_asked(), kept_of(&world)), (1, 1));
    }
}

#[tokio::test]
async fn while_the_directory_cannot_be_read_nothing_is_sent_and_nothing_is_lost() {
    for (form, world) in worlds().await {
        let id = lost(&world, "old").await;
        let registry = world.open_without_state().await;
        let elsewhere = world.directory.path().join("elsewhere");
        let away = world.directory.path().join("away");
        let name = form.of(&world.state());
        fs::rename(&name, elsewhere.join(name.file_name().unwrap())).unwrap();
        // The path is neither a directory nor missing, so the system refuses to read it.
        fs::rename(&elsewhere, &away).unwrap();
        fs::write(&elsewhere, "").unwrap();
        for token in ["old", "other"] {
            assert_eq!(stopped(&registry.systems, id, token).await.code(), "store_failed", "{token}");
        }
        assert_eq!(world.times_asked(), 1);
        fs::remove_file(&elsewhere).unwrap();
        fs::rename(&away, &elsewhere).unwrap();
        assert_eq!(refresh(&registry.systems, id, Strict, "old").await.0, Ok(form.text_of()));
        assert_eq!(world.times_asked(), 1);
    }
}
