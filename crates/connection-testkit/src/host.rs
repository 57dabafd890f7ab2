//! The fake host: created from a definition, given a script of requests, and then called like a real host.

use connection_contract::{
    BaseUrl, Clock, Connection, ConnectionDefinition, ConnectionError, Context, CredentialError, HttpRequest,
    Input as FieldInput, KvService, LogEvent, RefreshContext, RefreshSemantics, Refreshed, Refresher, Secret,
    SetupResult, Teardown, TeardownContext, Text, Timestamp, UsageContext, UsageSnapshot, VerifyContext, VerifyResult,
    host, reason,
};
use connection_replay::{Part, limits, usage as usage_limits};

use crate::{
    Expected, FakeFiles, FakeTools, FakeWindow, check,
    fault::fail,
    host_state::{HostState, Inbound},
    kv::FakeKv,
    poll::block_on,
    script,
};

/// A host for one plugin, in memory.
///
/// A request that was not expected fails the test, and so does an expectation that was not met, at
/// [`finish`](Self::finish) or when the host is dropped.
pub struct FakeHost<D: ConnectionDefinition> {
    pub(crate) definition: D,
    pub(crate) world: HostState,
}

impl<D: ConnectionDefinition> FakeHost<D> {
    /// Creates a host that expects no requests and has no optional services, such as files or a key-value store.
    #[track_caller]
    pub fn new(definition: D) -> Self {
        let descriptor = definition.descriptor();
        match check::descriptor(&definition, &descriptor) {
            Ok(checked) => Self { definition, world: HostState::new(descriptor, checked) },
            Err(problem) => fail(&format!("a host does not accept the descriptor: {problem}")),
        }
    }

    /// Adds the next expected request to the script.
    #[must_use]
    #[track_caller]
    pub fn expect(self, expected: Expected) -> Self {
        script::checked(&expected);
        self.world.script.push(expected);
        self
    }

    /// Sets the clock. It begins at 2026-01-31T10:20:30Z and advances only in waits.
    #[must_use]
    pub fn at(self, time: Timestamp) -> Self {
        self.world.set_now(time);
        self
    }

    /// Gives the host a file service, and a cache of the results that are computed from its files.
    #[must_use]
    pub fn files(mut self, files: FakeFiles) -> Self {
        self.world.files = Some(files);
        self
    }

    /// Removes the file cache, even if the host has files.
    #[must_use]
    pub fn without_file_cache(mut self) -> Self {
        self.world.has_file_cache = false;
        self
    }

    /// Sets the directory of the profile to which the connection belongs.
    ///
    /// The directory need not be one of [`files`](Self::files).
    #[must_use]
    pub fn directory(mut self, path: &str) -> Self {
        self.world.directory = Some(host::granted_directory(path));
        self
    }

    /// Lets a setup ask for this scope in addition to those that every setup asks for, as a re-authorization may.
    #[must_use]
    #[track_caller]
    pub fn further_scope(mut self, scope: &str) -> Self {
        let declares = |optional: &Text| optional == scope;
        if !self.world.descriptor.discovers && !self.world.descriptor.optional_scopes.iter().any(declares) {
            fail(&format!("the descriptor does not declare the optional scope '{scope}'"));
        }
        self.world.further_scopes.push(scope.to_owned());
        self
    }

    /// Lets the operations after a setup reach this origin, as if the setup had discovered it.
    #[must_use]
    #[track_caller]
    pub fn discovered(mut self, origin: &str) -> Self {
        self.world.discovered.push(host::origin(origin).unwrap_or_else(|| fail("this is no http(s) origin")));
        self
    }

    /// Gives the host a key-value store.
    #[must_use]
    pub fn key_value(mut self) -> Self {
        self.world.kv = Some(FakeKv::default());
        self
    }

    /// Gives the host a key-value store, and adds this secret of the kind to it.
    #[must_use]
    #[track_caller]
    pub fn secret_value(mut self, key: &str, value: Secret) -> Self {
        let kept = self.world.kv.get_or_insert_default().write(&Part::Secret, key, Some(value.expose().to_vec()));
        if let Err(error) = kept {
            fail(&format!("the value of '{key}' cannot be kept: {error}"));
        }
        self
    }

    /// Gives the host local tools. A plugin may look only for tools that its descriptor declares.
    #[must_use]
    pub fn tools(mut self, mut tools: FakeTools) -> Self {
        tools.granted = self.world.descriptor.tools.clone();
        self.world.tools = Some(tools);
        self
    }

