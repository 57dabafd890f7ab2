//! Which connection is meant by what an extension declares.

use connection_contract::{Kind, Liveness, Reason, SecretName, Text};

use super::names;
use crate::{
    ConnectionId, ConnectionInfo,
    connection::json,
    extension::{choice, grants},
    liveness::words,
    registry::Shared,
    store::{
        KINDS_AT_ONCE, Reader, StoreError,
        rows::{CandidateRow, NearCandidate, PublicSettings},
    },
};

/// So many are read at once where what comes first does not say which is meant.
const PAGE: i64 = 100;
/// So many are named when it is not clear which is meant.
const MOST_CANDIDATES: usize = 20;

/// A connection to the provider.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) id: ConnectionId,
    pub(crate) is_default: bool,
    /// Whether a person chose it for the extension that asks.
    pub(crate) is_chosen: bool,
    pub(crate) liveness: Liveness,
    pub(crate) reason: Option<Reason>,
    pub(crate) config: Vec<(String, String)>,
    /// The secrets that the credential holds, by name.
    pub(crate) held: Vec<String>,
    /// What the provider lets it do; `None` when the provider did not say.
    pub(crate) scopes: Option<Vec<String>>,
    /// The names of all that its kind hands out.
    pub(crate) of_kind: Vec<Text>,
    /// The names that the extension that asks may see; `None` when it may not use it at all.
    pub(crate) granted: Option<Vec<SecretName>>,
    /// As hosts see it; read where several may be as good.
    pub(crate) shown: Option<Box<ConnectionInfo>>,
}

impl Candidate {
    /// As the extension finds it; nobody's grant is read without one.
    pub(super) fn of(shared: &Shared, row: CandidateRow, extension: Option<&str>) -> Option<Self> {
        let CandidateRow { listed, secret_names, granted } = row;
        let info = shared.info(listed)?;
        let granted = extension.and_then(|extension| granted.grant(extension, info.id));
        let granted = granted.and_then(|row| grants::held(shared, &info.owner, &row));
        Some(Self {
            id: info.id,
            is_default: info.is_default,
            is_chosen: false,
            liveness: info.liveness,
            reason: info.reason.clone(),
            config: info.config.clone(),
            held: held(secret_names.as_deref()),
            scopes: info.scopes.clone(),
            of_kind: of_kind(shared, &info.kind),
            granted,
            shown: Some(Box::new(info)),
        })
    }

    fn near(shared: &Shared, row: NearCandidate, owner: &str, extension: &str) -> Self {
        let NearCandidate {
            id,
            kind,
            is_default,
            config,
            liveness,
            reason,
            secret_names,
            granted_scopes,
            granted,
            chosen,
        } = row;
        let choice = chosen.choice(extension, id);
        Self {
            id,
            is_default,
            is_chosen: choice.is_some_and(|row| choice::held(&shared.sealer, owner, &row).is_some()),
            liveness: liveness.as_deref().map_or(Liveness::Unknown, words::to_liveness),
            reason: reason.as_deref().and_then(json::to_reason),
            config: json::to_config(&config),
            held: held(secret_names.as_deref()),
            scopes: granted_scopes.as_deref().and_then(json::to_texts),
            of_kind: Kind::parse(&kind).map(|kind| of_kind(shared, &kind)).unwrap_or_default(),
            granted: granted.grant(extension, id).and_then(|row| grants::held(shared, owner, &row)),
            shown: None,
        }
    }

    pub(crate) fn lacks<'n>(&'n self, names: &'n [SecretName]) -> impl Iterator<Item = &'n SecretName> {
        let held_as = |name| names::of_kind(&self.of_kind, names.len(), name);
        let holds = move |name| held_as(name).is_some_and(|name| self.held.iter().any(|held| held == name));
        names.iter().filter(move |name| !holds(name.as_str()))
    }

    fn satisfies(&self, names: &[SecretName]) -> bool {
        self.lacks(names).next().is_none()
    }

    /// Whether the extension that asks may use it with all of these.
    pub(super) fn is_granted(&self, names: &[SecretName]) -> bool {
        self.granted.as_deref().is_some_and(|granted| covers(granted, names))
    }
}

/// A kind that is not registered hands out nothing.
fn of_kind(shared: &Shared, kind: &Kind) -> Vec<Text> {
    shared.kinds.entry(kind).map(|entry| entry.descriptor.secret_names.clone()).unwrap_or_default()
}

/// What cannot be read is held by nobody.
fn held(names: Option<&str>) -> Vec<String> {
    names.and_then(json::to_texts).unwrap_or_default()
}

