//! The token of a connection for its tool: only that tool receives it, each release is recorded, and the token is
//! removed with the connection.

use std::ffi::OsStr;

use connection_contract::{ProfileSpec, SignIn, ToolKey, prelude::*};
use connection_core::{
    AllowedTool, Connection, ConnectionRegistry, Error, Machine, NewProfile, Outcome, ProfileError, ProfileId,
    Profiles, RegisterError, SpawnOptions, ToolPolicy,
};
use connection_faults::scripted::{Scripted, identity, live};

use crate::{
    sql,
    test_host::{World, answers, step},
    tool::{Home, home},
};

const KEYED: Kind = Kind::from_static("keyed");
const TOKEN: &str = "canary-token-4b7d90e2";
const KEY: &str = "canary-key-77a1c04e";
const RELEASES: &str = "SELECT body FROM connection_event WHERE kind = 'secret_released'";

fn sign_in() -> SignIn {
    SignIn::new(["tool".into(), "login".into()])
}

fn complete_sign_in() -> SignIn {
    sign_in().token_env_var("TOOL_TOKEN").token_secret("token")
}

/// The tool also takes a key, in another variable and after an argument.
fn sign_in_with_key() -> SignIn {
    complete_sign_in().key(ToolKey::new("key", "TOOL_KEY").arg("--key-from-env"))
}

/// A policy that lists the variables of the profile and of the key, and an argument.
fn policy(argument: &str) -> ToolPolicy {
    let tool = AllowedTool::new("tool").variable("TOOL_HOME").variable("TOOL_KEY").variable("TOOL_TOKEN");
    ToolPolicy::new().allow(tool.argument(argument).paths([home(".tool")]))
}

/// A plugin that stores a token for its tool, or a key that the tool gets only if the kind declares that.
fn keyed(descriptor: Descriptor) -> Scripted {
    Scripted::new(descriptor)
        .setup(|_, ctx| {
            Box::pin(async move {
                let mut answers = ctx.prompt(Prompt::new("Connect").field("account").field("token")).await;
                Ok(live(answers.secret("token")?, identity(answers.text("account")?)))
            })
        })
        .profiles(ProfileSpec::new("TOOL_HOME", home(".tool")))
        .hands_out(|_, token, name| {
            let is_held = match name {
                "token" => token.expose().starts_with(b"canary-token"),
                "key" => token.expose().starts_with(b"canary-key"),
                _ => false,
            };
            is_held.then(|| token.duplicate())
        })
}

fn descriptor(sign_in: SignIn) -> Descriptor {
    Descriptor::new(KEYED, "Keyed", AuthType::ApiKey)
        .tool(ToolSpec::new("tool").sign_in(sign_in))
        .field(Field::text("account", "Account"))
        .field(Field::secret("token", "Token"))
}

struct Tokens {
    world: World,
    registry: ConnectionRegistry,
    profiles: Profiles,
}

impl Tokens {
    async fn with(policy: Option<ToolPolicy>) -> Self {
        Self::of(complete_sign_in(), policy).await
    }

    async fn of(sign_in: SignIn, policy: Option<ToolPolicy>) -> Self {
        let world = World::new().await;
        let builder =
            Home::at(world.directory.path().join("home")).environment(world.builder()).kind(keyed(descriptor(sign_in)));
        let builder = policy.into_iter().fold(builder, |builder, policy| builder.machine(Machine::new().tools(policy)));
        let registry = builder.open().await.unwrap();
        let profiles = registry.profiles(&KEYED).unwrap();
        Self { world, registry, profiles }
    }

    async fn profile(&self, label: &'static str) -> ProfileId {
        self.profiles.create(NewProfile::new(label, format!("/profiles/{label}"))).await.unwrap().id
    }

    async fn connect(&self, profile: ProfileId, account: &str, token: &str) -> Connection {
        let session = self.registry.setups().begin(&KEYED).profile(profile).await.unwrap();
        let (no, _) = step(&session).await;
        session.advance(no, &answers(&[("account", account), ("token", token)])).await.unwrap();
        let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("it is connected") };
        self.registry.connection(done.connection).await.unwrap()
    }

    async fn released(&self) -> Vec<String> {
        sql::texts(&self.world.database(), RELEASES).await
    }
}

