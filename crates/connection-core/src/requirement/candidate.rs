//! Which connection is meant by what an extension declares.

use connection_contract::{Kind, SecretName};

use crate::{
    ConnectionInfo, Error,
    connection::json,
    registry::Shared,
    store::{Reader, rows::CandidateRow},
};

/// So many rows of a kind are read at once.
const PAGE: i64 = 100;
/// So many are named when it is not clear which is meant.
const MOST_CANDIDATES: usize = 20;

/// A connection to the provider.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) info: ConnectionInfo,
    /// The secrets that the credential holds, by name.
    pub(crate) held: Vec<String>,
    /// Whether the extension that asks may use it.
    pub(crate) is_granted: bool,
}

impl Candidate {
    pub(super) fn of(shared: &Shared, row: CandidateRow) -> Option<Self> {
        let CandidateRow { listed, secret_names, granted } = row;
        let held = secret_names.as_deref().and_then(json::to_texts).unwrap_or_default();
        let info = shared.info(listed)?;
        Some(Self { info, held, is_granted: granted.is_some() })
    }

    pub(crate) fn lacks<'n>(&self, names: &'n [SecretName]) -> impl Iterator<Item = &'n SecretName> {
        names.iter().filter(|name| !self.held.iter().any(|held| held == name.as_str()))
    }

    fn satisfies(&self, names: &[SecretName]) -> bool {
        self.lacks(names).next().is_none()
    }
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

/// Those of the provider that say which is meant: all of them while they are few. What is read does not grow with how many
/// there are once several are as good.
pub(crate) async fn load(
    shared: &Shared,
    reader: &mut Reader,
    owner: &str,
    extension: &str,
    (provider, names): (&Kind, &[SecretName]),
) -> Result<Vec<Candidate>, Error> {
    let kinds = shared.registered_of(provider);
    let (mut candidates, mut cut) = (Vec::new(), false);
    for kind in &kinds {
        let mut after = None;
        loop {
            let (rows, full) = reader.candidates(owner, kind.as_str(), extension, after, PAGE).await?;
            after = rows.last().map(|row| row.listed.account.id);
            candidates.extend(rows.into_iter().filter_map(|row| Candidate::of(shared, row)));
            if !full || after.is_none() {
                break;
            }
            if candidates.iter().filter(|candidate| candidate.satisfies(names)).count() > MOST_CANDIDATES {
                cut = true;
                break;
            }
        }
    }
    if cut && !candidates.iter().any(|candidate| candidate.info.is_default) {
        let defaults = reader.default_candidates(owner, extension).await?;
        let defaults = defaults.into_iter().filter(|row| kinds.iter().any(|k| k.as_str() == row.listed.account.kind));
        candidates.extend(defaults.filter_map(|row| Candidate::of(shared, row)));
    }
    Ok(candidates)
}
