//! A plugin that fails while it attaches or hands out a credential: an error with its kind, and nothing is sent.

use std::{sync::Mutex, thread};

use connection_contract::prelude::*;
use connection_core::{Connection as Handle, Error, Outcome};
use connection_faults::scripted::Scripted;
use tokio::runtime::Handle as Runtime;

use crate::{
    acme::API,
    fake::{Deed, Stop, StopOnDrop, set},
    sql,
    test_host::{World, connect, outlasted},
};

const KIND: Kind = Kind::from_static("clumsy");

fn act(deed: &Mutex<Deed>) -> Result<(), CredentialError> {
    let deed = deed.lock().unwrap().clone();
    deed.call().map_err(|_| CredentialError::Malformed)
}

/// A plugin that attaches and hands out as configured; a key without a name has no access token.
fn plugin() -> Scripted<Mutex<Deed>> {
    let descriptor = Descriptor::new(KIND, "Clumsy", AuthType::ApiKey)
        .origin(API)
        .field(Field::text("name", "Name"))
        .secret_name("accessToken");
    Scripted::with(Mutex::default(), descriptor)
        .authorizes(|it, key, request| {
            act(it)?;
            request.set_bearer(key);
            Ok(())
        })
        .hands_out(|it, key, name| {
            act(it).ok()?;
            (name == "accessToken" && key.expose() != b"none").then(|| key.duplicate())
        })
}

async fn clumsy(world: &World, name: &str) -> (Scripted<Mutex<Deed>>, Handle) {
    open(world, plugin(), name).await
}

async fn open(world: &World, plugin: Scripted<Mutex<Deed>>, name: &str) -> (Scripted<Mutex<Deed>>, Handle) {
    let registry = world.open(plugin.clone()).await;
    let Outcome::Done(done) = connect(&registry, &KIND, &[("name", name)]).await else { panic!("not connected") };
    (plugin, registry.connection(done.connection).await.unwrap())
}

async fn send(connection: &Handle) -> Result<u16, Error> {
    let request = connection.request("GET", "/things").await?;
    connection.send(request).await.map(|answer| answer.status())
}

#[tokio::test]
async fn a_credential_is_attached_in_the_thread_of_the_caller_if_its_kind_says_so() {
    let here = thread::current().id();
    let notes = |plugin: Scripted<Mutex<Deed>>| {
        plugin.authorizes(move |it, _, _| {
            it.saw(if thread::current().id() == here { "here" } else { "elsewhere" });
            Ok(())
        })
    };
    for (plugin, place) in [
        (notes(plugin()), "elsewhere"),
        (notes(plugin()).immediate(), "here"),
        // One that reads a body may compute for long.
        (notes(plugin()).immediate().reading_bodies(), "elsewhere"),
    ] {
        let world = World::new().await;
        let (plugin, connection) = open(&world, plugin, "ada").await;
        plugin.seen();
        assert_eq!(send(&connection).await.unwrap(), 200);
        assert_eq!(plugin.seen(), [place]);
    }
}

#[tokio::test]
async fn a_plugin_that_fails_to_attach_sends_nothing() {
    for plugin in [plugin(), plugin().immediate()] {
        fails_to_attach(plugin).await;
    }
}

async fn fails_to_attach(plugin: Scripted<Mutex<Deed>>) {
    let world = World::new().await;
    let (plugin, connection) = open(&world, plugin, "ada").await;
    set(&plugin, Deed::Unreadable);
    let error = send(&connection).await.unwrap_err();
    assert!(matches!(&error, Error::Credential { kind, .. } if *kind == KIND), "{error:?}");
    assert_eq!((error.code(), error.remedy().is_some()), ("credential_unreadable", true));
    set(&plugin, Deed::Panics);
    let error = send(&connection).await.unwrap_err();
    assert!(matches!(&error, Error::PluginFault { kind, .. } if *kind == KIND), "{error:?}");
    assert_eq!(error.code(), "plugin_panicked");
    assert_eq!(world.server.requests(), [""; 0]);
    // The control: the plugin attaches the credential, and the request is sent.
    set(&plugin, Deed::Well);
    assert_eq!(send(&connection).await.unwrap(), 200);
    assert_eq!(world.server.requests().len(), 1);
}

#[tokio::test]
async fn a_plugin_that_spins_while_it_attaches_or_hands_out_is_given_up() {
    let world = World::new().await;
    let (plugin, connection) = clumsy(&world, "ada").await;
    let stop = Stop::default();
    let _stop = StopOnDrop(stop.clone());
    set(&plugin, Deed::Spins(stop));
    let sending = Runtime::current().spawn({
        let connection = connection.clone();
        async move { send(&connection).await.unwrap_err() }
    });
    assert_eq!(outlasted(&world, sending).await.code(), "plugin_timeout");
    let lending = Runtime::current().spawn({
        let connection = connection.clone();
        async move { connection.with_access_token(async |_| ()).await.unwrap_err() }
    });
    assert_eq!(outlasted(&world, lending).await.code(), "plugin_timeout");
    assert_eq!(world.server.requests(), [""; 0]);
}

#[tokio::test]
async fn a_token_that_the_plugin_does_not_hand_out_is_not_recorded() {
    let world = World::new().await;
    let (plugin, connection) = clumsy(&world, "none").await;
    let mut called = false;
    let error = connection.with_access_token(async |_| called = true).await.unwrap_err();
    assert!(matches!(error, Error::NotSupported { .. }), "{error:?}");
    set(&plugin, Deed::Panics);
    let error = connection.with_access_token(async |_| called = true).await.unwrap_err();
    assert_eq!(error.code(), "plugin_panicked");
    assert!(!called);
    let events = sql::texts(&world.database(), "SELECT kind FROM connection_event").await;
    assert_eq!(events, ["connected"]);
}
