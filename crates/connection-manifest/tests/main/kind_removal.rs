//! Where a person deletes the credential of a kind: the table `[removal]`, its checks, its warnings and its pages.

use connection_contract::{Connection, ConnectionDefinition, Text};
use connection_manifest::{Catalogue, KindFile, KindSet, Problem, Problems};

const ACME: &str = "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"api_key\"\n[[fields]]\nname = \"apiKey\"\n\
    label = \"API key\"\nsecret = true\n[[fields]]\nname = \"site\"\nlabel = \"Site\"\n[[fields]]\nname = \"address\"\n\
    label = \"Address\"\nformat = \"url\"\n[request]\nbase = \"https://api.acme.com\"\nheaders = { X-Key = \"${secret.apiKey}\" }\n";

const OAUTH: &str = "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"oauth2\"\n[request]\nbase = \"https://api.acme.com\"\n\
    [verify]\npath = \"/me\"\n[account]\nid = \"/id\"\n[oauth2]\nauthorize = \"https://acme.com/authorize\"\n\
    token = \"https://acme.com/token\"\n";

fn parsed(removal: &str) -> Result<KindFile, Problems> {
    KindFile::parse("acme.toml", &format!("{ACME}[removal]\n{removal}\n"))
}

/// Returns the page of a connection with these public values.
fn page(removal: &str, values: &[(&str, &str)]) -> Option<String> {
    let file = parsed(removal).unwrap_or_else(|problems| panic!("{problems}"));
    let values = values.iter().map(|(name, value)| (Text::from((*name).to_owned()), (*value).to_owned()));
    let connection = Connection::new("1", "local").with_config(values);
    file.definition().credential_page(None, &connection).map(|page| page.to_string())
}

#[track_caller]
fn refused(text: &str, field: &str, expected: &str) {
    let problems = KindFile::parse("acme.toml", text).unwrap_err();
    let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let is_it = |problem: &Problem| problem.field.as_str() == field && problem.sentence.contains(expected);
    assert!(problems.iter().any(is_it), "{field}: {expected}: {found:?}");
}

#[test]
fn a_page_is_filled_with_public_values() {
    assert_eq!(page("url = \"https://acme.com/keys#mine\"", &[]).unwrap(), "https://acme.com/keys#mine");
    let below = "url = \"https://${config.site}.acme.com/keys/${config.site}?of=${config.site}\"";
    assert_eq!(page(below, &[("site", "one")]).unwrap(), "https://one.acme.com/keys/one?of=one");
    let own = "url = \"${config.address}/keys\"";
    assert_eq!(page(own, &[("address", "https://acme.example/x/")]).unwrap(), "https://acme.example/x/keys");
    let all = "url = [\"https://${config.site}.acme.com/keys\", \"https://acme.com/keys\"]";
    assert_eq!(page(all, &[("site", "one")]).unwrap(), "https://one.acme.com/keys");
    assert_eq!(page(all, &[]).unwrap(), "https://acme.com/keys");
}

#[test]
fn a_value_cannot_lead_to_another_page() {
    let below = "url = \"https://${config.site}.acme.com/keys\"";
    for site in ["evil.com/", "evil.com#", "a@evil.com", "a\\b", "", "a b"] {
        assert_eq!(page(below, &[("site", site)]), None, "{site}");
    }
    let path = "url = \"https://acme.com/${config.site}/keys\"";
    for site in ["..", ".", "a/../b", "a?b", "a#b"] {
        assert_eq!(page(path, &[("site", site)]), None, "{site}");
    }
    assert_eq!(page(path, &[("site", "a b")]).unwrap(), "https://acme.com/a%20b/keys");
    for address in ["javascript:alert(1)", "https://me@evil.example", "https://evil.example/#", "/keys"] {
        assert_eq!(page("url = \"${config.address}/keys\"", &[("address", address)]), None, "{address}");
    }
}

