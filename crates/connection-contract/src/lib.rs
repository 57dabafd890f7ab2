//! The interface between a connection plugin and its host.
//!
//! A plugin implements [`ConnectionDefinition`] for one kind of connection: how to set it up, how to find out whether
//! it works, and how to attach its credential to a request. The host stores the secrets, keeps the setup sessions,
//! sends the requests and provides the time. A plugin reaches all of these through the context that it receives.
//!
//! # What this crate is not
//!
//! It has no dependencies and no `std`, does no I/O, and knows no provider, protocol or database. A plugin depends on
//! this crate and on no other crate of this project.
//!
//! # Stability
//!
//! The crate follows semver. Traits that plugins implement gain only methods with a body. Structs that plugins build or
//! read are `#[non_exhaustive]`, with constructors and by-value setters. Enums that can grow are `#[non_exhaustive]`.
//!
//! # Writing a plugin
//!
//! A plugin is a `no_std` crate that begins with `use connection_contract::prelude::*;` and implements
//! [`ConnectionDefinition`], whose documentation contains a complete example.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod activation;
mod address;
mod answer;
mod answers;
mod ask;
mod certificate;
mod challenge;
mod check;
mod context;
mod definition;
mod descriptor;
mod door;
pub mod encode;
mod error;
mod extension;
mod facets;
mod failure;
mod field;
mod future;
mod helper;
pub mod host;
mod http;
mod import;
mod liveness;
mod outcome;
mod paths;
mod profiles;
mod quota;
pub mod reason;
mod record;
mod refresh;
mod requirement;
mod rules;
mod sandbox;
mod seat;
mod secret;
mod services;
mod setup;
mod signatures;
mod stated;
mod teardown;
mod text;
mod timestamp;
mod tools;
mod usage;
mod value;
mod webhooks;

pub use activation::HostServices;
pub use address::{AddressPurpose, BaseUrl, GrantedDirectory, Link, Origin, Reach};
pub use answer::{AnswerClass, classify, classify_by};
pub use answers::{Answer, Answers};
pub use certificate::CertificateFault;
pub use challenge::Challenge;
pub use check::InvalidDeclaration;
pub use context::{Connection, Context, RefreshContext, SetupContext, SpendContext, TeardownContext, VerifyContext};
pub use definition::ConnectionDefinition;
pub use descriptor::{AuthType, Descriptor, Guide, Need};
pub use door::DoorVariable;
pub use error::{CredentialError, HttpError, ServiceError, UndeclaredAddress};
pub use extension::{Command, ExtensionDeclaration, Platform, Preference, PreferenceInput};
pub use facets::{Authorizer, NamedSecrets};
pub use failure::{ConnectionError, SetupFailure};
pub use field::{Field, Input, SetupMethod};
pub use future::BoxFuture;
pub use helper::{CredentialHelper, HelperProtocol};
pub use http::{HeaderValue, HttpRequest, HttpResponse};
pub use import::Importer;
pub use liveness::{Liveness, NotLive, Reason};
pub use outcome::{Identity, SetupResult, VerifyResult};
pub use paths::{PathBase, PathSpec};
pub use profiles::{EnvValue, ProbeSpec, ProbeValue, ProfileProbe, ProfileSpec};
pub use quota::names_limit;
pub use record::Record;
pub use refresh::{RefreshSemantics, Refreshed, Refresher};
pub use requirement::{Requirement, RequirementAuth, RequirementOAuth, RequirementRedirect, SecretName};
pub use rules::RulePreset;
pub use sandbox::{ConfigMount, MountMode, SandboxSpec};
pub use seat::Seat;
pub use secret::{Exposed, Secret};
pub use services::{
    Clock, Compute, Crypto, DiscoveredOrigins, FileCache, FileService, FileStat, FileType, HttpService, KvService,
    LogEvent, LogLevel, LogService, LogValue, LoginOutcome, LoginWindow, LoginWindowService, Services, SetupService,
    SignatureAlgorithm, Spend, SpendService,
};
pub use setup::{
    CallbackHandle, CallbackRequest, CallbackUnavailable, InboundHttpService, Notice, Prompt, Redirect, Wait,
    WaitOutcome,
};
pub use teardown::{ProviderGrant, Revoker, Teardown};
pub use text::{DisplayText, Kind, ProviderText, Text};
pub use timestamp::Timestamp;
pub use tools::{FoundTool, SignIn, ToolKey, ToolService, ToolSpec, VersionForm};
pub use usage::{
    MonthlySpend, SessionTokens, TimeWindow, TokenUtilization, UsageContext, UsageMetric, UsageSnapshot, UsageSource,
};
pub use value::{JsonError, Value};
pub use webhooks::{Delivery, NotAuthentic, SigningKey, WebhookEvent, Webhooks};

/// The imports that a `no_std` plugin needs, in one line: `use connection_contract::prelude::*;`.
///
/// The prelude does not contain [`host`], because plugins receive the values that the module constructs.
pub mod prelude {
    pub use alloc::{
        borrow::ToOwned,
        boxed::Box,
        format,
        string::{String, ToString},
        vec,
        vec::Vec,
    };
    pub use core::time::Duration;

    pub use crate::{
        AddressPurpose, Answer, AnswerClass, Answers, AuthType, Authorizer, BaseUrl, BoxFuture, CallbackHandle,
        CallbackRequest, CallbackUnavailable, CertificateFault, Challenge, Clock, ConfigMount, Connection,
        ConnectionDefinition, ConnectionError, Context, CredentialError, CredentialHelper, Crypto, Delivery,
        Descriptor, DisplayText, EnvValue, Exposed, Field, FileCache, FileService, FileStat, FileType, FoundTool,
        GrantedDirectory, Guide, HeaderValue, HelperProtocol, HostServices, HttpError, HttpRequest, HttpResponse,
        HttpService, Identity, Importer, InboundHttpService, Input, JsonError, Kind, KvService, Link, Liveness,
        LogEvent, LogLevel, LogService, LogValue, LoginOutcome, LoginWindow, LoginWindowService, MonthlySpend,
        MountMode, NamedSecrets, Need, NotAuthentic, NotLive, Notice, Origin, PathBase, PathSpec, ProbeSpec,
        ProbeValue, ProfileProbe, ProfileSpec, Prompt, ProviderGrant, ProviderText, Reach, Reason, Record, Redirect,
        RefreshContext, RefreshSemantics, Refreshed, Refresher, Requirement, RequirementAuth, Revoker, RulePreset,
        SandboxSpec, Seat, Secret, SecretName, ServiceError, Services, SessionTokens, SetupContext, SetupFailure,
        SetupMethod, SetupResult, SetupService, SignIn, SignatureAlgorithm, SigningKey, Spend, SpendContext,
        SpendService, Teardown, TeardownContext, Text, TimeWindow, Timestamp, TokenUtilization, ToolKey, ToolService,
        ToolSpec, UndeclaredAddress, UsageContext, UsageMetric, UsageSnapshot, UsageSource, Value, VerifyContext,
        VerifyResult, VersionForm, Wait, WaitOutcome, WebhookEvent, Webhooks, classify, classify_by, encode, reason,
    };
}
