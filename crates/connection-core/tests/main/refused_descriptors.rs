//! Every descriptor that a registration refuses is refused by the suite of the testkit with the same words.

use std::panic::{AssertUnwindSafe, catch_unwind};

use connection_contract::{Input as InputType, ToolSpec, prelude::*};
use connection_core::RegisterError;
use connection_faults::scripted::{Scripted, identity, live};
use connection_testkit::{FakeHost, Input, conformance::Suite};

use crate::test_host::World;

type Change = fn(Descriptor) -> Descriptor;

const LOUD: Kind = Kind::from_static("loud");

fn loud(change: Change) -> Scripted {
    let descriptor = Descriptor::new(LOUD, "Loud", AuthType::Custom).field(Field::text("name", "Name"));
    let loud = Scripted::new(change(descriptor)).bearer();
    loud.setup(|_, ctx| {
        Box::pin(async {
            ctx.prompt(Prompt::new("Connect").field("name")).await;
            Ok(live(Secret::from("credential"), identity("ada")))
        })
    })
}

fn suite(change: Change) -> Suite<Scripted> {
    Suite::new(move || loud(change)).host(FakeHost::key_value).setup([Input::answers(&[("name", "ada")])], [])
}

/// Adds a field named `other`.
macro_rules! field {
    ($field:expr) => {
        |descriptor| descriptor.field($field)
    };
}

fn cases() -> Vec<(&'static str, Change)> {
    vec![
        // Sizes.
        ("65 fields", |descriptor| (0..64).fold(descriptor, |made, n| made.field(Field::text(format!("n{n}"), "N")))),
        ("65 addresses", |descriptor| {
            (0..65).fold(descriptor, |made, n| made.origin(format!("https://n{n}.loud.example")))
        }),
        ("65 parts of a guide", |descriptor| (0..65).fold(descriptor, |made, _| made.guide("Look"))),
        ("a default of more than 16 KiB", field!(Field::text("other", "Other").default("x".repeat(16 * 1024 + 1)))),
        ("1,001 choices", |descriptor| {
            let choices = (0..1001).map(|n| (n.to_string().into(), "N".into())).collect();
            descriptor.field(Field::new("other", "Other", InputType::Choice(choices)))
        }),
        // Addresses.
        ("an http address of another machine", |descriptor| descriptor.origin("http://loud.example")),
        ("an address with a query", |descriptor| descriptor.origin("https://loud.example/?a")),
        ("a wildcard of one label", |descriptor| descriptor.origin("https://*.example")),
        ("a wildcard with an upper case letter", |descriptor| descriptor.origin("https://*.Loud.example")),
        ("a wildcard with a path", |descriptor| descriptor.origin("https://*.loud.example/api")),
        ("two wildcards in one", |descriptor| descriptor.origin("https://*.*.loud.example")),
        ("a wildcard of http", |descriptor| descriptor.origin("http://*.loud.example")),
        // Fields.
        ("a pattern that is no regular expression", field!(Field::text("other", "Other").pattern("["))),
        ("a pattern that closes a group", field!(Field::text("other", "Other").pattern("a)(b"))),
        ("a pattern that is too large", field!(Field::text("other", "Other").pattern("(a{1000}){1000}"))),
        ("a default that its pattern refuses", field!(Field::text("other", "Other").pattern("a").default("ab"))),
        ("a default of a secret", field!(Field::secret("other", "Other").default("x"))),
        ("a default of a directory", field!(Field::directory("other", "Other").default("/"))),
        ("a default with a line break", field!(Field::text("other", "Other").default("a\nb"))),
        ("an http address as a default", field!(Field::url("other", "Other").default("http://loud.example"))),
        ("a choice without choices", |descriptor| {
            descriptor.field(Field::new("other", "Other", InputType::Choice(Vec::new())))
        }),
        ("a field twice", field!(Field::text("name", "Name"))),
        ("a name with a space", field!(Field::text("an other", "Other"))),
        ("a method that the kind does not offer", field!(Field::text("other", "Other").setup_method(SetupMethod::Paste))),
        ("plain http that nothing confirms", field!(Field::url("other", "Other").plain_http("name"))),
        // The rest.
        ("a link that is not encrypted", |descriptor| {
            descriptor.guide_link("Look", "http://loud.example")
        }),
        ("a name of a secret with a space", |descriptor| descriptor.secret_name("a secret")),
        ("terms without a text", |descriptor| descriptor.terms(" ")),
        ("terms with a hidden character", |descriptor| descriptor.terms("a\u{202e}b")),
        ("a tool with a path", |descriptor| descriptor.tool(ToolSpec::new("/bin/sh"))),
    ]
}

#[tokio::test]
async fn the_suite_refuses_every_descriptor_that_a_registration_refuses_with_the_same_words() {
    let world = World::new().await;
    let registry = world.builder().open().await.unwrap();
    for (what, change) in cases() {
        let refused = registry.kinds().register(loud(change));
        let Err(RegisterError::Descriptor { problem, .. }) = refused else { panic!("the core takes {what}") };
        let refused = catch_unwind(AssertUnwindSafe(|| suite(change).check()));
        let Err(refused) = refused else { panic!("the suite takes {what}, and the core says: {problem}") };
        let words = refused.downcast::<String>().unwrap();
        assert!(words.contains(&problem), "{what}: the core says '{problem}', the suite '{words}'");
    }
}

/// The control: descriptors at the limits.
#[tokio::test]
async fn the_suite_accepts_every_descriptor_that_a_registration_accepts() {
    let cases: Vec<(&str, Change)> = vec![
        ("64 fields", |descriptor| (0..63).fold(descriptor, |made, n| made.field(Field::text(format!("n{n}"), "N")))),
        ("a wildcard of two labels", |descriptor| {
            descriptor.origin("https://loud.example").origin("https://*.loud.example")
        }),
        ("addresses of this machine", |descriptor| {
            descriptor.origin("http://127.0.0.2:80").origin("http://a.localhost").origin("http://[::1]:9000")
        }),
        ("a pattern with alternatives", field!(Field::text("other", "Other").pattern("a|ab").default("ab"))),
        ("a default with lines and a pattern", field!(Field::text("other", "Other").pattern(r"a\nb").default("a\nb"))),
    ];
    let world = World::new().await;
    let registry = world.builder().open().await.unwrap();
    for (what, change) in cases {
        if let Err(error) = registry.kinds().replace(loud(change)) {
            panic!("{what}: {error}");
        }
        suite(change).check();
    }
}