#[test]
fn an_address_that_is_no_page_of_the_provider_is_refused() {
    let with = |removal: &str| format!("{ACME}[removal]\n{removal}\n");
    for (removal, field, expected) in [
        ("", "removal", "the page on which a person deletes the credential is missing"),
        ("url = \"http://acme.com/keys\"", "removal.url", "a page for people needs an https address"),
        ("url = \"/keys\"", "removal.url", "a page for people needs an https address"),
        ("url = \"javascript:alert(1)\"", "removal.url", "a page for people needs an https address"),
        ("url = \"https://10.0.0.1/keys\"", "removal.url", "names its host"),
        ("url = \"https://${config.site}/keys\"", "removal.url", "decides which host"),
        ("url = \"https://${config.site}.com/keys\"", "removal.url", "anyone can register"),
        ("url = \"https://acme.com/${secret.apiKey}\"", "removal.url", "has no value here"),
        ("url = \"https://acme.com/${config.unknown}\"", "removal.url", "is not declared"),
        ("url = \"https://acme.com/${uuid()}\"", "removal.url", "no function"),
        ("url = \"https://acme.com/my keys\"", "removal.url", "no space"),
        ("url = \"https://acme.com\"\nforms = [{ url = \"https://acme.com/x\" }]", "removal.forms[0]", "prefix"),
        ("url = \"https://acme.com\"\nforms = [{ prefix = \"a\" }]", "removal.forms[0]", "the page for this form"),
        (
            "url = \"https://acme.com\"\nforms = [{ prefix = \"a\", url = \"http://acme.com\" }]",
            "removal.forms[0].url",
            "https",
        ),
        ("url = \"https://acme.com\"\nends = \"grant\"", "removal.ends", "revokes no token of an application"),
        ("url = \"https://acme.com\"\naccount = \"/id\"", "removal.account", "ends = \"grant\""),
    ] {
        refused(&with(removal), field, expected);
    }
    let none =
        "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"none\"\n[removal]\nurl = \"https://acme.com\"\n";
    refused(none, "removal", "a kind without a credential");
    let grant = "[removal]\nurl = \"https://acme.com\"\nends = \"grant\"\naccount = \"/id\"\n";
    refused(&format!("{OAUTH}{grant}"), "removal.ends", "revokes no token of an application");
    let revocation = format!("{OAUTH}revocation = \"https://acme.com/revoke\"\n{grant}");
    assert!(KindFile::parse("acme.toml", &revocation).is_ok(), "here something ends the grant");
    let nameless = revocation.replace("[account]\nid = \"/id\"\n", "[account]\nfrom = \"client\"\n");
    refused(&nameless, "removal.account", "no response names the account");
}

#[test]
fn a_file_without_a_page_is_accepted_with_a_warning() {
    let file = KindFile::parse("acme.toml", ACME).unwrap();
    let warnings: Vec<String> = file.warnings().iter().map(ToString::to_string).collect();
    let sentence = "the file does not say where a person deletes the credential";
    assert_eq!(warnings, [format!("acme.toml: removal: {sentence}; add [removal] with url = \"https://…\"")]);
    assert!(parsed("url = \"https://acme.com/keys\"").unwrap().warnings().is_empty());
    let none = "{\"format\": 1, \"id\": \"acme\", \"name\": \"Acme\", \"mechanism\": \"none\"}";
    assert!(KindFile::parse("acme.json", none).unwrap().warnings().is_empty(), "there is nothing to delete");
    let line = ACME.parse::<toml::Table>().unwrap();
    let line = serde_json::to_string(&line).unwrap();
    let file = KindSet::new().read_one("kinds.jsonl", Some(7), line.as_bytes()).unwrap();
    let [warning] = file.warnings().try_into().unwrap();
    assert_eq!(warning.line, Some(7));
    assert!(warning.sentence.ends_with("add \"removal\" with \"url\": \"https://…\""), "{warning}");
}

#[test]
fn a_file_inherits_the_page_of_the_file_that_it_extends() {
    let child = "id = \"child\"\nextends = \"acme\"\nname = \"Child\"\n";
    let own = format!("{child}[removal]\nurl = \"https://acme.com/child\"\n");
    let acme = format!("{ACME}[removal]\nurl = \"https://acme.com/keys\"\n");
    for (child, expected) in [(child, "https://acme.com/keys"), (own.as_str(), "https://acme.com/child")] {
        let set = KindSet::new().file("acme.toml", acme.as_str()).file("child.toml", child);
        let (kinds, problems) = set.read();
        assert!(problems.is_empty(), "{problems:?}");
        let kind = kinds.iter().find(|kind| kind.id().as_str() == "child").unwrap();
        assert!(kind.warnings().is_empty());
        let page = kind.definition().credential_page(None, &Connection::new("1", "local"));
        assert_eq!(page.as_deref(), Some(expected));
    }
}

#[test]
fn the_page_is_no_part_of_the_terms() {
    let terms = |text: &str| KindFile::parse("acme.toml", text).unwrap().definition().descriptor().terms;
    let page =
        "[removal]\nurl = \"https://acme.com/keys\"\nforms = [{ prefix = \"a\", url = \"https://acme.com/a\" }]\n";
    assert_eq!(terms(ACME), terms(&format!("{ACME}{page}")));
    let revocation = format!("{OAUTH}revocation = \"https://acme.com/revoke\"\n");
    let grant = "[removal]\nurl = \"https://acme.com\"\nends = \"grant\"\naccount = \"/id\"\n";
    assert_eq!(terms(&revocation), terms(&format!("{revocation}{grant}")));
}

#[test]
fn every_file_of_the_catalogue_names_a_page() {
    for id in Catalogue::ids() {
        let kind = Catalogue::kind(id).unwrap().unwrap_or_else(|problems| panic!("{problems}"));
        assert!(kind.warnings().is_empty(), "{id}");
        let definition = kind.definition();
        let values = definition.descriptor().fields.into_iter().map(|field| {
            let sample = if field.input == connection_contract::Input::Url { "https://own.example" } else { "sample" };
            (field.name, field.default.map_or_else(|| sample.to_owned(), |default| default.to_string()))
        });
        let connection = Connection::new("1", "local").with_config(values);
        let page = definition.credential_page(None, &connection);
        assert!(page.as_ref().is_some_and(|page| page.starts_with("https://")), "{id}: {page:?}");
    }
}
