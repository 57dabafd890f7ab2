//! Connections: what is known of them, and what a person does with one.

use std::{collections::BTreeMap, panic::resume_unwind};

use async_trait::async_trait;
use connection_api::{
    Capability, Connection, ConnectionPage, ListedConnection, NewSetupLink, Refreshed, Removed, SendRequest, SetupLink,
    ShownConnection,
};
use connection_client::ConnectionFilter;
use connection_contract::{Kind, Secret};
use connection_core::{
    Connection as CoreConnection, ConnectionId, ConnectionInfo, Cursor, Error as CoreError, Filter, HttpPolicy,
    Response, Tags,
};
use connection_server::{
    convert,
    view::{self, ListQuery},
};
use tokio::task::JoinSet;

use super::{AT_THE_SERVER, Backend, Local, Remote, error_of_use, not_renewed::error_of_refresh, remote::unreadable};
use crate::{Error, Exit, output::short_id};

/// The number of connections on a page.
pub(crate) const PAGE: u16 = 500;
/// The number of connections that are verified at once on a server.
const AT_ONCE: usize = 8;

/// Called with the id of each connection that was verified, and with its new state.
pub(crate) type OnVerified<'a> = &'a mut dyn FnMut(&str, Result<Connection, Error>);

/// The operations on connections.
#[async_trait(?Send)]
pub(crate) trait Connections {
    /// Returns the connection with this id, as a list shows it.
    async fn listed(&self, id: &str) -> Result<ListedConnection, Error>;

    /// Returns the connection with this id, in full.
    async fn shown(&self, id: &str) -> Result<ShownConnection, Error>;

    /// Returns a page of the connections of this kind, or of all kinds.
    async fn page(&self, kind: Option<&Kind>, after: Option<&str>) -> Result<ConnectionPage, Error>;

    /// Returns a page of the connections that a query selects, those that need attention first. `after` is
    /// [`next`](ConnectionPage::next) of the page before.
    async fn overview(&self, query: &ListQuery, after: Option<&str>) -> Result<ConnectionPage, Error>;

    /// Returns the labels of the profiles of these connections, by the id of the profile.
    async fn profile_labels(&self, of: &[Connection]) -> Result<BTreeMap<String, String>, Error>;

    /// Returns what connections of a kind can; `None` if the kind is gone.
    async fn capabilities(&self, kind: &str) -> Result<Option<Vec<Capability>>, Error>;

    /// Returns the origins to which requests go elsewhere, each with where they go, as far as the caller may know it.
    fn mappings(&self) -> Vec<(String, String)>;

