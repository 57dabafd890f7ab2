//! Selects the connection for the requirement of an extension.

use connection_contract::{Kind, Liveness, Reason, SecretName, Text};

use crate::{
    ConnectionId, ConnectionInfo,
    ground::{RowKinds, kind_changed},
    kinds::{KindEntry, held_name},
    liveness::column,
    store::{
        json,
        rows::{ListedRow, NearCandidate},
    },
};

/// Maximum number of candidates if the selection is ambiguous.
pub(super) const MAX_CANDIDATES: usize = 20;

/// A connection to the provider, as a candidate for a requirement.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) id: ConnectionId,
    /// `true` if the connection is for one extension alone.
    pub(crate) is_reserved: bool,
    pub(crate) is_default: bool,
    pub(crate) liveness: Liveness,
    pub(crate) reason: Option<Reason>,
    pub(crate) config: Vec<(String, String)>,
    /// The names of the secrets that the credential holds.
    pub(crate) held: Vec<String>,
    /// The scopes that the provider granted; `None` if the provider does not report them.
    pub(crate) scopes: Option<Vec<String>>,
    /// The names of all secrets that the kind hands out.
    pub(crate) of_kind: Vec<Text>,
    /// The scopes that a re-authorization may ask for in addition.
    pub(crate) optional_scopes: Vec<Text>,
    /// The connection as hosts see it. Read only if several candidates satisfy the requirement.
    pub(crate) shown: Option<Box<ConnectionInfo>>,
}

impl Candidate {
    /// Returns the connection of a row; `None` if it is unreadable.
    pub(super) fn of(kinds: &RowKinds<'_>, listed: ListedRow, secret_names: Option<String>) -> Option<Self> {
        let info = kinds.info(listed)?;
        let (of_kind, optional_scopes) = of_kind(kinds, &info.owner, &info.kind);
        Some(Self {
            id: info.id,
            is_reserved: info.kind.extension().is_some(),
            is_default: info.is_default,
            // A connection that is not used serves an extension as little as one that the provider refuses.
            liveness: if info.kind_changed { Liveness::Failing } else { info.liveness },
            reason: info.reason.clone(),
            config: info.config.clone(),
            held: names_of_row(secret_names.as_deref()),
            scopes: info.scopes.clone(),
            of_kind,
            optional_scopes,
            shown: Some(Box::new(info)),
        })
    }

    /// Returns the connection of a row that holds only what selects it, with its kind.
    pub(super) fn near(row: &NearCandidate, entry: &KindEntry) -> Self {
        let changed = Some(entry).filter(|entry| !entry.permits_use(row.terms.as_deref()));
        Self {
            id: row.id,
            is_reserved: entry.descriptor.extension.is_some(),
            is_default: row.is_default,
            liveness: match changed {
                Some(_) => Liveness::Failing,
                None => row.liveness.as_deref().map_or(Liveness::Unknown, column::to_liveness),
            },
            reason: match changed {
                Some(entry) => Some(kind_changed(entry.kind())),
                None => row.reason.as_deref().and_then(json::to_reason),
            },
            config: json::to_config(&row.config),
            held: names_of_row(row.secret_names.as_deref()),
            scopes: row.granted_scopes.as_deref().and_then(json::to_texts),
            optional_scopes: entry.descriptor.optional_scopes.clone(),
            of_kind: entry.descriptor.secret_names.clone(),
            shown: None,
        }
    }

    pub(crate) fn lacks<'n>(&'n self, names: &'n [SecretName]) -> impl Iterator<Item = &'n SecretName> {
        let held_as = |name| held_name(&self.of_kind, names.len(), name);
        let holds = move |name| held_as(name).is_some_and(|name| self.held.iter().any(|held| held == name));
        names.iter().filter(move |name| !holds(name.as_str()))
    }

    pub(super) fn satisfies(&self, names: &[SecretName]) -> bool {
        self.lacks(names).next().is_none()
    }
}

/// Returns the secret names and the optional scopes of a kind. A kind that is not registered has none.
fn of_kind(kinds: &RowKinds<'_>, owner: &str, kind: &Kind) -> (Vec<Text>, Vec<Text>) {
    let Some(entry) = kinds.entry(owner, kind) else { return Default::default() };
    (entry.descriptor.secret_names.clone(), entry.descriptor.optional_scopes.clone())
}

/// Returns the names in a row. An unreadable value holds none.
fn names_of_row(names: Option<&str>) -> Vec<String> {
    names.and_then(json::to_texts).unwrap_or_default()
}

#[derive(Clone, Debug)]
pub(super) enum Selection<'c> {
    /// The connection that holds all declared secrets.
    One(&'c Candidate),
    /// No connection holds all of them. Holds the secrets that the nearest one lacks, and that connection, if there is
    /// one.
    None(Vec<SecretName>, Option<&'c Candidate>),
    /// Several connections hold all of them, and none is the default. Holds the first ones, in the order of their ids.
    Several(Vec<&'c Candidate>),
}

/// Returns the only one of these candidates that holds these secrets; `None` if several do, or none does.
pub(super) fn only_satisfying<'c>(
    names: &[SecretName],
    candidates: impl Iterator<Item = &'c Candidate>,
) -> Option<&'c Candidate> {
    let mut satisfying = candidates.filter(|candidate| candidate.satisfies(names));
    satisfying.next().filter(|_| satisfying.next().is_none())
}

/// Selects the default of the provider, or the only connection that holds these secrets, for an extension without a
/// choice that was not granted exactly one of them.
pub(super) fn select<'c>(names: &[SecretName], candidates: &'c [Candidate]) -> Selection<'c> {
    let mut satisfying: Vec<_> = candidates.iter().filter(|candidate| candidate.satisfies(names)).collect();
    if let Some(default) = satisfying.iter().find(|candidate| candidate.is_default) {
        return Selection::One(default);
    }
    match (satisfying.as_slice(), candidates) {
        ([one], _) => Selection::One(one),
        ([], [near]) => select_only(names, near),
        ([], _) => {
            let near = candidates.iter().find(|candidate| candidate.is_default);
            Selection::None(near.map_or_else(|| names.to_vec(), |near| near.lacks(names).cloned().collect()), near)
        }
        _ => {
            satisfying.sort_unstable_by_key(|candidate| candidate.id);
            satisfying.truncate(MAX_CANDIDATES);
            Selection::Several(satisfying)
        }
    }
}

/// Returns the result for a single candidate.
pub(super) fn select_only<'c>(names: &[SecretName], candidate: &'c Candidate) -> Selection<'c> {
    let lacking: Vec<_> = candidate.lacks(names).cloned().collect();
    if lacking.is_empty() { Selection::One(candidate) } else { Selection::None(lacking, Some(candidate)) }
}
