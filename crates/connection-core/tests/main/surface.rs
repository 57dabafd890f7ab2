//! The public names that plugins compile against, and those that hosts use. The test is that this compiles.

use std::future::Future;

use connection_contract::{
    Authorizer, CallbackHandle, CallbackRequest, ConnectionDefinition, ConnectionError, CredentialError, Descriptor,
    HttpError, InboundHttpService, Liveness, NamedSecrets, NotLive, Reason, Revoker, Secret, SetupContext, SetupFailure,
    SetupResult, Teardown, TeardownContext, VerifyContext, VerifyResult,
};
use connection_core::{
    Connection, ConnectionInfo, ConnectionRegistry, Error, OpenError, Outcome, RegistryBuilder, SetupSession, SetupStep,
};

fn named<T: ?Sized>() {}

fn is<T>(_: T) {}

/// R-INSEAM-003, R-INSEAM-010: `SetupStep` belongs to the host (design 3.2) and is in the core.
#[test]
fn the_contract_exports_what_a_plugin_is_written_with() {
    fn a_definition<D: ConnectionDefinition>(plugin: &D, credential: &D::Credential, ctx: &SetupContext<'_>) {
        is::<Descriptor>(plugin.descriptor());
        is::<Option<&dyn Authorizer<D::Credential>>>(plugin.authorizer());
        is::<Option<&dyn NamedSecrets<D::Credential>>>(plugin.secrets());
        is::<Option<&dyn Revoker<D::Credential>>>(plugin.revoker());
        is::<Result<Secret, CredentialError>>(plugin.serialize_credential(credential));
        is::<Result<D::Credential, CredentialError>>(plugin.parse_credential(b""));
        sent(plugin.setup(ctx));
    }

    fn probed<D: ConnectionDefinition>(
        plugin: &D,
        credential: &D::Credential,
        verify: &VerifyContext<'_>,
        teardown: &TeardownContext<'_>,
    ) {
        sent::<Result<VerifyResult<D::Credential>, ConnectionError>>(plugin.verify(credential, verify));
        sent::<Result<Teardown, ConnectionError>>(plugin.teardown(credential, teardown));
    }

    fn sent<T>(_: impl Future<Output = T> + Send) {}
    _ = a_definition::<crate::acme::Acme>;
    _ = probed::<crate::acme::Acme>;
    named::<dyn InboundHttpService>();
    named::<CallbackHandle>();
    named::<CallbackRequest>();
    named::<(SetupResult<()>, VerifyResult<()>, Liveness, Reason)>();
    named::<(ConnectionError, SetupFailure, CredentialError, HttpError, NotLive)>();
}

/// R-INSEAM-004
#[test]
fn the_core_exports_what_a_host_is_written_with() {
    fn open(builder: RegistryBuilder) -> impl Future<Output = Result<ConnectionRegistry, OpenError>> + Send {
        builder.open()
    }

    fn shared<T: Clone + std::fmt::Debug + Send + Sync + 'static>() {}
    _ = open;
    _ = ConnectionRegistry::builder;
    shared::<ConnectionRegistry>();
    shared::<Connection>();
    shared::<SetupSession>();
    shared::<ConnectionInfo>();
    named::<(Outcome, SetupStep)>();
}

/// R-INSEAM-051: the errors of both crates are ordinary errors, and can be sent between threads.
#[test]
fn errors_are_errors() {
    fn error<E: std::error::Error + Send + Sync + 'static>() {}
    error::<ConnectionError>();
    error::<CredentialError>();
    error::<HttpError>();
    error::<SetupFailure>();
    error::<Error>();
    error::<OpenError>();
}

/// R-INSEAM-021: a host that matches every step compiles without a catch-all.
#[test]
fn a_step_is_one_of_six_and_a_host_names_them_all() {
    fn word(step: &SetupStep) -> &'static str {
        match step {
            SetupStep::Prompt { .. } => "prompt",
            SetupStep::Redirect { .. } => "redirect",
            SetupStep::Notice { .. } => "notice",
            SetupStep::Confirm { .. } => "confirm",
            SetupStep::Done { .. } => "done",
            SetupStep::Failed(_) => "failed",
        }
    }
    _ = word;
}
