//! Whatever the core refuses in a setup, the suite of the testkit refuses with the same words: they run on one engine.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use connection_contract::{host, prelude::*};
use connection_core::Outcome;
use connection_faults::scripted::Scripted;
use connection_testkit::{FakeHost, Input, conformance::Suite};

use crate::{
    acme::API,
    test_host::{World, connect},
};

const LOUD: Kind = Kind::from_static("loud");
const MEGABYTE: usize = 1024 * 1024;

type Made = Result<SetupResult<Secret>, SetupFailure>;
type Act = for<'a> fn(&'a SetupContext<'a>) -> BoxFuture<'a, Made>;

/// A plugin that asks for a name, then runs the function of a test.
fn loud(act: Act) -> Scripted<Act> {
    let descriptor = Descriptor::new(LOUD, "Loud", AuthType::Custom).field(Field::text("name", "Name").optional());
    Scripted::with(act, descriptor).setup(|it, ctx| {
        Box::pin(async move {
            ctx.prompt(Prompt::new("Connect").field("name")).await;
            it(ctx).await
        })
    })
}

fn made() -> SetupResult<Secret> {
    SetupResult::new(Secret::from("credential"), Identity::new("ada", "Ada"))
}

fn named(id: String) -> SetupResult<Secret> {
    SetupResult::new(Secret::from("credential"), Identity::new(id, "Ada"))
}

fn text(bytes: usize) -> String {
    "x".repeat(bytes)
}

fn link() -> Link {
    Link::from_provider(&format!("https://acme.example/{}", text(17 * 1024))).unwrap()
}

fn notice(n: usize) -> Notice {
    Notice::new(format!("Look {n}"))
}

/// Makes what a closure says.
macro_rules! makes {
    ($made:expr) => {
        |_| Box::pin(async { Ok($made) })
    };
}

/// Finds what a closure says while it is set up.
macro_rules! measures {
    ($found:expr) => {
        makes!(made().measured($found))
    };
}

/// Waits for what a closure says.
macro_rules! waits {
    ($wait:expr) => {
        |ctx| {
            Box::pin(async {
                ctx.wait($wait).await;
                Ok(made())
            })
        }
    };
}

