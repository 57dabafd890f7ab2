//! Tests of files and of the key-value store, in a setup and outside of one.

use connection_contract::prelude::*;
use connection_testkit::{FakeFiles, FakeHost, Input};

/// A plugin that counts the entries of a directory and stores the number.
struct Counts;

impl Counts {
    async fn below(root: &GrantedDirectory, ctx: &Context<'_>) -> Result<String, ServiceError> {
        let files = ctx.files().ok_or(ServiceError::Unavailable)?;
        let mut seen = Vec::new();
        for entry in files.list(root, "").await? {
            let stat = files.stat(root, &entry.name).await?;
            let content = match stat.file_type {
                FileType::File => files.read(root, &entry.name, 8).await.map(|content| content.expose().len()),
                _ => files.list(root, &entry.name).await.map(|inside| inside.len()),
            };
            seen.push(format!("{}:{:?}:{content:?}", entry.name, stat.file_type));
        }
        Ok(seen.join(" "))
    }
}

impl ConnectionDefinition for Counts {
    type Credential = Secret;
    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Kind::from_static("counts"), "Counts", AuthType::None).field(Field::directory("root", "Root"))
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let root = ctx.prompt(Prompt::new("?").field("root")).await.directory("root")?.clone();
        let kv = ctx.kv().ok_or(SetupFailure::new("no_kv", "no store"))?;
        let stored = |_| SetupFailure::new("no_kv", "the store fails");
        let before = kv.get("count").await.map_err(stored)?;
        kv.put("count", Some(format!("{}+", before.unwrap_or_default()))).await.map_err(stored)?;
        kv.put_secret("token", Some(Secret::from("s3"))).await.map_err(stored)?;
        let token = kv.get_secret("token").await.map_err(stored)?.map_or(0, |token| token.expose().len());
        let below = Self::below(&root, ctx).await.map_err(|e| SetupFailure::from(NotLive::from(e)))?;
        let now = kv.get("count").await.map_err(stored)?.unwrap_or_default();
        Ok(SetupResult::new(Secret::from("x"), Identity::new(format!("{below} {now} {token}"), "C")))
    }

    fn serialize_credential(&self, secret: &Secret) -> Result<Secret, CredentialError> {
        Ok(secret.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, _: &Secret, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        let count = ctx.kv().ok_or(ServiceError::Unavailable)?.get("count").await?;
        Ok(VerifyResult::live().identity(Identity::new(count.unwrap_or_default(), "C")))
    }
}

fn host() -> FakeHost<Counts> {
    let files = [("a.txt", "1234"), ("b/c.txt", ""), ("b/d/e.txt", ""), ("long.txt", "123456789")];
    FakeHost::new(Counts).files(FakeFiles::new().root("/r", &files)).key_value()
}

#[test]
fn files_and_values_are_effects_that_a_replay_gives_again() {
    let host = host();
    let run = host.setup([Input::answers(&[("root", "/r")])]).trace();
    let made = run.result.unwrap();
    let expected = "a.txt:File:Ok(4) b:Directory:Ok(2) long.txt:File:Err(TooLarge) + 2";
    assert_eq!(made.identity.account_id.as_str(), expected);
    assert_eq!(run.effects, 1 + 4 + 1 + 3 * 2 + 1);
    let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!(found.identity.unwrap().account_id.as_str(), "+", "replays left no trace in the store");
}

#[test]
fn a_root_that_is_not_there_denied_or_unavailable_says_which() {
    for (files, code) in [
        (FakeFiles::new(), reason::ROOT_MISSING),
        (FakeFiles::new().denied("/r"), reason::DENIED),
        (FakeFiles::new().unavailable("/r"), reason::PROVIDER_ERROR),
    ] {
        let host = FakeHost::new(Counts).files(files).key_value();
        assert_eq!(host.setup([Input::answers(&[("root", "/r")])]).run().unwrap_err().code, code);
    }
}
