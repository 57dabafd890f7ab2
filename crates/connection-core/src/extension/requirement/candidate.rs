//! Selects the connection for the requirement of an extension.

use connection_contract::{Kind, Liveness, Reason, SecretName, Text};

use crate::{
    ConnectionId, ConnectionInfo,
    extension::{choice, grants},
    kinds::held_name,
    liveness::column,
    registry::Shared,
    store::{
        KINDS_AT_ONCE, Reader, StoreError, json,
        rows::{CandidateRow, NearCandidate, PublicSettings},
    },
};

/// Number of connections that are read at once if the first candidates do not decide the selection.
const PAGE: i64 = 100;
/// Maximum number of candidates if the selection is ambiguous.
const MAX_CANDIDATES: usize = 20;

/// A connection to the provider, as a candidate for a requirement.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) id: ConnectionId,
    pub(crate) is_default: bool,
    /// `true` if a person chose it for the extension.
    pub(crate) is_chosen: bool,
    pub(crate) liveness: Liveness,
    pub(crate) reason: Option<Reason>,
    pub(crate) config: Vec<(String, String)>,
    /// The names of the secrets that the credential holds.
    pub(crate) held: Vec<String>,
    /// The scopes that the provider granted; `None` if the provider does not report them.
    pub(crate) scopes: Option<Vec<String>>,
    /// The names of all secrets that the kind hands out.
    pub(crate) of_kind: Vec<Text>,
    /// The names of the secrets that the extension may see; `None` without a grant.
    pub(crate) granted: Option<Vec<SecretName>>,
    /// The connection as hosts see it. Read only if several candidates satisfy the requirement.
    pub(crate) shown: Option<Box<ConnectionInfo>>,
}

impl Candidate {
    /// Returns the candidate for an extension. Without an extension, no grant is read.
    pub(super) fn of(shared: &Shared, row: CandidateRow, extension: Option<&str>) -> Option<Self> {
        let CandidateRow { listed, secret_names, granted } = row;
        let info = shared.info(listed)?;
        let granted = extension.and_then(|extension| granted.grant(extension, info.id));
        let granted = granted.and_then(|row| grants::granted_names(shared, &info.owner, &row));
        Some(Self {
            id: info.id,
            is_default: info.is_default,
            is_chosen: false,
            liveness: info.liveness,
            reason: info.reason.clone(),
            config: info.config.clone(),
            held: names_of_row(secret_names.as_deref()),
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
            is_chosen: choice.is_some_and(|row| choice::chosen_connection(&shared.sealer, owner, &row).is_some()),
            liveness: liveness.as_deref().map_or(Liveness::Unknown, column::to_liveness),
            reason: reason.as_deref().and_then(json::to_reason),
            config: json::to_config(&config),
            held: names_of_row(secret_names.as_deref()),
            scopes: granted_scopes.as_deref().and_then(json::to_texts),
            of_kind: Kind::parse(&kind).map(|kind| of_kind(shared, &kind)).unwrap_or_default(),
            granted: granted.grant(extension, id).and_then(|row| grants::granted_names(shared, owner, &row)),
            shown: None,
        }
    }

    pub(crate) fn lacks<'n>(&'n self, names: &'n [SecretName]) -> impl Iterator<Item = &'n SecretName> {
        let held_as = |name| held_name(&self.of_kind, names.len(), name);
        let holds = move |name| held_as(name).is_some_and(|name| self.held.iter().any(|held| held == name));
        names.iter().filter(move |name| !holds(name.as_str()))
    }

    fn satisfies(&self, names: &[SecretName]) -> bool {
        self.lacks(names).next().is_none()
    }

    /// Returns `true` if the extension may use the connection with all of these secrets.
    pub(super) fn is_granted(&self, names: &[SecretName]) -> bool {
        self.granted.as_deref().is_some_and(|granted| covers(granted, names))
    }
}

/// Returns the secret names of a kind. A kind that is not registered has none.
fn of_kind(shared: &Shared, kind: &Kind) -> Vec<Text> {
    shared.kinds.entry(kind).map(|entry| entry.descriptor.secret_names.clone()).unwrap_or_default()
}

/// Returns the names in a row. An unreadable value holds none.
fn names_of_row(names: Option<&str>) -> Vec<String> {
    names.and_then(json::to_texts).unwrap_or_default()
}

/// Returns `true` if every declared secret is granted.
pub(super) fn covers(granted: &[SecretName], declared: &[SecretName]) -> bool {
    declared.iter().all(|name| granted.contains(name))
}

/// The result of a selection.
#[derive(Debug)]
pub(crate) enum Selection<'c> {
    /// The connection that holds all declared secrets.
    One(&'c Candidate),
    /// No connection holds all of them. Holds the secrets that the nearest one lacks, and that connection, if there is
    /// one.
    None(Vec<SecretName>, Option<&'c Candidate>),
    /// Several connections hold all of them, and none is the default. Holds the first ones, in the order of their ids.
    Several(Vec<&'c Candidate>),
}

/// Selects the connection that a person chose for the extension, whatever secrets it holds, because another connection
/// would be another account than the person chose. Without a choice, selects the default of the provider, or the only
/// connection that holds these secrets. Grants do not influence the selection.
pub(crate) fn select<'c>(names: &[SecretName], candidates: &'c [Candidate]) -> Selection<'c> {
    if let Some(chosen) = candidates.iter().find(|candidate| candidate.is_chosen) {
        return select_only(names, chosen);
    }
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

/// Reads the candidates that decide the selection, or only the selected one, together with the settings as of the same
/// moment. The number of rows does not grow with the number of connections once the selection is decided or ambiguous.
pub(crate) async fn load(
    shared: &Shared,
    reader: &mut Reader,
    owner: &str,
    extension: &str,
    (provider, names): (&Kind, &[SecretName]),
) -> Result<(Vec<Candidate>, PublicSettings), StoreError> {
    let kinds = shared.registered_of(provider);
    let kinds: Vec<_> = kinds.iter().map(Kind::as_str).collect();
    let mut candidates = Vec::new();
    let mut is_full = false;
    let mut settings = None;
    let mut rest = kinds.as_slice();
    // The loop runs at least once, because the settings are read even without a kind.
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
        let mut after = None;
        let before = candidates.len();
        loop {
            let (rows, full) = reader.candidates(owner, kind, extension, after, PAGE).await?;
            after = rows.last().map(|row| row.listed.account.id).filter(|_| full);
            candidates.extend(rows.into_iter().filter_map(|row| Candidate::of(shared, row, Some(extension))));
            // None of them is the selected default. More candidates of a kind than can be shown are not needed.
            let of_kind = candidates.iter().skip(before);
            let several = of_kind.filter(|candidate| candidate.satisfies(names)).count() > MAX_CANDIDATES;
            if after.is_none() || several {
                break;
            }
        }
    }
    Ok((candidates, settings))
}
