//! A kind of a local tool that stores its logins in a directory, as an author would write it, and a home for its user.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use connection_contract::{
    ConfigMount, EnvValue, PathBase, PathSpec, ProbeSpec, ProbeValue, ProfileSpec, SandboxSpec, prelude::*,
};
use connection_core::{ConnectionRegistry, Machine, Profiles, RegistryBuilder};
use connection_faults::scripted::{Scripted, identity};

use crate::test_host::World;

pub(crate) const TOOL: Kind = Kind::from_static("tool");
/// The directory of a profile must have the same name as in the home, and must exist.
pub(crate) const STRICT: Kind = Kind::from_static("strict");
/// The container mounts configuration, and has no mount for a profile.
pub(crate) const SHARED: Kind = Kind::from_static("shared");
/// The kind has neither profiles nor a container.
pub(crate) const PLAIN: Kind = Kind::from_static("plain");

pub(crate) fn home(relative: &'static str) -> PathSpec {
    PathSpec::new(PathBase::Home, relative).unwrap()
}

async fn account(ctx: &Context<'_>) -> Result<String, ServiceError> {
    let (Some(files), Some(directory)) = (ctx.files(), ctx.directory()) else { return Ok("nobody".into()) };
    let read = files.read(directory, "account", 100).await?;
    Ok(read.expose_str().unwrap_or_default().to_owned())
}

/// A plugin that connects the account that is signed in in the profile's directory.
pub(crate) fn tool(kind: Kind) -> Scripted {
    let profiles = profiles(&kind);
    let sandbox = sandbox(&kind);
    let descriptor = Descriptor::new(kind, "Tool", AuthType::None).needs(Need::Files).tool(ToolSpec::new("tool"));
    Scripted::new(descriptor)
        .setup(|_, ctx| {
            Box::pin(async move {
                ctx.prompt(Prompt::new("Sign in there, then go on")).await;
                let account = account(ctx).await.map_err(|_| SetupFailure::new("signed_out", "nobody is signed in"))?;
                Ok(SetupResult::new("key".into(), identity(account)))
            })
        })
        .verify(|_, _, ctx| {
            Box::pin(async move {
                let account = account(ctx).await.map_err(NotLive::from)?;
                assert_eq!(ctx.connection().profile().is_some(), ctx.directory().is_some());
                Ok(VerifyResult::live().identity(identity(account)))
            })
        })
        .profiles(profiles)
        .sandbox(sandbox)
}

fn profiles(kind: &Kind) -> Option<ProfileSpec> {
    let probe = ProbeSpec::new()
        .marker("settings.json")
        .marker("auth.json")
        .login(ProbeValue::new("auth.json", "/tokens/access"))
        .login(ProbeValue::new("key.json", "/key"))
        .account(ProbeValue::new("settings.json", "/account/name"))
        .account(ProbeValue::new("auth.json", "/tokens/id").claim("/email"));
    let spec = ProfileSpec::new("TOOL_HOME", home(".tool"))
        .variable("TOOL_PARENT", EnvValue::Parent)
        .variable("TOOL_ISOLATED", EnvValue::Text("1".into()))
        .arg("--isolated")
        .probe(probe);
    match kind.as_str() {
        "plain" | "shared" | "written" | "climbing" => None,
        "strict" | "outside" => Some(spec.dir_name(".tool").needs_directory()),
        // It finds its directory by a variable that the host uses, too.
        "moved" | "fixed" => {
            Some(ProfileSpec::new("TOOL_HOME", home(".tool")).variable("XDG_CONFIG_HOME", EnvValue::Parent))
        }
        _ => Some(spec),
    }
}

fn sandbox(kind: &Kind) -> Option<SandboxSpec> {
    let spec = SandboxSpec::new("localhost/connections/tool:1", "tool")
        .config_mount(ConfigMount::new(home(".tool"), "/config/.tool").profile().keeps("sessions"))
        .config_mount(ConfigMount::new(home(".toolrc"), "/config/.toolrc").copied().keeps("logs"))
        .variable("TOOL_TELEMETRY", "off");
    let mut outside = home("a");
    outside.relative = "../a".into();
    let spec = match kind.as_str() {
        "strict" => spec.config_mount(ConfigMount::new(home(".toolbeside"), "/config/.toolbeside").implicit_only()),
        "shared" => SandboxSpec::new("localhost/connections/tool:1", "tool")
            .config_mount(ConfigMount::new(home(".toolrc"), "/config/.toolrc").copied()),
        "written" => SandboxSpec::new("localhost/connections/tool:1", "tool")
            .config_mount(ConfigMount::new(home(".toolrc"), "/config/.toolrc").writable()),
        "climbing" => SandboxSpec::new("localhost/connections/tool:1", "tool")
            .config_mount(ConfigMount::new(home(".toolrc"), "/config/.toolrc").keeps("../a")),
        "outside" => spec.config_mount(ConfigMount::new(outside, "/config/a")),
        "fixed" => spec.variable("XDG_CONFIG_HOME", "/elsewhere"),
        _ => spec,
    };
    (*kind != PLAIN).then_some(spec)
}

/// A user's home, which may move.
#[derive(Clone)]
pub(crate) struct Home(Arc<Mutex<Option<PathBuf>>>);

impl Home {
    pub(crate) fn at(path: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Mutex::new(Some(path.into()))))
    }

    pub(crate) fn moves(&self, path: Option<PathBuf>) {
        *self.0.lock().unwrap() = path;
    }

    /// Returns a builder with this home and the kinds of the tools.
    pub(crate) fn builder(&self, builder: RegistryBuilder) -> RegistryBuilder {
        self.environment(builder).kind(tool(TOOL)).kind(tool(STRICT)).kind(tool(SHARED)).kind(tool(PLAIN))
    }

    /// Returns a builder with this home.
    pub(crate) fn environment(&self, builder: RegistryBuilder) -> RegistryBuilder {
        let at = self.0.clone();
        let variable = move |name: &str| -> Option<OsString> {
            let home = at.lock().unwrap().clone();
            home.filter(|_| matches!(name, "HOME" | "USERPROFILE")).map(PathBuf::into_os_string)
        };
        builder.machine(Machine::new().environment(Arc::new(variable)))
    }
}

/// A test host with a home, and a registry of the tools.
pub(crate) struct Tools {
    pub(crate) world: World,
    pub(crate) home: Home,
    pub(crate) registry: ConnectionRegistry,
}

impl Tools {
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(change: impl FnOnce(RegistryBuilder) -> RegistryBuilder) -> Self {
        let world = World::new().await;
        let home = Home::at(world.directory.path().join("home"));
        let registry = change(home.builder(world.builder())).open().await.unwrap();
        Self { world, home, registry }
    }

    /// Returns a path below the home.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.world.directory.path().join("home").join(relative)
    }

    pub(crate) fn profiles(&self) -> Profiles {
        self.registry.profiles(&TOOL).unwrap()
    }

    /// Writes a file, and creates its parent directories.
    pub(crate) fn write(&self, relative: &str, content: &str) -> PathBuf {
        write(&self.path(relative), content);
        self.path(relative)
    }
}

pub(crate) fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}
