//! Hosts that receive a secret: which ones a file may leave to a value (S21, S22).

use connection_contract::ConnectionDefinition;
use connection_manifest::KindFile;

/// Returns the declared origins of a kind with a field and an address, or the problem of the address.
fn origins(oauth2: &str, field: &str, address: &str) -> Result<Vec<String>, String> {
    let text = format!(
        "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"oauth2\"\n[[fields]]\nname = \"host\"\nlabel = \"Host\"\n{field}\n\
         [request]\nbase = \"{address}\"\n[oauth2]\nauthorize = \"https://id.acme.com/a\"\ntoken = \"{address}/token\"\n{oauth2}\n"
    );
    match KindFile::parse("acme.toml", &text) {
        Ok(file) => {
            let all = file.definition().descriptor().origins;
            Ok(all.iter().map(ToString::to_string).filter(|origin| origin != "https://id.acme.com").collect())
        }
        Err(problems) => {
            // Both addresses have the same problem.
            let first = problems.iter().find(|problem| problem.field.as_str() == "request.base");
            Err(first.map_or_else(|| problems.to_string(), |problem| problem.sentence.to_string()))
        }
    }
}

#[track_caller]
fn accepted(field: &str, address: &str, expected: &[&str]) {
    assert_eq!(origins("", field, address).unwrap(), expected, "{field} {address}");
}

#[track_caller]
fn refused(field: &str, address: &str, expected: &str) {
    let sentence = origins("", field, address).unwrap_err();
    assert!(sentence.contains(expected), "{field} {address}: {sentence}");
}

const FREE: &str = "`host` decides which host receives the credential";

#[test]
fn a_label_below_a_fixed_domain_is_free() {
    accepted("", "https://${config.host}.acme.com", &["https://*.acme.com"]);
    accepted("", "https://${config.host}.myshopify.com", &["https://*.myshopify.com"]);
    for public in ["com", "co.uk", "github.io.com.au"] {
        let address = format!("https://${{config.host}}.{public}");
        let found = origins("", "", &address);
        match public {
            "github.io.com.au" => assert!(found.is_ok(), "{found:?}"),
            _ => assert!(found.as_ref().is_err_and(|problem| problem.contains("anyone can register")), "{found:?}"),
        }
    }
}

/// A name below such a domain belongs to whoever took it, and decides nothing about a provider.
#[test]
fn a_free_name_below_a_domain_where_strangers_publish_pages_is_refused() {
    for shared in [
        "github.io",
        "GitHub.IO",
        "pages.dev",
        "herokuapp.com",
        "blogspot.com",
        "s3.eu-west-1.amazonaws.com",
        "eu.run.app",
        "trycloudflare.com",
    ] {
        for (field, address) in [
            (String::new(), format!("https://${{config.host}}.{shared}")),
            (format!("host_suffixes = [\".{shared}\"]"), "https://${config.host}".to_owned()),
        ] {
            assert!(origins("", &field, &address).is_err(), "{field} {address}");
        }
    }
    // The control: a host that the file fixes, and domains whose names a provider gives to its customers.
    accepted("", "https://acme.github.io", &["https://acme.github.io"]);
    for own in ["myshopify.com", "zendesk.com", "my.salesforce.com", "atlassian.net", "eu-west-1.amazonaws.com"] {
        accepted("", &format!("https://${{config.host}}.{own}"), &[&format!("https://*.{own}")]);
    }
}

#[test]
fn a_header_that_the_client_refuses_is_refused_in_a_file() {
    for (header, is_refused) in [("TE", true), ("Expect", true), ("Trailer", true), ("X-Te", false)] {
        let request = format!("[request]\nbase = \"https://api.acme.com\"\nheaders = {{ \"{header}\" = \"x\" }}\n");
        let text = format!("format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"none\"\n{request}");
        let problems =
            KindFile::parse("acme.toml", &text).err().map(|problems| problems.to_string()).unwrap_or_default();
        assert_eq!(problems.contains("belongs to the HTTP connection"), is_refused, "{header}: {problems}");
    }
}

