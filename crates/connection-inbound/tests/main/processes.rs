//! A callback reaches another process than the one that began, while that one lives, stands still or is dead.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use connection_core::{ConnectionRegistry, HttpPolicy, KeyFile, SessionId};
use connection_inbound::PublicEndpoint;

use crate::{
    login::{API, LOGIN, Login},
    requests::{behind_proxy, get},
    world::{World, begun, callbacks, end, labels, outlasted, public},
};

/// Tells a process of this test what it is.
const BEGINNER: &str = "CONNECTIONS_TEST_BEGINNER";
const NAME: &str = "processes::a_callback_in_another_process_completes_the_setup_that_one_began";

#[test]
fn a_callback_in_another_process_completes_the_setup_that_one_began() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match order() {
        Some(order) => runtime.block_on(begin(&order)),
        None => runtime.block_on(all()),
    }
}

#[expect(clippy::disallowed_methods, reason = "a process of this test is told so by its environment")]
fn order() -> Option<String> {
    std::env::var(BEGINNER).ok()
}

/// Begins a setup, says its id and `state`, and is there until it is killed.
async fn begin(order: &str) {
    use std::io::Write as _;
    let [address, key, provider] = order.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let registry = ConnectionRegistry::builder()
        .store(address)
        .key(KeyFile::at(key))
        .http(HttpPolicy::new().endpoint(API, provider).unwrap())
        .inbound(std::sync::Arc::new(PublicEndpoint::new(public())))
        .kind(Login(LOGIN));
    let registry = registry.open().await.unwrap();
    let (session, state) = begun(&registry, &LOGIN).await;
    // Past the capture of the test harness.
    std::io::stderr().write_all(format!("BEGUN {} {state}\n", session.id()).as_bytes()).unwrap();
    std::future::pending::<()>().await;
}

fn start(world: &World) -> (Child, SessionId, String) {
    let key = world.directory.path().join("root.key");
    let order = [world.address(), key.display().to_string(), world.provider.origin.clone()].join("\n");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([NAME, "--exact", "--nocapture", "--test-threads=1"]).env(BEGINNER, order);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let said = lines.into_iter().find_map(|line| line.strip_prefix("BEGUN ").map(str::to_owned)).unwrap();
    let (id, state) = said.split_once(' ').unwrap();
    (child, id.parse().unwrap(), state.to_owned())
}

/// R-INSEAM-089
async fn all() {
    for how in ["alive", "paused", "killed"] {
        let world = World::new().await;
        let registry = world.builder().clock(std::sync::Arc::new(connection_core::SystemClock::new()));
        let registry = registry.inbound(std::sync::Arc::new(PublicEndpoint::new(public()))).open().await.unwrap();
        let (mut child, id, state) = start(&world);
        match how {
            "paused" => signal(&child, "STOP"),
            "killed" => {
                child.kill().unwrap();
                child.wait().unwrap();
            }
            _ => {}
        }
        let routes = callbacks(&registry);
        let path = format!("/callback/login?code=the-code&state={state}");
        let taken = get(&routes, &path).await;
        let told = get(&routes, behind_proxy(taken.location())).await;
        assert!(told.body.contains("Login &#38; Co: ada"), "{how}: {}", told.body);
        let session = registry.setup(id).await.unwrap();
        assert_eq!(outlasted(&world, &registry, end(&session)).await, "done ada", "{how}");
        assert_eq!(get(&routes, &path).await.status, 410, "{how}");
        if how == "paused" {
            // It wakes to a setup that is over, and does nothing more to it.
            signal(&child, "CONT");
        }
        child.kill().unwrap_or_default();
        child.wait().unwrap();
        assert_eq!((labels(&registry).await, world.provider.asked().len()), (vec!["ada".to_owned()], 1), "{how}");
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}
