//! Resolves a requirement: which connection is selected, which secrets are missing, and which values are public.

use std::collections::HashMap;

use connection_contract::{
    AuthType, DisplayText, ExtensionDeclaration, Kind, Liveness, Platform, Reason, RequirementAuth,
    RequirementRedirect, SecretName, Text, reason,
};

use super::{
    ResolvedConnection,
    candidate::{Candidate, Selection, select},
    facts::Facts,
    names, public,
};
use crate::{ConnectionId, Error, ExtensionError, Readiness, ground::Ground, status};

/// Resolves the requirement of one extension of an owner, whose declaration is valid.
///
/// # Errors
///
/// The store's errors.
pub(crate) async fn resolve_one(
    ground: &Ground,
    owner: &str,
    declaration: &ExtensionDeclaration,
) -> Result<ResolvedConnection, Error> {
    let mut reader = ground.reader().await?;
    let facts = Facts::of_one(ground, &mut reader, owner, declaration).await?;
    Resolver::new(ground, &facts).resolve(declaration)
}

/// Resolves the requirements of many extensions of an owner, in their order.
///
/// # Errors
///
/// The store's errors. For a single extension, [`ExtensionError`] if its declaration is invalid.
pub(crate) async fn resolve_all(
    ground: &Ground,
    owner: &str,
    declarations: &[ExtensionDeclaration],
) -> Result<Vec<Result<ResolvedConnection, Error>>, Error> {
    let mut reader = ground.reader().await?;
    let facts = Facts::of_all(ground, &mut reader, owner).await?;
    let mut resolver = Resolver::new(ground, &facts);
    let resolved = declarations.iter().map(|declaration| {
        declaration.check().map_err(ExtensionError::from)?;
        resolver.resolve(declaration)
    });
    Ok(resolved.collect())
}

/// Resolves requirements, without a store.
struct Resolver<'f> {
    ground: &'f Ground,
    facts: &'f Facts,
    /// The selections without a choice and without an only grant, which extensions with the same requirement share.
    selections: HashMap<(&'f Kind, &'f [SecretName]), Selection<'f>>,
}

impl<'f> Resolver<'f> {
    fn new(ground: &'f Ground, facts: &'f Facts) -> Self {
        Self { ground, facts, selections: HashMap::new() }
    }

    /// Resolves the requirement of an extension.
    ///
    /// # Errors
    ///
    /// Settings that this program cannot have written.
    fn resolve(&mut self, declaration: &'f ExtensionDeclaration) -> Result<ResolvedConnection, Error> {
        let facts = self.facts;
        let chosen = facts.chosen(declaration);
        let is_chosen = chosen.is_some();
        let selection = match chosen.or_else(|| facts.only_granted(declaration)) {
            Some(selection) => selection,
            None => {
                let provider = &declaration.requirement.provider;
                let names = declaration.requirement.auth.secret_names.as_slice();
                let select = || select(names, facts.candidates(provider));
                let system = self.selections.entry((provider, names)).or_insert_with(select);
                facts.select_reserved(declaration, system.clone())
            }
        };
        let connection = match &selection {
            Selection::One(one) => Some(one.id),
            Selection::Several(_) | Selection::None(..) => None,
        };
        let (own, of_provider) = facts.settings(declaration, connection)?;
        let mut resolved = resolved(declaration, &selection, own, of_provider, facts);
        resolved.is_chosen = is_chosen;
        resolved.is_granted = resolved.connection.is_some_and(|id| facts.is_granted(declaration, id));
        if resolved.error.is_none() && matches!(resolved.readiness, Readiness::Missing(_)) {
            // The reason why nobody can connect what is missing, if no kind of this host can.
            resolved.error = names::unmet(self.ground, declaration);
        }
        Ok(resolved)
    }
}

