//! The visitor of a setup link reaches nothing in the network and on the computer of the host, whoever owns the link.

use connection_contract::{Liveness, host};
use connection_core::{AdvanceError, ConnectionRegistry, HttpPolicy, Outcome};

use crate::{
    acme::{Acme, KIND},
    form_plugin::{FORM, form},
    test_host::{World, answers, code, connect, step},
};

async fn with_policy(world: &World, policy: HttpPolicy) -> ConnectionRegistry {
    world.builder().http(policy).kind(Acme::default()).open().await.unwrap()
}

/// Lets a visitor enter an address, and returns the outcome, or the problem with the answers.
async fn visited(registry: &ConnectionRegistry, address: &str, opened: &[&str]) -> Result<Outcome, String> {
    let opened = opened.iter().map(|origin| host::origin(origin).unwrap());
    let session = registry.setups().begin(&KIND).visitor(opened).await.unwrap();
    let (no, _) = step(&session).await;
    match session.advance(no, &answers(&[("accessToken", "key-1"), ("apiBaseUrl", address)])).await {
        Ok(()) => Ok(session.terminal().await.unwrap()),
        Err(AdvanceError::Invalid(problems)) => {
            session.cancel().await.unwrap();
            Err(problems[0].to_string())
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_visitor_reaches_no_private_address_whoever_owns_the_link() {
    let world = World::new().await;
    let local = with_policy(&world, HttpPolicy::new()).await;
    let inside = world.server.origin();
    for registry in [local.clone(), local.owner("ada").unwrap()] {
        for address in [&inside, "https://localhost", "https://10.1.2.3:8080", "http://[::1]:80"] {
            let problem = visited(&registry, address, &[]).await.unwrap_err();
            assert!(problem.contains("closed to the visitors of a setup link"), "{address}: {problem}");
            assert!(!problem.contains("http.private_addresses"), "a visitor configures nothing: {problem}");
        }
    }
    assert_eq!(world.server.requests(), [""; 0]);
    // The control: the owner of the process enters the same address.
    let named = [("accessToken", "key-1"), ("apiBaseUrl", &*inside)];
    assert_eq!(code(&connect(&local, &KIND, &named).await), "done Live");
}

#[tokio::test]
async fn a_visitor_reaches_a_private_address_that_the_maker_of_the_link_entered() {
    let world = World::new().await;
    let other = World::new().await;
    let registry = with_policy(&world, HttpPolicy::new()).await;
    let inside = world.server.origin();
    let elsewhere = visited(&registry, &other.server.origin(), &[&inside]).await.unwrap_err();
    assert!(elsewhere.contains("closed to the visitors"), "{elsewhere}");
    let Ok(Outcome::Done(done)) = visited(&registry, &inside, &[&inside]).await else { panic!("it was entered") };
    let connection = registry.connection(done.connection).await.unwrap();
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    // Whoever makes a link opens no more than the owner of the link reaches.
    let ada = registry.owner("ada").unwrap();
    let closed = visited(&ada, &inside, &[&inside]).await.unwrap_err();
    assert!(closed.contains("open only to the host's own owner"), "{closed}");
    assert_eq!(other.server.requests(), [""; 0]);
}

/// A name that leads to a public address in the setup can lead into the network of the host later. The policy of the host
/// changes in its place.
#[tokio::test]
async fn a_connection_of_a_visitor_never_reaches_into_the_network_of_the_host() {
    let world = World::new().await;
    let inside = world.server.origin();
    let open = with_policy(&world, HttpPolicy::new().private_addresses_for_all_owners()).await;
    let Ok(Outcome::Done(visitors)) = visited(&open, &inside, &[]).await else { panic!("the operator allows it") };
    open.close().await;
    let registry = with_policy(&world, HttpPolicy::new()).await;
    let requests = world.server.requests().len();
    let connection = registry.connection(visitors.connection).await.unwrap();
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, &*info.reason.unwrap().code), (Liveness::Failing, "denied"));
    let request = connection.request("GET", "/me").await.unwrap();
    assert_eq!(connection.send(request).await.unwrap_err().code(), "denied");
    assert_eq!(world.server.requests().len(), requests);
    // The control: the owner connects the same account at the same address.
    registry.remove(visitors.connection).await.unwrap();
    let named = [("accessToken", "key-1"), ("apiBaseUrl", &*inside)];
    assert_eq!(code(&connect(&registry, &KIND, &named).await), "done Live");
}

#[tokio::test]
async fn a_visitor_does_not_learn_the_label_under_which_an_account_is_connected() {
    let world = World::new().await;
    let registry = world.acme().await;
    let given = answers(&[("accessToken", "key-1")]);
    let first = registry.setups().begin(&KIND).label("payroll").await.unwrap();
    step(&first).await;
    first.advance(1, &given).await.unwrap();
    assert_eq!(code(&first.terminal().await.unwrap()), "done Live");
    for (is_visitor, tells) in [(true, false), (false, true)] {
        let begin = registry.setups().begin(&KIND);
        let session = if is_visitor { begin.visitor([]).await.unwrap() } else { begin.await.unwrap() };
        step(&session).await;
        session.advance(1, &given).await.unwrap();
        let Outcome::Failed(failure) = session.terminal().await.unwrap() else { panic!("it is connected twice") };
        let told = format!("{} {:?}", failure.message.as_str(), failure.remedy);
        assert_eq!((&*failure.code, told.contains("payroll")), ("account_connected", tells), "{told}");
    }
}

#[tokio::test]
async fn a_visitor_names_no_directory_of_the_host() {
    let world = World::new().await;
    let directory = world.directory.path().join("shared");
    std::fs::create_dir(&directory).unwrap();
    let given = [("sid", "AC1234"), ("base", "https://form.example"), ("roots", directory.to_str().unwrap())];
    let registry = world.open(form()).await;
    let session = registry.setups().begin(&FORM).visitor([]).await.unwrap();
    let (no, _) = step(&session).await;
    let Err(AdvanceError::Invalid(problems)) = session.advance(no, &answers(&given)).await else { panic!("it is open") };
    assert!(problems[0].to_string().contains("directory on the computer of this host"), "{problems:?}");
    // The control: the owner of the process.
    let session = registry.setups().begin(&FORM).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&given)).await.unwrap();
}
