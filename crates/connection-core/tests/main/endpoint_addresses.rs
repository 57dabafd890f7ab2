//! Providers that cannot be reached, that are not what they claim, or whose address must not get a credential.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use connection_contract::{Liveness, prelude::*};
use connection_core::{AdvanceError, ConnectionId, ConnectionRegistry, HttpPolicy, Outcome, SetupStep};
use connection_faults::{certificates::Certificate, scripted::Scripted};

use crate::{
    acme::{API, Acme, KIND},
    test_host::{World, answers, code, connect, connected, step},
};

/// Opens another process on the same machine, with another route to the provider.
async fn with_policy(world: &World, policy: HttpPolicy) -> ConnectionRegistry {
    world.builder().http(policy).kind(Acme::default()).open().await.unwrap()
}

fn mapped(to: &str) -> HttpPolicy {
    HttpPolicy::new().endpoint(API, to).unwrap()
}

/// An account that was connected while everything worked.
async fn earlier(world: &World) -> ConnectionId {
    let registry = world.acme().await;
    let id = connected(&registry, "key-1").await.id();
    registry.close().await;
    id
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server without TLS that answers in plain text, as such servers do. Returns its port.
fn plain() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.read(&mut [0; 4096]).unwrap_or_default();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").unwrap_or_default();
        }
    });
    port
}