    /// Verifies connections at their providers, several at once. `now` asks a provider that asked to wait, too.
    async fn verify(&self, ids: Vec<String>, now: bool, on_verified: OnVerified<'_>) -> Result<(), Error>;

    async fn rename(&self, id: &str, label: &str) -> Result<Connection, Error>;

    async fn set_tags(&self, id: &str, tags: &Tags) -> Result<Connection, Error>;

    async fn set_default(&self, id: &str, is_default: bool) -> Result<Connection, Error>;

    /// Refreshes the credential. `force` asks also a provider that has refused.
    async fn refresh(&self, id: &str, force: bool) -> Result<Refreshed, Error>;

    async fn roll_back(&self, id: &str) -> Result<Connection, Error>;

    /// Removes the connection. `revoke` revokes also a credential that a person entered.
    async fn remove(&self, id: &str, revoke: bool) -> Result<Removed, Error>;

    /// Removes all connections of a kind, and returns those of `known` that were removed. In the local store, several are
    /// removed at once, and those that were made meanwhile are removed, too.
    async fn remove_kind(&self, kind: &Kind, known: &[Connection], revoke: bool) -> Result<Vec<Removed>, Error>;

    async fn create_link(&self, link: NewSetupLink) -> Result<SetupLink, Error>;

    /// Sends a request with the credential.
    async fn send(&self, id: &str, request: NewRequest) -> Result<Sent, Error>;

    /// Learns after an answer 401 whether the credential still works, so that what other commands say is true. Returns
    /// what was found; `None` if nothing was verified.
    async fn verify_refused_use(&self, id: &str) -> Option<Connection>;
}

/// Returns the connections of this kind, or all, from all pages.
pub(crate) async fn every(backend: &dyn Backend, kind: Option<&Kind>) -> Result<Vec<ListedConnection>, Error> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = backend.page(kind, after.as_deref()).await?;
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// A request to a provider.
pub(crate) struct NewRequest {
    /// The method, in upper case.
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Secret>,
}

/// The answer of a provider, of which the body is read later.
pub(crate) struct Sent {
    /// The host that answered, if it is known here.
    pub(crate) host: Option<String>,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The scopes for lack of which the provider refused the request.
    pub(crate) missing_scopes: Vec<String>,
    /// Those of the missing scopes that a re-authorization may ask for.
    pub(crate) askable_scopes: Vec<String>,
    pub(crate) body: Body,
}

/// The body of an answer.
pub(crate) enum Body {
    /// A body that is read while it arrives.
    Arriving(Box<Response>),
    /// The rest of a body that the server has read.
    Whole(Vec<u8>),
}

impl Body {
    /// Returns the next part; `None` after the last.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::Arriving(response) => Ok(response.chunk().await?),
            Self::Whole(bytes) if bytes.is_empty() => Ok(None),
            Self::Whole(bytes) => Ok(Some(std::mem::take(bytes))),
        }
    }
}

impl Local {
    pub(crate) async fn connection(&self, id: &str) -> Result<CoreConnection, Error> {
        let id =
            id.parse::<ConnectionId>().map_err(|_| Error::new(Exit::NotFound, "not_found", "no such connection"))?;
        Ok(self.registry.connection(id).await?)
    }

    pub(super) fn body(&self, info: &ConnectionInfo) -> Connection {
        convert::connection(info, self.now())
    }
}

#[async_trait(?Send)]
impl Connections for Local {
    async fn listed(&self, id: &str) -> Result<ListedConnection, Error> {
        let connection = self.connection(id).await?;
        Ok(view::listed(&self.registry, connection.info(), self.now()).await?)
    }

    async fn shown(&self, id: &str) -> Result<ShownConnection, Error> {
        let connection = self.connection(id).await?;
        Ok(view::shown(&self.registry, &connection, self.now()).await?)
    }

    async fn page(&self, kind: Option<&Kind>, after: Option<&str>) -> Result<ConnectionPage, Error> {
        let filter = kind.cloned().into_iter().fold(Filter::new().limit(PAGE), Filter::kind);
        let filter = after.map(Cursor::from).into_iter().fold(filter, Filter::after);
        let page = self.registry.list_connections(filter).await?;
        let items = view::listed_all(&self.registry, &page.items, self.now()).await?;
        Ok(ConnectionPage { items, next: page.next.map(|next| next.to_string()), counts: None })
    }

    async fn overview(&self, query: &ListQuery, after: Option<&str>) -> Result<ConnectionPage, Error> {
        let query = ListQuery { after: after.map(Cursor::from), ..query.clone() };
        Ok(view::connection_list(&self.registry, &query, self.now()).await?)
    }

    async fn profile_labels(&self, of: &[Connection]) -> Result<BTreeMap<String, String>, Error> {
        let mut labels = BTreeMap::new();
        for connection in of {
            let Some(id) = connection.profile.as_ref().filter(|id| !labels.contains_key(*id)) else { continue };
            let Some(kind) = Kind::parse(&connection.kind) else { continue };
            match self.registry.owner(connection.owner.as_str())?.profiles(&kind) {
                Ok(profiles) => {
                    let known = profiles.list().await?.into_iter();
                    labels.extend(known.map(|profile| (profile.id.to_string(), profile.label.to_string())));
                }
                // The kind is gone, or had profiles once.
                Err(CoreError::Profile(_) | CoreError::UnknownKind(_)) => {}
                Err(error) => return Err(error.into()),
            }
            labels.entry(id.clone()).or_insert_with(|| short_id(id).to_owned());
        }
        Ok(labels)
    }