fn given(options: &SpawnOptions) -> Option<&str> {
    options.env.get(OsStr::new("TOOL_TOKEN")).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_tool_is_given_the_token_of_its_profile_which_is_recorded_and_never_shown() {
    let it = Tokens::with(None).await;
    let work = it.profile("work").await;
    let other = it.profile("other").await;
    let connection = it.connect(work, "ada", TOKEN).await;
    it.connect(other, "key", "a key of the provider").await;
    assert!(it.profiles.token(other).await.unwrap().is_none(), "a credential without a token hands out none");
    let token = it.profiles.token(work).await.unwrap().unwrap();
    assert_eq!((token.connection().id, token.variable()), (connection.id(), "TOOL_TOKEN"));
    assert!(!format!("{token:?}").contains("canary"), "{token:?}");
    assert_eq!(it.released().await, [""; 0], "nothing was handed out yet");

    let mut options = SpawnOptions::new("tool").env("TOOL_TOKEN", "of the person");
    it.profiles.apply_profile(&mut options, work).await.unwrap();
    token.apply(&mut options).await.unwrap();
    assert_eq!(given(&options), Some(TOKEN));
    assert_eq!(it.released().await, [r#"{"name":"token"}"#]);
    assert!(!format!("{options:?}").contains("canary"), "{options:?}");
    // Another profile removes it, and the value that the person had set is restored.
    it.profiles.apply_profile(&mut options, other).await.unwrap();
    assert_eq!(given(&options), Some("of the person"));
}

#[tokio::test]
async fn a_token_goes_with_its_connection() {
    let it = Tokens::with(None).await;
    let work = it.profile("work").await;
    let connection = it.connect(work, "ada", TOKEN).await;
    let token = it.profiles.token(work).await.unwrap().unwrap();
    it.registry.remove(connection.id()).await.unwrap();
    let mut options = SpawnOptions::new("tool");
    assert!(matches!(token.apply(&mut options).await, Err(Error::NotFound(_))));
    assert_eq!(given(&options), None);
    assert!(it.profiles.token(work).await.unwrap().is_none());
    assert_eq!(it.released().await, [""; 0]);
}

#[tokio::test]
async fn the_token_of_the_default_is_chosen_or_else_the_last_one() {
    let it = Tokens::with(None).await;
    let work = it.profile("work").await;
    let first = it.connect(work, "first", TOKEN).await;
    let last = it.connect(work, "last", TOKEN).await;
    let chosen = async || it.profiles.token(work).await.unwrap().unwrap().connection().id;
    assert_eq!(chosen().await, first.id(), "the first connection of a provider is its default");
    first.clear_default().await.unwrap();
    assert_eq!(chosen().await, last.id());
}

#[tokio::test]
async fn a_token_is_given_in_no_variable_that_the_host_does_not_list() {
    let tool = AllowedTool::new("tool").variable("TOOL_HOME").paths([home(".tool")]);
    let it = Tokens::with(Some(ToolPolicy::new().allow(tool))).await;
    let work = it.profile("work").await;
    assert!(it.profiles.token(work).await.unwrap().is_none(), "the profile works without it");
    it.connect(work, "ada", TOKEN).await;
    let Err(Error::Profile(refused)) = it.profiles.token(work).await else { panic!("the variable is not listed") };
    assert!(matches!(refused, ProfileError::NotAllowed { .. }), "{refused}");
    assert!(refused.to_string().contains("'TOOL_TOKEN' for 'tool'"), "{refused}");
}

#[tokio::test]
async fn the_tool_is_given_the_key_of_its_profile_in_its_variable_and_after_its_argument() {
    let it = Tokens::of(sign_in_with_key(), Some(policy("--key-from-env"))).await;
    let work = it.profile("work").await;
    let other = it.profile("other").await;
    let connection = it.connect(work, "ada", KEY).await;
    let key = it.profiles.token(work).await.unwrap().unwrap();
    assert_eq!((key.connection().id, key.variable()), (connection.id(), "TOOL_KEY"));
    assert!(!format!("{key:?}").contains("canary"), "{key:?}");
    let start = async || {
        let mut options = SpawnOptions::new("tool").arg("--print");
        it.profiles.apply_profile(&mut options, work).await.unwrap();
        options
    };
    let variable = |options: &SpawnOptions| options.env.get(OsStr::new("TOOL_KEY")).cloned();
    // What is only shown has no value, and is no release.
    let mut shown = start().await;
    key.show(&mut shown);
    assert_eq!((variable(&shown), &*shown.args), (Some("".into()), &["--key-from-env".into(), "--print".into()][..]));
    assert_eq!(it.released().await, [""; 0]);
    let mut options = start().await;
    it.profiles.token(work).await.unwrap().unwrap().apply(&mut options).await.unwrap();
    assert_eq!((variable(&options), &options.args), (Some(KEY.into()), &shown.args));
    assert_eq!(options.own_args(), ["--print"]);
    assert_eq!(it.released().await, [r#"{"name":"key"}"#]);
    assert!(!format!("{options:?}").contains("canary"), "{options:?}");
    // Another profile removes the key and its argument.
    it.profiles.apply_profile(&mut options, other).await.unwrap();
    assert_eq!((variable(&options), &*options.args), (None, &["--print".into()][..]));
}

/// The use of a key costs money, and the person has a login for this profile.
#[tokio::test]
async fn a_key_is_not_used_beside_a_login_that_is_the_default_or_newer() {
    let it = Tokens::of(sign_in_with_key(), Some(policy("--key-from-env"))).await;
    let work = it.profile("work").await;
    let login = it.connect(work, "login", "a login of the tool").await;
    let key = it.connect(work, "key", KEY).await;
    let chosen = async || it.profiles.token(work).await.unwrap().map(|token| token.variable().to_owned());
    assert_eq!(chosen().await, None, "the login is the default");
    key.make_default().await.unwrap();
    assert_eq!(chosen().await.as_deref(), Some("TOOL_KEY"));
    key.clear_default().await.unwrap();
    it.connect(work, "newer", "another login of the tool").await;
    assert_eq!(chosen().await, None, "the newer one is a login");
    // A token is for a machine on which nobody can sign in, and is used all the same.
    it.connect(work, "token", TOKEN).await;
    login.make_default().await.unwrap();
    assert_eq!(chosen().await.as_deref(), Some("TOOL_TOKEN"));
}

#[tokio::test]
async fn a_key_is_given_with_no_argument_that_the_host_does_not_list() {
    let it = Tokens::of(sign_in_with_key(), Some(policy("--other"))).await;
    let work = it.profile("work").await;
    it.connect(work, "ada", KEY).await;
    let Err(Error::Profile(refused)) = it.profiles.token(work).await else { panic!("the argument is not listed") };
    assert!(refused.to_string().contains("'tool' the argument '--key-from-env'"), "{refused}");
}

#[tokio::test]
async fn a_key_without_a_valid_variable_or_with_the_name_of_the_token_is_refused() {
    let world = World::new().await;
    let registry = world.acme().await;
    let with = |key: ToolKey| keyed(descriptor(complete_sign_in().key(key)));
    for (kind, part) in [
        (with(ToolKey::new("key", "1KEY")), "the variable for a key of 'tool' has no valid name"),
        (with(ToolKey::new("a b", "KEY")), "cannot be the name of a secret"),
        (with(ToolKey::new("token", "KEY")), "is both the token and the key"),
        (with(ToolKey::new("key", "KEY").arg("two\nlines")), "are not a command line"),
    ] {
        match registry.kinds().register(kind) {
            Err(RegisterError::Descriptor { problem, .. }) => assert!(problem.contains(part), "{problem}"),
            other => panic!("{part}: {other:?}"),
        }
    }
    // The control: extensions may be granted the key, too.
    let key = ToolKey::new("key", "KEY").arg("--key");
    let kind = keyed(descriptor(complete_sign_in().key(key)).secret_name("key"));
    assert!(registry.kinds().register(kind).is_ok());
}

/// A token is only for the tool: no extension can be granted its name.
#[tokio::test]
async fn a_token_without_a_variable_or_that_is_also_a_granted_secret_is_refused() {
    let world = World::new().await;
    let registry = world.acme().await;
    for (kind, part) in [
        (keyed(descriptor(sign_in().token_secret("token"))), "no variable to put it in"),
        (keyed(descriptor(sign_in().token_env_var("A").token_secret("a b"))), "cannot be the name"),
        (keyed(descriptor(complete_sign_in()).secret_name("token")), "extensions may be granted"),
    ] {
        match registry.kinds().register(kind) {
            Err(RegisterError::Descriptor { problem, .. }) => assert!(problem.contains(part), "{problem}"),
            other => panic!("{part}: {other:?}"),
        }
    }
}
