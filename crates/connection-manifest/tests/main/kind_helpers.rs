//! What a file says about programs that ask for a credential.

use connection_contract::{ConnectionDefinition as _, CredentialHelper, HelperProtocol};
use connection_manifest::{Catalogue, KindFile};

const FILE: &str = r#"
format = 1
id = "acme"
name = "Acme"
mechanism = "api_key"
guide = ["Open the settings."]
sources = ["https://acme.com/docs"]

[[fields]]
name = "apiKey"
label = "API key"
secret = true

[request]
base = ["https://api.acme.com"]
headers = { X-Key = "${secret.apiKey}" }

[verify]
path = "/me"

[account]
id = ["/id"]
"#;
const SOURCE: &str = "source = \"https://acme.com/docs/git\"";

/// The kinds of the catalogue, with what they answer.
const ANSWERS: &str = "\
aws aws user={accessKeyId} secret={secretAccessKey} session={sessionToken} hosts=
bitbucket git user=x-bitbucket-api-token-auth secret={apiToken} session= hosts=bitbucket.org
bitbucket-oauth git user=x-token-auth secret={accessToken} session= hosts=bitbucket.org
gitea cargo user= secret=Bearer {token} session= hosts=
gitea docker user={account} secret={token} session= hosts=
gitea git user={account} secret={token} session= hosts=
github-oauth docker user={account} secret={accessToken} session= hosts=ghcr.io
github-oauth git user={account} secret={accessToken} session= hosts=github.com
gitlab git user=oauth2 secret={token} session= hosts=
gitlab-oauth git user=oauth2 secret={accessToken} session= hosts=
gitlab-self-managed-oauth git user=oauth2 secret={accessToken} session= hosts=
heroku docker user=_ secret={token} session= hosts=registry.heroku.com
huggingface git user={account} secret={token} session= hosts=";

#[track_caller]
fn refused(rest: &str, sentence: &str) {
    let problems = KindFile::parse("acme.toml", &format!("{FILE}{rest}")).unwrap_err().to_string();
    assert!(problems.contains(sentence), "{problems}");
}

#[test]
fn a_file_states_what_programs_get_with_a_source() {
    let git =
        format!("[helpers.git]\nhosts = [\"git.acme.com\"]\nuser = \"{{account}}\"\nsecret = \"{{apiKey}}\"\n{SOURCE}");
    let kind = KindFile::parse("acme.toml", &format!("{FILE}{git}")).unwrap().definition().descriptor();
    let expected = CredentialHelper::new(HelperProtocol::Git, "{apiKey}").user("{account}").host("git.acme.com");
    assert_eq!(kind.helpers, [expected]);

    for (table, sentence) in [
        (
            format!("[helpers.git]\nuser = \"a\"\nsecret = \"{{token}}\"\n{SOURCE}"),
            "write secret = with one of {apiKey}",
        ),
        (format!("[helpers.git]\nuser = \"a\"\nsecret = \"{{apiKey}}{{apiKey}}\"\n{SOURCE}"), "correct it"),
        (format!("[helpers.git]\nuser = \"{{apiKey}}\"\nsecret = \"{{apiKey}}\"\n{SOURCE}"), "correct it"),
        (format!("[helpers.git]\nsecret = \"{{apiKey}}\"\n{SOURCE}"), "needs a user name"),
        (format!("[helpers.cargo]\nuser = \"a\"\nsecret = \"{{apiKey}}\"\n{SOURCE}"), "cargo takes no user name"),
        ("[helpers.cargo]\nsecret = \"{apiKey}\"".to_owned(), "nothing shows what the program expects"),
        ("[helpers.cargo]\nsecret = \"{apiKey}\"\nsource = \"docs\"".to_owned(), "a source is a public page"),
        ("[helpers]".to_owned(), "this says nothing"),
    ] {
        refused(&table, sentence);
    }
    for host in
        ["", "localhost", "git.acme.com:8443", "*.acme.com", "https://git.acme.com", "Git.acme.com", "a..b", "-a.b"]
    {
        refused(
            &format!("[helpers.cargo]\nhosts = [\"{host}\"]\nsecret = \"{{apiKey}}\"\n{SOURCE}"),
            "names in small letters",
        );
    }
    refused(
        &format!("[helpers.aws]\nhosts = [\"a.b\"]\nuser = \"a\"\nsecret = \"{{apiKey}}\"\n{SOURCE}"),
        "of which AWS has none",
    );
    refused("[rules.git]\nrelease = true\n", "rules.git.release: this key is unknown");
}

#[test]
fn what_programs_get_is_a_part_of_the_terms() {
    let terms = |rest: &str| {
        let file = KindFile::parse("acme.toml", &format!("{FILE}{rest}")).unwrap();
        file.definition().descriptor().terms.unwrap().to_string()
    };
    let git = |host: &str| {
        terms(&format!("[helpers.git]\nhosts = [\"{host}\"]\nuser = \"a\"\nsecret = \"{{apiKey}}\"\n{SOURCE}"))
    };
    let added: Vec<_> = git("git.acme.com").lines().skip(terms("").lines().count()).map(str::to_owned).collect();
    assert_eq!(
        added,
        ["helpers.git.hosts = \"git.acme.com\"", "helpers.git.user = \"a\"", "helpers.git.secret = \"{apiKey}\""]
    );
    assert_ne!(git("git.acme.com"), git("git.evil.com"));
}

#[test]
fn the_answers_of_the_catalogue_are_those_that_were_reviewed() {
    let line = |id: &str, helper: &CredentialHelper| {
        let of = |text: &Option<connection_contract::Text>| text.as_deref().unwrap_or_default().to_owned();
        let CredentialHelper { protocol, hosts, user, secret, session, .. } = helper;
        let hosts: Vec<&str> = hosts.iter().map(|host| &**host).collect();
        let (user, session) = (of(user), of(session));
        format!("{id} {} user={user} secret={secret} session={session} hosts={}", protocol.as_str(), hosts.join(","))
    };
    let mut lines = Vec::new();
    for id in Catalogue::ids() {
        let descriptor = Catalogue::kind(id).unwrap().unwrap().definition().descriptor();
        lines.extend(descriptor.helpers.iter().map(|helper| line(id, helper)));
    }
    assert_eq!(lines.join("\n"), ANSWERS);
}
