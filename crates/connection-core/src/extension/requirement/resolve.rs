//! Resolves a requirement: which connection is selected, which secrets are missing, and which values are public.

use connection_contract::{
    AuthType, DisplayText, ExtensionDeclaration, Kind, Liveness, Platform, Reason, RequirementAuth,
    RequirementRedirect, SecretName, Text, Value, reason,
};

use super::{
    ResolvedConnection,
    candidate::{self, Candidate, Selection, select},
    names, public,
};
use crate::{
    ConnectionId, ConnectionRegistry, Error, Readiness, registry::Shared, status, store::rows::PublicSettings,
};

/// The data with which a requirement is resolved.
pub(crate) struct ResolutionData<'a> {
    pub(crate) candidates: &'a [Candidate],
    pub(crate) own: &'a public::Record,
    pub(crate) of_provider: &'a public::Record,
}

impl ConnectionRegistry {
    pub(crate) async fn resolve_one(&self, declaration: &ExtensionDeclaration) -> Result<ResolvedConnection, Error> {
        let requirement = &declaration.requirement;
        let asked = (&requirement.provider, requirement.auth.secret_names.as_slice());
        let mut reader = self.shared.reader().await?;
        let (candidates, settings) =
            candidate::load(&self.shared, &mut reader, &self.owner, &declaration.name, asked).await?;
        let mut own = Vec::new();
        let mut of_provider = Vec::new();
        if !requirement.public_preference_names.is_empty() {
            let PublicSettings { own: set, of_provider: of_its, declared } = settings;
            let damaged = || reader.damaged(DAMAGED);
            own = set.as_deref().map_or(Some(Vec::new()), record).ok_or_else(damaged)?;
            if *declaration.name != *requirement.provider.as_str() {
                of_provider = public::of_provider(declared.as_deref(), of_its.as_deref()).ok_or_else(damaged)?;
            }
        }
        let found = ResolutionData { candidates: &candidates, own: &own, of_provider: &of_provider };
        Ok(resolve(declaration, &found).or_unmet(&self.shared, declaration))
    }
}

/// The message for settings that are not a JSON object.
pub(crate) const DAMAGED: &str = "the preferences of an extension are not a JSON object";

/// Returns the fields of a row of preferences; `None` if this program cannot have written it.
pub(crate) fn record(body: &str) -> Option<Vec<(String, Value)>> {
    match Value::parse(body.as_bytes()) {
        Ok(Value::Map(fields)) => Some(fields),
        _ => None,
    }
}

/// Resolves a requirement, without a store.
pub(crate) fn resolve(declaration: &ExtensionDeclaration, found: &ResolutionData<'_>) -> ResolvedConnection {
    let requirement = &declaration.requirement;
    let picked = select(&requirement.auth.secret_names, found.candidates);
    answer(declaration, found, &picked)
}

pub(crate) fn answer(
    declaration: &ExtensionDeclaration,
    found: &ResolutionData<'_>,
    picked: &Selection<'_>,
) -> ResolvedConnection {
    let requirement = &declaration.requirement;
    let is_local = requirement.auth.auth == AuthType::None;
    let mut chosen = None;
    let mut several = None;
    let readiness = match (elsewhere(&declaration.platforms), picked) {
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
    let asked = requirement.auth.oauth.as_ref().map(|oauth| oauth.scopes.as_slice()).unwrap_or_default();
    let granted = chosen.and_then(|chosen| chosen.scopes.as_ref());
    let lacks = |scope: &&Text| granted.is_some_and(|granted| !granted.iter().any(|known| known == &***scope));
    let missing_scopes = asked.iter().filter(lacks).map(ToString::to_string).collect();
    let of_connection = chosen.map(|chosen| chosen.config.as_slice()).unwrap_or_default();
    ResolvedConnection {
        connection_id: requirement.id.to_string(),
        extension_name: declaration.name.to_string(),
        provider: requirement.provider.clone(),
        public_config: public::config(declaration, of_connection, found.of_provider, found.own),
        missing_secret_names: match &readiness {
            Readiness::Missing(names) => names.clone(),
            Readiness::Ready | Readiness::Unsupported(_) => Vec::<SecretName>::new(),
        },
        status,
        error,
        readiness,
        liveness,
        connection: chosen.map(|chosen| chosen.id),
        near: match picked {
            Selection::None(_, near) => near.map(|near| near.id),
            Selection::One(_) | Selection::Several(_) => None,
        },
        missing_scopes,
        candidates: several.unwrap_or_default().iter().map(|candidate| candidate.id).collect(),
        is_granted: chosen.is_some_and(|chosen| chosen.is_granted(&requirement.auth.secret_names)),
    }
}

impl ResolvedConnection {
    /// Adds the reason why nobody can connect what is missing, if no kind of this host can.
    pub(super) fn or_unmet(mut self, shared: &Shared, declaration: &ExtensionDeclaration) -> Self {
        if self.error.is_none() && matches!(self.readiness, Readiness::Missing(_)) {
            self.error = names::unmet(shared, &declaration.requirement);
        }
        self
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

/// Returns the selected connection, for callers that read the candidates in a transaction; `None` also if the selection
/// is ambiguous.
pub(crate) fn chosen(declaration: &ExtensionDeclaration, candidates: &[Candidate]) -> Option<ConnectionId> {
    match select(&declaration.requirement.auth.secret_names, candidates) {
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
