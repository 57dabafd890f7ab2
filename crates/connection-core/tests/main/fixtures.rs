//! The worked examples of the testkit against the real core: real HTTP on loopback, a real database, a real
//! callback.

use std::sync::Arc;

use connection_contract::{Kind, Liveness, encode};
use connection_core::{
    AdvanceError, ConnectionRegistry, DeliverError, HttpPolicy, InboundEndpoint, Outcome, SetupSession, SetupStep,
};
use connection_testkit::fixtures::{HUB, Hub, Node};

use crate::{
    inbound::Inbound,
    test_host::{World, answers, code, connect, step},
    test_server::Reply,
};

const HUB_KIND: Kind = Kind::from_static("hub");
const NODE_KIND: Kind = Kind::from_static("node");
const TOKEN: &str = "canary-token-9b1f40c7";

/// Opens a process of this machine that knows both kinds and receives callbacks.
async fn open(world: &World) -> ConnectionRegistry {
    let policy = HttpPolicy::new().endpoint(HUB, &world.server.origin()).unwrap();
    let builder = world.builder().http(policy).inbound(Arc::new(Inbound::new()));
    builder.kind(Hub::default()).kind(Node::default()).open().await.unwrap()
}

/// The hub and the node: each knows one token.
fn provider(request: &str) -> Reply {
    let known = request.to_ascii_lowercase().contains(&format!("authorization: bearer {TOKEN}"));
    match request.split_once(" HTTP/").map_or("", |(line, _)| line) {
        "POST /pairings" => Reply::whole(201, "", ""),
        "DELETE /pairing" if known => Reply::whole(204, "", ""),
        "GET /pairing" if known => Reply::ok(r#"{"hub":"h-1","name":"Kitchen"}"#),
        "GET /api/node" if known => Reply::ok(r#"{"id":"n-1","name":"Attic"}"#),
        _ => Reply::whole(401, "", ""),
    }
}

/// Returns the code that is shown, and the `state` of the address that the hub got with it.
async fn shown(world: &World, session: &SetupSession) -> (String, String) {
    let (_, SetupStep::Notice { beside }) = step(session).await else { panic!("a notice is shown") };
    let code = beside[0].user_code.as_ref().unwrap().to_string();
    let requests = world.server.requests();
    let offer = requests.iter().find(|request| request.starts_with("POST /pairings")).unwrap();
    let form = encode::from_form(offer.split("\r\n\r\n").nth(1).unwrap());
    let given = |name: &str| form.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone()).unwrap();
    assert_eq!(given("code"), code, "what is shown is what the hub waits for");
    let callback = given("callback");
    let state = callback.strip_prefix("https://host.example/callback/hub?state=").unwrap();
    (code, state.to_owned())
}

/// R-INSEAM-029: shown in one process, answered in another, and verified, used and revoked like any other.
#[tokio::test]
async fn a_hub_is_paired_by_a_callback_that_lands_in_another_process() {
    let world = World::new().await;
    world.provider(provider);
    let one = open(&world).await;
    let session = one.setups().begin(&HUB_KIND).await.unwrap();
    let (_, state) = shown(&world, &session).await;
    let other = open(&world).await;
    let forged = answers(&[("state", "forged"), ("token", TOKEN)]);
    assert!(matches!(other.setups().deliver(forged).await.unwrap_err(), DeliverError::Unknown));
    other.setups().deliver(answers(&[("state", &state), ("token", TOKEN)])).await.unwrap();
    let there = other.setups().resume(session.id()).await.unwrap();
    let Outcome::Done(done) = there.terminal().await.unwrap() else { panic!("not paired") };
    assert_eq!((done.identity.label.as_str(), done.liveness), ("Kitchen", Liveness::Live));
    let connection = one.connection(done.connection).await.unwrap();
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    one.remove(connection.id()).await.unwrap();
    assert!(world.server.requests().iter().any(|request| request.starts_with("DELETE /pairing")), "given back");
}

#[tokio::test]
async fn a_code_that_nobody_types_ends_the_setup() {
    let world = World::new().await;
    world.provider(provider);
    let registry = open(&world).await;
    let session = registry.setups().begin(&HUB_KIND).await.unwrap();
    shown(&world, &session).await;
    world.clock.advance(std::time::Duration::from_secs(601));
    assert_eq!(code(&session.terminal().await.unwrap()), "hub_code_expired");
}

#[tokio::test]
async fn a_node_is_reached_at_the_address_that_the_user_gave_and_another_node_there_is_noticed() {
    let world = World::new().await;
    world.provider(provider);
    let registry = open(&world).await;
    let address = format!("{}/api", world.server.origin());
    let linked = connect(&registry, &NODE_KIND, &[("address", &address), ("token", TOKEN)]).await;
    let Outcome::Done(done) = linked else { panic!("not linked: {linked:?}") };
    let connection = registry.connection(done.connection).await.unwrap();
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    world.provider(|_| Reply::ok(r#"{"id":"n-2","name":"Cellar"}"#));
    let found = connection.verify().await.unwrap();
    assert_eq!((found.liveness, found.reason.unwrap().code.as_ref()), (Liveness::Failing, "account_changed"));
}

/// A host to which only browsers of its own machine can return.
#[derive(Debug)]
struct Alone;

#[async_trait::async_trait]
impl InboundEndpoint for Alone {
    async fn redirect_uri(&self, kind: &Kind) -> Option<String> {
        Some(format!("http://127.0.0.1:4711/callback/{kind}"))
    }

    async fn rebind(&self, _: &str) -> bool {
        true
    }
}

#[tokio::test]
async fn a_device_that_could_not_call_back_is_told_so_at_once_and_nothing_is_sent() {
    let world = World::new().await;
    world.provider(provider);
    let policy = HttpPolicy::new().endpoint(HUB, &world.server.origin()).unwrap();
    let builder = world.builder().http(policy).inbound(Arc::new(Alone));
    let registry = builder.kind(Hub::default()).open().await.unwrap();
    let session = registry.setups().begin(&HUB_KIND).await.unwrap();
    let outcome = session.terminal().await.unwrap();
    assert_eq!(code(&outcome), "no_callback");
    let Outcome::Failed(failure) = outcome else { panic!("it failed") };
    assert!(failure.message.as_str().contains("callbacks only from its own machine"), "{failure:?}");
    assert!(failure.remedy.unwrap().as_str().contains("inbound.public_url"));
    assert_eq!(world.server.requests().len(), 0);
}

/// Returns the problems with these answers of a node, as one text; empty if they are accepted.
async fn refused(registry: &ConnectionRegistry, address: &str, confirmed: &str) -> String {
    let session = registry.setups().begin(&NODE_KIND).await.unwrap();
    let (no, _) = step(&session).await;
    let given = answers(&[("address", address), ("token", TOKEN), ("unencrypted", confirmed)]);
    let refused = match session.advance(no, &given).await {
        Ok(()) => String::new(),
        Err(AdvanceError::Invalid(problems)) => problems.iter().map(ToString::to_string).collect(),
        Err(other) => panic!("{other:?}"),
    };
    session.cancel().await.unwrap();
    refused
}

/// The controls: an address that was not confirmed, a name, the Internet, another machine's metadata, another
/// owner, and a host that does not permit its network.
#[tokio::test]
async fn plain_http_reaches_a_device_at_a_private_address_that_a_person_typed_and_confirmed() {
    const DEVICE: &str = "http://192.168.77.9";
    let world = World::new().await;
    world.provider(provider);
    // The device is a server of this test.
    let policy = || HttpPolicy::new().endpoint(DEVICE, &world.server.origin()).unwrap();
    let registry = world.builder().http(policy()).kind(Node::default()).open().await.unwrap();
    let address = format!("{DEVICE}/api");
    let unconfirmed = refused(&registry, &address, "false").await;
    assert!(unconfirmed.starts_with("'address' is not encrypted"), "{unconfirmed}");
    assert!(unconfirmed.contains("answer 'unencrypted' with true"), "{unconfirmed}");
    for elsewhere in [
        "http://node.example/api",
        "http://8.8.8.8/api",
        "http://169.254.169.254",
        "http://100.100.100.200",
        "http://[fd00:ec2::254]",
        "http://0.0.0.0",
    ] {
        let refused = refused(&registry, elsewhere, "true").await;
        assert_eq!(refused, "'address' is an http address of another machine; https is required", "{elsewhere}");
    }
    assert_eq!(world.server.requests().len(), 0, "nothing was sent in the clear");

    let given = [("address", &*address), ("token", TOKEN), ("unencrypted", "true")];
    let Outcome::Done(done) = connect(&registry, &NODE_KIND, &given).await else { panic!("not linked") };
    drop(registry);
    let again = world.builder().http(policy()).kind(Node::default()).open().await.unwrap();
    let connection = again.connection(done.connection).await.unwrap();
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);

    let other = again.owner("ada").unwrap();
    let closed = refused(&other, "http://192.168.77.10", "true").await;
    assert!(closed.contains("open only to the host's own owner"), "{closed}");
}
