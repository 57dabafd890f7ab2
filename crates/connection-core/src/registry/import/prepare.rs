//! Prepares an item: checks it, has its plugin read it, and seals it.

use std::sync::Arc;

use connection_contract::{
    CredentialError, DisplayText, Identity, Input, Kind, Liveness, Need, Secret, SetupResult, Timestamp,
};
use connection_egress::AllowedOrigin;

use super::{Import, fields};
use crate::{
    ConnectionId, Error,
    contain::{self, Contained},
    credential::{Payload, Subject, named_secrets, page, renewal, repeated::RepeatedSecrets},
    event,
    ground::Ground,
    kinds::{KindEntry, Terms},
    limits,
    liveness::column,
    plan::{self, ReportedTimes},
    setup::{GRACE, MAX_RUN},
    store::{
        CREDENTIAL, json,
        rows::{AccountRow, AccountState, CredentialRow, CredentialState, EventRow, LivenessRow},
    },
};

const FIRST: i64 = 1;

/// The rows to store for an item.
#[derive(Clone)]
pub(super) struct Prepared {
    /// The account, whose label is used if it is free, and gets a number otherwise.
    pub(super) account: AccountRow,
    /// The identity of the account, by which a connection to it is found.
    pub(super) identity: Identity,
    /// `true` if the item has a label of its own, which gets no number.
    pub(super) is_labelled: bool,
    pub(super) credential: CredentialRow,
    pub(super) liveness: LivenessRow,
    pub(super) event: EventRow,
    pub(super) kind: Kind,
    pub(super) terms: Option<Terms>,
}

pub(super) async fn prepare(ground: &Arc<Ground>, owner: &str, item: Import) -> Result<Prepared, Error> {
    let kind = item.kind.clone();
    let (entry, mut made, named) = read(ground, owner, item).await?;
    let id = ConnectionId::from(ground.ids.next());
    let payload = payload(ground, owner, &entry, id, &mut made, &named).await?;
    let cell = CREDENTIAL.at(id.as_uuid(), FIRST, owner, kind.as_str());
    let sealed = ground.seal(&cell, payload.encode().expose()).await?;
    let now = ground.clock.now().seconds();
    let given = ReportedTimes {
        valid_until: made.valid_until.map(Timestamp::seconds),
        renew_at: made.renew_at.map(Timestamp::seconds),
        authorized_until: made.authorized_until.map(Timestamp::seconds),
    };
    let renewal = renewal(ground, &entry, &payload.credential).await;
    let credential = CredentialRow {
        connection_id: id,
        generation: FIRST,
        state: CredentialState::Current,
        key_id: sealed.key_id(),
        sealed,
        secret_names: named_secrets::names_json(ground, &entry, &payload.credential, async { None }).await,
        granted_scopes: made.granted_scopes.as_ref().map(json::texts),
        valid_until: given.valid_until,
        created_at: now,
        plan: plan::of(id, renewal, now, given),
    };
    let liveness = LivenessRow {
        connection_id: id,
        liveness: column::liveness(Liveness::Unknown).to_owned(),
        reason: None,
        generation: FIRST,
        checked_at: None,
        next_check_at: None,
        paused_until: None,
        failures: 0,
        probe_origin: None,
        probe_from: None,
    };
    let event = ground.event(owner, id, event::IMPORTED, serde_json::json!({ "kind": kind.as_str() }));
    let terms = entry.terms.clone();
    let mut identity = made.identity.clone();
    identity.is_email |= entry.descriptor.account_is_email;
    let (account, is_labelled) = account(&entry, id, owner, made, now);
    Ok(Prepared { account, identity, is_labelled, credential, liveness, event, kind, terms })
}

/// Checks an item, and has its plugin read it. Returns also the origins that its fields name.
async fn read(
    ground: &Arc<Ground>,
    owner: &str,
    item: Import,
) -> Result<(Arc<KindEntry>, SetupResult<Secret>, Vec<AllowedOrigin>), Error> {
    let Import { kind, mut made, fields } = item;
    let entry = ground.kind(owner, &kind).await?;
    check(&entry, &made)?;
    let has_fields = fields.is_some();
    let named = match fields {
        Some(given) => {
            let named = fields::fill(ground, owner, &entry, &mut made, given).await?;
            check(&entry, &made)?;
            named
        }
        None => Vec::new(),
    };
    let secrets = secrets(ground, &entry, &made.credential).await.map_err(|error| match error {
        Error::Credential { .. } if has_fields => Error::InvalidImport(
            "the kind takes no credential in this form; give what its plugin stores, as a text or in base64".into(),
        ),
        error => error,
    })?;
    let checked = RepeatedSecrets::of_made(&secrets, &made).check_made(&mut made);
    checked.map_err(|what| Error::InvalidImport(what.into()))?;
    Ok((entry, made, named))
}

