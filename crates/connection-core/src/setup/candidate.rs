//! The candidate for a connection: the result of the plugin, verified once.

use std::sync::Arc;

use connection_contract::{
    ConnectionError, DisplayText, Liveness, Reason, Secret, SetupFailure, SetupResult, VerifyResult, reason,
};

use super::{Done, System, codec::Purpose, effects::Inner, slot::Slot};
use crate::{
    ConnectionId, Error, ProfileId,
    asked::Asked,
    credential::{Payload, Subject, named_secrets, page, repeated::RepeatedSecrets},
    definition::Probed,
    kinds::KindEntry,
    limits,
    missing_scopes::MissingScopes,
    verify,
};

/// Names the conflict between two calls that end the same session.
pub(super) const SESSION: &str = "setup session";

/// The request with which the session was begun.
pub(super) struct SetupRequest {
    pub(super) connection: ConnectionId,
    pub(super) purpose: Purpose,
    pub(super) profile: Option<ProfileId>,
    /// `true` if the visitor of a setup link answers the session.
    pub(super) is_of_visitor: bool,
}

impl SetupRequest {
    pub(super) fn is_new(&self) -> bool {
        matches!(self.purpose, Purpose::Connect { .. })
    }
}

/// The result of a plugin after its verification.
pub(super) enum Candidate {
    /// The result is stored, if its label and its account are free.
    Accepted(Box<AcceptedCandidate>),
    /// The setup fails, and nothing is kept.
    Refused(SetupFailure),
}

pub(super) struct AcceptedCandidate {
    /// The kind whose code made and verified the result.
    pub(super) kind: Arc<KindEntry>,
    pub(super) request: SetupRequest,
    pub(super) made: SetupResult<Secret>,
    pub(super) found: VerifyResult<Secret>,
    /// The origin that the verification asked.
    pub(super) asked: Asked,
    pub(super) payload: Payload,
    pub(super) secret_names: String,
}

impl AcceptedCandidate {
    /// Returns the candidate as the subject of a probe.
    pub(super) fn subject(&self, slot: &Slot) -> Subject {
        subject(slot, &self.request, &self.made, &self.payload)
    }
}

fn subject(slot: &Slot, request: &SetupRequest, made: &SetupResult<Secret>, payload: &Payload) -> Subject {
    Subject {
        id: request.connection,
        owner: slot.owner.clone(),
        payload: payload.duplicate(),
        profile: request.profile,
        config: made.config.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
    }
}

/// The outcome of storing a candidate.
pub(super) enum StoreOutcome {
    Done(Done),
    /// The setup fails, and nothing is kept.
    Refused(SetupFailure),
    /// The session waits until it is resumed.
    Offline(Reason),
}

