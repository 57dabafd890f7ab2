//! Connects a program to outside accounts: set up once, stored sealed, verified, and used without exposing the
//! credential.
//!
//! A host opens a [`ConnectionRegistry`] over a store and a key source and registers the kinds of its plugins. A
//! [`SetupSession`] creates a connection; [`Connection`] verifies and uses it:
//!
//! ```
//! use connection_contract::prelude::*;
//! use connection_core::{ConnectionRegistry, KeyFile, Outcome, SetupStep};
//!
//! /// A plugin. A host usually takes its plugins from separate crates.
//! struct Acme;
//!
//! impl ConnectionDefinition for Acme {
//!     type Credential = Secret;
//!
//!     fn descriptor(&self) -> Descriptor {
//!         Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::ApiKey).field(Field::secret("apiKey", "API key"))
//!     }
//!
//!     async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
//!         let mut answers = ctx.prompt(Prompt::new("Connect Acme").field("apiKey")).await;
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
//!     // A plugin for a real provider sends a request here.
//!     async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
//!         Ok(VerifyResult::live())
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let directory = tempfile::tempdir()?;
//! #   // region: readme
//!     // The key is kept apart from the database that it opens. Both are created if they do not exist.
//!     let registry = ConnectionRegistry::builder()
//!         .store(directory.path().join("store").join("connections.db").display().to_string())
//!         .key(KeyFile::at(directory.path().join("key").join("root.key")))
//!         .kind(Acme)
//!         .open()
//!         .await?;
//!
//!     // A setup has one step after another. The host shows each step and returns the answers.
//!     let session = registry.setups().begin(&Kind::from_static("acme")).await?;
//!     let Some((number, SetupStep::Prompt { fields, .. })) = session.next_step().await? else { return Err("no question".into()) };
//!     assert_eq!(fields[0].name, "apiKey");
//!     session.advance(number, &[("apiKey".to_owned(), Secret::from("key-1"))]).await?;
//!     let (_, end) = session.next_step().await?.ok_or("the setup was cancelled")?;
//!     if let Some(problem) = end.problem() {
//!         return Err(problem.into());
//!     }
//!     let Outcome::Done(done) = session.terminal().await? else { return Err("the setup was cancelled".into()) };
//!
//!     // From now on, the host uses the connection without holding its credential.
//!     let connection = registry.connection(done.connection).await?;
//!     assert_eq!(connection.verify().await?.liveness, Liveness::Live);
//!     registry.remove(connection.id()).await?;
//!     registry.close().await;
//! #   // end: readme
//!     Ok(())
//! }
//! ```
//!
//! # Features
//!
//! | Feature | By default | Adds |
//! |---|---|---|
//! | `sqlite` | yes | databases in a file, with SQLite, which is compiled from C |
//! | `postgres` | yes | databases on a PostgreSQL server |
//! | `keyring` | no | a key source in the keyring of the system, `KeyKeyring` |
//! | `passphrase` | no | a key source from a passphrase, `KeyPassphrase` |
//!
//! At least one of `sqlite` and `postgres` is needed. An address of an engine that was left out is refused with
//! [`StoreError::EngineNotBuilt`].
//!
//! # Futures
//!
//! Operations return a [`BoxFuture`](connection_contract::BoxFuture), which is awaited as any other future. The box lets
//! the code of an operation be compiled once, in this crate; the code of an `async fn` is compiled again in every crate
//! that awaits it. Only methods that take a closure of the caller or return the next of several values are `async fn`s.
//!
//! # What this crate is not
//!
//! The crate knows no provider: everything specific to a provider is in its plugin. It has no user interface and no
//! server: a host shows the steps of a setup and passes on what a browser brings back. A connection describes how an
//! account is reached. It holds no addresses of data and no permissions of people.
//!
//! # Stability
//!
//! This crate follows semver from 1.0 on. Before that, a minor version may change the API that a host sees, but never
//! the format of stored data.

#[cfg(not(any(feature = "postgres", feature = "sqlite")))]
compile_error!(
    "connection-core needs an engine for its store: enable the feature `sqlite`, the feature `postgres`, or both"
);

mod access_token;
mod agent;
mod approval;
mod approval_state;
mod approvals;
mod asked;
mod budget;
mod connection;
mod connection_info;
mod contain;
mod credential;
mod default_connection;
mod definition;
mod door;
mod error;
mod event;
mod exchange;
mod executions;
mod extension;
mod extension_changes;
mod flights;
mod freeze;
mod frozen;
mod grant;
mod ground;
mod guard;
mod host_services;
mod ids;
mod journal;
mod keys;
mod kinds;
mod lease;
mod limits;
mod liveness;
mod missing_scopes;
mod notification;
mod outbox;
mod owner;
mod page;
mod plan;
mod platform;
mod profile_rows;
pub mod profile_variables;
mod profiles;
mod readiness;
mod refresh;
mod registry;
pub mod sandbox_rules;
mod sentence;
mod services;
mod setup;
mod store;
mod tags;
pub mod usage_json;
mod usage_report;
mod uses;
mod verify;
mod webhook;
mod words;