    async fn capabilities(&self, kind: &str) -> Result<Option<Vec<Capability>>, Error> {
        let Some(kind) = Kind::parse(kind) else { return Ok(None) };
        Ok(self.registry.kinds().find(&kind).await?.map(|info| convert::capabilities(&info)))
    }

    fn mappings(&self) -> Vec<(String, String)> {
        let mut policy = HttpPolicy::new();
        for (from, to) in &self.settings.endpoints {
            // A mapping that is malformed was refused when the store was opened.
            policy = policy.clone().endpoint(from, to).unwrap_or(policy);
        }
        policy.endpoints().map(|(from, to)| (from.to_owned(), to.to_owned())).collect()
    }

    async fn verify(&self, ids: Vec<String>, now: bool, on_verified: OnVerified<'_>) -> Result<(), Error> {
        let ids = ids.iter().filter_map(|id| id.parse().ok());
        let ids: Vec<ConnectionId> = ids.collect();
        let mut answers = if now { self.registry.preflight_now(ids) } else { self.registry.preflight(ids) };
        while let Some((id, answer)) = answers.next().await {
            on_verified(&id.to_string(), answer.map(|info| self.body(&info)).map_err(Error::from));
        }
        Ok(())
    }

    async fn rename(&self, id: &str, label: &str) -> Result<Connection, Error> {
        Ok(self.body(&self.connection(id).await?.rename(label.to_owned()).await?))
    }

    async fn set_tags(&self, id: &str, tags: &Tags) -> Result<Connection, Error> {
        Ok(self.body(&self.connection(id).await?.set_tags(tags.clone()).await?))
    }

    async fn set_default(&self, id: &str, is_default: bool) -> Result<Connection, Error> {
        let connection = self.connection(id).await?;
        let changed = if is_default { connection.make_default().await } else { connection.clear_default().await };
        Ok(self.body(&changed?))
    }

    async fn refresh(&self, id: &str, force: bool) -> Result<Refreshed, Error> {
        let connection = self.connection(id).await?;
        let refreshed = if force { connection.force_refresh().await } else { connection.refresh().await };
        match refreshed {
            Ok(refreshed) => Ok(convert::refreshed(&refreshed, self.now())),
            Err(error) => {
                let after = self.registry.connection(connection.id()).await;
                let after = after.as_ref().unwrap_or(&connection);
                Err(error_of_refresh(error, after.info(), self.now()))
            }
        }
    }

    async fn roll_back(&self, id: &str) -> Result<Connection, Error> {
        Ok(self.body(&self.connection(id).await?.rollback().await?))
    }

    async fn remove(&self, id: &str, revoke: bool) -> Result<Removed, Error> {
        let connection = self.connection(id).await?;
        let removal = match revoke {
            true => self.registry.remove_and_revoke(connection.id()).await?,
            false => self.registry.remove(connection.id()).await?,
        };
        Ok(convert::removed(connection.info(), &removal))
    }

    async fn remove_kind(&self, kind: &Kind, known: &[Connection], revoke: bool) -> Result<Vec<Removed>, Error> {
        let removal = match revoke {
            true => self.registry.kinds().remove_and_revoke(kind).await?,
            false => self.registry.kinds().remove(kind).await?,
        };
        let by_id: BTreeMap<_, _> = removal.removed.iter().map(|(id, removal)| (id.to_string(), removal)).collect();
        let removed = |of: &Connection| by_id.get(&of.id).map(|removal| convert::removal(of, removal));
        Ok(known.iter().filter_map(removed).collect())
    }

