//! Real processes that list profiles for the first time at once, and then create, promote and remove profiles at
//! random.

use std::{
    ffi::OsString,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use connection_core::{ConnectionRegistry, KeyFile, Machine, ProfileId};
use connection_faults::{processes, random::Random};

use crate::{
    profiles_random::{Operation, check},
    test_host::{World, tools},
    tool::{TOOL, tool},
};

const PROCESSES: u64 = 4;
const OPERATIONS: u64 = 60;
/// Marks a process of this test as a worker.
const WORKER: &str = "CONNECTIONS_TEST_PROFILES_WORKER";
const NAME: &str = "profiles_processes::processes_that_change_profiles_at_random_keep_one_default_and_one_first";

#[test]
fn processes_that_change_profiles_at_random_keep_one_default_and_one_first() {
    processes::run(WORKER, async |order| work(&order).await, all);
}

async fn all() {
    let world = World::new().await;
    world.acme().await.close().await;
    let seed = u64::from(std::process::id());
    let children: Vec<_> = (0..PROCESSES).map(|number| start(&world, seed, number)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success(), "SEED {seed}: what it says is above");
    }
    let firsts: Vec<_> = (0..PROCESSES).map(|number| std::fs::read_to_string(place(&world, number)).unwrap()).collect();
    let is_one = |first: &String| *first == firsts[0] && first.split_whitespace().count() == 1;
    assert!(firsts.iter().all(is_one), "SEED {seed}: {firsts:?}");
    let registry = open(&world.address(), world.key().to_str().unwrap()).await;
    check(&registry.profiles(&TOOL).unwrap().list().await.unwrap());
    registry.close().await;
}

fn start(world: &World, seed: u64, number: u64) -> Child {
    let key = world.key().to_str().unwrap().to_owned();
    let order = [world.address(), key, place(world, number), (seed * 100 + number).to_string()];
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([NAME, "--exact", "--nocapture", "--test-threads=1"]).env(WORKER, order.join("\n"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
}

/// Returns the file in which a process writes the profile that it saw first.
fn place(world: &World, number: u64) -> String {
    world.directory.path().join(format!("first-{number}")).to_str().unwrap().to_owned()
}

/// Waits until all processes have reached this point.
fn met(place: &str, what: &str) {
    let (stem, _) = place.rsplit_once('-').unwrap();
    std::fs::write(format!("{place}.{what}"), "").unwrap();
    while (0..PROCESSES).any(|number| !std::path::Path::new(&format!("{stem}-{number}.{what}")).exists()) {
        std::thread::yield_now();
    }
}

async fn open(address: &str, key: &str) -> ConnectionRegistry {
    let home = |name: &str| -> Option<OsString> { (name == "HOME").then(|| "/user".into()) };
    let builder = ConnectionRegistry::builder().store(address).key(KeyFile::at(key));
    builder.machine(Machine::new().environment(Arc::new(home)).tools(tools())).kind(tool(TOOL)).open().await.unwrap()
}

async fn work(order: &str) {
    let [address, key, place, seed] = order.lines().collect::<Vec<_>>().try_into().unwrap();
    let registry = open(address, key).await;
    let profiles = registry.profiles(&TOOL).unwrap();
    // All processes are open before the first one lists, and have listed before any of them changes something.
    met(place, "open");
    let seeded = profiles.list().await.unwrap();
    std::fs::write(place, seeded.iter().map(|profile| format!("{} ", profile.id)).collect::<String>()).unwrap();
    met(place, "listed");
    let mut random = Random::new(seed.parse().unwrap());
    for _ in 0..OPERATIONS {
        let listed = profiles.list().await.unwrap();
        check(&listed);
        let ids: Vec<ProfileId> = listed.iter().map(|profile| profile.id).collect();
        // Rejected by a rule, or because another process was faster; both have known codes.
        if let Err(refused) = Operation::draw(&mut random).run(&profiles, &ids).await {
            let known = [
                "directory_taken",
                "label_taken",
                "profile_default",
                "profile_in_use",
                "profile_last",
                "profile_not_found",
            ];
            assert!(known.contains(&refused.as_str()), "{refused}");
        }
        check(&profiles.list().await.unwrap());
    }
    registry.close().await;
}
