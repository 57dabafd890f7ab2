//! Which connection is meant by what an extension declares.

use connection_contract::{Kind, SecretName};

use crate::{
    ConnectionInfo,
    connection::json,
    extension::grants,
    registry::Shared,
    store::{Reader, StoreError, rows::CandidateRow},
};

/// So many rows of a kind are read first: one that is alone is the one that is meant.
const FIRST: i64 = 2;
/// So many are read at once of the others.
const PAGE: i64 = 100;
/// So many are named when it is not clear which is meant.
const MOST_CANDIDATES: usize = 20;

/// A connection to the provider.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) info: ConnectionInfo,
    /// The secrets that the credential holds, by name.
    pub(crate) held: Vec<String>,
    /// The names that the extension that asks may see; `None` when it may not use it at all.
    pub(crate) granted: Option<Vec<SecretName>>,
}

impl Candidate {
    pub(super) fn of(shared: &Shared, row: CandidateRow) -> Option<Self> {
        let CandidateRow { listed, secret_names, granted } = row;
        let held = secret_names.as_deref().and_then(json::to_texts).unwrap_or_default();
        let info = shared.info(listed)?;
        Some(Self { info, held, granted: granted.as_deref().map(grants::names) })
    }

    pub(crate) fn lacks<'n>(&self, names: &'n [SecretName]) -> impl Iterator<Item = &'n SecretName> {
        names.iter().filter(|name| !self.held.iter().any(|held| held == name.as_str()))
    }

    fn satisfies(&self, names: &[SecretName]) -> bool {
        self.lacks(names).next().is_none()
    }

    /// Whether the extension that asks may use it with all of these.
    pub(super) fn is_granted(&self, names: &[SecretName]) -> bool {
        self.granted.as_deref().is_some_and(|granted| covers(granted, names))
    }
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
    /// None does; what the one lacks that comes nearest, if there is one.
    None(Vec<SecretName>),
    /// Several do, and none of them is the default.
    Several(Vec<&'c Candidate>),
}

/// The default of the provider, or the only one that holds these names. What is granted does not choose: which connection
/// is meant shall not depend on who asks.
pub(crate) fn pick<'c>(names: &[SecretName], candidates: &'c [Candidate]) -> Picked<'c> {
    let satisfying: Vec<_> = candidates.iter().filter(|candidate| candidate.satisfies(names)).collect();
    if let Some(default) = satisfying.iter().find(|candidate| candidate.info.is_default) {
        return Picked::One(default);
    }
    match (satisfying.as_slice(), candidates) {
        ([one], _) => Picked::One(one),
        ([], [near]) => Picked::None(near.lacks(names).cloned().collect()),
        ([], _) => {
            let near = candidates.iter().find(|candidate| candidate.info.is_default);
            Picked::None(near.map_or_else(|| names.to_vec(), |near| near.lacks(names).cloned().collect()))
        }
        _ => Picked::Several(satisfying.into_iter().take(MOST_CANDIDATES).collect()),
    }
}

/// Those of the provider that say which is meant: the default alone where it is. What is read does not grow with how many
/// there are once several are as good.
pub(crate) async fn load(
    shared: &Shared,
    reader: &mut Reader,
    owner: &str,
    extension: &str,
    (provider, names): (&Kind, &[SecretName]),
) -> Result<Vec<Candidate>, StoreError> {
    let kinds = shared.registered_of(provider);
    let (mut candidates, mut more) = (Vec::new(), Vec::new());
    for kind in &kinds {
        let (rows, full) = reader.candidates(owner, kind.as_str(), extension, None, FIRST).await?;
        if let Some(last) = rows.last().filter(|_| full) {
            more.push((kind, last.listed.account.id));
        }
        candidates.extend(rows.into_iter().filter_map(|row| Candidate::of(shared, row)));
    }
    if more.is_empty() {
        return Ok(candidates);
    }
    let is_of = |row: &CandidateRow| kinds.iter().any(|kind| kind.as_str() == row.listed.account.kind);
    let defaults = reader.default_candidates(owner, extension).await?.into_iter().filter(is_of);
    let default = defaults.filter_map(|row| Candidate::of(shared, row)).find(|default| default.satisfies(names));
    if let Some(default) = default {
        return Ok(vec![default]);
    }
    for (kind, mut after) in more {
        loop {
            let (rows, full) = reader.candidates(owner, kind.as_str(), extension, Some(after), PAGE).await?;
            let last = rows.last().map(|row| row.listed.account.id);
            candidates.extend(rows.into_iter().filter_map(|row| Candidate::of(shared, row)));
            // None of them is the default that is meant: so many that are as good say all that there is to say.
            let several = candidates.iter().filter(|candidate| candidate.satisfies(names)).count() > MOST_CANDIDATES;
            match last {
                Some(last) if full && !several => after = last,
                _ => break,
            }
        }
    }
    Ok(candidates)
}