/// Verifies the result of a plugin, unless the plugin measured it itself. A `failing` result is refused. An `offline`
/// one is kept, so that the user's answers are not lost.
pub(super) async fn candidate(
    system: &Arc<System>,
    slot: &Slot,
    kind: &Arc<KindEntry>,
    request: SetupRequest,
    inner: &Inner,
    mut made: SetupResult<Secret>,
) -> Candidate {
    if let Err(problem) = limits::setup_result(&made, &made.credential) {
        return refused(reason::PLUGIN_FAULT, problem);
    }
    let credential = made.credential.duplicate();
    let named: Vec<_> = inner.run.origins.iter().map(|origin| inner.answerer.allowed(origin)).collect();
    let mut payload = match Payload::new(kind, &made.reach, credential, &named, &inner.run.roots, inner.discovered()) {
        Ok(payload) => payload,
        Err(problem) => return refused(reason::PLUGIN_FAULT, problem),
    };
    if let Err(problem) = limits::account_id(&made.identity.account_id) {
        return refused(reason::PLUGIN_FAULT, problem);
    }
    // A recorded `offline` would be the same in every run, but a re-authorization that waits must ask again. It is
    // verified instead.
    let measured = made.measured.take().filter(|found| request.is_new() || found.liveness != Liveness::Offline);
    let granted = made.granted_scopes.as_deref().unwrap_or_default();
    let Probed { found, secret_names, secrets, asked } = match measured {
        Some(found) => {
            let secrets = named_secrets::all(&system.ground, kind, made.credential.duplicate()).await;
            let mut found = RepeatedSecrets::of_made(&secrets, &made).verified(found);
            MissingScopes::narrow(&mut found, granted, &kind.descriptor);
            let found = inner.heard.describe_result(limits::bounded(found), system.ground.clock.now());
            Probed { found, secret_names: None, secrets, asked: Asked::default() }
        }
        None => {
            let subject = subject(slot, &request, &made, &payload);
            match verify::probe(&system.ground, kind, subject, granted, verify::ProbeTrigger::Host).await {
                Ok(probed) => probed,
                Err(ConnectionError::Credential(_)) => {
                    return refused(
                        reason::CREDENTIAL_UNREADABLE,
                        "the plugin cannot read the credential that it made",
                    );
                }
                Err(_) => {
                    return refused(reason::PLUGIN_FAULT, "the plugin could not verify the connection");
                }
            }
        }
    };
    if let Err(problem) = RepeatedSecrets::of_made(&secrets, &made).check_made(&mut made) {
        return refused("verify_failed", asked.said(problem));
    }
    let what = if request.is_new() { "connection" } else { "credential" };
    if found.identity.as_ref().is_some_and(|identity| !identity.has_id(made.identity.account_id.as_str())) {
        return refused("verify_failed", format!("the new {what} reaches another account than it was made for"));
    }
    if found.liveness == Liveness::Failing {
        let why = found.reason.as_ref().map(|reason| format!(": {}", reason.message)).unwrap_or_default();
        let lacks_scope = found.reason.as_ref().is_some_and(|reason| reason.code == reason::SCOPE_MISSING);
        let message = format!("the new {what} does not work{why}");
        let failure = match lacks_scope {
            true => SetupFailure::new(reason::SCOPE_MISSING, message),
            false => SetupFailure::new("verify_failed", message),
        };
        let Some(Reason { remedy, provider_text, .. }) = found.reason else { return Candidate::Refused(failure) };
        let failure = remedy.into_iter().fold(failure, SetupFailure::remedy);
        return Candidate::Refused(failure.provider_text(provider_text));
    }
    if let Some(fresh) = &found.credential {
        payload.credential = fresh.duplicate();
    }
    let connection = subject(slot, &request, &made, &payload).connection();
    payload.page = page::of(&system.ground, kind, connection, Some(payload.credential.duplicate())).await;
    let former = named_secrets::current(&system.ground, request.connection);
    let secret_names =
        named_secrets::after_probe(&system.ground, kind, &payload.credential, secret_names, former).await;
    let kind = kind.clone();
    Candidate::Accepted(Box::new(AcceptedCandidate { kind, request, made, found, asked, payload, secret_names }))
}

fn refused(code: &'static str, message: impl Into<DisplayText>) -> Candidate {
    Candidate::Refused(SetupFailure::new(code, message))
}

pub(super) fn already_connected(kind: &str, label: &str) -> SetupFailure {
    SetupFailure::new("account_connected", format!("this account is already connected as {kind}:{label}"))
        .remedy(format!("use {kind}:{label}, authorize it again, or remove it first"))
}

/// Returns the failure for the visitor of a setup link, who learns nothing of the owner's connection.
pub(super) fn already_connected_for_visitor() -> SetupFailure {
    SetupFailure::new("account_connected", "this account is already connected")
        .remedy("sign in with another account, or ask whoever sent the link")
}

/// Returns `true` if the profile of a session was removed since the session was begun.
pub(super) async fn is_profile_gone(system: &System, slot: &Slot, id: Option<ProfileId>) -> Result<bool, Error> {
    let Some(id) = id else { return Ok(false) };
    Ok(system.ground.reader().await?.profile(&slot.owner, slot.kind.as_str(), id).await?.is_none())
}

/// Returns the failure of a session whose kind has other terms than when the session was begun.
pub(super) fn kind_changed(kind: &KindEntry) -> SetupFailure {
    let kind = kind.kind();
    SetupFailure::new(reason::KIND_CHANGED, format!("the kind '{kind}' was changed in the meantime"))
        .remedy("begin again; the setup then follows the changed kind")
}

pub(super) fn profile_removed() -> SetupFailure {
    SetupFailure::new("profile_not_found", "the profile was removed in the meantime")
        .remedy("begin again with another one")
}

/// Returns the failure of a re-authorization whose connection was removed.
pub(super) fn removed() -> SetupFailure {
    SetupFailure::new("not_found", "the connection was removed in the meantime")
}