#[test]
fn choices_are_the_hosts_that_they_make() {
    let field = "choices = [\"eu\", \"us\"]";
    accepted(field, "https://api.${config.host}.acme.com", &["https://api.eu.acme.com", "https://api.us.acme.com"]);
    accepted("choices = [\"com\", \"eu\"]", "https://acme.${config.host}", &["https://acme.com", "https://acme.eu"]);
    let whole = "choices = [\"https://a.acme.com\", \"https://b.acme.com\"]";
    accepted(whole, "${config.host}", &["https://a.acme.com", "https://b.acme.com"]);
    refused("choices = [\"http://a.acme.com\"]", "${config.host}", "http sends credentials in the open");
    refused("choices = [\"localhost\"]", "https://${config.host}", "private network");
}

#[test]
fn suffixes_bound_a_host_and_an_origin() {
    let field = "host_suffixes = [\".acme.com\"]";
    let both = ["https://*.acme.com", "https://acme.com"];
    accepted(field, "https://${config.host}", &both);
    accepted(field, "${config.host}", &both);
    accepted(field, "https://api.${config.host}", &["https://api.acme.com"]);
    accepted(r"pattern = '[a-z]+\.acme\.com'", "https://${config.host}", &both);
    accepted(
        r"pattern = '^(https://[a-z]+\.acme\.com|https://[a-z]+\.acme\.eu)$'",
        "${config.host}",
        &["https://*.acme.com", "https://acme.com", "https://*.acme.eu", "https://acme.eu"],
    );
}

#[test]
fn a_value_that_anyone_chooses_decides_no_host() {
    refused("", "https://${config.host}", FREE);
    refused("", "https://api.${config.host}", FREE);
    refused("", "https://api.${config.host}.acme.com", FREE);
    refused("", "${config.host}", FREE);
    refused("pattern = '.+'", "https://${config.host}", FREE);
    refused(r"pattern = '[a-z]+\.com'", "https://${config.host}", FREE);
    refused(r"pattern = '[a-z]+(\.acme\.com)?'", "https://${config.host}", FREE);
    refused("format = \"hostname\"", "https://${config.host}", FREE);
}

#[test]
fn a_person_s_own_address_receives_only_that_person_s_application() {
    let field = "format = \"url\"";
    let refused = origins("", field, "${config.host}").unwrap_err();
    assert!(refused.contains("client = \"per_connection\""), "{refused}");
    assert_eq!(origins("client = \"per_connection\"", field, "${config.host}").unwrap(), Vec::<String>::new());
}

#[test]
fn private_hosts_and_odd_addresses_are_refused() {
    for (address, expected) in [
        ("http://acme.com", "http sends credentials in the open"),
        ("ftp://acme.com", "this is not an address"),
        ("acme.com", "this is not an address"),
        ("https://", "the address has no host"),
        ("https://localhost", "private network"),
        ("https://acme.internal", "private network"),
        ("https://169.254.169.254", "names its host"),
        ("https://[::1]", "names its host"),
        ("https://me:secret@acme.com", "no user and no password"),
        ("https://acme_.com", "the host is not a name"),
        ("https://${uuid()}.acme.com", "a function cannot be part of a host"),
    ] {
        refused("", address, expected);
    }
}

#[test]
fn a_free_label_may_be_followed_by_choices() {
    let origins = |address: &str, choices: &str| {
        let text = format!(
            "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"api_key\"\n[[fields]]\nname = \"key\"\nlabel = \"Key\"\n\
             secret = true\n[[fields]]\nname = \"host\"\nlabel = \"Host\"\n[[fields]]\nname = \"region\"\nlabel = \"Region\"\n\
             choices = [{choices}]\n[request]\nbase = \"{address}\"\nheaders = {{ X-Key = \"${{secret.key}}\" }}\n"
        );
        KindFile::parse("acme.toml", &text).map(|file| file.definition().descriptor().origins)
    };
    let found = origins("https://${config.host}.${config.region}.acme.com", "\"eu\", \"us\"").unwrap();
    assert_eq!(found, ["https://*.eu.acme.com", "https://*.us.acme.com"]);
    let found = origins("https://${config.host}.api.${config.region}.acme.com", "\"eu\"").unwrap();
    assert_eq!(found, ["https://*.api.eu.acme.com"]);
    let twice = origins("https://${config.host}.${config.host}.acme.com", "\"eu\"").unwrap_err().to_string();
    assert!(twice.contains("one free label"), "{twice}");
    let public = origins("https://${config.host}.${config.region}.uk", "\"acme\", \"co\"").unwrap_err().to_string();
    assert!(public.contains("one free label"), "{public}");
}
