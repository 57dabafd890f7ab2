//! A plugin that returns more than the limits allow: its data is rejected, nothing of it is kept, and nothing else
//! is affected.

use std::sync::Mutex;

use connection_contract::prelude::*;
use connection_core::{Error, Filter, Outcome, RegisterError};
use connection_faults::scripted::{Scripted, identity};

use crate::{
    acme::API,
    fake::{FAKE, Fake},
    sql,
    test_host::{World, connect, connected},
};

const MEGABYTE: usize = 1024 * 1024;

fn megabyte() -> String {
    "x".repeat(MEGABYTE)
}

type Verify = Box<dyn Fn() -> Result<VerifyResult<Secret>, ConnectionError> + Send>;
type Setup = Box<dyn Fn(&str) -> Result<SetupResult<Secret>, SetupFailure> + Send>;

struct Loud {
    setup: Mutex<Setup>,
    verify: Mutex<Verify>,
}

const LOUD: Kind = Kind::from_static("loud");

fn made(name: &str) -> SetupResult<Secret> {
    SetupResult::new(Secret::from("credential"), identity(name))
}

impl Loud {
    fn makes(&self, setup: impl Fn(&str) -> Result<SetupResult<Secret>, SetupFailure> + Send + 'static) {
        *self.setup.lock().unwrap() = Box::new(setup);
    }

    fn finds(&self, verify: impl Fn() -> Result<VerifyResult<Secret>, ConnectionError> + Send + 'static) {
        *self.verify.lock().unwrap() = Box::new(verify);
    }
}

/// A plugin whose setups and verifications return what a test configures.
fn loud() -> Scripted<Loud> {
    let setup: Setup = Box::new(|name| Ok(made(name)));
    let verify: Verify = Box::new(|| Ok(VerifyResult::live()));
    let loud = Loud { setup: Mutex::new(setup), verify: Mutex::new(verify) };
    let descriptor = Descriptor::new(LOUD, "Loud", AuthType::Custom).field(Field::text("name", "Name")).origin(API);
    Scripted::with(loud, descriptor)
        .setup(|it, ctx| {
            Box::pin(async move {
                let answers = ctx.prompt(Prompt::new("Connect").field("name")).await;
                let setup = it.setup.lock().unwrap();
                setup(answers.text("name")?)
            })
        })
        .verify(|it, _, _| {
            Box::pin(async move {
                let verify = it.verify.lock().unwrap();
                verify()
            })
        })
}

fn measured(found: VerifyResult<Secret>) -> SetupResult<Secret> {
    made("ada").measured(found)
}

fn reason(code: String) -> Reason {
    Reason::new(code, "no code")
}