    /// Gives the host login windows.
    #[must_use]
    pub fn login_window(mut self, window: FakeWindow) -> Self {
        self.world.window = Some(window);
        self
    }

    /// Gives the host inbound HTTP, with this address for every callback.
    #[must_use]
    pub fn inbound_http(mut self, redirect_uri: &str) -> Self {
        self.world.inbound = Inbound::At(redirect_uri.to_owned());
        self
    }

    /// Gives the host inbound HTTP that has no address at the moment.
    #[must_use]
    pub fn inbound_http_none_left(mut self) -> Self {
        self.world.inbound = Inbound::NoneLeft;
        self
    }

    /// Returns the plugin under test.
    pub fn definition(&self) -> &D {
        &self.definition
    }

    /// Returns the current time of the host.
    pub fn now(&self) -> Timestamp {
        self.world.now()
    }

    /// Returns the events that the plugin logged.
    pub fn log(&self) -> Vec<LogEvent> {
        self.world.events().clone()
    }

    /// Returns the results that the plugin computed from files for the cache, in order.
    pub fn made_of_files(&self) -> Vec<String> {
        self.world.made_of_files().clone()
    }

    /// Returns the key-value store of the kind, if the host has one.
    pub fn kv(&self) -> Option<&dyn KvService> {
        self.world.kv.as_ref().map(|_| &self.world as &dyn KvService)
    }

    /// Parses an address, as a host does.
    #[track_caller]
    pub fn base_url(&self, url: &str) -> BaseUrl {
        host::base_url(url).unwrap_or_else(|| fail("this is not a plain http(s) address"))
    }

    /// Activates the plugin with the services of this host.
    ///
    /// # Errors
    ///
    /// The error of the plugin's `activate`.
    #[track_caller]
    pub fn activate(&self) -> Result<(), ConnectionError> {
        block_on(self.definition.activate(self.world.host_services()))
    }

    /// Fetches the usage of the account.
    ///
    /// # Errors
    ///
    /// The error of the plugin's usage source.
    #[track_caller]
    pub fn fetch_usage(
        &self,
        credential: &D::Credential,
        connection: &Connection,
    ) -> Result<UsageSnapshot, ConnectionError> {
        let Some(usage) = self.definition.usage() else { fail("this kind reports no usage") };
        let credential = self.reparsed(credential);
        let context = UsageContext::new(self.world.services(), connection, self.world.directory.as_ref());
        let mut fetched = block_on(usage.fetch(&credential, &context));
        match &mut fetched {
            Ok(snapshot) => {
                if let Err(problem) = usage_limits::bound(snapshot) {
                    fail(problem);
                }
            }
            Err(error) => accepted(error),
        }
        fetched
    }

    /// Creates the connection that a host would store for this result of a setup.
    pub fn connection(&self, made: &SetupResult<D::Credential>) -> Connection {
        let declared = || self.world.checked.base().cloned();
        Connection::new("connection-1", "owner-1")
            .with_config(made.config.iter().cloned())
            .with_base_url(made.reach.base_url.clone().or_else(declared))
            .with_roots(made.reach.roots.iter().cloned())
    }

    /// Verifies the credential, which is serialized and parsed first. A connection that is not live is a result.
    ///
    /// # Errors
    ///
    /// The errors of the plugin's `verify` that say nothing about the connection.
    #[track_caller]
    pub fn verify(
        &self,
        credential: &D::Credential,
        connection: &Connection,
    ) -> Result<VerifyResult<D::Credential>, ConnectionError> {
        let credential = self.reparsed(credential);
        let context = VerifyContext::new(self.world.services(), connection);
        let found = match block_on(self.definition.verify(&credential, &context)) {
            Err(ConnectionError::NotLive(not_live)) => not_live.into(),
            Err(error @ ConnectionError::Bug(_)) => fail(&error.to_string()),
            other => other?,
        };
        if let Some(reason) = found.reason.as_ref().filter(|reason| reason.code == reason::PLUGIN_FAULT) {
            fail(&format!("{}{}", reason.message, self.world.undeclared(&reason.code)));
        }
        let fresh = found.credential.as_ref().map(|fresh| {
            drop(self.reparsed(fresh));
            self.serialized(fresh)
        });
        if let Err(problem) = limits::verification(&found, fresh.as_ref()) {
            fail(problem);
        }
        Ok(found)
    }