pub use access_token::{
    AccessToken, AccessTokens, Audience, ClientCredential, ClientProof, ClientTokens, IssuedToken, ModelClient,
    NewAccessToken, NewSetupLink, RepeatedRequest, RequestKey, Role, SetupLink,
};
pub use agent::{
    AdmitClient, AdmittedClient, Agent, AgentCaller, AgentGrant, Agents, GrantAgent, NewAgentToken, Permit, SignedIn,
};
pub use approval::{Widening, visible};
pub use approval_state::{ApprovalState, LapseReason};
pub use approvals::{
    AgentApproval, Approval, ApprovalDetails, ApprovalFilter, Approvals, Change, ChangeKind, Consent, Impact,
    ProviderAnswer, ShownRequest,
};
pub use budget::BudgetLeft;
pub use connection::{Connection, Files, Filter, Overview, OverviewCounts, OverviewEntry, RequestBody, Response};
pub use connection_egress::{
    Backoff, Boot, Clock, HttpObserver, HttpPolicy, HttpPolicyError, ManualClock, SystemClock,
};
pub use connection_info::ConnectionInfo;
#[cfg(feature = "keyring")]
pub use connection_seal::KeyKeyring;
pub use connection_seal::platform::{
    FileContent, GuardedFile, NotPrivate, create_private_dir, remedy_of_open_secret, replace_private, write_new_private,
};
pub use connection_seal::{
    KeyCommand, KeyContext, KeyError, KeyFile, KeyId, KeySource, KeyVariable, KeyWrapper, SealError, SecretFile,
    SecretFileError, bare_text,
};
#[cfg(feature = "passphrase")]
pub use connection_seal::{KeyPassphrase, PassphraseUse};
pub use credential::Teardown;
pub use definition::Capabilities;
pub use door::{AnsweringConnection, ReleasedCredential};
pub use error::{AccessTokenFault, AgentError, ApprovalError, Error, ExtensionError, ProfileError, RuleError};
pub use event::EVENT_NAMES;
pub use exchange::{CourierStream, Couriers, run_courier};
pub use extension::{
    CommandContext, ConnectionRequired, ExtensionHandle, ExtensionInfo, Extensions, Grant, HandOffError, HandedOff,
    ListedExtension, NativeExtensionSettings, Preferences, RequiredAction, ResolvedConnection, RetryOutcome,
    RetryTicket, SetPreferences, SettingsHandOff,
};
pub use extension_changes::{ChangedPart, ExtensionChange, ExtensionChanges, ExtensionListener, Revisions};
pub use freeze::{Freeze, FreezeChange, Freezes, Froze, FrozenNow, Released, Thawed};
pub use frozen::{Frozen, InForce, Withdrawal};
pub use guard::{RowError, RowFault};
pub use host_services::MachineTools;
pub use ids::{
    AccessTokenId, AgentId, ApprovalId, ConnectionId, EventId, IdGenerator, InvalidId, ProfileId, SessionId, UseId,
    UuidV7,
};
pub use keys::{KeyChange, KeyRotation, KeySources, KeyStatus};
pub use kinds::{KindInfo, OwnKind, OwnKinds, RegisterError};
pub use liveness::{LivenessChange, LivenessChanges, for_grantee};
pub use notification::{Notification, NotificationListener, Probed};
pub use outbox::{AttentionUrl, AttentionUrlError, EventReceiver, EventReceiverError, MESSAGE_TYPES};
pub use page::{Cursor, Fields, InvalidCursor, Page};
pub use profiles::{
    DirectoryProbe, DirectoryState, ListedProfile, NewProfile, Profile, ProfilePatch, ProfileToken, Profiles,
    SpawnOptions,
};
pub use readiness::{ConnectionStatus, Readiness, status};
pub use refresh::{RefreshOutcome, RefreshOutcomes, RefreshedConnection};
pub use registry::{
    AgentAccess, AllOwners, AnswerRoom, Backup, BackupError, BeginImport, BeginWatch, ConnectionRegistry, Event,
    Events, Hint, Hints, History, HostService, Import, Imported, Imports, InOrder, InboundEndpoint, Keys, KindChange,
    KindConnection, KindRemoval, KindSupport, Kinds, LearnFrom, LearnedRules, Limits, Local, Machine, MachineBound,
    MoveError, MoveStep, MoveUndone, Moved, NeedState, NotReady, OpenError, OutgoingEvent, OutgoingEvents, Preflight,
    Receiver, RegistryBuilder, Removal, Restored, RestoredConnection, StoreCounts, StoreProcess, StoreState, TokenUse,
    Upgrade, Use, UseEnd, UseFilter, Uses, Watch, WeakConnectionRegistry, is_database_missing_in_use,
};
pub use sentence::sentence;
pub use services::{
    AllowedTool, DirectoryRefused, Environment, FilesPolicy, HostSecret, LoginWindow, SystemEnvironment,
    ToolNotAllowed, ToolPolicy, ToolPolicyError,
};
pub use setup::{
    AdvanceError, BeginSetup, Callback, DeliverError, Delivered, Done, FieldProblem, OpenSetup, Outcome, Reauthorize,
    SetupInfo, SetupSession, SetupStage, SetupStep, SetupSteps, Setups, StartAnswer, StartQuestion, StartRedirect,
    StartVisit, StepNo,
};
pub use store::{StoreAddress, StoreError, StoreSource, connection_names, is_restore_interrupted, migrate};
pub use tags::{InvalidTags, Tags};
pub use usage_report::{FetchedUsage, StoredUsage, UsagePoint};
pub use uses::{Door, Grantee, RecordedPaths, UseOutcome};
pub use webhook::{
    BeginDeliveries, ConnectionWebhooks, Deliveries, Receipt, ReceiveError, ReceivedEvent, SentWebhookTest,
    WebhookInfo, WebhookKey, WebhookTest, Webhooks,
};