#[tokio::test]
async fn a_setup_that_makes_too_much_ends_and_keeps_nothing() {
    let world = World::new().await;
    let loud = loud();
    let registry = world.open(loud.clone()).await;
    type Case = (&'static str, fn() -> Result<SetupResult<Secret>, SetupFailure>);
    let cases: [Case; 9] = [
        ("a configuration value", || Ok(made("ada").config("name", megabyte()))),
        ("the name of one", || Ok(made("ada").config(megabyte(), "value"))),
        ("many of them", || Ok((0..65).fold(made("ada"), |made, n| made.config(format!("n{n}"), "value")))),
        ("a scope", || Ok(made("ada").scopes([megabyte()]))),
        ("many of them", || Ok(made("ada").scopes((0..1001).map(|n| n.to_string())))),
        ("a credential", || {
            Ok(SetupResult::new(Secret::from(format!("{}x", megabyte())), Identity::new("ada", "ada")))
        }),
        ("a measured scope", || Ok(measured(VerifyResult::live().scopes([megabyte()])))),
        ("the code of a failure", || Err(SetupFailure::new(megabyte(), "failed"))),
        ("no code of a failure", || Err(SetupFailure::new("line\nbreak", "failed"))),
    ];
    for (what, make) in cases {
        loud.makes(move |_| make());
        let Outcome::Failed(failure) = connect(&registry, &LOUD, &[("name", "ada")]).await else { panic!("{what}") };
        assert!(matches!(&*failure.code, "plugin_fault" | "verify_failed"), "{what}: {failure:?}");
        let said = format!("{failure:?}");
        assert!(said.contains("plugin") && said.len() < 1000, "{what}: {said}");
        assert!(registry.list_connections(Filter::new()).await.unwrap().items.is_empty(), "{what}");
    }
    // The control: as much as is allowed.
    loud.makes(|name| {
        let made = (0..64).fold(made(name), |made, n| made.config(format!("n{n}"), "x".repeat(16 * 1024)));
        let mut made = made.scopes((0..1000).map(|n| n.to_string()));
        made.credential = Secret::from(megabyte());
        Ok(made)
    });
    let Outcome::Done(done) = connect(&registry, &LOUD, &[("name", "ada")]).await else { panic!("the control") };
    let info = registry.connection(done.connection).await.unwrap().info().clone();
    assert_eq!((info.config.len(), info.scopes.unwrap().len()), (64, 1000));
}

#[tokio::test]
async fn text_for_people_is_cut_and_cleaned_wherever_a_plugin_says_it() {
    let world = World::new().await;
    let loud = loud();
    let registry = world.open(loud.clone()).await;
    let long = || format!("\u{1b}[31m\u{202e}{}", megabyte());
    loud.makes(move |_| {
        let made = SetupResult::new(Secret::from("credential"), Identity::new("ada", long()));
        Ok(made.label(long()))
    });
    loud.finds(move || Err(NotLive::offline(Reason::new("loud_down", long()).remedy(long())).into()));
    let Outcome::Done(done) = connect(&registry, &LOUD, &[("name", "ada")]).await else { panic!("not connected") };
    let info = registry.connection(done.connection).await.unwrap().verify().await.unwrap();
    let reason = info.reason.unwrap();
    let label = info.identity.label;
    for text in [&info.label, &label, &reason.message, reason.remedy.as_ref().unwrap()] {
        assert_eq!(text.as_str().len(), 500);
        assert!(text.as_str().starts_with("[31mxxx"), "{text}");
    }
    loud.makes(move |_| Err(SetupFailure::new("loud_refused", long()).remedy(long())));
    let Outcome::Failed(failure) = connect(&registry, &LOUD, &[("name", "bob")]).await else { panic!("connected") };
    assert_eq!((&*failure.code, failure.message.as_str().len()), ("loud_refused", 500));
}

#[tokio::test]
async fn a_verification_that_finds_too_much_is_failing_and_changes_nothing_else() {
    let world = World::new().await;
    let loud = loud();
    let registry = world.open(loud.clone()).await;
    loud.makes(|name| Ok(made(name).scopes(["read"])));
    let Outcome::Done(done) = connect(&registry, &LOUD, &[("name", "ada")]).await else { panic!("not connected") };
    let connection = registry.connection(done.connection).await.unwrap();
    type Case = (&'static str, fn() -> Result<VerifyResult<Secret>, ConnectionError>);
    let cases: [Case; 6] = [
        ("a scope", || Ok(VerifyResult::live().scopes([megabyte()]))),
        ("many of them", || Ok(VerifyResult::live().scopes((0..1001).map(|n| n.to_string())))),
        ("a credential", || Ok(VerifyResult::live().rotated(Secret::from(format!("{}x", megabyte()))))),
        ("a code", || Ok(NotLive::offline(reason(megabyte())).into())),
        ("a code in an error", || Err(NotLive::offline(reason(megabyte())).into())),
        ("no code", || Ok(NotLive::failing(reason(String::new())).into())),
    ];
    for (what, find) in cases {
        loud.finds(find);
        let info = connection.verify().await.unwrap();
        let reason = info.reason.unwrap();
        assert_eq!((info.liveness, &*reason.code), (Liveness::Failing, "plugin_fault"), "{what}");
        assert!(reason.remedy.unwrap().as_str().contains("author"), "{what}");
        assert_eq!(info.scopes.as_deref(), Some(&["read".to_owned()][..]), "{what}");
    }
    let size = sql::number(&world.database(), "SELECT max(length(body)) FROM connection_event").await.unwrap();
    assert!(size < 1000, "{size}");

    loud.finds(|| Err(ConnectionError::Bug(megabyte().into())));
    let error = connection.verify().await.unwrap_err();
    assert!(matches!(error, Error::Plugin { .. }) && format!("{error:?}").len() < 1000);

    // A credential that the provider has rotated is kept, whatever else is wrong.
    loud.finds(|| Ok(VerifyResult::live().rotated(Secret::from("fresh")).scopes([megabyte()])));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Failing);
    let rotated = "SELECT generation FROM connection_account WHERE generation = 2";
    assert_eq!(sql::number(&world.database(), rotated).await, Some(2));
    loud.finds(|| Ok(VerifyResult::live()));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
}

#[tokio::test]
async fn a_kind_that_describes_itself_at_length_is_refused_and_the_others_stay() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let plain = || Descriptor::new(FAKE, "Fake", AuthType::Custom);
    let long_pattern = Field::text("name", "Name").pattern(megabyte());
    let long_default = Field::text("name", "Name").default(megabyte());
    for descriptor in [
        plain().field(long_pattern),
        plain().field(long_default),
        plain().origin(format!("https://api.example/{}", megabyte())),
        (0..65).fold(plain(), |descriptor, n| descriptor.origin(format!("https://api{n}.example"))),
        (0..65).fold(plain(), |descriptor, n| descriptor.field(Field::text(format!("f{n}"), "Field"))),
        plain().field(Field::text(megabyte(), "Name")),
    ] {
        let error = registry.kinds().register(Scripted::new(descriptor)).unwrap_err();
        assert!(matches!(error, RegisterError::Descriptor { .. }), "{error:?}");
        assert!(error.to_string().len() < 1000);
    }
    assert_eq!(registry.kinds().list().len(), 1);
    registry.kinds().register(Fake::new()).unwrap();
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
}
