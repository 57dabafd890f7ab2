//! Tests of slots that are written, read, freed and interrupted at any moment.
#![expect(clippy::disallowed_methods, reason = "a test that is its own child is told so by its environment")]

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    thread,
};

use tempfile::TempDir;

use super::{
    super::{StateDirectory, state::Users},
    AnswerSlots, Content, ExchangeKey, HEAD, MAX_CONTENT, Record, SLOTS, content_at, read_slots, record_at,
};
use connection_seal::platform;

fn key(number: u8) -> ExchangeKey {
    ExchangeKey::from_bytes([number; 32])
}

/// Returns content that differs for each number, also in length.
fn content(number: u8) -> Vec<u8> {
    vec![number; 100 + usize::from(number) * 97]
}

fn made() -> (TempDir, PathBuf, AnswerSlots) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("answers-store-one.places");
    let places = AnswerSlots::make(path.clone(), SLOTS).unwrap();
    (directory, path, places)
}

/// Returns the keys of the occupied slots, and checks that each is whole and holds the content of its key.
fn whole(path: &Path) -> Vec<u8> {
    let found = read_slots(path).unwrap();
    assert_eq!(found.unreadable, Vec::<usize>::new());
    let mut numbers = Vec::new();
    for place in found.occupied {
        let number = place.key.as_bytes()[0];
        match place.read().unwrap() {
            Content::Whole(bytes) => assert_eq!(bytes, content(number)),
            Content::Gone => continue,
            Content::Damaged => panic!("the place of {number} is damaged"),
        }
        numbers.push(number);
    }
    numbers.sort_unstable();
    numbers
}

#[cfg(unix)]
#[test]
fn the_room_is_on_the_disk_and_for_the_owner_only() {
    use std::os::unix::fs::MetadataExt as _;
    let (_directory, path, _places) = made();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!(metadata.len(), (HEAD + SLOTS * MAX_CONTENT) as u64);
    assert!(metadata.blocks() * 512 >= metadata.len(), "it has no holes");
    assert_eq!(metadata.mode() & 0o7777, 0o600);
    assert!(read_slots(&path).unwrap().is_empty());
}

#[test]
fn sixteen_answers_have_a_place_and_a_place_that_is_freed_takes_another() {
    let (_directory, path, places) = made();
    for number in 0..16 {
        assert!(places.keep(key(number), &content(number)).unwrap());
    }
    assert!(!places.keep(key(16), &content(16)).unwrap(), "there is no place for the 17th");
    assert_eq!(whole(&path), (0..16).collect::<Vec<_>>());
    places.forget(key(7)).unwrap();
    assert!(places.keep(key(16), &content(16)).unwrap());
    assert_eq!(whole(&path), (0..17).filter(|number| *number != 7).collect::<Vec<_>>());
    let longest = vec![1; MAX_CONTENT];
    places.forget(key(0)).unwrap();
    assert!(!places.keep(key(17), &[&longest[..], b"x"].concat()).unwrap(), "it is too long");
    assert!(places.keep(key(17), &longest).unwrap());
}

#[test]
fn a_second_answer_to_one_exchange_takes_the_place_of_the_first() {
    let (_directory, path, places) = made();
    assert!(places.keep(key(1), b"former").unwrap() && places.keep(key(1), &content(1)).unwrap());
    assert_eq!(whole(&path), [1]);
}

/// Simulates a process that was killed in the middle of a write.
#[test]
fn a_write_that_is_cut_off_anywhere_keeps_all_or_nothing() {
    let (_directory, path, _places) = made();
    let number = 3;
    let before = fs::read(&path).unwrap();
    let bytes = content(number);
    let record = Record::of(key(number), &content(number)).unwrap().encode();
    let file = File::options().write(true).open(&path).unwrap();
    for written in (0..bytes.len()).step_by(13).chain([bytes.len()]) {
        platform::write_at(&file, &path, &bytes[..written], content_at(0)).unwrap();
        assert!(read_slots(&path).unwrap().is_empty(), "{written} bytes of the content");
    }
    // A record may end with bytes that the empty slot has, too.
    let end = record.iter().rposition(|byte| *byte != 0).unwrap();
    for written in 1..=end {
        platform::write_at(&file, &path, &record[..written], record_at(0)).unwrap();
        let found = read_slots(&path).unwrap();
        assert_eq!((found.occupied.len(), found.unreadable), (0, vec![0]), "{written} bytes of the record");
    }
    platform::write_at(&file, &path, &record, record_at(0)).unwrap();
    assert_eq!(whole(&path), [number]);
    // The control: a record without its content is detected.
    fs::write(&path, &before).unwrap();
    platform::write_at(&file, &path, &record, record_at(0)).unwrap();
    assert_eq!(read_slots(&path).unwrap().occupied.remove(0).read().unwrap(), Content::Damaged);
}

