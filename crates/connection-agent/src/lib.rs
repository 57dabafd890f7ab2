//! Local tools in containers, and the usage of accounts: for hosts of agents, beside connections.
//!
//! Coding agents and other local tools have logins, settings and quotas. `connection-core` registers their kinds and
//! holds their connections and profiles. This crate starts a tool in a container with one of its profiles
//! ([`Sandbox`]), and follows how much of each account's quota is used ([`UsageMonitor`]):
//!
//! ```
//! use connection_agent::{Sandbox, SandboxAccess, SandboxPolicy, UsageMonitor};
//! use connection_contract::{ConfigMount, PathBase, PathSpec, SandboxSpec, prelude::*};
//! use connection_core::{AllowedTool, ConnectionRegistry, KeyFile, Machine, SpawnOptions, ToolPolicy};
//!
//! /// A tool with a container and an account. A host usually takes its plugins from separate crates.
//! struct Writer;
//!
//! const WRITER: Kind = Kind::from_static("writer");
//!
//! fn configuration() -> PathSpec {
//!     PathSpec::new(PathBase::Home, ".writer").expect("the path is relative")
//! }
//!
//! impl ConnectionDefinition for Writer {
//!     type Credential = Secret;
//!
//!     fn descriptor(&self) -> Descriptor {
//!         let key = Field::secret("apiKey", "API key");
//!         Descriptor::new(WRITER, "Writer", AuthType::ApiKey).field(key).tool(ToolSpec::new("writer"))
//!     }
//!
//!     async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
//!         let mut answers = ctx.prompt(Prompt::new("Connect Writer").field("apiKey")).await;
//!         Ok(SetupResult::new(answers.secret("apiKey")?, Identity::new("1", "ada")))
//!     }
//!
//!     fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
//!         Ok(key.duplicate())
//!     }
//!
//!     fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
//!         Ok(Secret::new(bytes))
//!     }
//!
//!     async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
//!         Ok(VerifyResult::live())
//!     }
//!
//!     fn sandbox(&self) -> Option<SandboxSpec> {
//!         let spec = SandboxSpec::new("localhost/writer:1", "writer");
//!         Some(spec.config_mount(ConfigMount::new(configuration(), "/agent/.writer")))
//!     }
//!
//!     fn usage(&self) -> Option<&dyn UsageSource<Secret>> {
//!         Some(self)
//!     }
//! }
//!
//! impl UsageSource<Secret> for Writer {
//!     // A plugin for a real provider sends a request here.
//!     fn fetch<'a>(
//!         &'a self,
//!         _: &'a Secret,
//!         ctx: &'a UsageContext<'_>,
//!     ) -> BoxFuture<'a, Result<UsageSnapshot, ConnectionError>> {
//!         Box::pin(async { Ok(UsageSnapshot::new(ctx.now()).metric(TimeWindow::new("week", "This week", 0.25))) })
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let directory = tempfile::tempdir()?;
//!     // The host decides which programs kinds may use, and which files of the user.
//!     let tools = ToolPolicy::new().allow(AllowedTool::new("writer").paths([configuration()]));
//!     let registry = ConnectionRegistry::builder()
//!         .store(directory.path().join("store").join("connections.db").display().to_string())
//!         .key(KeyFile::at(directory.path().join("key").join("root.key")))
//!         .machine(Machine::new().tools(tools))
//!         .kind(Writer)
//!         .open()
//!         .await?;
//!
//!     // A run can be inspected before anything starts.
//!     let project = directory.path().join("project");
//!     std::fs::create_dir(&project)?;
//!     let policy = SandboxPolicy::new().memory(2 << 30).project(project, "/workspace", SandboxAccess::Writable);
//!     let run = Sandbox::new(&registry, &WRITER)?.compose(&policy, &SpawnOptions::new("writer").arg("hello"))?;
//!     assert_eq!((run.image.as_str(), run.workdir.as_deref()), ("localhost/writer:1", Some("/workspace")));
//!
//!     // One monitor follows all accounts of the registry.
//!     let monitor = UsageMonitor::new(&registry);
//!     let usage = monitor.usage(&WRITER);
//!     assert!(!usage.status(None).await?.connected);
//!     let connecting = usage.connect(None).await?;
//!     let (number, _) = connecting.session().next_step().await?.ok_or("no question")?;
//!     connecting.session().advance(number, &[("apiKey".to_owned(), Secret::from("key-1"))]).await?;
//!     connecting.session().terminal().await?;
//!     let snapshot = usage.fetch(None).await?.snapshot.ok_or("nothing was fetched")?;
//!     let [UsageMetric::TimeWindow(week)] = snapshot.metrics.as_slice() else { return Err("no window".into()) };
//!     assert_eq!(week.utilization, 0.25);
//!     registry.close().await;
//!     Ok(())
//! }
//! ```
//!
//! # Features
//!
//! | Feature | By default | Adds |
//! |---|---|---|
//! | `sqlite` | yes | databases in a file |
//! | `postgres` | yes | databases on a PostgreSQL server |
//!
//! At least one of them is needed; they are passed on to `connection-core`.
//!
//! # What this crate is not
//!
//! It knows no tool and no provider: everything specific to one is in its plugin. It holds no credential and no table:
//! it uses the public API of `connection-core`, and what it keeps of usage is in memory. It does not choose what runs
//! in a container, and does not restart it.
//!
//! # Stability
//!
//! This crate follows semver from 1.0 on. Before that, a minor version may change its API.

mod random;
mod sandbox;
mod usage;

pub use connection_core::usage_json;
pub use sandbox::{
    PreparedRun, Sandbox, SandboxAccess, SandboxEngine, SandboxError, SandboxMount, SandboxNetwork, SandboxPolicy,
    SandboxRun, SandboxWritable,
};
pub use usage::{
    PollUsage, PolledUsage, PromptCacheTtl, Usage, UsageBounds, UsageChanges, UsageConnect, UsageConnecting,
    UsageMonitor, UsageOption, UsageReading, UsageStatus, prompt_cache_ttl,
};
