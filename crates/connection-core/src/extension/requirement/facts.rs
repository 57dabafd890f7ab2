//! The data with which requirements are resolved: what concerns one extension, in one statement if its connection is
//! clear, or what concerns all extensions of an owner, in statements whose number does not depend on how many there are.

use std::{collections::HashMap, sync::Arc};

use connection_contract::{ExtensionDeclaration, Kind, SecretName, Value};

use super::{
    candidate::{Candidate, MAX_CANDIDATES, Selection, only_satisfying, select, select_only},
    public,
};
use crate::{
    ConnectionId, Error,
    extension::{
        choice,
        grants::{self, InForce},
    },
    ground::Ground,
    kinds::KindEntry,
    store::{
        KINDS_AT_ONCE, Reader, StoreError, json,
        rows::{ChosenRow, GrantedRow, NearCandidate, PublicSettings},
    },
};

/// Number of connections of one kind that are read at once if the first candidates do not decide the selection.
const PAGE: i64 = 100;
/// Number of connections that are read at once for all extensions.
const PAGE_OF_ALL: i64 = 2000;

/// Values by name. An error stands for a row that this program cannot have written; it concerns only the extensions
/// that need the row.
type Values = Result<Vec<(String, Value)>, StoreError>;

/// The grants of an extension that are in force, by connection.
type Granted = HashMap<ConnectionId, InForce>;

/// The scopes that requests of an extension lacked, by connection.
type Lacking = HashMap<ConnectionId, Vec<String>>;

/// The connections, choices, grants and settings of an owner, as far as they were read.
#[derive(Default)]
pub(crate) struct Facts {
    /// The connections of kinds that serve every extension, by provider, in the order of their ids.
    candidates: HashMap<Kind, Vec<Candidate>>,
    /// The connections of kinds that belong to one extension, by extension and provider, in the order of their ids.
    reserved: HashMap<(String, Kind), Vec<Candidate>>,
    /// The connections that a person chose, by extension.
    choices: HashMap<String, ConnectionId>,
    grants: HashMap<String, Granted>,
    /// The scopes that requests lacked, by extension.
    lacking: HashMap<String, Lacking>,
    settings: HashMap<String, Values>,
    /// The public values of providers' own extensions, by provider.
    of_providers: HashMap<String, Values>,
}

impl Facts {
    /// Reads what decides the requirement of one extension, as of the same moment. The number of rows does not grow
    /// with the number of connections once the selection is decided or ambiguous.
    pub(crate) async fn of_one(
        ground: &Ground,
        reader: &mut Reader,
        owner: &str,
        declaration: &ExtensionDeclaration,
    ) -> Result<Self, StoreError> {
        let provider = &declaration.requirement.provider;
        let own = Kind::of_extension(&declaration.name, provider).filter(|_| ground.kinds.own.has_source());
        let mut kinds = ground.kinds.names_of_provider(provider);
        let covers = !kinds.is_empty();
        // Without a kind that serves every owner, only the extension's own kind can have connected it.
        kinds.extend(own.iter().filter(|_| !covers).cloned());
        let extension = &declaration.name;
        let (granted, lacking) = (Granted::new(), Lacking::new());
        let mut one = OfOne { ground, owner, extension, own, chosen: None, granted, lacking };
        let names = declaration.requirement.auth.secret_names.as_slice();
        let (mut candidates, settings) = one.of(reader, provider, &kinds, names).await?;
        if covers
            && let Some(own) = one.own.clone()
            && !candidates.iter().any(|candidate| candidate.satisfies(names))
        {
            // An account that was connected before another kind covered the provider serves until then.
            candidates.extend(one.of(reader, provider, &[own], names).await?.0);
        }
        candidates.sort_unstable_by_key(|candidate| candidate.id);
        let (reserved, candidates) = candidates.into_iter().partition(|candidate: &Candidate| candidate.is_reserved);
        let PublicSettings { own, of_provider, declared } = settings;
        let name = declaration.name.to_string();
        let mut grants: HashMap<String, Granted> = [(name.clone(), one.granted)].into();
        if declared.is_some() && name != provider.as_str() {
            for row in reader.open_grants(owner, provider.as_str()).await? {
                if let Some(grant) = grants::in_force(ground, &row) {
                    grants.entry(row.extension).or_default().insert(row.connection_id, grant);
                }
            }
        }
        let of_provider = public::of_provider(declared.as_deref(), of_provider.as_deref());
        Ok(Self {
            candidates: [(provider.clone(), candidates)].into(),
            reserved: [((name.clone(), provider.clone()), reserved)].into(),
            choices: one.chosen.map(|id| (name.clone(), id)).into_iter().collect(),
            grants,
            lacking: [(name.clone(), one.lacking)].into(),
            settings: own.map(|own| (name, values(reader, public::record(&own)))).into_iter().collect(),
            of_providers: [(provider.to_string(), values(reader, of_provider))].into(),
        })
    }