/// Whether what is granted is all that is declared.
pub(super) fn covers(granted: &[SecretName], declared: &[SecretName]) -> bool {
    declared.iter().all(|name| granted.contains(name))
}

/// What was found for a requirement.
#[derive(Debug)]
pub(crate) enum Picked<'c> {
    /// This one holds all that is asked for.
    One(&'c Candidate),
    /// None does; what the one lacks that comes nearest, if there is one, and which that is.
    None(Vec<SecretName>, Option<&'c Candidate>),
    /// Several do, and none of them is the default; the first of them, in the order of ids.
    Several(Vec<&'c Candidate>),
}

/// The connection that a person chose for the extension, whatever it holds: another account would be another one than they
/// said. Else the default of the provider, or the only one that holds these names. What is granted does not choose.
pub(crate) fn pick<'c>(names: &[SecretName], candidates: &'c [Candidate]) -> Picked<'c> {
    if let Some(chosen) = candidates.iter().find(|candidate| candidate.is_chosen) {
        return picked_alone(names, chosen);
    }
    let mut satisfying: Vec<_> = candidates.iter().filter(|candidate| candidate.satisfies(names)).collect();
    if let Some(default) = satisfying.iter().find(|candidate| candidate.is_default) {
        return Picked::One(default);
    }
    match (satisfying.as_slice(), candidates) {
        ([one], _) => Picked::One(one),
        ([], [near]) => picked_alone(names, near),
        ([], _) => {
            let near = candidates.iter().find(|candidate| candidate.is_default);
            Picked::None(near.map_or_else(|| names.to_vec(), |near| near.lacks(names).cloned().collect()), near)
        }
        _ => {
            satisfying.sort_unstable_by_key(|candidate| candidate.id);
            satisfying.truncate(MOST_CANDIDATES);
            Picked::Several(satisfying)
        }
    }
}

/// That one and no other.
pub(super) fn picked_alone<'c>(names: &[SecretName], candidate: &'c Candidate) -> Picked<'c> {
    let lacking: Vec<_> = candidate.lacks(names).cloned().collect();
    if lacking.is_empty() { Picked::One(candidate) } else { Picked::None(lacking, Some(candidate)) }
}

/// Those of the provider that say which is meant, the default alone where it is, and what is set as of the same moment. What
/// is read does not grow with how many there are once it is clear, or several are as good.
pub(crate) async fn load(
    shared: &Shared,
    reader: &mut Reader,
    owner: &str,
    extension: &str,
    (provider, names): (&Kind, &[SecretName]),
) -> Result<(Vec<Candidate>, PublicSettings), StoreError> {
    let kinds = shared.registered_of(provider);
    let kinds: Vec<_> = kinds.iter().map(Kind::as_str).collect();
    let (mut candidates, mut is_full, mut settings) = (Vec::new(), false, None);
    let mut rest = kinds.as_slice();
    // Also where there is no kind: what is set is asked for all the same.
    while settings.is_none() || !rest.is_empty() {
        let (some, others) = rest.split_at(rest.len().min(KINDS_AT_ONCE));
        let near = reader.near(owner, extension, provider.as_str(), some).await?;
        candidates.extend(near.candidates.into_iter().map(|row| Candidate::near(shared, row, owner, extension)));
        is_full |= near.is_full;
        settings.get_or_insert(near.settings);
        rest = others;
    }
    let settings = settings.unwrap_or_default();
    if !is_full && candidates.len() < 2 {
        return Ok((candidates, settings));
    }
    if let Some(chosen) = candidates.iter().position(|candidate| candidate.is_chosen) {
        return Ok((vec![candidates.swap_remove(chosen)], settings));
    }
    candidates.retain(|candidate| candidate.is_default && candidate.satisfies(names));
    if let Some(default) = candidates.into_iter().min_by_key(|candidate| candidate.id) {
        return Ok((vec![default], settings));
    }
    let mut candidates = Vec::new();
    for kind in kinds {
        let (mut after, before) = (None, candidates.len());
        loop {
            let (rows, full) = reader.candidates(owner, kind, extension, after, PAGE).await?;
            after = rows.last().map(|row| row.listed.account.id).filter(|_| full);
            candidates.extend(rows.into_iter().filter_map(|row| Candidate::of(shared, row, Some(extension))));
            // None of them is the default that is meant: so many of a kind that are as good say all that there is to say.
            let of_kind = candidates.iter().skip(before);
            let several = of_kind.filter(|candidate| candidate.satisfies(names)).count() > MOST_CANDIDATES;
            if after.is_none() || several {
                break;
            }
        }
    }
    Ok((candidates, settings))
}