    /// Refreshes the credential, as a host does when it is due.
    ///
    /// If the refresh succeeds and its semantics are not [`Stable`](RefreshSemantics::Stable), it runs again over the
    /// recorded answers, as after a host that died before it stored the result. A fault of the plugin fails the test.
    ///
    /// # Errors
    ///
    /// The error of the plugin's refresher. A connection that is not live is one of them.
    #[track_caller]
    pub fn refresh(
        &self,
        credential: &D::Credential,
        connection: &Connection,
    ) -> Result<Refreshed<D::Credential>, ConnectionError> {
        let renewed = self.refresh_once(credential, connection);
        let spends = |refresher: &dyn Refresher<D::Credential>| refresher.semantics() != RefreshSemantics::Stable;
        if renewed.is_ok() && self.definition.refresher().is_some_and(spends) {
            let next = self.world.script.next();
            let Ok(again) = self.refresh_once(credential, connection) else {
                fail("a refresh that runs again over its recorded answers ends differently")
            };
            let same = |fresh: &Refreshed<D::Credential>| self.serialized(&fresh.credential);
            if renewed.as_ref().is_ok_and(|first| same(first).expose() != same(&again).expose()) {
                fail("a refresh that runs again over its recorded answers makes another credential");
            }
            if self.world.script.next() != next {
                fail(
                    "a refresh that runs again repeats a request that uses up a token: send that request with \
                     `send_once`",
                );
            }
        }
        self.world.kept.clear();
        renewed
    }

    #[track_caller]
    pub(crate) fn refresh_once(
        &self,
        credential: &D::Credential,
        connection: &Connection,
    ) -> Result<Refreshed<D::Credential>, ConnectionError> {
        let Some(refresher) = self.definition.refresher() else { fail("this kind has no refresher") };
        let credential = self.reparsed(credential);
        let context = RefreshContext::new(self.world.services(), connection);
        let renewed = block_on(refresher.refresh(&credential, &context));
        match &renewed {
            Ok(fresh) => {
                drop(self.reparsed(&fresh.credential));
                self.within_limits(fresh);
            }
            Err(error @ ConnectionError::Bug(_)) => fail(&error.to_string()),
            Err(ConnectionError::NotLive(found)) if found.reason.code == reason::PLUGIN_FAULT => {
                fail(&format!("{}{}", found.reason.message, self.world.undeclared(&found.reason.code)))
            }
            Err(error) => accepted(error),
        }
        renewed
    }

    /// Returns the new credential of a re-authorization with the parts that it takes over from the former one, if any.
    ///
    /// A host calls this if both credentials belong to the same account. The plugin is called twice, and a different
    /// result fails the test.
    #[track_caller]
    pub fn inherit(&self, former: &D::Credential, fresh: &D::Credential) -> Option<Refreshed<D::Credential>> {
        let refresher = self.definition.refresher()?;
        let now = self.now();
        let take = || {
            let kept = refresher.inherit(&self.reparsed(former), self.reparsed(fresh), now)?;
            Some((self.serialized(&kept.credential), kept))
        };
        let first = take();
        let again = take();
        let bytes = |taken: &Option<(Secret, _)>| taken.as_ref().map(|(bytes, _)| bytes.duplicate());
        if bytes(&first).as_ref().map(Secret::expose) != bytes(&again).as_ref().map(Secret::expose) {
            fail("what a re-authorization takes over differs each time");
        }
        let (_, kept) = first?;
        drop(self.reparsed(&kept.credential));
        self.within_limits(&kept);
        Some(kept)
    }

    /// Fails the test if a new credential or its scopes exceed a limit. A real host leaves out such scopes.
    #[track_caller]
    fn within_limits(&self, fresh: &Refreshed<D::Credential>) {
        let credential = limits::credential(&self.serialized(&fresh.credential));
        if let Err(problem) = credential.and_then(|()| limits::scopes(fresh.granted_scopes.as_deref())) {
            fail(problem);
        }
    }

    /// Tears the connection down at the provider.
    ///
    /// # Errors
    ///
    /// The error of the plugin's `teardown`.
    #[track_caller]
    pub fn teardown(&self, credential: &D::Credential, connection: &Connection) -> Result<Teardown, ConnectionError> {
        let credential = self.reparsed(credential);
        let context = TeardownContext::new(self.world.services(), connection);
        let ended = block_on(self.definition.teardown(&credential, &context));
        ended.as_ref().err().into_iter().for_each(accepted);
        ended
    }