    async fn create_link(&self, link: NewSetupLink) -> Result<SetupLink, Error> {
        let inbound = &self.settings.inbound;
        let page = inbound.url(inbound.listen()?)?.to_string();
        let link = self.new_link(link).await?;
        let issued = self.registry.access_tokens().create_link(link).await?;
        Ok(convert::setup_link(&issued, page.trim_end_matches('/')))
    }

    async fn send(&self, id: &str, request: NewRequest) -> Result<Sent, Error> {
        let connection = self.connection(id).await?;
        let mut new = connection.request(&request.method, &request.path).await?;
        for (name, value) in request.headers {
            new.set_header(name, value);
        }
        if let Some(body) = request.body {
            new.body = body;
        }
        let rest = new.url().split("://").last().unwrap_or_default();
        let host = rest.split(['/', '?']).next().map(str::to_owned);
        let sent = connection.redacting().send(new).await;
        let response = sent.map_err(|error| error_of_use(error, connection.info(), self.now()))?;
        Ok(Sent {
            host,
            status: response.status(),
            headers: response.headers().to_vec(),
            missing_scopes: response.missing_scopes().to_vec(),
            askable_scopes: response.askable_scopes().to_vec(),
            body: Body::Arriving(Box::new(response)),
        })
    }

    async fn verify_refused_use(&self, id: &str) -> Option<Connection> {
        let connection = self.connection(id).await.ok()?;
        // The answer is the result of the command; a verification that fails leaves the refused request noted.
        match connection.verify_refused_use().await {
            Ok(found) => found.map(|info| self.body(&info)),
            Err(error) => {
                tracing::debug!(connection = %id, code = error.code(), "the verification after a refused request failed");
                None
            }
        }
    }
}

#[async_trait(?Send)]
impl Connections for Remote {
    async fn listed(&self, id: &str) -> Result<ListedConnection, Error> {
        Ok(self.client.connection(id).await?.listed)
    }

    async fn shown(&self, id: &str) -> Result<ShownConnection, Error> {
        Ok(self.client.connection(id).await?)
    }

    async fn page(&self, kind: Option<&Kind>, after: Option<&str>) -> Result<ConnectionPage, Error> {
        self.overview(&ListQuery { kind: kind.cloned(), limit: PAGE, ..ListQuery::default() }, after).await
    }

    async fn overview(&self, query: &ListQuery, after: Option<&str>) -> Result<ConnectionPage, Error> {
        let ListQuery { search, kind, provider, state, extension, tag, after: _, limit } = query;
        let mut filter = ConnectionFilter::new().limit(u32::from(*limit));
        filter = search.iter().fold(filter, ConnectionFilter::search);
        filter = kind.iter().map(Kind::as_str).fold(filter, ConnectionFilter::kind);
        filter = provider.iter().map(Kind::as_str).fold(filter, ConnectionFilter::provider);
        filter = state.iter().copied().fold(filter, ConnectionFilter::state);
        filter = extension.iter().fold(filter, ConnectionFilter::extension);
        filter = tag.iter().map(|(name, value)| format!("{name}={value}")).fold(filter, ConnectionFilter::tag);
        Ok(self.client.connections(&after.into_iter().fold(filter, ConnectionFilter::after)).await?)
    }

    async fn profile_labels(&self, of: &[Connection]) -> Result<BTreeMap<String, String>, Error> {
        let wanted = of.iter().filter_map(|connection| connection.profile.as_ref());
        let mut labels: BTreeMap<_, _> = wanted.map(|id| (id.clone(), short_id(id).to_owned())).collect();
        if !labels.is_empty() {
            labels.extend(self.client.profiles().await?.into_iter().map(|profile| (profile.id, profile.label)));
        }
        Ok(labels)
    }

