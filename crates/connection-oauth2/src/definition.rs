//! The connection definition of a kind that a configuration describes.

use connection_contract::{
    Authorizer, Connection, ConnectionDefinition, ConnectionError, Context, CredentialError, Descriptor, HttpRequest,
    NamedSecrets, NotLive, Refresher, Seat, Secret, SetupContext, SetupFailure, SetupResult, Teardown, TeardownContext,
    Text, VerifyContext, VerifyResult,
};

use crate::{
    OAuth2, OAuth2Credential, OAuth2Error, account, client,
    config::{Attach, CheckedRenewal, Client, Endpoint, Grant, Values},
    flow::{self, missing_scopes},
    provider::Provider,
    refresh, revoke,
};

impl OAuth2 {
    /// Returns the secret of the application that obtained these tokens, for a request that revokes them and is not the
    /// one of RFC 7009.
    ///
    /// # Errors
    ///
    /// The application is unknown, or another one by now.
    pub async fn application_secret(
        &self,
        credential: &OAuth2Credential,
        ctx: &Context<'_>,
    ) -> Result<Option<Secret>, NotLive> {
        let application = refresh::application(&self.config, credential, ctx).await;
        Ok(application.map_err(|error| error.not_live(&self.config.descriptor.kind))?.secret)
    }

    /// Checks that the tokens have the scopes that this kind requires, which a refresh may have lost.
    ///
    /// # Errors
    ///
    /// The first required scope is missing: [`scope_missing`](connection_contract::reason::SCOPE_MISSING).
    pub fn check_scopes(&self, credential: &OAuth2Credential) -> Result<(), NotLive> {
        let granted = credential.scopes.as_deref();
        let missing = granted.and_then(|granted| missing_scopes(&self.config, granted).next());
        let missing = missing.map(|scope| OAuth2Error::ScopeMissing { answer: None, scope });
        missing.map_or(Ok(()), |error| Err(error.not_live(&self.config.descriptor.kind)))
    }

    /// Returns `true` if a connection is the application itself, with a secret that a person entered for it.
    fn holds_application(&self) -> bool {
        let is_own = matches!(self.config.client, Client::PerConnection);
        is_own && matches!(self.config.grant, Grant::ClientCredentials | Grant::ConsentThenClientCredentials)
    }
}

impl ConnectionDefinition for OAuth2 {
    type Credential = OAuth2Credential;

    fn descriptor(&self) -> Descriptor {
        self.config.descriptor.clone()
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<OAuth2Credential>, SetupFailure> {
        flow::setup(self, ctx).await
    }

    fn serialize_credential(&self, credential: &OAuth2Credential) -> Result<Secret, CredentialError> {
        Ok(credential.encode())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<OAuth2Credential, CredentialError> {
        OAuth2Credential::decode(bytes)
    }

    async fn verify(
        &self,
        credential: &OAuth2Credential,
        ctx: &VerifyContext<'_>,
    ) -> Result<VerifyResult<OAuth2Credential>, ConnectionError> {
        // A refresh may have lost a scope, which the probe need not notice.
        self.check_scopes(credential)?;
        let base = ctx.connection().base_url()?;
        let probed = account::probe(self, credential, base, ctx).await?;
        let mut found = VerifyResult::live().valid_until(credential.valid_until());
        found.identity = probed.identity.filter(|_| !account::is_by_subject(&self.config.account, credential));
        found.grant = probed.grant;
        found.granted_scopes.clone_from(&credential.scopes);
        Ok(found)
    }

    async fn teardown(
        &self,
        credential: &OAuth2Credential,
        ctx: &TeardownContext<'_>,
    ) -> Result<Teardown, ConnectionError> {
        let kind = &self.config.descriptor.kind;
        let mut provider = Provider {
            config: &self.config,
            ctx,
            spend: None,
            granted: ctx.connection().base_url().ok().cloned(),
            found: credential.found.clone(),
            values: credential.values.clone(),
            further_scopes: Vec::new(),
        };
        let endpoint = provider.url(Endpoint::Revocation).map_err(|error| error.not_live(kind))?;
        let name = &self.config.descriptor.display_name;
        // Without a revocation endpoint, the application is not needed.
        let Some(endpoint) = endpoint else {
            return Ok(Teardown::not_revoked(match credential.tokens.refresh {
                Some(_) => {
                    format!("the tokens work until the application's access to the account is withdrawn at {name}")
                }
                None => format!("the access token works at {name} until it expires or is revoked there"),
            }));
        };
        let application = refresh::application(&self.config, credential, ctx).await;
        let application = application.map_err(|error| error.not_live(kind))?;
        provider.know(&application);
        let revoked = revoke::revoke(&provider, &application, &endpoint, credential).await;
        Ok(
            match revoked
                .map_err(|error| error.of_client(client::place(&self.config, Some(&application))).not_live(kind))?
            {
                // The application obtains another token whenever it wants.
                Teardown::Revoked if self.holds_application() => Teardown::not_revoked(format!(
                    "the token was revoked, but the secret of the application works at {name} until it is deleted there"
                )),
                outcome => outcome,
            },
        )
    }

    fn credential_page(&self, _: Option<&OAuth2Credential>, connection: &Connection) -> Option<Text> {
        let page = self.config.credential_page.as_ref()?;
        let mut values = Values::default();
        for name in page.variables().filter_map(|variable| variable.strip_prefix("config.")) {
            values.set("config", name, connection.config(name)?);
        }
        page.url(&values).ok().map(Text::from)
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<OAuth2Credential>> {
        Some(self)
    }

    fn secrets(&self) -> Option<&dyn NamedSecrets<OAuth2Credential>> {
        Some(self)
    }

    fn refresher(&self) -> Option<&dyn Refresher<OAuth2Credential>> {
        if matches!(self.config.renewal, CheckedRenewal::Never) { None } else { Some(self) }
    }
}

impl Authorizer<OAuth2Credential> for OAuth2 {
    fn authorize(
        &self,
        credential: &OAuth2Credential,
        request: &mut HttpRequest,
        _: &Context<'_>,
    ) -> Result<(), CredentialError> {
        let token = &credential.tokens.access;
        match &self.config.attach {
            Attach::Bearer => request.set_bearer(token),
            Attach::Header { name, prefix } => {
                request.set_header(name.to_ascii_lowercase(), Secret::concat(&[prefix.as_bytes(), token.expose()]));
            }
        }
        Ok(())
    }

    fn is_immediate(&self) -> bool {
        true
    }

    fn seats(&self) -> Vec<Seat> {
        match &self.config.attach {
            Attach::Bearer => vec![Seat::bearer()],
            Attach::Header { name, prefix } => vec![Seat::header_after(name.clone(), prefix.clone())],
        }
    }
}

impl NamedSecrets<OAuth2Credential> for OAuth2 {
    fn secret(&self, credential: &OAuth2Credential, name: &str) -> Option<Secret> {
        if name == "accessToken" {
            return Some(credential.tokens.access.duplicate());
        }
        let set = name.strip_suffix("AccessToken")?;
        credential.extra(set).filter(|extra| extra.works()).map(|extra| extra.tokens.access.duplicate())
    }

    fn unnamed(&self, credential: &OAuth2Credential) -> Vec<Secret> {
        let sets = std::iter::once(&credential.tokens).chain(credential.extra.iter().map(|extra| &extra.tokens));
        let tokens = sets.flat_map(|tokens| tokens.refresh.iter().chain([&tokens.access]));
        tokens.chain(&credential.client_secret).map(Secret::duplicate).collect()
    }
}
