//! A plugin as an author would write it, for a provider that the test plays.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use connection_contract::prelude::*;

pub(crate) const API: &str = "https://api.acme.example";

/// Counts the calls of the core.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(crate) parsed: AtomicUsize,
    pub(crate) serialized: AtomicUsize,
}

/// The kind `acme`: one key. `GET /me` returns its account and `DELETE /me` revokes it. An answer with `rotate`
/// contains a key that replaces the one that was used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acme {
    pub(crate) calls: Arc<Calls>,
    /// The terms that it states.
    pub(crate) terms: Option<&'static str>,
    /// `true` if its descriptor says that a `GET` only reads.
    pub(crate) gets_only_read: bool,
    /// `true` if its descriptor says that the id of an account is an e-mail address.
    pub(crate) account_is_email: bool,
}

pub(crate) const KIND: Kind = Kind::from_static("acme");

struct Account {
    identity: Identity,
    rotated: Option<Secret>,
    scopes: Option<Vec<String>>,
}

impl Acme {
    /// Creates the plugin with these terms.
    pub(crate) fn under(terms: impl Into<Option<&'static str>>) -> Self {
        Self { terms: terms.into(), ..Self::default() }
    }

    async fn account(&self, key: &Secret, base: &BaseUrl, ctx: &Context<'_>) -> Result<Account, NotLive> {
        let answer = classify(ctx.send_as(self, key, HttpRequest::get(base, "/me")).await)?;
        let me = answer.json()?;
        let scopes = answer.header("x-scopes").map(|s| s.split(',').map(ToOwned::to_owned).collect());
        let identity = Identity::new(me.str_at("id")?.to_owned(), me.str_at("name")?.to_owned());
        Ok(Account {
            identity: if me["mutable"].as_bool() == Some(true) { identity.mutable() } else { identity },
            rotated: me["rotate"].as_str().map(Secret::from),
            scopes,
        })
    }
}

impl ConnectionDefinition for Acme {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new(KIND, "Acme", AuthType::ApiKey)
            .origin(API)
            .field(Field::secret("accessToken", "API key"))
            .field(Field::url("apiBaseUrl", "API address").default(API))
            .secret_name("accessToken")
            .helper(
                CredentialHelper::new(HelperProtocol::Git, "{accessToken}").user("{account}").host("git.acme.example"),
            )
            .helper(CredentialHelper::new(HelperProtocol::Cargo, "Bearer {accessToken}"))
            .helper(CredentialHelper::new(HelperProtocol::Aws, "{accessToken}").user("key of {apiBaseUrl}"))
            .optional_scope("things:write")
            .optional_scope("things:admin");
        let descriptor = if self.gets_only_read { descriptor.gets_only_read() } else { descriptor };
        let descriptor = if self.account_is_email { descriptor.account_is_email() } else { descriptor };
        match self.terms {
            Some(terms) => descriptor.terms(terms).revocation_fact("oauth2.revocation = "),
            None => descriptor,
        }
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let prompt = Prompt::new("Connect Acme").field("accessToken").field("apiBaseUrl");
        let mut answers = ctx.prompt(prompt).await;
        let key = answers.secret("accessToken")?;
        let base = answers.url("apiBaseUrl")?;
        let account = self.account(&key, base, ctx).await?;
        let mut made = SetupResult::new(key, account.identity).reach(Reach::base(base.clone()));
        if !ctx.further_scopes().is_empty() {
            // The provider grants what is asked for.
            made.granted_scopes = Some([&["things:read".to_owned()], ctx.further_scopes()].concat());
        }
        Ok(made.config("apiBaseUrl", base.to_string()))
    }

    fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
        self.calls.serialized.fetch_add(1, SeqCst);
        Ok(key.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        self.calls.parsed.fetch_add(1, SeqCst);
        if bytes == b"unreadable" { Err(CredentialError::Malformed) } else { Ok(Secret::new(bytes)) }
    }

    async fn verify(&self, key: &Secret, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        let account = self.account(key, ctx.connection().base_url()?, ctx).await?;
        let mut found = VerifyResult::live().identity(account.identity);
        if let Some(scopes) = account.scopes {
            found = found.scopes(scopes);
        }
        Ok(match account.rotated {
            Some(fresh) => found.rotated(fresh),
            None => found,
        })
    }

    async fn teardown(&self, key: &Secret, ctx: &TeardownContext<'_>) -> Result<Teardown, ConnectionError> {
        let request = HttpRequest::delete(ctx.connection().base_url()?, "/me");
        classify(ctx.send_as(self, key, request).await)?;
        Ok(Teardown::Revoked)
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<Secret>> {
        Some(self)
    }

    fn secrets(&self) -> Option<&dyn NamedSecrets<Secret>> {
        Some(self)
    }
}

impl Authorizer<Secret> for Acme {
    fn authorize(&self, key: &Secret, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        request.set_bearer(key);
        Ok(())
    }

    fn seats(&self) -> Vec<Seat> {
        vec![Seat::bearer()]
    }
}

impl NamedSecrets<Secret> for Acme {
    fn secret(&self, key: &Secret, name: &str) -> Option<Secret> {
        (name == "accessToken").then(|| key.duplicate())
    }
}