    async fn capabilities(&self, kind: &str) -> Result<Option<Vec<Capability>>, Error> {
        match self.client.kind(kind).await {
            Ok(kind) => Ok(Some(kind.description.capabilities)),
            Err(error) if error.code() == "unknown_kind" => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn mappings(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    async fn verify(&self, ids: Vec<String>, now: bool, on_verified: OnVerified<'_>) -> Result<(), Error> {
        let mut waiting = ids.into_iter();
        let mut under_way = JoinSet::new();
        loop {
            while under_way.len() < AT_ONCE
                && let Some(id) = waiting.next()
            {
                let client = self.client.clone();
                under_way.spawn(async move {
                    let answer = if now { client.verify_now(&id).await } else { client.verify(&id).await };
                    (id, answer)
                });
            }
            match under_way.join_next().await {
                None => break,
                Some(Ok((id, answer))) => on_verified(&id, answer.map_err(Error::from)),
                // No other code aborts these tasks, so the error is a panic.
                Some(Err(error)) => resume_unwind(error.into_panic()),
            }
        }
        Ok(())
    }

    async fn rename(&self, id: &str, label: &str) -> Result<Connection, Error> {
        Ok(self.client.rename(id, label).await?)
    }

    async fn set_tags(&self, id: &str, tags: &Tags) -> Result<Connection, Error> {
        let tags = tags.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(self.client.set_tags(id, &tags).await?)
    }

    async fn set_default(&self, id: &str, is_default: bool) -> Result<Connection, Error> {
        Ok(self.client.set_default(id, is_default).await?)
    }

    async fn refresh(&self, id: &str, force: bool) -> Result<Refreshed, Error> {
        if force {
            let message = "--force does not work with --host: a server asks a provider that refused no more";
            return Err(Error::usage(message).remedy(AT_THE_SERVER));
        }
        match self.client.refresh(id).await {
            Ok(refreshed) => Ok(refreshed),
            Err(error) => Err(self.error_of_use(error, id).await),
        }
    }

    async fn roll_back(&self, id: &str) -> Result<Connection, Error> {
        Ok(self.client.roll_back(id).await?)
    }

    async fn remove(&self, id: &str, revoke: bool) -> Result<Removed, Error> {
        match revoke {
            true => Ok(self.client.remove_and_revoke(id).await?),
            false => Ok(self.client.remove(id).await?),
        }
    }

    async fn remove_kind(&self, _: &Kind, known: &[Connection], revoke: bool) -> Result<Vec<Removed>, Error> {
        let mut removed = Vec::new();
        for of in known {
            match self.remove(&of.id, revoke).await {
                // Somebody else has removed it.
                Err(error) if error.code == "not_found" => {}
                done => removed.push(done?),
            }
        }
        Ok(removed)
    }

    async fn create_link(&self, link: NewSetupLink) -> Result<SetupLink, Error> {
        Ok(self.client.create_setup_link(&link).await?)
    }

    async fn send(&self, id: &str, request: NewRequest) -> Result<Sent, Error> {
        let new = SendRequest::new(request.method, request.path);
        let new = request.headers.into_iter().fold(new, |new, (name, value)| new.header(name, value));
        let new = request.body.iter().fold(new, |new, body| new.body(body.expose()));
        let answer = match self.client.send(id, &new).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.error_of_use(error, id).await),
        };
        let body = answer.bytes().ok_or_else(|| unreadable("a body"))?.into_owned();
        Ok(Sent {
            host: None,
            status: answer.status,
            headers: answer.headers.into_iter().map(|header| (header.name, header.value)).collect(),
            missing_scopes: answer.missing_scopes,
            askable_scopes: answer.askable_scopes,
            body: Body::Whole(body),
        })
    }

    async fn verify_refused_use(&self, id: &str) -> Option<Connection> {
        // The answer is the result of the command; after a verification that fails, the refused request stays noted.
        match self.client.verify(id).await {
            // During a pause, the provider is not asked.
            Ok(found) => Some(found).filter(|found| found.paused_until.is_none()),
            Err(error) => {
                tracing::debug!(connection = %id, code = error.code(), "the verification after a refused request failed");
                None
            }
        }
    }
}
