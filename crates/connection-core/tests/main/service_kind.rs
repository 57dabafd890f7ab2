//! A plugin that uses the services as a test configures it: in its activation, in a setup, and outside of both.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use connection_contract::{HostServices, LoginOutcome, prelude::*};
use connection_core::{ConnectionRegistry, Outcome, SetupSession};
use tokio::sync::watch;

use crate::{
    fake::Deed,
    test_host::{answers, step},
};

pub(crate) const LENT: Kind = Kind::from_static("lent");

/// A use of a service, through the context or through the stored handle.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Find(ToolSpec),
    Version(ToolSpec),
    Get(&'static str),
    GetSecret(&'static str),
    Put(&'static str, &'static str),
    PutSecret(&'static str, &'static str),
    /// Reads from the values of the context and not from those of the handle.
    ContextGet(&'static str),
    ContextVersion(ToolSpec),
    ContextWindow(Duration),
    Window(Duration),
}

/// A clone is the same plugin.
#[derive(Clone, Default)]
pub(crate) struct Borrower {
    /// A kind other than [`LENT`].
    kind: Option<Kind>,
    tools: Vec<ToolSpec>,
    profiles: bool,
    needs_tools: bool,
    pub(crate) host: Arc<Mutex<Option<HostServices>>>,
    pub(crate) deed: Arc<Mutex<Deed>>,
    pub(crate) acts: Arc<Mutex<Vec<Act>>>,
    seen: Arc<Mutex<Vec<String>>>,
    activated: Arc<watch::Sender<usize>>,
    /// Dropped with the plugin.
    pub(crate) alive: Arc<()>,
}

impl Borrower {
    pub(crate) fn new(tools: impl IntoIterator<Item = ToolSpec>) -> Self {
        Self { tools: tools.into_iter().collect(), ..Self::default() }
    }

    /// Creates the plugin under another kind.
    pub(crate) fn of(kind: Kind) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }

    /// Adds profiles, each with a directory.
    pub(crate) fn with_profiles(self) -> Self {
        let tools = [ToolSpec::new("lent")].into_iter().chain(self.tools).collect();
        Self { profiles: true, tools, ..self }
    }

    /// Declares that it needs its tools.
    pub(crate) fn needing_tools(self) -> Self {
        Self { needs_tools: true, ..self }
    }

    /// Sets what its setups do before they ask for a name.
    pub(crate) fn does(&self, acts: impl IntoIterator<Item = Act>) {
        *self.acts.lock().unwrap() = acts.into_iter().collect();
    }

    /// Returns the results of its runs since the last call, in order.
    pub(crate) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    /// Returns the same as [`seen`](Self::seen), and keeps them.
    pub(crate) fn seen_so_far(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn activations(&self) -> usize {
        *self.activated.borrow()
    }

    pub(crate) async fn until_activated(&self, times: usize) {
        drop(self.activated.subscribe().wait_for(|count| *count >= times).await.unwrap());
    }

    pub(crate) fn handle(&self) -> HostServices {
        self.host.lock().unwrap().clone().expect("it was activated")
    }

    /// Performs it with the handle, outside of any setup.
    pub(crate) async fn act(&self, act: Act) -> String {
        self.acted(act, None).await
    }

    async fn acted(&self, act: Act, ctx: Option<&SetupContext<'_>>) -> String {
        let host = self.handle();
        let found = |found: Result<FoundTool, ServiceError>| match found {
            Ok(found) => format!("{:?}", found.path.map(|path| path.to_string())),
            Err(error) => format!("{error:?}"),
        };
        match act {
            Act::Find(tool) => match host.tools() {
                Some(tools) => found(tools.find(&tool).await),
                None => "no tools".into(),
            },
            Act::Version(tool) => format!("{:?}", host.tools().unwrap().version(&tool).await),
            Act::ContextVersion(tool) => format!("{:?}", ctx.unwrap().tools().unwrap().version(&tool).await),
            Act::Get(key) => format!("{:?}", host.kv().unwrap().get(key).await),
            Act::GetSecret(key) => {
                let value = host.kv().unwrap().get_secret(key).await;
                format!("{:?}", value.map(|value| value.map(|value| value.expose_str().unwrap().to_owned())))
            }
            Act::Put(key, value) => format!("{:?}", host.kv().unwrap().put(key, Some(value.into())).await),
            Act::PutSecret(key, value) => {
                format!("{:?}", host.kv().unwrap().put_secret(key, Some(Secret::from(value))).await)
            }
            Act::ContextGet(key) => format!("{:?}", ctx.unwrap().kv().unwrap().get(key).await),
            Act::Window(timeout) => outcome_text(host.login_window().unwrap().open(window(timeout)).await),
            Act::ContextWindow(timeout) => {
                outcome_text(ctx.unwrap().login_window().unwrap().open(window(timeout)).await)
            }
        }
    }
}

fn window(timeout: Duration) -> LoginWindow {
    let link = Link::from_provider("https://login.acme.example/").unwrap();
    LoginWindow::new(link, "session", "acme.example").partition("web login").timeout(timeout)
}

fn outcome_text(ended: LoginOutcome) -> String {
    match ended {
        LoginOutcome::Success(cookie) => format!("cookie of {} bytes", cookie.expose().len()),
        LoginOutcome::Failed(why) => format!("failed: {why}"),
        other => format!("{other:?}"),
    }
}

/// Links the shell under another name, so that no file that a test has just written is executed.
pub(crate) fn shell_as(directory: &Path, name: &str) {
    #[cfg(unix)]
    std::os::unix::fs::symlink("/bin/bash", directory.join(name)).unwrap();
    #[cfg(not(unix))]
    std::fs::write(directory.join(format!("{name}.exe")), "").unwrap();
}

/// A tool that is the [shell](shell_as). When it is asked for its version, it reads what [`says`] has written.
pub(crate) fn tool(name: &'static str) -> ToolSpec {
    ToolSpec::new(name).version_form(VersionForm::Subcommand)
}

/// Writes the script that a shell runs for the argument `version`: it looks for a script of that name first in its
/// working directory, which is the root, and then in the directories of `PATH`.
pub(crate) fn says(directory: &Path, script: &str) {
    std::fs::write(directory.join("version"), script).unwrap();
}

/// Begins a setup, which performs the configured uses and then asks for a name.
pub(crate) async fn begin_setup(registry: &ConnectionRegistry) -> SetupSession {
    let session = registry.setups().begin(&LENT).await.unwrap();
    step(&session).await;
    session
}

pub(crate) async fn named(session: &SetupSession, name: &str) -> Outcome {
    let (no, _) = session.current_step().unwrap();
    session.advance(no, &answers(&[("name", name)])).await.unwrap();
    session.terminal().await.unwrap()
}

impl ConnectionDefinition for Borrower {
    type Credential = ();

    fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new(self.kind.clone().unwrap_or(LENT), "Lent", AuthType::Custom)
            .field(Field::text("name", "Name"));
        let descriptor = if self.needs_tools { descriptor.needs(Need::Tools) } else { descriptor };
        self.tools.iter().cloned().fold(descriptor, Descriptor::tool)
    }

    async fn activate(&self, host: HostServices) -> Result<(), ConnectionError> {
        // The last one, because an earlier one may belong to a registration that is over.
        *self.host.lock().unwrap() = Some(host);
        self.activated.send_modify(|count| *count += 1);
        let deed = self.deed.lock().unwrap().clone();
        deed.polled().await
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<()>, SetupFailure> {
        let acts = self.acts.lock().unwrap().clone();
        let mut saw = Vec::new();
        for act in acts {
            saw.push(self.acted(act, Some(ctx)).await);
        }
        self.seen.lock().unwrap().push(saw.join(", "));
        let name = ctx.prompt(Prompt::new("Name").field("name")).await.text("name")?.to_owned();
        Ok(SetupResult::new((), Identity::new(name.clone(), name)).measured(VerifyResult::live()))
    }

    fn serialize_credential(&self, (): &()) -> Result<Secret, CredentialError> {
        Ok(Secret::default())
    }

    fn parse_credential(&self, _: &[u8]) -> Result<(), CredentialError> {
        Ok(())
    }

    fn profiles(&self) -> Option<ProfileSpec> {
        self.profiles.then(|| ProfileSpec::new("LENT_HOME", PathSpec::new(PathBase::Home, ".lent").unwrap()))
    }

    async fn verify(&self, (): &(), ctx: &VerifyContext<'_>) -> Result<VerifyResult<()>, ConnectionError> {
        let with = if ctx.login_window().is_some() { "with" } else { "without" };
        self.seen.lock().unwrap().push(format!("verified {with} a window"));
        // So that the host verifies again by itself.
        let mut pause = NotLive::offline(Reason::new(reason::RATE_LIMITED, "in a minute"));
        pause.recheck_after = Some(Duration::from_secs(60));
        Err(pause.into())
    }
}