    /// Reads what decides the requirements of all extensions.
    pub(super) async fn of_all(ground: &Ground, reader: &mut Reader, owner: &str) -> Result<Self, StoreError> {
        let mut facts = Self::default();
        facts.read_candidates(ground, reader, owner).await?;
        for row in reader.grants(owner).await? {
            if let Some(grant) = grants::in_force(ground, &row) {
                facts.grants.entry(row.extension).or_default().insert(row.connection_id, grant);
            }
        }
        for (extension, connection, scopes) in reader.all_lacking_scopes(owner).await? {
            let scopes = json::to_texts(&scopes).unwrap_or_default();
            facts.lacking.entry(extension).or_default().insert(connection, scopes);
        }
        for row in reader.choices(owner).await? {
            if let Some(chosen) = choice::chosen_connection(&ground.sealer, &row) {
                facts.choices.insert(row.extension, chosen);
            }
        }
        let providers = reader.provider_extensions(owner).await?;
        let rows = reader.all_preferences(owner).await?;
        let bodies: HashMap<_, _> = rows.iter().map(|row| (&*row.extension, &*row.body)).collect();
        for (name, declared) in providers {
            let of_provider = public::of_provider(Some(&declared), bodies.get(&*name).copied());
            facts.of_providers.insert(name, values(reader, of_provider));
        }
        for row in rows {
            facts.settings.insert(row.extension, values(reader, public::record(&row.body)));
        }
        Ok(facts)
    }

