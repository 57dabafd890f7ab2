//! Kills the commands that create, promote and remove a profile: exactly one profile is the default at every moment,
//! and no row is half-made.

use serde_json::Value;

use super::{Left, fewer, kill, machine, times};
use crate::{
    kill::moment::Course,
    program::{Machine, check},
};

const CREATE: [&str; 6] = ["profiles", "create", "claude", "work", "--dir", "work"];
const REMOVE: [&str; 4] = ["profiles", "remove", "claude", "work"];

/// Stands for the id of the profile `work`.
const WORK: &str = "";

fn promote(label: &str) -> [&str; 4] {
    ["profiles", "default", "claude", label]
}

/// Checks the state after a kill and returns the profiles: each is whole, and one is the default.
#[track_caller]
fn looked(machine: &Machine) -> Vec<Value> {
    machine.run(&["doctor"]).exits(0);
    let listed = machine.run(&["profiles", "list", "claude", "--json"]).exits(0).json();
    let listed = listed.as_array().expect("an array").clone();
    listed.iter().for_each(|profile| check(profile, "profile"));
    assert_eq!(listed.iter().filter(|profile| profile["isDefault"] == true).count(), 1, "{listed:?}");
    listed
}

fn work(profiles: &[Value]) -> Option<&Value> {
    profiles.iter().find(|profile| profile["label"] == "work")
}

#[test]
fn a_profile_whose_making_is_killed_is_whole_or_not_there() {
    kill("profiles create", |random| {
        let machine = machine();
        let fresh = |machine: &Machine| match machine.run(&REMOVE).exit {
            0 | 5 => {}
            other => panic!("it could not be removed: {other}"),
        };
        let mut course = Course::of(&machine, &CREATE, |_| fresh(&machine));
        let one = |number| {
            // Some runs are first runs, for which no store exists.
            if number % 3 == 0 {
                super::wiped(&machine)
            } else {
                fresh(&machine)
            }
            let killed = course.kill(random, &machine, &CREATE);
            let done = work(&looked(&machine)).is_some();
            machine.run(&CREATE).exits(if done { 6 } else { 0 });
            assert_eq!(looked(&machine).len(), 2);
            Left { running: killed.running, done }
        };
        times(fewer(), one)
    });
}

#[test]
fn a_promotion_that_is_killed_leaves_the_old_default_or_the_new_one() {
    kill("profiles default", |random| {
        let machine = machine();
        machine.run(&CREATE).exits(0);
        let mut course = Course::of(&machine, &promote("work"), |_| drop(machine.run(&promote("Default")).exits(0)));
        let one = |_| {
            machine.run(&promote("Default")).exits(0);
            let killed = course.kill(random, &machine, &promote("work"));
            let left = looked(&machine);
            let done = work(&left).expect("it stays")["isDefault"] == true;
            assert_eq!(left.len(), 2);
            machine.run(&promote("work")).exits(0);
            Left { running: killed.running, done }
        };
        times(fewer(), one)
    });
}

#[test]
fn a_change_that_is_killed_leaves_all_of_the_old_profile_or_all_of_the_new_one() {
    kill("profiles update", |random| {
        let machine = machine();
        machine.run(&CREATE).exits(0);
        let to = |label, dir| ["profiles", "update", "claude", WORK, "--label", label, "--dir", dir];
        let id = work(&looked(&machine)).expect("it was made")["id"].as_str().expect("an id").to_owned();
        let of = |words: [&'static str; 8]| words.map(|word| if word == WORK { id.clone() } else { word.to_owned() });
        let there = of(to("play", "elsewhere"));
        let back = of(to("work", "work"));
        let there = there.each_ref().map(|word| &**word);
        let back = back.each_ref().map(|word| &**word);
        let mut course = Course::of(&machine, &there, |_| drop(machine.run(&back).exits(0)));
        let one = |_| {
            machine.run(&back).exits(0);
            let killed = course.kill(random, &machine, &there);
            let left = looked(&machine);
            let left = left.iter().find(|profile| profile["id"] == *id).expect("it stays");
            let done = left["label"] == "play";
            let (label, dir) = if done { ("play", "elsewhere") } else { ("work", "work") };
            assert_eq!(left["label"], label);
            assert!(left["directory"].as_str().expect("a path").ends_with(dir), "{left}");
            machine.run(&there).exits(0);
            Left { running: killed.running, done }
        };
        times(fewer(), one)
    });
}

#[test]
fn a_slot_that_is_killed_has_the_profile_or_none() {
    kill("profiles default --slot", |random| {
        let machine = machine();
        machine.run(&CREATE).exits(0);
        let put = ["profiles", "default", "claude", "work", "--slot", "shop"];
        let clear = ["profiles", "default", "claude", "--slot", "shop", "--clear"];
        let mut course = Course::of(&machine, &put, |_| drop(machine.run(&clear).exits(0)));
        let one = |_| {
            machine.run(&clear).exits(0);
            let killed = course.kill(random, &machine, &put);
            let left = looked(&machine);
            let slots = work(&left).expect("it stays")["slots"].as_array().expect("an array");
            let done = *slots == ["shop"];
            assert!(done || slots.is_empty(), "{slots:?}");
            machine.run(&REMOVE).exits(if done { 6 } else { 0 });
            if !done {
                machine.run(&CREATE).exits(0);
            }
            machine.run(&put).exits(0);
            Left { running: killed.running, done }
        };
        times(fewer(), one)
    });
}

#[test]
fn a_removal_that_is_killed_leaves_the_whole_profile_or_none() {
    kill("profiles remove", |random| {
        let machine = machine();
        let mut course = Course::of(&machine, &REMOVE, |_| drop(machine.run(&CREATE).exits(0)));
        let one = |_| {
            let made = machine.run(&CREATE).exit;
            assert!([0, 6].contains(&made), "{made}");
            let before = looked(&machine);
            let killed = course.kill(random, &machine, &REMOVE);
            let left = looked(&machine);
            match work(&left) {
                Some(left) => assert_eq!(Some(left), work(&before)),
                None => assert_eq!(left.len(), 1),
            }
            let done = work(&left).is_none();
            machine.run(&REMOVE).exits(if done { 5 } else { 0 });
            Left { running: killed.running, done }
        };
        times(fewer(), one)
    });
}