/// Simulates a process that recorded the answer of another one and marks its slot late.
#[test]
fn a_late_release_frees_no_newer_answer() {
    let (_directory, path, places) = made();
    places.keep(key(1), &content(1)).unwrap();
    let late = read_slots(&path).unwrap().occupied.remove(0);
    places.forget(key(1)).unwrap();
    places.keep(key(2), &content(2)).unwrap();
    late.mark().unwrap();
    assert_eq!((whole(&path), late.read().unwrap()), (vec![2], Content::Gone));
    places.forget_found(&late).unwrap();
    assert_eq!(whole(&path), [2]);
    // The control: the same mark in time frees the slot.
    read_slots(&path).unwrap().occupied.remove(0).mark().unwrap();
    assert!(read_slots(&path).unwrap().is_empty());
}

/// Nothing is kept in a file that no other process would find.
#[test]
fn a_file_that_is_not_there_any_more_keeps_nothing() {
    let (_directory, path, places) = made();
    fs::rename(&path, path.with_extension("away")).unwrap();
    assert!(places.keep(key(1), &content(1)).is_err());
    fs::rename(path.with_extension("away"), &path).unwrap();
    assert!(read_slots(&path).unwrap().is_empty());
    assert!(places.keep(key(1), &content(1)).unwrap(), "its place is not lost by that");
}

#[test]
fn two_that_read_while_a_third_writes_find_whole_answers_only() {
    let (_directory, path, places) = made();
    let ends = AtomicBool::new(false);
    let read = AtomicUsize::new(0);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while !ends.load(Relaxed) {
                        read.fetch_add(whole(&path).len(), Relaxed);
                    }
                })
            })
            .collect();
        let mut round = 0_u8;
        // On a busy machine the writer may be done before the readers begin.
        while round < 60 || read.load(Relaxed) == 0 {
            let number = round % 20;
            places.forget(key(number)).unwrap();
            places.keep(key(number), &content(number)).unwrap();
            if round > 3 {
                places.forget(key((number + 17) % 20)).unwrap();
            }
            round = if round < 99 { round + 1 } else { 60 };
        }
        ends.store(true, Relaxed);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

const CHILD: &str = "CONNECTIONS_TEST_PLACES";

/// Keeps and forgets answers, and reports each before and after, until it is killed.
#[test]
fn the_child_keeps_answers_until_it_is_killed() {
    let Ok(path) = std::env::var(CHILD) else {
        assert!(std::env::var_os(CHILD).is_none(), "what cannot be read is no order");
        return;
    };
    let places = AnswerSlots::make(path.into(), SLOTS).unwrap();
    let mut out = std::io::stdout();
    for round in 0_u8.. {
        let number = round % 40;
        places.keep(key(number), &content(number)).unwrap();
        writeln!(out, "\nkept {number}").unwrap();
        if round >= 8 {
            let former = (number + 32) % 40;
            writeln!(out, "\nforgets {former}").unwrap();
            places.forget(key(former)).unwrap();
        }
        if round == 239 {
            break;
        }
    }
    panic!("it is killed before that");
}

#[test]
fn a_process_that_is_killed_at_any_moment_has_kept_what_it_says_it_has() {
    for round in 0..8 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("answers-store-child.places");
        let name = "exchange::answer_slots::tests::the_child_keeps_answers_until_it_is_killed";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--quiet", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut kept = Vec::new();
        let mut count = |line: String| match line.split_once(' ') {
            Some(("kept", number)) => kept.push(number.parse::<u8>().unwrap()),
            Some(("forgets", number)) => kept.retain(|of| *of != number.parse::<u8>().unwrap()),
            _ => {}
        };
        lines.by_ref().take(20 + round * 7).for_each(&mut count);
        child.kill().unwrap();
        child.wait().unwrap();
        lines.for_each(count);
        let found = whole(&path);
        assert!(!kept.is_empty() && kept.iter().all(|number| found.contains(number)), "{kept:?} of {found:?}");
        assert!(found.len() <= kept.len() + 2, "{kept:?} of {found:?}: one is on its way in, and one on its way out");
    }
}

fn names(directory: &Path, ending: &str) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names
}

#[test]
fn the_next_process_takes_over_what_is_free_and_the_rest_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let open = |process: &str| {
        StateDirectory::open(directory.path().into(), "store".into(), process).unwrap().tidy(&[]).unwrap()
    };
    let one = open("one");
    let two = open("two");
    let three = open("three");
    assert_eq!(names(directory.path(), ".places").len(), 3);
    drop((one, two));
    let four = open("four");
    let expected = ["answers-store-four.places", "answers-store-three.places"];
    assert_eq!(names(directory.path(), ".places"), expected, "one is taken over and one is removed");
    assert_eq!(names(directory.path(), "one.lock").len() + names(directory.path(), "two.lock").len(), 0);
    assert_eq!((three.missing_slots_reason(), four.missing_slots_reason()), (None, None));
}

