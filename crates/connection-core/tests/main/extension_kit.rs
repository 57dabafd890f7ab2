//! Extensions for tests, and a kind with two secrets.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use connection_contract::{Command, ExtensionDeclaration, Preference, PreferenceInput, prelude::*};
use connection_core::{Connection as Handle, ConnectionRegistry, ExtensionHandle, Outcome};

use crate::{
    acme::KIND,
    test_host::{World, connect, me},
    test_server::Reply,
};

pub(crate) const GUIDE: &str = "Make a key in Acme's settings.";
pub(crate) const TWIN: Kind = Kind::from_static("twin");

pub(crate) fn secret_name(name: &str) -> SecretName {
    SecretName::parse(name.to_owned()).unwrap()
}

/// A requirement for a connection of this provider with these secrets.
pub(crate) fn needs(provider: Kind, auth: AuthType, names: &[&str]) -> Requirement {
    let names = names.iter().map(|name| secret_name(name));
    Requirement::new("default", provider, "Acme", RequirementAuth::new(auth, names))
        .public_preference("apiBaseUrl")
        .connect_guide(GUIDE)
}

pub(crate) fn of(name: &str, requirement: Requirement) -> ExtensionDeclaration {
    let choices = vec![("compact".into(), "Compact".into()), ("wide".into(), "Wide".into())];
    ExtensionDeclaration::new(name.to_owned(), requirement)
        .preference(Preference::new("apiBaseUrl", PreferenceInput::Text).default("https://declared.example"))
        .preference(Preference::new("defaultDatabase", PreferenceInput::Other("json".into())))
        .preference(Preference::new("open", PreferenceInput::Checkbox))
        .preference(Preference::new("layout", PreferenceInput::Dropdown(choices)))
        .command(Command::new("list").preference(Preference::new("limit", PreferenceInput::Text).default("10")))
        .command(Command::new("sync"))
}

/// An extension that needs an Acme key.
pub(crate) fn acme_extension(name: &str) -> ExtensionDeclaration {
    of(name, needs(KIND, AuthType::ApiKey, &["accessToken"]))
}

pub(crate) fn handle(registry: &ConnectionRegistry, name: &str) -> ExtensionHandle {
    registry.extensions().handle(acme_extension(name)).unwrap()
}

/// Lets the provider treat each key as an account.
pub(crate) fn keys_are_accounts(world: &World) {
    world.provider(|request| {
        let key = request.split("Bearer ").nth(1).or_else(|| request.split("bearer ").nth(1)).unwrap_or_default();
        let key: String = key.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.~".contains(*c)).collect();
        me(&key, &key)
    });
}

/// Lets the provider refuse every request.
pub(crate) fn refuses(world: &World) {
    world.provider(|_| Reply::whole(401, "", ""));
}

/// A plugin with two secrets, `apiKey` and `apiSecret`, that sends no requests.
#[derive(Clone)]
pub(crate) struct Twin {
    pub(crate) kind: Kind,
    pub(crate) provider: Kind,
    /// The secrets that the plugin can hand out.
    pub(crate) hands_out: &'static [&'static str],
    /// If set, the plugin panics when a secret is requested.
    pub(crate) fails: Arc<AtomicBool>,
}

impl Twin {
    pub(crate) fn new() -> Self {
        Self { kind: TWIN, provider: TWIN, hands_out: &["apiKey", "apiSecret"], fails: Arc::default() }
    }

    /// The kind of an extension's own declaration for the same provider.
    pub(crate) fn of_extension(extension: &str) -> Self {
        Self { kind: Kind::of_extension(extension, &TWIN).unwrap(), ..Self::new() }
    }

    pub(crate) async fn connected(&self, registry: &ConnectionRegistry, one: &str, two: &str) -> Handle {
        match connect(registry, &self.kind, &[("apiKey", one), ("apiSecret", two)]).await {
            Outcome::Done(done) => registry.connection(done.connection).await.unwrap(),
            other => panic!("not connected: {other:?}"),
        }
    }
}

impl ConnectionDefinition for Twin {
    type Credential = Record;

    fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new(self.kind.clone(), "Twin", AuthType::ApiKey)
            .provider(self.provider.clone())
            .field(Field::secret("apiKey", "Key"))
            .field(Field::secret("apiSecret", "Secret"));
        let descriptor = self.kind.extension().map(str::to_owned).into_iter().fold(descriptor, Descriptor::extension);
        self.hands_out.iter().fold(descriptor, |descriptor, name| descriptor.secret_name(*name))
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Record>, SetupFailure> {
        let mut answers = ctx.prompt(Prompt::new("Connect").field("apiKey").field("apiSecret")).await;
        let one = answers.secret("apiKey")?;
        let two = answers.secret("apiSecret")?;
        let account = one.expose_str().unwrap_or_default().chars().take(7).collect::<String>();
        let made = Record::new().with("apiKey", one).with("apiSecret", two);
        let identity = Identity::new(account.clone(), account);
        Ok(SetupResult::new(made, identity).measured(VerifyResult::live()).config("region", "eu"))
    }

    fn serialize_credential(&self, credential: &Record) -> Result<Secret, CredentialError> {
        Ok(credential.encode())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Record, CredentialError> {
        Record::decode(bytes).map_err(|_| CredentialError::Malformed)
    }

    async fn verify(&self, _: &Record, _: &VerifyContext<'_>) -> Result<VerifyResult<Record>, ConnectionError> {
        Ok(VerifyResult::live())
    }

    async fn teardown(&self, _: &Record, _: &TeardownContext<'_>) -> Result<Teardown, ConnectionError> {
        Ok(Teardown::Revoked)
    }

    fn secrets(&self) -> Option<&dyn NamedSecrets<Record>> {
        Some(self)
    }
}

impl NamedSecrets<Record> for Twin {
    fn secret(&self, credential: &Record, name: &str) -> Option<Secret> {
        assert!(!self.fails.load(SeqCst), "told so");
        credential.find(name).map(Secret::duplicate)
    }
}
