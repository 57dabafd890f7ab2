//! A command line with one kind, `renewing`, whose tokens expire after an hour, unless a refresh says when, and whose refresh
//! tokens work once. The tests run it against their own server.

use std::process::ExitCode;

use connection_contract::prelude::*;
use connection_host::Cli;

const API: &str = "https://api.renewing.example";
const LIFETIME: u64 = 3_600;

fn main() -> ExitCode {
    Cli::new().kind(Renewing).run()
}

struct Renewing;

struct Tokens {
    access: Secret,
    refresh: Secret,
}

impl ConnectionDefinition for Renewing {
    type Credential = Tokens;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Kind::from_static("renewing"), "Renewing", AuthType::OAuth)
            .origin(API)
            .field(Field::secret("accessToken", "Access token"))
            .field(Field::secret("refreshToken", "Refresh token").optional())
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Tokens>, SetupFailure> {
        let mut answers = ctx.prompt(Prompt::new("Connect").field("accessToken").field("refreshToken")).await;
        let access = answers.secret("accessToken")?;
        let tokens = Tokens { access, refresh: answers.secret("refreshToken").unwrap_or_default() };
        Ok(SetupResult::new(tokens, Identity::new("1", "ada")).valid_until(Some(ctx.now().after(LIFETIME))))
    }

    fn serialize_credential(&self, tokens: &Tokens) -> Result<Secret, CredentialError> {
        let record = Record::new().with("access", tokens.access.duplicate());
        Ok(record.with("refresh", tokens.refresh.duplicate()).encode())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Tokens, CredentialError> {
        let mut record = Record::decode(bytes)?;
        Ok(Tokens { access: record.take("access")?, refresh: record.take("refresh")? })
    }

    async fn verify(&self, _: &Tokens, _: &VerifyContext<'_>) -> Result<VerifyResult<Tokens>, ConnectionError> {
        Ok(VerifyResult::live())
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<Tokens>> {
        Some(self)
    }

    fn refresher(&self) -> Option<&dyn Refresher<Tokens>> {
        Some(self)
    }
}

impl Authorizer<Tokens> for Renewing {
    fn authorize(&self, tokens: &Tokens, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        request.set_bearer(&tokens.access);
        Ok(())
    }
}

impl Refresher<Tokens> for Renewing {
    fn semantics(&self) -> RefreshSemantics {
        RefreshSemantics::Strict
    }

    fn renews(&self, tokens: &Tokens) -> bool {
        !tokens.refresh.is_empty()
    }

    fn refresh<'a>(
        &'a self,
        tokens: &'a Tokens,
        ctx: &'a RefreshContext<'_>,
    ) -> BoxFuture<'a, Result<Refreshed<Tokens>, ConnectionError>> {
        Box::pin(async move {
            if tokens.refresh.is_empty() {
                let nothing = Reason::new(reason::NOTHING_TO_RENEW, "the provider issued no refresh token");
                return Err(NotLive::offline(nothing).into());
            }
            let request = HttpRequest::post(ctx.base_url(API)?, "/token").form("refresh_token", &tokens.refresh);
            let answer = ctx.send_once(Spend::new("refresh_token", &tokens.refresh), request).await;
            if answer.as_ref().is_ok_and(|answer| answer.status() == 400) {
                let ended = Reason::new(reason::NEEDS_REAUTHORIZATION, "the provider renews it no more");
                return Err(NotLive::failing(ended.remedy("authorize this connection again")).into());
            }
            if answer.as_ref().is_ok_and(|answer| answer.status() == 402) {
                let refused = Reason::new("renewing_client_refused", "the provider does not accept the application");
                return Err(NotLive::failing(refused.remedy("replace client_secret in the configuration")).into());
            }
            let made = classify(answer)?.json()?;
            let fresh =
                Tokens { access: Secret::from(made.str_at("access")?), refresh: Secret::from(made.str_at("refresh")?) };
            let stated = made.pointer("/expires_in").and_then(Value::as_i64);
            let lifetime = stated.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(LIFETIME);
            Ok(Refreshed::new(fresh).valid_until(Some(ctx.now().after(lifetime))))
        })
    }
}