/// Returns what is sealed of an item. The credential is taken out of `made`.
async fn payload(
    ground: &Arc<Ground>,
    owner: &str,
    entry: &Arc<KindEntry>,
    id: ConnectionId,
    made: &mut SetupResult<Secret>,
    named: &[AllowedOrigin],
) -> Result<Payload, Error> {
    let undeclared = |_| Error::InvalidImport("its base address is not one that the kind declares".into());
    let credential = std::mem::take(&mut made.credential);
    let mut payload = Payload::new(entry, &made.reach, credential, named, &[], Vec::new()).map_err(undeclared)?;
    let config = made.config.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    let subject = Subject { id, owner: owner.to_owned(), profile: None, payload: payload.duplicate(), config };
    let credential = Some(payload.credential.duplicate());
    payload.page = page::of(ground, entry, subject.connection(), credential).await;
    Ok(payload)
}

/// Returns the row of the account, and `true` if the item has a label of its own.
fn account(
    entry: &KindEntry,
    id: ConnectionId,
    owner: &str,
    made: SetupResult<Secret>,
    now: i64,
) -> (AccountRow, bool) {
    let Identity { account_id, label: account_label, .. } = made.identity;
    let named = |label: DisplayText| Some(label.as_str().trim().to_owned()).filter(|label| !label.is_empty());
    let given_label = made.label.and_then(named);
    let is_labelled = given_label.is_some();
    let label = given_label.or_else(|| named(account_label.clone())).unwrap_or_else(|| account_id.as_str().to_owned());
    let account = AccountRow {
        id,
        owner: owner.to_owned(),
        kind: entry.kind().to_string(),
        profile_id: None,
        label,
        account_id: account_id.as_str().to_owned(),
        account_label: account_label.as_str().to_owned(),
        is_default: false,
        config: json::config(&made.config),
        terms: entry.terms_digest().map(<[u8]>::to_vec),
        revision: 1,
        generation: FIRST,
        next_generation: FIRST + 1,
        state: AccountState::Active,
        created_at: now,
        updated_at: now,
    };
    (account, is_labelled)
}

fn check(kind: &KindEntry, made: &SetupResult<Secret>) -> Result<(), Error> {
    if kind.kind().extension().is_some() {
        return Err(Error::NotSupported {
            kind: kind.kind().clone(),
            what: "be imported: a person confirms that the extension receives the secret",
        });
    }
    if kind.descriptor.needs.contains(&Need::Files) {
        return Err(Error::NotSupported {
            kind: kind.kind().clone(),
            what: "be imported: a person grants directories",
        });
    }
    limits::setup_result(made, &made.credential).map_err(|what| Error::InvalidImport(what.into()))?;
    if limits::account_id(&made.identity.account_id).is_err() {
        return Err(Error::InvalidImport("the account's id is empty, or has 500 characters or more".into()));
    }
    let is_secret = |name: &str| {
        let field = kind.descriptor.fields.iter().find(|field| *field.name == *name);
        field.is_some_and(|field| field.input == Input::Secret)
            || kind.descriptor.secret_names.iter().any(|secret| **secret == *name)
    };
    match made.config.iter().any(|(name, _)| is_secret(name)) {
        true => Err(Error::InvalidImport(
            "its configuration, which is not sealed, has a key that is the name of a secret".into(),
        )),
        false => Ok(()),
    }
}

/// Checks that the plugin reads the credential, and returns the secrets in it. This runs on the plugins' runtime, where a
/// plugin that never yields blocks no other task.
async fn secrets(ground: &Arc<Ground>, kind: &Arc<KindEntry>, credential: &Secret) -> Result<Vec<Secret>, Error> {
    let definition = kind.definition.clone();
    let bytes = credential.duplicate();
    let names = named_secrets::declared(kind);
    let parse = async move { contain::call(|| definition.all_secrets(&bytes, &names)) };
    let fault = |what| Error::PluginFault { kind: kind.kind().clone(), what };
    match ground.runtimes.run(&*ground.clock, MAX_RUN + GRACE, parse).await {
        Contained::Ended(Some(read)) => {
            read.map_err(|source: CredentialError| Error::Credential { kind: kind.kind().clone(), source })
        }
        Contained::Ended(None) | Contained::Panicked => Err(fault(crate::error::CRASHED)),
        Contained::Stopped | Contained::TimedOut => Err(fault(crate::error::TIMED_OUT)),
    }
}
