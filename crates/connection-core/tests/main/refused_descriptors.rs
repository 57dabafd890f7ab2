//! Every descriptor, profile and container that a registration refuses is refused by the suite of the testkit with the same words.

use std::panic::{AssertUnwindSafe, catch_unwind};

use connection_contract::{
    ConfigMount, EnvValue, Input as InputType, PathBase, PathSpec, ProfileSpec, SandboxSpec, ToolSpec, prelude::*,
};
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
        (
            "a method that the kind does not offer",
            field!(Field::text("other", "Other").setup_method(SetupMethod::Paste)),
        ),
        ("plain http that nothing confirms", field!(Field::url("other", "Other").plain_http("name"))),
        // The rest.
        ("a link that is not encrypted", |descriptor| descriptor.guide_link("Look", "http://loud.example")),
        ("a name of a secret with a space", |descriptor| descriptor.secret_name("a secret")),
        ("terms without a text", |descriptor| descriptor.terms(" ")),
        ("terms with a hidden character", |descriptor| descriptor.terms("a\u{202e}b")),
        ("a preset of rules with a capital letter", |descriptor| descriptor.rule_preset("Read", "{}")),
        ("a preset of rules without a name", |descriptor| descriptor.rule_preset("", "{}")),
        ("a preset of rules with a name of 65 letters", |descriptor| descriptor.rule_preset("x".repeat(65), "{}")),
        ("a preset of rules that every kind has", |descriptor| descriptor.rule_preset("ask", "{}")),
        ("a preset of rules twice", |descriptor| descriptor.rule_preset("read", "{}").rule_preset("read", "{}")),
        ("a preset of rules that is no object", |descriptor| descriptor.rule_preset("read", "[]")),
        ("33 presets of rules", |descriptor| {
            (0..33).fold(descriptor, |made, n| made.rule_preset(format!("n{n}"), "{}"))
        }),
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

/// A change of a kind that has a tool.
type Declare = fn(Scripted) -> Scripted;

fn tooled(declare: Declare) -> Scripted {
    declare(loud(|descriptor| descriptor.tool(ToolSpec::new("loud"))))
}

fn directory() -> PathSpec {
    PathSpec::new(PathBase::Home, ".loud").unwrap()
}

fn profiles() -> ProfileSpec {
    ProfileSpec::new("LOUD_HOME", directory())
}

fn container() -> SandboxSpec {
    SandboxSpec::new("loud:1", "loud")
}

fn declarations() -> Vec<(&'static str, Declare)> {
    vec![
        // Profiles.
        ("a variable with a space", |kind| kind.profiles(ProfileSpec::new("LOUD HOME", directory()))),
        ("a further variable that begins with a digit", |kind| {
            kind.profiles(profiles().variable("1LOUD", EnvValue::Parent))
        }),
        ("a name of directories with a slash", |kind| kind.profiles(profiles().dir_name("a/b"))),
        ("a name of directories that is the parent", |kind| kind.profiles(profiles().dir_name(".."))),
        // Containers.
        ("an image without a tag", |kind| kind.sandbox(SandboxSpec::new("loud", "loud"))),
        ("an image that is an option", |kind| kind.sandbox(SandboxSpec::new("--privileged:1", "loud"))),
        ("a variable with a zero byte", |kind| kind.sandbox(container().variable("A", "a\0b"))),
        ("a mount at a relative path", |kind| {
            kind.sandbox(container().config_mount(ConfigMount::new(directory(), "config")))
        }),
        ("a mount above its base", |kind| {
            let mut above = directory();
            above.relative = "../a".into();
            kind.sandbox(container().config_mount(ConfigMount::new(above, "/config")))
        }),
        ("a subdirectory above the configuration", |kind| {
            kind.sandbox(container().config_mount(ConfigMount::new(directory(), "/config").keeps("../a")))
        }),
        ("a place for a profile without profiles", |kind| {
            kind.sandbox(container().config_mount(ConfigMount::new(directory(), "/config").profile()))
        }),
        ("two places for a profile", |kind| {
            let mount = |path| ConfigMount::new(directory(), path).profile();
            kind.profiles(profiles()).sandbox(container().config_mount(mount("/a")).config_mount(mount("/b")))
        }),
        ("a variable that the profile sets to another value", |kind| {
            let mount = ConfigMount::new(directory(), "/config/.loud").profile();
            let profiles = profiles().variable("PARENT", EnvValue::Parent);
            kind.profiles(profiles).sandbox(container().config_mount(mount).variable("PARENT", "/elsewhere"))
        }),
    ]
}

#[tokio::test]
async fn the_suite_refuses_every_profile_and_container_that_a_registration_refuses_with_the_same_words() {
    let world = World::new().await;
    let registry = world.builder().open().await.unwrap();
    for (what, declare) in declarations() {
        let refused = registry.kinds().register(tooled(declare));
        let Err(RegisterError::Descriptor { problem, .. }) = refused else { panic!("the core takes {what}") };
        let suite = || {
            let suite = Suite::new(move || tooled(declare)).host(FakeHost::key_value);
            suite.setup([Input::answers(&[("name", "ada")])], []).check();
        };
        let refused = catch_unwind(AssertUnwindSafe(suite));
        let Err(refused) = refused else { panic!("the suite takes {what}, and the core says: {problem}") };
        let words = refused.downcast::<String>().unwrap();
        assert!(words.contains(&problem), "{what}: the core says '{problem}', the suite '{words}'");
    }
    let no_tool = registry.kinds().register(loud(|descriptor| descriptor).profiles(profiles()));
    let Err(RegisterError::Descriptor { problem, .. }) = no_tool else { panic!("a kind without a tool is taken") };
    assert_eq!(problem, "it has profiles or a container but declares no tool for them");
    // The control: profiles and a container that fit together.
    let fitting: Declare = |kind| {
        let mount = ConfigMount::new(directory(), "/config/.loud").profile();
        let profiles = profiles().variable("PARENT", EnvValue::Parent);
        kind.profiles(profiles).sandbox(container().config_mount(mount).variable("PARENT", "/config"))
    };
    registry.kinds().register(tooled(fitting)).unwrap();
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