/// A TLS server with a self-signed certificate. Returns its port and certificate.
pub(crate) fn self_signed() -> (u16, String) {
    let certificate = Certificate::self_signed(&["127.0.0.1"]);
    let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 23\r\n\r\n{\"id\":\"1\",\"name\":\"ada\"}";
    (certificate.serve(answer), certificate.pem)
}

#[tokio::test]
async fn a_provider_that_is_down_or_not_trusted_is_offline() {
    let world = World::new().await;
    let id = earlier(&world).await;
    let (port, pem) = self_signed();
    let faults = [
        (
            format!("http://127.0.0.1:{}", free_port()),
            "connect",
            "cannot reach api.acme.example: no connection could be made",
        ),
        (
            format!("https://127.0.0.1:{}", plain()),
            "tls",
            "cannot reach api.acme.example: it does not speak TLS on this port",
        ),
        (
            format!("https://127.0.0.1:{port}"),
            "tls",
            "cannot reach api.acme.example: its certificate is self-signed, so no authority vouches for it",
        ),
    ];
    for (to, code, message) in faults {
        let registry = with_policy(&world, mapped(&to)).await;
        let info = registry.connection(id).await.unwrap().verify().await.unwrap();
        let reason = info.reason.unwrap();
        assert_eq!((info.liveness, &*reason.code, reason.message.as_str()), (Liveness::Offline, code, message), "{to}");
        registry.close().await;
    }
    let trusting = with_policy(&world, mapped(&format!("https://127.0.0.1:{port}")).root_certificate_pem(pem)).await;
    let info = trusting.connection(id).await.unwrap().verify().await.unwrap();
    assert_eq!(info.liveness, Liveness::Live, "the control: {:?}", info.reason);
}

#[tokio::test]
async fn a_setup_waits_for_a_certificate_that_the_host_trusts() {
    let world = World::new().await;
    let (port, pem) = self_signed();
    let api = format!("https://127.0.0.1:{port}");
    let registry = with_policy(&world, HttpPolicy::new()).await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", "key-1"), ("apiBaseUrl", &api)])).await.unwrap();
    let (_, shown) = step(&session).await;
    let SetupStep::Notice { beside } = shown else { panic!("{shown:?}") };
    let message =
        format!("cannot reach 127.0.0.1:{port}: its certificate is self-signed, so no authority vouches for it");
    assert_eq!(beside[0].message.as_str(), message);
    registry.close().await;

    let registry = with_policy(&world, HttpPolicy::new().root_certificate_pem(pem)).await;
    let session = registry.setups().resume(session.id()).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

const NEAR: Kind = Kind::from_static("near");

async fn ask(base: &BaseUrl, ctx: &Context<'_>) -> Result<Identity, NotLive> {
    classify(ctx.send(HttpRequest::get(base, "/me")).await)?;
    Ok(Identity::new("1", "ada"))
}

/// A plugin whose author declares a private address.
fn near(address: &str) -> Scripted<String> {
    let address = address.to_owned();
    let descriptor = Descriptor::new(NEAR, "Near", AuthType::ApiKey).origin(address.clone());
    Scripted::with(address, descriptor.field(Field::secret("key", "Key")))
        .setup(|it, ctx| {
            Box::pin(async move {
                let key = ctx.prompt(Prompt::new("Connect").field("key")).await.secret("key")?;
                let identity = ask(ctx.base_url(it)?, ctx).await?;
                Ok(SetupResult::new(key, identity))
            })
        })
        .verify(|_, _, ctx| {
            Box::pin(async move {
                let identity = ask(ctx.connection().base_url()?, ctx).await?;
                Ok(VerifyResult::live().identity(identity))
            })
        })
}

#[tokio::test]
async fn a_private_address_that_nobody_named_is_not_asked() {
    let world = World::new().await;
    let (home, other) = (world.server.origin(), "https://10.1.2.3:8080");
    for address in [&home, other, "http://[::ffff:127.0.0.1]:80", "https://169.254.169.254"] {
        let near = || near(address);
        let registry = world.builder().http(HttpPolicy::new()).kind(near()).open().await.unwrap();
        let Outcome::Failed(failure) = connect(&registry, &NEAR, &[("key", "k")]).await else { panic!("{address}") };
        assert_eq!(failure.code, "denied", "{address}");
        assert!(failure.remedy.unwrap().as_str().contains("enter the address"));
        assert!(world.server.requests().is_empty());
        registry.close().await;
    }

    let named = HttpPolicy::new().endpoint(&home, &home).unwrap();
    let registry = world.builder().http(named).kind(near(&home)).open().await.unwrap();
    let Outcome::Done(done) = connect(&registry, &NEAR, &[("key", "k")]).await else { panic!("the control") };
    registry.close().await;
    let requests = world.server.requests().len();

    // The host revokes its permission: the credential stays, and is not sent.
    let registry = world.builder().http(HttpPolicy::new()).kind(near(&home)).open().await.unwrap();
    let info = registry.connection(done.connection).await.unwrap().verify().await.unwrap();
    assert_eq!((info.liveness, &*info.reason.unwrap().code), (Liveness::Failing, "denied"));
    assert_eq!(world.server.requests().len(), requests);
}

#[tokio::test]
async fn a_kind_that_would_send_in_the_clear_is_not_registered() {
    let world = World::new().await;
    for address in ["http://api.example.com", "http://10.1.2.3:8080"] {
        let refused = world.builder().kind(near(address)).open().await.unwrap_err();
        assert_eq!(refused.code(), "descriptor_invalid");
        assert!(refused.to_string().contains(address), "{refused}");
    }
}

/// The network belongs to the host, so only the owner of the process can permit an address in it by naming it.
#[tokio::test]
async fn another_owner_reaches_a_private_address_only_where_the_host_says_so() {
    let world = World::new().await;
    let named = [("accessToken", "key-1"), ("apiBaseUrl", &*world.server.origin())];
    let registry = with_policy(&world, HttpPolicy::new()).await;
    let session = registry.owner("ada").unwrap().setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    let Err(AdvanceError::Invalid(problems)) = session.advance(no, &answers(&named)).await else {
        panic!("it is open")
    };
    let problem = problems[0].to_string();
    assert!(problem.contains("'apiBaseUrl' is an address in the network of this host"), "{problem}");
    assert!(problem.contains("http.private_addresses"), "{problem}");
    assert!(world.server.requests().is_empty());
    assert_eq!(code(&connect(&registry, &KIND, &named).await), "done Live", "the owner of the process");
    registry.close().await;

    let open = with_policy(&world, HttpPolicy::new().private_addresses_for_all_owners()).await;
    let Outcome::Done(done) = connect(&open.owner("ada").unwrap(), &KIND, &named).await else { panic!("the control") };
    open.close().await;
    let requests = world.server.requests().len();

    // The host revokes its permission: the credential stays, and is not sent.
    let registry = with_policy(&world, HttpPolicy::new()).await;
    let connection = registry.owner("ada").unwrap().connection(done.connection).await.unwrap();
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, &*info.reason.unwrap().code), (Liveness::Failing, "denied"));
    let request = connection.request("GET", "/me").await.unwrap();
    assert_eq!(connection.send(request).await.unwrap_err().code(), "denied");
    assert_eq!(world.server.requests().len(), requests);
    registry.close().await;

    let closed = with_policy(&world, HttpPolicy::new().no_private_addresses()).await;
    assert_eq!(code(&connect(&closed, &KIND, &named).await), "denied", "nobody, where the host says that");
}

#[tokio::test]
async fn a_private_address_that_the_user_named_is_asked_and_no_other() {
    let world = World::new().await;
    let other = World::new().await;
    let registry = with_policy(&world, HttpPolicy::new()).await;
    let named = [("accessToken", "key-1"), ("apiBaseUrl", &*world.server.origin())];
    assert_eq!(code(&connect(&registry, &KIND, &named).await), "done Live");
    let elsewhere = format!("{}/me", other.server.origin());
    world.provider(move |_| crate::test_server::Reply::redirect(307, &elsewhere));
    assert_eq!(code(&connect(&registry, &KIND, &named).await), "denied");
    assert!(other.server.requests().is_empty());
}