    /// Revokes the credential that a person entered, as a host does if the person asks for it. A kind without a
    /// [`revoker`](ConnectionDefinition::revoker) fails the test.
    ///
    /// # Errors
    ///
    /// The error of the plugin's revoker.
    #[track_caller]
    pub fn revoke(&self, credential: &D::Credential, connection: &Connection) -> Result<Teardown, ConnectionError> {
        let Some(revoker) = self.definition.revoker() else { fail("this kind has no revoker") };
        let credential = self.reparsed(credential);
        let context = TeardownContext::new(self.world.services(), connection);
        let ended = block_on(revoker.revoke(&credential, &context));
        ended.as_ref().err().into_iter().for_each(accepted);
        ended
    }

    /// Attaches the credential to a request, twice, as a host does for a redirect.
    ///
    /// # Errors
    ///
    /// The error of the plugin's authorizer.
    #[track_caller]
    pub fn authorize(
        &self,
        credential: &D::Credential,
        mut request: HttpRequest,
    ) -> Result<HttpRequest, CredentialError> {
        let Some(authorizer) = self.definition.authorizer() else { fail("this kind has no authorizer") };
        let context = Context::new(self.world.services());
        let body = request.body.duplicate();
        authorizer.authorize(credential, &mut request, &context)?;
        if !authorizer.reads_body() && request.body.expose() != body.expose() {
            fail("an authorizer that changes the body of a request must say so with `reads_body`");
        }
        let once = request.headers.len();
        let url = request.url().to_owned();
        authorizer.authorize(credential, &mut request, &context)?;
        if request.headers.len() != once || request.url() != url {
            fail("a request that is authorized again must have its headers replaced, not added");
        }
        Ok(request)
    }

    /// Returns a named secret, as for a caller with a grant for it.
    #[track_caller]
    pub fn secret(&self, credential: &D::Credential, name: &str) -> Option<Secret> {
        if !self.world.descriptor.secret_names.iter().any(|declared| declared == name) {
            fail(&format!("the descriptor does not declare a secret named '{name}'"));
        }
        self.definition.secrets()?.secret(credential, name)
    }

    /// Ends the test.
    ///
    /// # Panics
    ///
    /// An expected request was not sent.
    #[track_caller]
    pub fn finish(self) {
        if let Some(problem) = self.world.script.unmet() {
            fail(&problem);
        }
    }

    pub(crate) fn is_secret_field(&self, name: &str) -> bool {
        let secret = |field: &&connection_contract::Field| field.input == FieldInput::Secret;
        self.world.descriptor.fields.iter().filter(secret).any(|field| field.name == name)
    }

    #[track_caller]
    pub(crate) fn serialized(&self, credential: &D::Credential) -> Secret {
        self.definition.serialize_credential(credential).unwrap_or_else(|error| fail(&error.to_string()))
    }

    /// Returns the credential after it was serialized and parsed, as it would come from a store.
    #[track_caller]
    pub(crate) fn reparsed(&self, credential: &D::Credential) -> D::Credential {
        let bytes = self.serialized(credential);
        let Ok(parsed) = self.definition.parse_credential(bytes.expose()) else {
            fail("`parse_credential` does not read what `serialize_credential` wrote")
        };
        if self.serialized(&parsed).expose() != bytes.expose() {
            fail("`parse_credential` and `serialize_credential` are not inverse");
        }
        parsed
    }
}

impl<D: ConnectionDefinition> Drop for FakeHost<D> {
    fn drop(&mut self) {
        if !std::thread::panicking()
            && let Some(problem) = self.world.script.unmet()
        {
            fail(&problem);
        }
    }
}

impl<D: ConnectionDefinition> std::fmt::Debug for FakeHost<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FakeHost({})", self.world.descriptor.kind)
    }
}

/// Returns the value of a request's header as text, if the request has the header. For assertions.
pub fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let (_, value) = request.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
    core::str::from_utf8(value.expose()).ok()
}

/// Fails the test for the reason of a failure that a real host refuses.
#[track_caller]
fn accepted(error: &ConnectionError) {
    if let ConnectionError::NotLive(found) = error
        && let Err(problem) = limits::code(&found.reason)
    {
        fail(problem);
    }
}