/// Returns the resolved requirement for a selection, without its grant.
fn resolved(
    declaration: &ExtensionDeclaration,
    selection: &Selection<'_>,
    own: &public::Record,
    of_provider: &public::Record,
    facts: &Facts,
) -> ResolvedConnection {
    let requirement = &declaration.requirement;
    let is_local = requirement.auth.auth == AuthType::None;
    let mut chosen = None;
    let mut several = None;
    let readiness = match (elsewhere(&declaration.platforms), selection) {
        (Some(why), _) => Readiness::Unsupported(why),
        (None, Selection::One(one)) => {
            chosen = Some(*one);
            Readiness::Ready
        }
        // A requirement without secrets is ready wherever the extension runs.
        _ if is_local => Readiness::Ready,
        // A person must choose one of them.
        (None, Selection::Several(candidates)) => {
            several = Some(candidates.as_slice());
            Readiness::Missing(requirement.auth.secret_names.clone())
        }
        (None, Selection::None(missing, _)) => match impossible(&requirement.auth) {
            Some(why) => Readiness::Unsupported(why),
            None => Readiness::Missing(missing.clone()),
        },
    };
    let liveness = chosen.filter(|_| !is_local).map_or(Liveness::Unknown, |chosen| chosen.liveness);
    let status = status(&readiness, liveness);
    let error = match (&readiness, status) {
        (Readiness::Missing(_), _) => several.map(|several| unclear(&requirement.provider, several)),
        (Readiness::Unsupported(why), _) => Some(Reason::new("connection_unsupported", why.clone())),
        (_, crate::ConnectionStatus::Failed) => {
            let refused = || Reason::new(reason::UNAUTHORIZED, "the provider refuses the credential");
            Some(chosen.and_then(|chosen| chosen.reason.clone()).unwrap_or_else(refused))
        }
        _ => None,
    };
    let declared_scopes = requirement.auth.oauth.as_ref().map(|oauth| oauth.scopes.as_slice()).unwrap_or_default();
    let granted = chosen.and_then(|chosen| chosen.scopes.as_ref());
    let lacks = |scope: &&Text| granted.is_some_and(|granted| !granted.iter().any(|known| known == &***scope));
    let mut missing_scopes: Vec<_> = declared_scopes.iter().filter(lacks).map(ToString::to_string).collect();
    // A provider that refused a request says more than the scopes that it reported.
    let refused = chosen.map(|chosen| facts.lacking_scopes(declaration, chosen.id)).unwrap_or_default();
    for scope in refused {
        if !missing_scopes.contains(scope) {
            missing_scopes.push(scope.clone());
        }
    }
    let optional = chosen.map(|chosen| chosen.optional_scopes.as_slice()).unwrap_or_default();
    let askable = |scope: &&String| optional.iter().any(|optional| optional == scope.as_str());
    let askable_scopes = missing_scopes.iter().filter(askable).cloned().collect();
    let of_connection = chosen.map(|chosen| chosen.config.as_slice()).unwrap_or_default();
    ResolvedConnection {
        connection_id: requirement.id.to_string(),
        extension_name: declaration.name.to_string(),
        provider: requirement.provider.clone(),
        public_config: public::config(declaration, of_connection, of_provider, own),
        missing_secret_names: match &readiness {
            Readiness::Missing(names) => names.clone(),
            Readiness::Ready | Readiness::Unsupported(_) => Vec::<SecretName>::new(),
        },
        status,
        error,
        readiness,
        liveness,
        connection: chosen.map(|chosen| chosen.id),
        near: match selection {
            Selection::None(_, near) => near.map(|near| near.id),
            Selection::One(_) | Selection::Several(_) => None,
        },
        missing_scopes,
        askable_scopes,
        candidates: several.unwrap_or_default().iter().map(|candidate| candidate.id).collect(),
        is_chosen: false,
        is_granted: false,
    }
}

/// Returns the reason for an ambiguous selection.
fn unclear(provider: &Kind, several: &[&Candidate]) -> Reason {
    let shown: Vec<_> = several.iter().filter_map(|candidate| candidate.shown.as_deref().cloned()).collect();
    let names = crate::error::names(&shown);
    let message =
        format!("several connections to '{provider}' meet the requirement, and none of them is the default: {names}");
    Reason::new("ambiguous", message)
        .remedy("choose one of them for the extension, or make one of them the default of its provider")
}

/// Returns the selected connection, for callers that read the facts in a transaction; `None` also if the selection is
/// ambiguous.
pub(crate) fn selected(declaration: &ExtensionDeclaration, facts: &Facts) -> Option<ConnectionId> {
    match facts.select(declaration) {
        Selection::One(one) if elsewhere(&declaration.platforms).is_none() => Some(one.id),
        _ => None,
    }
}

/// Returns why an extension does not run on this platform; `None` if it does.
fn elsewhere(platforms: &[Platform]) -> Option<DisplayText> {
    let here = crate::platform::here();
    if platforms.is_empty() || here.is_some_and(|here| platforms.contains(&here)) {
        return None;
    }
    let names: Vec<_> = platforms.iter().map(|platform| platform.name()).collect();
    Some(format!("it runs only on {}", names.join(", ")).into())
}

/// Returns why the requested form of authentication is impossible on this host; `None` if it is possible. An existing
/// connection serves nevertheless, because the form of authentication only says how a new one is made.
fn impossible(auth: &RequirementAuth) -> Option<DisplayText> {
    match (auth.auth, &auth.oauth) {
        (AuthType::None | AuthType::ApiKey | AuthType::PersonalAccessToken, _) => None,
        (AuthType::OAuth, Some(oauth)) => match &oauth.redirect {
            RequirementRedirect::Other(name) => {
                Some(format!("this host does not know the redirect type '{name}'").into())
            }
            _ => None,
        },
        (AuthType::OAuth, None) => None,
        _ => Some("this host does not support the required form of authentication".into()),
    }
}
