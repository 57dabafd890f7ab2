//! Connections of a program to outside accounts: set up once, stored sealed, verified, used without showing the secret.
//!
//! A host opens a [`ConnectionRegistry`] over a store and a key source and registers the kinds of its plugins. A
//! [`SetupSession`] makes a connection; [`Connection`] verifies and uses it.
//!
//! # What this crate is not
//!
//! It knows no provider: what is special about one is in its plugin. It has no user interface and no server: a host shows
//! the steps of a setup and hands over what a browser brings back. A connection holds reach only, no addresses of data and
//! no permissions of people.
//!
//! # Stability
//!
//! Follows semver from 1.0 on; before that, a minor version may change what a host sees, never what is stored.

mod connection;
mod contain;
mod definition;
mod error;
mod event;
mod exchange;
mod extension;
mod guard;
mod ids;
mod lent;
mod limits;
mod liveness;
mod platform;
mod profiles;
mod refresh;
mod registry;
mod requirement;
mod sandbox;
mod seal;
mod services;
mod setup;
mod store;
mod usage;
mod verify;
mod webhook;

pub use connection::{Connection, Files, Response};
pub use definition::Capabilities;
pub use error::Error;
pub use event::EVENT_NAMES;
pub use extension::{
    ChangedPart, CommandContext, ConnectionRequired, ExtensionChange, ExtensionChanges, ExtensionError,
    ExtensionHandle, ExtensionInfo, ExtensionListener, Grant, HandOffError, HandedOff, NativeExtensionSettings,
    Preferences, RequiredAction, RetryOutcome, RetryTicket, Revisions, SetPreferences, SettingsHandOff,
};
pub use guard::{RowError, RowFault};
pub use ids::{ConnectionId, EventId, IdGenerator, InvalidId, ProfileId, SessionId, UuidV7};
pub use lent::{AllowedTool, LoginWindow, MachineTools, ToolNotAllowed, ToolPolicy, ToolPolicyError};
pub use liveness::{LivenessChange, LivenessChanges};
pub use platform::{FileContent, GuardedFile, NotPrivate};
pub use profiles::{
    DirectoryProbe, DirectoryState, NewProfile, Profile, ProfileError, ProfilePatch, Profiles, SpawnOptions,
};
pub use refresh::{RefreshOutcome, RefreshOutcomes};
pub use registry::{
    AnswerRoom, BeginImport, BeginWatch, ConnectionInfo, ConnectionRegistry, Event, EventPage, Feature, Filter,
    History, HostService, Import, Imported, Imports, InOrder, KindInfo, KindSupport, NeedState, OpenError, Page,
    Preflight, RegisterError, RegistryBuilder, Removal, Teardown, Watch,
};
pub use requirement::{ConnectionStatus, Readiness, ResolvedConnection, status};
pub use sandbox::{
    PreparedRun, Sandbox, SandboxAccess, SandboxEngine, SandboxError, SandboxMount, SandboxNetwork, SandboxPolicy,
    SandboxRun,
};
pub use seal::{
    KeyChange, KeyCommand, KeyContext, KeyError, KeyFile, KeyId, KeyRotation, KeySource, KeyStatus, KeyVariable,
    KeyWrapper, SealError,
};
pub use services::{
    Boot, Clock, Environment, FilesPolicy, HostSecret, HttpPolicy, HttpPolicyError, ManualClock, SecretFile,
    SecretFileError, SystemClock, SystemEnvironment,
};
pub use setup::{
    AdvanceError, BeginSetup, Callback, DeliverError, Delivered, Done, FieldProblem, InboundEndpoint, Outcome,
    Reauthorize, SetupInfo, SetupSession, SetupStage, SetupStep, SetupSteps, StepNo, WeakConnectionRegistry,
};
pub use store::{StoreError, StoreSource, migrate};
pub use usage::{
    PolledUsage, PromptCacheTtl, Usage, UsageBounds, UsageChanges, UsageConnect, UsageConnecting, UsageOption,
    UsageReading, UsageStatus, json as usage_json, prompt_cache_ttl,
};
pub use webhook::{
    BeginDeliveries, Deliveries, InboxPage, Receipt, ReceiveError, ReceivedEvent, SentWebhookTest, WebhookInfo,
    WebhookKey, WebhookTest,
};
