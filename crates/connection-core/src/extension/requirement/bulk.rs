//! Resolves many requirements at once. The number of queries does not depend on the number of extensions.

use std::collections::HashMap;

use connection_contract::{ExtensionDeclaration, Kind, SecretName};

use super::{
    ResolvedConnection,
    candidate::{Candidate, Selection, covers, select, select_only},
    public,
    resolve::{DAMAGED, ResolutionData, answer, record},
};
use crate::{
    ConnectionId, ConnectionRegistry, Error, ExtensionError,
    extension::{choice, grants},
};

/// Number of connections that are read at once.
const PAGE: i64 = 2000;

/// Resolves the requirements of many extensions, in their order.
///
/// # Errors
///
/// The store's errors. For a single extension, [`ExtensionError`] if its declaration is invalid.
pub(crate) async fn resolve_all(
    registry: &ConnectionRegistry,
    declarations: &[ExtensionDeclaration],
) -> Result<Vec<Result<ResolvedConnection, Error>>, Error> {
    let shared = &registry.shared;
    let mut reader = shared.reader().await?;
    let mut of_provider: HashMap<Kind, Vec<Candidate>> = HashMap::new();
    let mut after: Option<ConnectionId> = None;
    loop {
        let (rows, full) = reader.all_candidates(&registry.owner, after, PAGE).await?;
        after = rows.last().map(|row| row.listed.account.id).filter(|_| full);
        for candidate in rows.into_iter().filter_map(|row| Candidate::of(shared, row, None)) {
            // A connection whose plugin is not registered serves no extension.
            if let Some(shown) = candidate.shown.as_ref().filter(|shown| shown.registered) {
                of_provider.entry(shown.provider.clone()).or_default().push(candidate);
            }
        }
        if after.is_none() {
            break;
        }
    }
    let grants = reader.grants(&registry.owner).await?.into_iter().filter(|grant| grant.revoked_at.is_none());
    let mut granted = HashMap::<String, HashMap<ConnectionId, Vec<SecretName>>>::new();
    for grant in grants {
        let Some(names) = grants::granted_names(shared, &registry.owner, &grant) else { continue };
        granted.entry(grant.extension).or_default().insert(grant.connection_id, names);
    }
    let choices = reader.choices(&registry.owner).await?;
    let choices = choices.into_iter().filter_map(|row| {
        let chosen = choice::chosen_connection(&shared.sealer, &registry.owner, &row)?;
        Some((row.extension, chosen))
    });
    let choices: HashMap<_, _> = choices.collect();
    let providers = reader.provider_extensions(&registry.owner).await?;
    let rows = reader.all_preferences(&registry.owner).await?;
    // A row that cannot be read affects only the extensions that need it.
    let bodies: HashMap<_, _> = rows.iter().map(|row| (&*row.extension, &*row.body)).collect();
    let of_providers = providers.into_iter().map(|(name, declared)| {
        let shown = public::of_provider(Some(&declared), bodies.get(&*name).copied());
        (name, shown)
    });
    let of_providers: HashMap<_, _> = of_providers.collect();
    let records: HashMap<_, _> = rows.into_iter().map(|row| (row.extension, record(&row.body))).collect();
    let damaged = || Error::from(reader.damaged(DAMAGED));
    let mut picks = HashMap::<(&Kind, &[SecretName]), Selection<'_>>::new();
    let none = Vec::new();
    let mut resolved = Vec::with_capacity(declarations.len());
    for declaration in declarations {
        resolved.push((|| {
            declaration.check().map_err(ExtensionError::from)?;
            let requirement = &declaration.requirement;
            let name = &*declaration.name;
            let public = !requirement.public_preference_names.is_empty();
            let read =
                |records: &HashMap<String, Option<Vec<_>>>, name: &str| match records.get(name).filter(|_| public) {
                    Some(record) => record.clone().ok_or_else(damaged),
                    None => Ok(Vec::new()),
                };
            let provider = requirement.provider.as_str();
            let of_its_provider = if provider == name { Vec::new() } else { read(&of_providers, provider)? };
            let own = read(&records, name)?;
            let candidates = of_provider.get(&requirement.provider).unwrap_or(&none);
            let asked = (&requirement.provider, requirement.auth.secret_names.as_slice());
            let chosen = choices.get(name).and_then(|id| candidates.iter().find(|known| known.id == *id));
            let alone = chosen.map(|chosen| select_only(asked.1, chosen));
            let picked = match &alone {
                Some(alone) => alone,
                None => &*picks.entry(asked).or_insert_with(|| select(asked.1, candidates)),
            };
            let found = ResolutionData { candidates, own: &own, of_provider: &of_its_provider };
            let mut answer = answer(declaration, &found, picked).or_unmet(shared, declaration);
            let of_it = answer.connection.and_then(|connection| granted.get(name)?.get(&connection));
            answer.is_granted = of_it.is_some_and(|granted| covers(granted, asked.1));
            Ok(answer)
        })());
    }
    Ok(resolved)
}