#[test]
fn the_answers_of_a_gone_process_stay_with_its_lock_file_until_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let open = |process: &str| {
        StateDirectory::open(directory.path().into(), "store".into(), process).unwrap().tidy(&[]).unwrap()
    };
    let one = open("one");
    one.keep(key(1), &content(1)).unwrap();
    drop(one);
    let two = open("two");
    assert_eq!(names(directory.path(), ".places"), ["answers-store-one.places", "answers-store-two.places"]);
    assert!(two.is_gone("one").unwrap());
    let (source, _) = two.stored_for(key(1)).unwrap().remove(0);
    two.forget(&source).unwrap();
    assert!(!two.still_holds(&source).unwrap());
    drop(two);
    let _three = open("three");
    assert_eq!(names(directory.path(), ".places"), ["answers-store-three.places"]);
    assert_eq!(names(directory.path(), "one.lock"), Vec::<String>::new());
}

/// The disk was full when the directory was opened.
#[test]
fn a_process_without_places_keeps_its_answers_in_files() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("answers-store-one.places")).unwrap();
    let open = StateDirectory::open(directory.path().into(), "store".into(), "one").unwrap();
    let one = open.tidy(&[]).unwrap();
    assert!(one.missing_slots_reason().is_some());
    one.keep(key(1), b"x").unwrap();
    assert_eq!(names(directory.path(), ".rescue").len(), 1);
    one.forget_own(key(1)).unwrap();
    assert_eq!(names(directory.path(), ".rescue").len(), 0);
}

/// The disk was full when the slot was to be made, or the process was killed before the lock had its name.
#[test]
fn the_lock_of_a_courier_without_a_slot_or_a_name_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let open = |process: &str| StateDirectory::open(directory.path().into(), "store".into(), process);
    let one = open("one").unwrap().tidy(&[]).unwrap();
    one.make_courier("courier-1").unwrap();
    fs::remove_file(directory.path().join("answers-store-courier-1.places")).unwrap();
    one.remove_courier("courier-1").unwrap();
    assert_eq!(names(directory.path(), "courier-1.lock"), Vec::<String>::new());
    let lock = directory.path().join("process-store-courier-1.lock");
    fs::create_dir(&lock).unwrap();
    one.make_courier("courier-1").unwrap_err();
    fs::remove_dir(&lock).unwrap();
    assert_eq!(names(directory.path(), ".new.lock").len(), 1);
    open("two").unwrap().tidy(&[]).unwrap();
    assert_eq!(names(directory.path(), ".new.lock").len(), 0);
}

#[test]
fn a_process_that_has_not_read_the_store_yet_keeps_no_other_one_from_opening_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let open = |process: &str| StateDirectory::open(directory.path().into(), "store".into(), process).unwrap();
    drop(open("gone"));
    let slow = open("slow");
    let other = open("other").tidy(&[]).unwrap();
    let slow = slow.tidy(&[]).unwrap();
    assert_eq!((slow.missing_slots_reason(), other.missing_slots_reason()), (None, None));
    assert_eq!(names(directory.path(), "gone.lock"), Vec::<String>::new());
}

#[test]
fn drafts_that_a_kill_has_left_are_removed_and_those_of_running_processes_stay() {
    let directory = tempfile::tempdir().unwrap();
    let open = |process: &str| {
        StateDirectory::open(directory.path().into(), "store".into(), process).unwrap().tidy(&[]).unwrap()
    };
    let draft = |name: &str| fs::write(directory.path().join(name), b"x").unwrap();
    let running = open("running");
    draft("answers-store-running.places.new-1");
    draft("answers-store-courier-killed.places.new-2");
    draft("answer-store-00.rescue.new-3");
    draft("node.new-4");
    draft("answers-another-killed.places.new-5");
    drop(open("two"));
    let kept =
        ["answer-store-00.rescue.new-3", "answers-another-killed.places.new-5", "answers-store-running.places.new-1"];
    assert_eq!(drafts(directory.path()), kept);
    drop(running);
    drop(open("three"));
    assert_eq!(drafts(directory.path()), ["answers-another-killed.places.new-5"], "each store removes its own");
}

fn drafts(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut drafts: Vec<_> = names.filter(|name| name.contains(".new-")).collect();
    drafts.sort();
    drafts
}

#[test]
fn a_courier_that_outlived_its_caller_counts_as_a_renewal_and_not_as_a_process() {
    let directory = tempfile::tempdir().unwrap();
    let users = || StateDirectory::users(directory.path(), Some("store")).unwrap();
    let one = StateDirectory::open(directory.path().into(), "store".into(), "one").unwrap().tidy(&[]).unwrap();
    assert_eq!(users(), Users::Processes);
    let courier = one.make_courier("courier-1").unwrap();
    assert_eq!(users(), Users::Processes);
    drop(one);
    assert_eq!(users(), Users::Couriers);
    drop(courier);
    assert_eq!(users(), Users::None);
}