fn cases() -> Vec<(&'static str, Act)> {
    let ask = || Prompt::new("More?").field("name");
    let _: fn() -> Prompt = ask;
    vec![
        // Results of a setup.
        ("an empty account id", makes!(named(String::new()))),
        ("an account id of 600 characters", makes!(named(text(600)))),
        ("an account id of 500 characters", makes!(named(text(500)))),
        (
            "a credential of 2 MiB",
            makes!(SetupResult::new(Secret::from(text(2 * MEGABYTE)), Identity::new("ada", "Ada"))),
        ),
        ("a configuration value of 1 MiB", makes!(made().config("name", text(MEGABYTE)))),
        ("the name of one of 1 MiB", makes!(made().config(text(MEGABYTE), "value"))),
        ("65 of them", makes!((0..65).fold(made(), |made, n| made.config(format!("n{n}"), "value")))),
        ("a scope of 1 MiB", makes!(made().scopes([text(MEGABYTE)]))),
        ("1,001 scopes", makes!(made().scopes((0..1001).map(|n| n.to_string())))),
        ("an address of its own", makes!(made().reach(Reach::base(host::base_url(API).unwrap())))),
        ("a directory of its own", makes!(made().reach(Reach::declared().root(host::granted_directory("/etc"))))),
        ("a failure whose code is long", |_| Box::pin(async { Err(SetupFailure::new(text(129), "failed")) })),
        ("a failure without a code", |_| Box::pin(async { Err(SetupFailure::new("", "failed")) })),
        ("a failure whose code has a line break", |_| Box::pin(async { Err(SetupFailure::new("a\nb", "failed")) })),
        // Results of the verification at the end of a setup.
        ("a measured scope of 1 MiB", measures!(VerifyResult::live().scopes([text(MEGABYTE)]))),
        ("1,001 measured scopes", measures!(VerifyResult::live().scopes((0..1001).map(|n| n.to_string())))),
        ("a measured credential of 2 MiB", measures!(VerifyResult::live().rotated(Secret::from(text(2 * MEGABYTE))))),
        ("a measured reason without a code", measures!(NotLive::offline(Reason::new("", "why")).into())),
        ("a measured reason whose code is long", measures!(NotLive::offline(Reason::new(text(129), "why")).into())),
        ("another account", measures!(VerifyResult::live().identity(Identity::new("bob", "Bob")))),
        ("what does not work", measures!(NotLive::failing(Reason::new("loud_closed", "it is closed")).into())),
        // Waits and notices of a setup.
        (
            "40 notices on one wait",
            waits!((0..40).fold(Wait::new().answer(Prompt::new("?")), |wait, n| wait.notice(notice(n)))),
        ),
        ("a long link on a wait", waits!(Wait::new().answer(Prompt::new("?")).open(link()))),
        ("a long link in a notice", waits!(Wait::new().answer(Prompt::new("?")).device_code(link(), "code"))),
        ("a wait without an end", waits!(Wait::new().notice(notice(0)))),
        ("33 fields", waits!(Wait::new().answer((0..33).fold(Prompt::new("?"), |prompt, _| prompt.field("name"))))),
        ("a field that is not declared", waits!(Wait::new().answer(Prompt::new("?").field("secretly")))),
        ("a long link that is shown", |ctx| {
            Box::pin(async {
                ctx.show(Notice::new("Look").device_code(link(), "code"));
                ctx.prompt(Prompt::new("?")).await;
                Ok(made())
            })
        }),
        ("1,001 effects", |ctx| {
            Box::pin(async {
                for n in 0..1001 {
                    ctx.kv().unwrap().get(&n.to_string()).await.unwrap();
                }
                Ok(made())
            })
        }),
        ("40 notices", |ctx| {
            Box::pin(async {
                (0..40).for_each(|n| ctx.show(notice(n)));
                ctx.prompt(Prompt::new("?")).await;
                Ok(made())
            })
        }),
        // The order of effects.
        ("two effects at once", |ctx| {
            Box::pin(async {
                let kv = ctx.kv().unwrap();
                let mut one = kv.get("one");
                let mut two = kv.get("two");
                poll_fn(|cx| {
                    let ready = one.as_mut().poll(cx).is_ready() | two.as_mut().poll(cx).is_ready();
                    if ready { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                Ok(made())
            })
        }),
        ("an effect that is dropped", |ctx| {
            Box::pin(async {
                let kv = ctx.kv().unwrap();
                {
                    let mut effect = pin!(kv.get("one"));
                    poll_fn(|cx| Poll::Ready(effect.as_mut().poll(cx).is_ready())).await;
                }
                ctx.prompt(Prompt::new("?")).await;
                Ok(made())
            })
        }),
    ]
}

fn suite(act: Act) -> Suite<Scripted<Act>> {
    Suite::new(move || loud(act)).host(FakeHost::key_value).setup([Input::answers(&[("name", "ada")])], [])
}

#[tokio::test]
async fn the_suite_refuses_what_the_core_refuses_with_the_same_words() {
    for (what, act) in cases() {
        let world = World::new().await;
        let registry = world.open(loud(act)).await;
        let outcome = connect(&registry, &LOUD, &[("name", "ada")]).await;
        let Outcome::Failed(failure) = outcome else { panic!("the core takes {what}: {outcome:?}") };
        let refused = catch_unwind(AssertUnwindSafe(|| suite(act).check()));
        let Err(refused) = refused else { panic!("the suite takes {what}, and the core says: {failure}") };
        let words = refused.downcast::<String>().unwrap();
        assert!(words.contains(failure.message.as_str()), "{what}: the core says '{failure}', the suite '{words}'");
    }
}

/// The control: as much as is allowed.
#[tokio::test]
async fn the_suite_accepts_what_the_core_accepts() {
    let cases: Vec<(&str, Act)> = vec![
        ("an account id of 499 characters", makes!(named(text(499)))),
        (
            "a credential of 1 MiB",
            makes!({
                let credential = Secret::from(text(MEGABYTE));
                SetupResult::new(credential, Identity::new("ada", "Ada")).measured(VerifyResult::live())
            }),
        ),
        (
            "64 configuration values",
            makes!({
                let made = (0..64).fold(made(), |made, n| made.config(format!("n{n}"), text(16 * 1024)));
                made.scopes((0..1000).map(|n| n.to_string()))
            }),
        ),
        ("32 notices", |ctx| {
            Box::pin(async {
                (0..32).for_each(|n| ctx.show(notice(n)));
                Ok(made())
            })
        }),
    ];
    for (what, act) in cases {
        let world = World::new().await;
        let registry = world.open(loud(act)).await;
        let outcome = connect(&registry, &LOUD, &[("name", "ada")]).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{what}: {outcome:?}");
        if what != "a credential of 1 MiB" {
            // The suite cuts a credential at each byte, which takes long for a million of them.
            suite(act).check();
        }
    }
}
