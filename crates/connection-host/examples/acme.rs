//! A command line with a single kind, `acme`, whose account behaves as its name says. The tests run it.

use std::process::ExitCode;

use connection_contract::prelude::*;
use connection_host::Cli;

fn main() -> ExitCode {
    Cli::new().name("acme").kind(Acme).run()
}

struct Acme;

/// The behaviour of the account, and the secret that it would use.
struct Account {
    name: String,
    token: Secret,
}

impl ConnectionDefinition for Acme {
    type Credential = Account;

    fn descriptor(&self) -> Descriptor {
        let names = ["bold", "crashing", "expiring", "offline", "patient", "refused"];
        let choices = names.map(|name| (name.into(), name.into())).to_vec();
        Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::Custom)
            .field(Field::new("name", "Which account", Input::Choice(choices)))
            .field(Field::secret("token", "Token").optional())
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Account>, SetupFailure> {
        let mut answers = ctx.prompt(Prompt::new("Connect Acme").field("name").field("token")).await;
        let name = answers.text("name")?.to_owned();
        let token = if answers.has("token") { answers.secret("token")? } else { Secret::default() };
        if name == "patient" {
            ctx.show(Notice::new("Acme thinks about it"));
            ctx.sleep(Duration::from_secs(1)).await;
        }
        // Without `measured` the host verifies the connection.
        let identity = Identity::new(name.clone(), name.clone());
        let until = (name == "expiring").then(|| ctx.now().after(5 * 86_400 + 60));
        Ok(SetupResult::new(Account { name, token }, identity).valid_until(until))
    }

    fn serialize_credential(&self, account: &Account) -> Result<Secret, CredentialError> {
        Ok(Record::new().with("name", account.name.as_str()).with("token", account.token.duplicate()).encode())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Account, CredentialError> {
        let mut record = Record::decode(bytes)?;
        Ok(Account { name: record.text("name")?.to_owned(), token: record.take("token")? })
    }

    async fn verify(
        &self,
        account: &Account,
        ctx: &VerifyContext<'_>,
    ) -> Result<VerifyResult<Account>, ConnectionError> {
        match account.name.as_str() {
            "crashing" => panic!("a payload with {:?}", account.token.expose_str()),
            "offline" => Err(NotLive::offline(Reason::new("acme_closed", "Acme has closed for today")).into()),
            "refused" => Err(NotLive::failing(Reason::new("unauthorized", "Acme does not accept it")).into()),
            "expiring" => Ok(VerifyResult::live().valid_until(Some(ctx.now().after(5 * 86_400 + 60)))),
            _ => Ok(VerifyResult::live()),
        }
    }

    async fn teardown(&self, account: &Account, _: &TeardownContext<'_>) -> Result<Teardown, ConnectionError> {
        match account.name.as_str() {
            "offline" => Err(NotLive::offline(Reason::new("acme_closed", "Acme has closed for today")).into()),
            _ => Ok(Teardown::Revoked),
        }
    }
}