    /// Reads all connections of registered kinds.
    async fn read_candidates(&mut self, ground: &Ground, reader: &mut Reader, owner: &str) -> Result<(), StoreError> {
        let mut after: Option<ConnectionId> = None;
        loop {
            let (rows, full) = reader.all_candidates(owner, after, PAGE_OF_ALL).await?;
            after = rows.last().map(|row| row.listed.account.id).filter(|_| full);
            let kinds = ground.kinds_of_rows(reader, rows.iter().map(|row| (owner, &*row.listed.account.kind))).await?;
            for row in rows {
                let Some(candidate) = Candidate::of(&kinds, row.listed, row.secret_names) else { continue };
                // A connection whose plugin is not registered serves no extension.
                let Some(shown) = candidate.shown.as_ref().filter(|shown| shown.registered) else { continue };
                let provider = shown.provider.clone();
                match shown.kind.extension().map(str::to_owned) {
                    Some(extension) => self.reserved.entry((extension, provider)).or_default().push(candidate),
                    None => self.candidates.entry(provider).or_default().push(candidate),
                }
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Returns the selection for an extension.
    pub(super) fn select(&self, declaration: &ExtensionDeclaration) -> Selection<'_> {
        let requirement = &declaration.requirement;
        let shared = || select(&requirement.auth.secret_names, self.candidates(&requirement.provider));
        let decided = self.chosen(declaration).or_else(|| self.only_granted(declaration));
        decided.unwrap_or_else(|| self.select_reserved(declaration, shared()))
    }

    /// Returns the selection of the only connection that satisfies the requirement and was granted to the extension;
    /// `None` if none was, or several were.
    pub(super) fn only_granted(&self, declaration: &ExtensionDeclaration) -> Option<Selection<'_>> {
        self.only_granted_of(declaration, self.candidates(&declaration.requirement.provider))
    }

    /// Returns the only one of these connections, which are in the order of their ids, that satisfies the requirement
    /// and was granted to the extension.
    fn only_granted_of<'f>(
        &self,
        declaration: &ExtensionDeclaration,
        candidates: &'f [Candidate],
    ) -> Option<Selection<'f>> {
        let granted = self.grants.get(&*declaration.name)?;
        // Found by the grants, because there may be many connections for each of many extensions.
        let place = |id: &ConnectionId| candidates.binary_search_by_key(id, |candidate| candidate.id).ok();
        let found = granted.keys().filter_map(place).filter_map(|place| candidates.get(place));
        only_satisfying(&declaration.requirement.auth.secret_names, found).map(Selection::One)
    }

    /// Returns the selection among the connections that are for the extension alone, if no other connection meets its
    /// requirement, as `shared` says; otherwise returns `shared`.
    pub(super) fn select_reserved<'f>(
        &'f self,
        declaration: &ExtensionDeclaration,
        shared: Selection<'f>,
    ) -> Selection<'f> {
        let names = &declaration.requirement.auth.secret_names;
        match (&shared, self.reserved(declaration)) {
            (Selection::None(_, near), reserved @ [_, ..]) => {
                let granted = self.only_granted_of(declaration, reserved);
                match granted.unwrap_or_else(|| select(names, reserved)) {
                    Selection::None(..) if near.is_some() => shared,
                    found => found,
                }
            }
            _ => shared,
        }
    }

    /// Returns the selection of the connection that a person chose for an extension; `None` without such a choice.
    ///
    /// The choice counts whatever secrets the connection holds, because another connection would be another account
    /// than the person chose.
    pub(super) fn chosen(&self, declaration: &ExtensionDeclaration) -> Option<Selection<'_>> {
        let chosen = self.choices.get(&*declaration.name)?;
        let requirement = &declaration.requirement;
        let shared = self.candidates(&requirement.provider).iter();
        let chosen = shared.chain(self.reserved(declaration)).find(|candidate| candidate.id == *chosen)?;
        Some(select_only(&requirement.auth.secret_names, chosen))
    }

    /// Returns the connections that are for the extension alone.
    fn reserved(&self, declaration: &ExtensionDeclaration) -> &[Candidate] {
        // Most owners have none, so that the key need not be created.
        if self.reserved.is_empty() {
            return &[];
        }
        let key = (declaration.name.to_string(), declaration.requirement.provider.clone());
        self.reserved.get(&key).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the connections of a provider that serve every extension.
    pub(super) fn candidates(&self, provider: &Kind) -> &[Candidate] {
        self.candidates.get(provider).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns `true` if the extension may use the connection with every secret that it declares, or within rules.
    pub(super) fn is_granted(&self, declaration: &ExtensionDeclaration, connection: ConnectionId) -> bool {
        let granted = self.grants.get(&*declaration.name).and_then(|granted| granted.get(&connection));
        granted.is_some_and(|granted| granted.suffices(&declaration.requirement.auth.secret_names))
    }

    /// Returns the scopes that requests of the extension with this connection lacked.
    pub(super) fn lacking_scopes(&self, declaration: &ExtensionDeclaration, connection: ConnectionId) -> &[String] {
        let lacking = self.lacking.get(&*declaration.name).and_then(|lacking| lacking.get(&connection));
        lacking.map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the settings of the extension, and the public values of its provider's own extension, unless it is that
    /// or that has no grant of the connection.
    ///
    /// # Errors
    ///
    /// A row that this program cannot have written, if the extension declares public names.
    pub(super) fn settings(
        &self,
        declaration: &ExtensionDeclaration,
        connection: Option<ConnectionId>,
    ) -> Result<(&public::Record, &public::Record), Error> {
        let requirement = &declaration.requirement;
        if requirement.public_preference_names.is_empty() {
            return Ok((&[], &[]));
        }
        let provider = requirement.provider.as_str();
        let granted = self.grants.get(provider);
        let has_grant = connection.is_some_and(|id| granted.is_some_and(|granted| granted.contains_key(&id)));
        let of_provider = match has_grant && provider != &*declaration.name {
            true => known(self.of_providers.get(provider))?,
            false => &[],
        };
        Ok((known(self.settings.get(&*declaration.name))?, of_provider))
    }
}

fn known(values: Option<&Values>) -> Result<&public::Record, Error> {
    match values {
        Some(Ok(values)) => Ok(values),
        Some(Err(error)) => Err(error.clone().into()),
        None => Ok(&[]),
    }
}

fn values(reader: &Reader, values: Option<Vec<(String, Value)>>) -> Values {
    values.ok_or_else(|| reader.damaged(public::DAMAGED))
}

/// Reads the candidates for one extension, with its choice and its grants.
struct OfOne<'a> {
    ground: &'a Ground,
    owner: &'a str,
    extension: &'a str,
    /// The kind that the extension brings, if its name can be part of the name of a kind.
    own: Option<Kind>,
    chosen: Option<ConnectionId>,
    granted: Granted,
    lacking: Lacking,
}

/// The first candidates for one extension, and the settings, as one query reads them.
struct NearFacts {
    candidates: Vec<Candidate>,
    /// `true` if there may be more candidates.
    is_full: bool,
    /// `true` if there may be more candidates that are granted.
    has_more_grants: bool,
    settings: PublicSettings,
}

impl OfOne<'_> {
    /// Reads what decides the selection among the connections of these kinds, with the settings.
    async fn of(
        &mut self,
        reader: &mut Reader,
        provider: &Kind,
        kinds: &[Kind],
        names: &[SecretName],
    ) -> Result<(Vec<Candidate>, PublicSettings), StoreError> {
        let kinds: Vec<_> = kinds.iter().map(Kind::as_str).collect();
        let near = self.near(reader, provider, &kinds).await?;
        let candidates = match self.decisive(&near, names) {
            Some(candidates) => candidates,
            None => self.all(reader, &kinds, names, &near).await?,
        };
        Ok((candidates, near.settings))
    }

    /// Returns the kind of a candidate; `None` if it is not one of those that serve the extension.
    async fn kind_of(&self, reader: &mut Reader, row: &NearCandidate) -> Result<Option<Arc<KindEntry>>, StoreError> {
        match Kind::parse(&row.kind) {
            Some(kind) if kind.extension().is_some() && Some(&kind) != self.own.as_ref() => Ok(None),
            Some(kind) => self.ground.marked_kind_by(reader, self.owner, &kind, &row.declared.marked()).await,
            None => Ok(None),
        }
    }

    /// Reads the first candidates, with the settings.
    async fn near(&mut self, reader: &mut Reader, provider: &Kind, kinds: &[&str]) -> Result<NearFacts, StoreError> {
        let mut candidates = Vec::new();
        let mut is_full = false;
        let mut has_more_grants = false;
        let mut settings = None;
        let mut rest = kinds;
        // The loop runs at least once, because the settings are read even without a kind.
        while settings.is_none() || !rest.is_empty() {
            let (some, others) = rest.split_at(rest.len().min(KINDS_AT_ONCE));
            let near = reader.near(self.owner, self.extension, provider.as_str(), some).await?;
            for row in near.candidates {
                self.note_lacking(row.id, row.lacking_scopes.clone());
                let Some(entry) = self.kind_of(reader, &row).await? else { continue };
                candidates.push(Candidate::near(&row, &entry));
                self.note_choice(row.id, row.chosen);
                self.note_grant(row.id, row.granted);
            }
            is_full |= near.is_full;
            has_more_grants |= near.has_more_grants;
            settings.get_or_insert(near.settings);
            rest = others;
        }
        Ok(NearFacts { candidates, is_full, has_more_grants, settings: settings.unwrap_or_default() })
    }

    /// Returns the first candidates if they decide the selection: the only ones, the chosen one, the only granted one, or
    /// the default.
    fn decisive(&self, near: &NearFacts, names: &[SecretName]) -> Option<Vec<Candidate>> {
        let candidates = near.candidates.as_slice();
        if !near.is_full && candidates.len() < 2 {
            return Some(candidates.to_vec());
        }
        if let Some(chosen) = candidates.iter().find(|candidate| Some(candidate.id) == self.chosen) {
            return Some(vec![chosen.clone()]);
        }
        if self.needs_all_grants(near, names) {
            return None;
        }
        let granted = candidates.iter().filter(|candidate| self.granted.contains_key(&candidate.id));
        if let Some(only) = only_satisfying(names, granted) {
            return Some(vec![only.clone()]);
        }
        let defaults = candidates.iter().filter(|candidate| candidate.is_default && candidate.satisfies(names));
        defaults.min_by_key(|candidate| candidate.id).map(|default| vec![default.clone()])
    }

    /// Returns `true` if the first candidates do not tell whether one of the granted ones is the only one that satisfies
    /// the requirement.
    fn needs_all_grants(&self, near: &NearFacts, names: &[SecretName]) -> bool {
        let granted = near.candidates.iter().filter(|candidate| self.granted.contains_key(&candidate.id));
        near.has_more_grants && granted.filter(|candidate| candidate.satisfies(names)).count() < 2
    }

    /// Reads the candidates of all kinds, of which none is the selected default, as far as they can be shown, and those of
    /// the first ones that are granted.
    async fn all(
        &mut self,
        reader: &mut Reader,
        kinds: &[&str],
        names: &[SecretName],
        near: &NearFacts,
    ) -> Result<Vec<Candidate>, StoreError> {
        let needs_all_grants = self.needs_all_grants(near, names);
        let mut candidates: Vec<Candidate> = Vec::new();
        for kind in kinds {
            let mut after = None;
            let before = candidates.len();
            loop {
                let (rows, full) = reader.candidates(self.owner, kind, self.extension, after, PAGE).await?;
                after = rows.last().map(|row| row.listed.account.id).filter(|_| full);
                let named = rows.iter().map(|row| (self.owner, &*row.listed.account.kind));
                let known = self.ground.kinds_of_rows(reader, named).await?;
                for row in rows {
                    self.note_lacking(row.listed.account.id, row.lacking_scopes);
                    self.note_grant(row.listed.account.id, row.granted);
                    candidates.extend(Candidate::of(&known, row.listed, row.secret_names));
                }
                // More candidates of a kind than can be shown are not needed.
                let of_kind = candidates.iter().skip(before);
                let several = of_kind.filter(|candidate| candidate.satisfies(names)).count() > MAX_CANDIDATES;
                if after.is_none() || several && !needs_all_grants {
                    break;
                }
            }
        }
        // Without them, one of several granted ones could look like the only one.
        let is_new = |one: &&Candidate| !candidates.iter().any(|candidate| candidate.id == one.id);
        let granted = near.candidates.iter().filter(|candidate| self.granted.contains_key(&candidate.id));
        let granted: Vec<_> = granted.filter(is_new).cloned().collect();
        candidates.extend(granted);
        Ok(candidates)
    }

    fn note_choice(&mut self, id: ConnectionId, chosen: ChosenRow) {
        let row = chosen.choice(self.owner, self.extension, id);
        let chosen = row.and_then(|row| choice::chosen_connection(&self.ground.sealer, &row));
        self.chosen = self.chosen.or(chosen);
    }

    fn note_lacking(&mut self, id: ConnectionId, scopes: Option<String>) {
        self.lacking.extend(scopes.and_then(|scopes| json::to_texts(&scopes)).map(|scopes| (id, scopes)));
    }

    fn note_grant(&mut self, id: ConnectionId, granted: GrantedRow) {
        let row = granted.grant(self.owner, self.extension, id);
        let grant = row.and_then(|row| grants::in_force(self.ground, &row));
        self.granted.extend(grant.map(|grant| (id, grant)));
    }
}
