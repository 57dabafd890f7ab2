//! The layers of the configuration, alone and combined.

use super::*;

pub(super) fn load(file: &str, variables: &[(&str, &str)], global: Global) -> Result<Settings, Error> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    std::fs::write(&path, file).unwrap();
    Settings::load(&Global { config: Some(path), ..global }, &Environment::of(variables))
}

#[track_caller]
pub(super) fn refused(file: &str, variables: &[(&str, &str)], global: Global, expected: &[&str]) {
    let error = load(file, variables, global).expect_err("the configuration is refused");
    assert_eq!(error.exit, crate::Exit::Usage);
    let text = format!("{error} {}", error.remedy.clone().unwrap_or_default());
    for part in expected {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = "data_dir = \"/file\"\nlog = \"warn\"\n[http]\ntimeout = 7";
    let settings = load(file, &[], Global::default()).unwrap();
    assert_eq!(settings.data_directory, Path::new("/file"));
    assert_eq!(settings.timeout, Some(Duration::from_secs(7)));
    let environment = [("CONNECTIONS_DATA_DIR", "/environment"), ("CONNECTIONS_HTTP__TIMEOUT", "9")];
    let settings = load(file, &environment, Global::default()).unwrap();
    assert_eq!(settings.data_directory, Path::new("/environment"));
    assert_eq!(settings.timeout, Some(Duration::from_secs(9)));
    assert_eq!(settings.log.as_deref(), Some("warn"));
    let global = Global { data_dir: Some("/flag".into()), ..Global::default() };
    assert_eq!(load(file, &environment, global).unwrap().data_directory, Path::new("/flag"));
}

#[test]
fn every_key_is_taken_from_the_file_and_from_its_variable() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&secret, "sqlite:///a\n").unwrap();
    let secret = secret.path().to_str().unwrap();
    let quoted = format!("{secret:?}");
    for key in KEYS {
        let (toml, text) = match key.value {
            KeyType::Address => ("\"127.0.0.1:1\"", "127.0.0.1:1"),
            KeyType::Addresses => ("[\"https://a.test/\"]", "https://a.test/"),
            KeyType::CacheTtl => ("\"off\"", "off"),
            KeyType::Colour => ("\"#1f7a5c\"", "#1f7a5c"),
            KeyType::Count | KeyType::Interval | KeyType::Mebibytes => ("64", "64"),
            KeyType::Engine => ("\"docker\"", "docker"),
            KeyType::Writable => ("[\"projects\"]", "declared"),
            KeyType::Volumes => ("{ cache = \"/cache:ro\" }", "{\"./a\":\"/a\"}"),
            KeyType::Directories => ("[\"/a\"]", "[\"/a\"]"),
            KeyType::Command => ("[\"a\", \"-b\"]", "[\"a\", \"-b\"]"),
            KeyType::KeySource => ("\"command\"", "command"),
            KeyType::Level => ("\"info\"", "info"),
            KeyType::LocalName => ("\"localhost\"", "localhost"),
            KeyType::LogFormat => ("\"json\"", "json"),
            KeyType::Networks => ("[\"10.0.0.0/8\", \"::1\"]", "192.0.2.7"),
            KeyType::Origins => {
                ("{ \"https://a.test\" = \"http://b.test\" }", "{\"https://a.test\":\"http://b.test\"}")
            }
            // These files are read when the configuration is loaded.
            KeyType::Path if key.name.ends_with("_file") => (&*quoted, secret),
            KeyType::Path => ("\"/a\"", "/a"),
            KeyType::Pooler => ("\"session\"", "session"),
            KeyType::Port => ("8400", "8400"),
            KeyType::Period => ("\"90 days\"", "90 days"),
            KeyType::PrivateAddresses => ("\"never\"", "never"),
            KeyType::RecordedPaths => ("\"templates\"", "templates"),
            KeyType::Processors => ("1.5", "1.5"),
            KeyType::PublicUrl => ("\"https://a.test\"", "https://a.test"),
            KeyType::UnencryptedUrl => ("\"http://10.0.0.1\"", "http://10.0.0.1"),
            KeyType::Secret => ("\"s\"", "s"),
            KeyType::Seconds => ("3", "3"),
            KeyType::Switch => ("\"off\"", "off"),
            KeyType::Template => ("\"https://a.test/{owner}\"", "https://a.test/{owner}"),
            KeyType::Text => ("\"u42\"", "u42"),
            KeyType::Url => ("\"sqlite:///a\"", "sqlite:///a"),
            KeyType::Variable => ("\"APP_KEY\"", "APP_KEY"),
            KeyType::Variables => ("[\"AWS_PROFILE\", \"GNUPGHOME\"]", "VAULT_ADDR"),
        };
        // Those of a pooler need its address.
        let global = || Global {
            database: (key.name.starts_with("database_") && !key.name.starts_with("database_url"))
                .then(|| "/a.db".into()),
            ..Global::default()
        };
        load(&format!("{} = {toml}", key.name), &[], global()).unwrap();
        load("", &[(&key.variable(), text)], global()).unwrap();
    }
}

#[test]
fn unknown_keys_are_refused_by_name_with_the_known_ones() {
    refused("datadir = \"/a\"", &[], Global::default(), &["'datadir'", "data_dir"]);
    refused("[http]\nendpoint = 1", &[], Global::default(), &["'http.endpoint'", "http.endpoints"]);
    refused("[server]\nport = 1", &[], Global::default(), &["'server'"]);
}

#[test]
fn an_unknown_variable_is_a_warning_with_the_nearest_name() {
    let variables = [
        ("CONNECTIONS_DATADIR", "hunter2"),
        ("CONNECTIONS_DATA_DIRECTORY", "hunter2"),
        ("CONNECTIONS_DATABASE", "hunter2"),
        ("CONNECTIONS_DATABSE_URL", "hunter2"),
        ("CONNECTIONS_HOST_TOKN", "hunter2"),
    ];
    let warnings = load("", &variables, Global::default()).unwrap().warnings.join("\n");
    for expected in [
        "ignoring CONNECTIONS_DATADIR, which is unknown; the most similar variable is CONNECTIONS_DATA_DIR",
        "ignoring CONNECTIONS_DATA_DIRECTORY, which is unknown; the most similar variable is CONNECTIONS_DATA_DIR",
        "ignoring CONNECTIONS_DATABASE, which is unknown; the most similar variable is CONNECTIONS_DATABASE_URL",
        "ignoring CONNECTIONS_DATABSE_URL, which is unknown; the most similar variable is CONNECTIONS_DATABASE_URL",
        "ignoring CONNECTIONS_HOST_TOKN, which is unknown; the most similar variable is CONNECTIONS_HOST_TOKEN",
    ] {
        assert!(warnings.contains(expected), "{warnings}");
    }
    assert!(!warnings.contains("hunter2"), "{warnings}");
    // The configured variable that holds the key causes no warning, whatever its name.
    let named = load("key.variable = \"CONNECTIONS_ROOT\"", &[("CONNECTIONS_ROOT", "hunter2")], Global::default());
    assert!(named.unwrap().warnings.is_empty());
}

#[test]
fn an_unknown_variable_that_is_like_no_other_is_a_warning_with_its_name_alone() {
    for name in ["CONNECTIONS_BANANA", "CONNECTIONS_", "CONNECTIONS_WAREHOUSE_MODE"] {
        let warnings = load("", &[(name, "hunter2")], Global::default()).unwrap().warnings;
        assert_eq!(warnings, [format!("ignoring {name}, which is unknown")]);
    }
}

#[test]
fn what_kubernetes_sets_for_a_service_of_our_name_is_one_warning() {
    let links = [
        ("CONNECTIONS_PORT", "tcp://10.0.0.11:8745"),
        ("CONNECTIONS_PORT_8745_TCP", "tcp://10.0.0.11:8745"),
        ("CONNECTIONS_PORT_8745_TCP_ADDR", "10.0.0.11"),
        ("CONNECTIONS_PORT_8745_TCP_PORT", "8745"),
        ("CONNECTIONS_PORT_8745_TCP_PROTO", "tcp"),
        ("CONNECTIONS_SERVICE_HOST", "10.0.0.11"),
        ("CONNECTIONS_SERVICE_PORT", "8745"),
        ("CONNECTIONS_SERVICE_PORT_HTTP", "8745"),
        ("CONNECTIONS_METRICS_PORT", "udp://10.0.0.12:9"),
    ];
    let warnings = load("", &links, Global::default()).unwrap().warnings;
    assert!(warnings.len() == 1 && links.iter().all(|(name, _)| warnings[0].contains(name)), "{warnings:?}");
    // The control: a port that a person set is an unknown setting.
    let warnings = load("", &[("CONNECTIONS_PORT", "8745")], Global::default()).unwrap().warnings;
    assert_eq!(warnings, ["ignoring CONNECTIONS_PORT, which is unknown"]);
}

#[test]
fn values_of_the_wrong_type_are_refused_without_being_repeated() {
    refused("database_url = [\"hunter2\"]", &[], Global::default(), &["'database_url' must be an address"]);
    refused("log = \"hunter2\"", &[], Global::default(), &["'log' must be one of", "trace"]);
    refused("", &[("CONNECTIONS_HTTP__TIMEOUT", "hunter2")], Global::default(), &["CONNECTIONS_HTTP__TIMEOUT must be"]);
    refused("x = 1\ndatabase_url = \"postgres://me:hunter2@db", &[], Global::default(), &["line 2 is not TOML"]);
}

#[test]
fn where_this_host_is_reached_is_refused_when_nobody_could_reach_it_safely() {
    let listens = |listen: &str, public: Option<&str>| {
        let public = public.map(|url| format!("public_url = \"{url}\"\n")).unwrap_or_default();
        load(&format!("[inbound]\nlisten = \"{listen}\"\n{public}"), &[], Global::default()).unwrap().inbound
    };
    for (listen, public, url) in [
        ("127.0.0.1:1", None, "http://127.0.0.1:1"),
        ("[::1]:2", None, "http://[::1]:2"),
        ("127.0.0.1:3", Some("http://127.0.0.1:4/a"), "http://127.0.0.1:4/a"),
        ("127.0.0.1:5", Some("https://a.test/b/"), "https://a.test/b"),
        ("0.0.0.0:6", Some("https://a.test"), "https://a.test"),
    ] {
        let inbound = listens(listen, public);
        assert_eq!(inbound.url(inbound.listen().unwrap()).unwrap().as_str(), url);
    }
    for (text, part) in [
        ("public_url = \"https://a.test\"\nunencrypted_url = \"http://192.168.1.20\"", "are both set"),
        ("public_url = \"https://a.test\"\nlocal_name = \"localhost\"", "inbound.local_name and a URL"),
        ("local_name = \"a.test\"", "'inbound.local_name' must be one of: 127.0.0.1, localhost"),
        ("public_url = \"http://192.168.1.20\"", "is not encrypted"),
        ("unencrypted_url = \"http://a.test\"", "private network"),
        ("unencrypted_url = \"https://192.168.1.20\"", "private network"),
    ] {
        refused(&format!("[inbound]\n{text}"), &[], Global::default(), &[part]);
    }
    for (listen, public) in [("0.0.0.0:1", None), ("[::]:1", None), ("192.0.2.1:1", Some("http://127.0.0.1:1"))] {
        let error = listens(listen, public).listen().unwrap_err();
        assert!(error.to_string().contains("not https"), "{error}");
    }
    let usual = load("", &[], Global::default()).unwrap().inbound.listen().unwrap();
    assert_eq!(usual.to_string(), "127.0.0.1:8745");
    refused("inbound.listen = \"hunter2\"", &[], Global::default(), &["'inbound.listen' must be an IP address"]);
    refused("inbound.public_url = \"http://a.test\"", &[], Global::default(), &["is not encrypted", "https://"]);
    let variable = [("CONNECTIONS_INBOUND__PUBLIC_URL", "https://me:hunter2@a.test")];
    refused("", &variable, Global::default(), &["has a user or password"]);
}

#[test]
fn a_certificate_needs_its_key_and_an_address_with_tls() {
    let load = |text: &str| load(&format!("[inbound]\n{text}"), &[], Global::default()).unwrap().inbound;
    let both = "tls_certificate = \"a.pem\"\ntls_key = \"a.key\"\n";
    let inbound = load(both);
    assert!(inbound.tls().unwrap().is_some() && load("").tls().unwrap().is_none());
    assert_eq!(inbound.url(inbound.listen().unwrap()).unwrap().as_str(), "https://127.0.0.1:8745");
    let url = "https://a.test/b".parse().unwrap();
    for (text, page) in [(both, "https://a.test/b"), ("", "http://127.0.0.1:1/b")] {
        assert_eq!(load(text).page_address("127.0.0.1:1".parse().unwrap(), &url), page);
    }
    for (text, part) in [
        ("tls_certificate = \"a.pem\"", "inbound.tls_certificate is set, and inbound.tls_key is not"),
        ("tls_key = \"a.key\"", "inbound.tls_key is set, and inbound.tls_certificate is not"),
        (&format!("{both}public_url = \"http://127.0.0.1:1\""), "is not https"),
        (&format!("{both}unencrypted_url = \"http://192.168.1.20:1\""), "is not https"),
    ] {
        let error = load(text).tls().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn the_requests_of_a_token_are_a_number() {
    let load = |text: &str| load(&format!("inbound.requests_per_minute = {text}"), &[], Global::default());
    assert_eq!(load("600").unwrap().inbound.requests_per_minute, Some(600));
    for text in ["0", "-1", "\"600\"", "4194305"] {
        assert!(load(text).is_err(), "{text}");
    }
}

#[test]
fn what_belongs_to_this_machine_is_beside_its_key_unless_it_is_said() {
    let environment = [("CONNECTIONS_DATA_DIR", "/data")];
    assert_eq!(load("", &environment, Global::default()).unwrap().state_directory(), Path::new("/data/state"));
    let said = load("state_dir = \"/said\"", &environment, Global::default()).unwrap();
    assert_eq!(said.state_directory(), Path::new("/said"));
}

#[test]
fn settings_of_containers_and_usage_are_bounded() {
    for (file, expected) in [
        ("sandbox.cpus = 0", "'sandbox.cpus' must be a number of processors from 0.01 to 4096, as in 1.5"),
        ("sandbox.cpus = -1.5", "'sandbox.cpus' must be a number of processors"),
        ("sandbox.cpus = 0.009", "'sandbox.cpus' must be a number of processors"),
        ("sandbox.cpus = 4096.1", "'sandbox.cpus' must be a number of processors"),
        ("sandbox.cpus = inf", "'sandbox.cpus' must be a number of processors"),
        ("sandbox.cpus = nan", "'sandbox.cpus' must be a number of processors"),
        ("sandbox.cpus = \"hunter2\"", "'sandbox.cpus' must be a number of processors"),
        ("sandbox.engine = \"hunter2\"", "'sandbox.engine' must be one of: docker, podman"),
        ("sandbox.memory = 15", "'sandbox.memory' must be a number of MiB from 16"),
        ("sandbox.pids = 0", "'sandbox.pids' must be a number from 1"),
        ("sandbox.network = \"\"", "'sandbox.network' must be a text"),
        ("sandbox.volumes = { cache = \"hunter2\" }", "'sandbox.volumes' must be a table"),
        ("sandbox.copy_size = 15", "'sandbox.copy_size' must be a number of MiB from 16"),
        ("sandbox.copy_entries = 0", "'sandbox.copy_entries' must be a number from 1"),
        ("sandbox.writable.claude = \"hunter2\"", "'sandbox.writable.claude' must be one of: nothing, declared"),
        ("sandbox.writable.claude = [\"../hunter2\"]", "'sandbox.writable.claude' must be one of: nothing, declared"),
        ("sandbox.image.claude = 1", "'sandbox.image.claude' must be a text"),
        ("usage.interval = 59", "'usage.interval' must be a number of seconds from 60 to 3600"),
        ("usage.interval = 3601", "'usage.interval' must be a number of seconds from 60 to 3600"),
        (
            "usage.cache_ttl.claude = \"on\"",
            "'usage.cache_ttl.claude' must be a number of seconds from 1 to 86400, or off",
        ),
    ] {
        refused(file, &[], Global::default(), &[expected]);
    }
    for wrong in ["hunter2", "0", "nan", ""] {
        let variable = [("CONNECTIONS_SANDBOX__CPUS", wrong)];
        refused("", &variable, Global::default(), &["CONNECTIONS_SANDBOX__CPUS", "must be a number of processors"]);
    }
    for seconds in ["60", "3600"] {
        // The bounds that are accepted are those that are used.
        let settings = load("", &[("CONNECTIONS_USAGE__INTERVAL", seconds)], Global::default()).unwrap();
        let bounds = settings.usage.bounds();
        let all = [bounds.shortest, bounds.longest, bounds.default].map(|bound| bound.as_secs().to_string());
        assert_eq!(all, [seconds; 3], "whatever a kind recommends");
    }
    let ttl = ("CONNECTIONS_USAGE__CACHE_TTL__MY_KIND", "7");
    for (name, value) in [("IMAGE", "a:1"), ("WRITABLE", "[\"a\"]")] {
        let variable = format!("CONNECTIONS_SANDBOX__{name}__MY_KIND");
        let settings = load("", &[(&variable, value), ttl], Global::default()).unwrap();
        let error = check_tools(&settings.sandbox, &settings.usage, [].iter(), false).unwrap_err().to_string();
        assert!(error.contains(&format!("sandbox.{}.my-kind: unknown kind", name.to_lowercase())), "{error}");
    }
}

#[test]
fn variables_of_tests_are_not_ours() {
    load("", &[("CONNECTIONS_TEST_SEED", "1")], Global::default()).unwrap();
}

#[test]
fn a_database_with_a_password_is_refused_as_an_argument_and_taken_from_elsewhere() {
    let expected = ["CONNECTIONS_DATABASE_URL", "configuration file", "PGPASSFILE"];
    for url in [
        "postgres://me:hunter2@db/x",
        "postgres://db/x?password=hunter2",
        "postgres://db/x?a=b&PASSWORD=hunter2",
        "host=db password=hunter2",
        "me:hunter2@db/x",
    ] {
        let global = Global { database: Some(url.into()), ..Global::default() };
        refused("", &[], global, &expected);
        load("", &[("CONNECTIONS_DATABASE_URL", url)], Global::default()).unwrap();
        load(&format!("database_url = \"{url}\""), &[], Global::default()).unwrap();
    }
    for url in ["postgres://me@db:5432/x", "sqlite:///a/b.db", "/a/b.db"] {
        load("", &[], Global { database: Some(url.into()), ..Global::default() }).unwrap();
    }
}

#[test]
fn a_secret_is_read_from_the_file_that_a_key_names() {
    let home = tempfile::tempdir().unwrap();
    let named = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        set_mode(&path, 0o600);
        path.to_str().unwrap().to_owned()
    };
    let (url, proxy) = (named("url", "postgres://me:hunter2@db/x\n"), named("proxy", "http://me:hunter2@proxy:1\r\n"));
    let shown =
        |secret: &Option<SecretString>| secret.as_ref().map(|s| secrecy::ExposeSecret::expose_secret(s).to_owned());
    for key in ["database_url", "database_direct_url"] {
        let global = Global { database: (key == "database_direct_url").then(|| "/a.db".into()), ..Global::default() };
        let settings = load(&format!("{key}_file = {url:?}"), &[], global).unwrap();
        let direct = shown(&settings.direct);
        let database = shown(&settings.database);
        assert_eq!(direct.or(database).as_deref(), Some("postgres://me:hunter2@db/x"), "{key}");
    }
    let settings = load(&format!("http.proxy_file = {proxy:?}"), &[], Global::default()).unwrap();
    assert_eq!(shown(&settings.proxy).as_deref(), Some("http://me:hunter2@proxy:1"));
    // Editors, shells and Windows put more around an address than one newline.
    let framed = "\u{feff} postgres://me:hunter2@db/x \r\n\r\n";
    for (text, variables) in [
        (format!("database_url_file = {:?}", named("framed", framed)), None),
        (String::new(), Some(("CONNECTIONS_DATABASE_URL", framed))),
    ] {
        let settings = load(&text, variables.as_slice(), Global::default()).unwrap();
        assert_eq!(shown(&settings.database).as_deref(), Some("postgres://me:hunter2@db/x"), "{text}");
    }
    // Within a layer only one of the two keys can be right; a later layer takes precedence with either.
    for (key, variable) in [
        ("database_url", "CONNECTIONS_DATABASE_URL"),
        ("database_direct_url", "CONNECTIONS_DATABASE_DIRECT_URL"),
        ("http.proxy", "CONNECTIONS_HTTP__PROXY"),
    ] {
        let both = format!("{key} = \"http://hunter2\"\n{key}_file = {url:?}");
        refused(&both, &[], Global::default(), &[&format!("'{key}' and '{key}_file' are both set")]);
        let file = format!("{variable}_FILE");
        let both = [(variable, "http://hunter2"), (&*file, &*url)];
        refused("", &both, Global::default(), &[&format!("'{key}' and '{key}_file' are both set")]);
        let pooler = ("CONNECTIONS_DATABASE_URL", "/a.db");
        let with = |name| if key == "database_direct_url" { vec![pooler, name] } else { vec![name] };
        load(&format!("{key}_file = \"/nowhere\""), &with((variable, "http://a")), Global::default()).unwrap();
        load(&format!("{key} = \"http://a\""), &with((&*file, &*url)), Global::default()).unwrap();
    }
    let global = || Global { database: Some("/a.db".into()), ..Global::default() };
    let settings = load("database_url_file = \"/nowhere\"", &[], global()).unwrap();
    assert_eq!(shown(&settings.database).as_deref(), Some("/a.db"), "the flag wins, and nothing is read");
    refused(
        "database_url_file = \"/nowhere\"",
        &[],
        Global::default(),
        &["database_url_file", "/nowhere cannot be read"],
    );
    refused(&format!("http.proxy_file = {:?}", named("empty", "\n")), &[], Global::default(), &["holds no text"]);
    #[cfg(unix)]
    {
        set_mode(Path::new(&url), 0o644);
        let expected = [&*format!("chmod 600 {url}"), "database_url_file"];
        refused(&format!("database_url_file = {url:?}"), &[], Global::default(), &expected);
    }
}

#[cfg(unix)]
#[test]
fn certificates_are_read_from_a_file_that_others_cannot_change() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("root.pem");
    let read = || {
        let file = format!("http.root_certificate = {path:?}");
        load(&file, &[], Global::default()).unwrap().root_certificate()
    };
    assert!(load("", &[], Global::default()).unwrap().root_certificate().unwrap().is_none());
    let error = read().unwrap_err().to_string();
    assert!(error.contains("http.root_certificate") && error.contains("root.pem cannot be read"), "{error}");
    std::fs::write(&path, "a certificate").unwrap();
    set_mode(&path, 0o644);
    assert_eq!(read().unwrap().as_deref(), Some("a certificate"));
    set_mode(&path, 0o666);
    let error = read().unwrap_err();
    assert_eq!((error.exit, &*error.code), (crate::Exit::Refused, "configuration_exposed"));
    assert!(error.to_string().contains("http.root_certificate is not trusted"), "{error}");
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_change_is_not_followed_nor_is_one_with_a_secret_that_others_can_read() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config.toml");
    let exposed = |text: &str, mode: u32| {
        std::fs::write(&path, text).unwrap();
        set_mode(&path, mode);
        let global = Global { config: Some(path.clone()), ..Global::default() };
        let settings = Settings::load(&global, &Environment::of(&[])).unwrap();
        let error = settings.exposed.as_ref().map(|error| {
            assert_eq!((error.exit, &*error.code), (crate::Exit::Refused, "configuration_exposed"));
            let text = format!("{error} {}", error.remedy.clone().unwrap_or_default());
            assert!(!text.contains("hunter2"), "{text}");
            text
        });
        (error, settings)
    };
    for mode in [0o664, 0o646, 0o666, 0o622] {
        let (error, settings) = exposed("owner = \"evil\"", mode);
        assert!(error.unwrap().contains(&format!("chmod go-w {}", path.display())), "{mode:o}");
        assert_eq!(settings.owner, None, "nothing of it is followed");
    }
    let plain = ["owner = \"u1\"", "database_url = \"postgres://me@db/x\"", "http.proxy = \"http://proxy:1\""];
    let secret = [
        "kinds.gmail.client_secret = \"hunter2\"",
        "database_url = \"postgres://me:hunter2@db/x\"",
        "database_url = \"me:hunter2@db/x\"",
        "database_direct_url = \"postgres://me@db/x?password=hunter2\"\ndatabase_url = \"postgres://me@db/x\"",
        "http.proxy = \"http://me:hunter2@proxy:1\"",
    ];
    for text in plain {
        assert!(exposed(text, 0o644).0.is_none(), "{text}");
    }
    for text in secret {
        let message = exposed(text, 0o644).0.unwrap();
        let (name, _) = text.split_once(" =").unwrap();
        assert!(message.contains(&format!("chmod 600 {}", path.display())), "{message}");
        assert!(message.contains(&format!("'{name}_file'")), "{message}");
        assert!(exposed(text, 0o600).0.is_none(), "{text}");
    }
    set_mode(home.path(), 0o722);
    assert!(exposed(plain[0], 0o600).0.unwrap().contains(&format!("chmod go-w {}", home.path().display())));
    set_mode(home.path(), 0o700);
    // The layout of a file that Kubernetes mounts.
    let data = home.path().join("..data");
    std::fs::create_dir(&data).unwrap();
    std::fs::rename(&path, data.join("config.toml")).unwrap();
    std::os::unix::fs::symlink("..data/config.toml", &path).unwrap();
    assert!(exposed(secret[0], 0o600).0.is_none());
    assert!(exposed(secret[0], 0o604).0.is_some(), "it is judged by the file that it leads to");
}

#[test]
fn key_and_database_are_in_one_directory_only_where_somebody_named_it() {
    let settings = load("", &[], Global::default()).unwrap();
    assert!(!settings.holds_both(), "{settings:?}");
    assert!(!settings.key_file().starts_with(&settings.data_directory), "{settings:?}");
    assert_eq!(settings.other_key_file(), Some(settings.data_directory.join("key/root.key")));
    let named = load("", &[("CONNECTIONS_DATA_DIR", "/data")], Global::default()).unwrap();
    assert_eq!(named.key_file(), Path::new("/data/key/root.key"));
    assert!(named.holds_both());
    assert_eq!(named.other_key_file(), Some(settings.key_file()));
}

#[test]
fn paths_in_the_file_are_relative_to_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    std::fs::write(&path, "files.allow = [\"notes\"]\ndata_dir = \"data\"").unwrap();
    let settings = Settings::load(&Global { config: Some(path), ..Global::default() }, &Environment::of(&[])).unwrap();
    assert_eq!(settings.files, [directory.path().join("notes")]);
    assert_eq!(settings.data_directory, directory.path().join("data"));
}

#[test]
fn a_key_in_the_place_of_the_name_of_its_variable_is_not_repeated() {
    for key in ["0f".repeat(32), format!("{}=", "A".repeat(43)), "b".repeat(43)] {
        let error = load("", &[("CONNECTIONS_KEY__VARIABLE", &key)], Global::default()).unwrap_err();
        let text = format!("{error} {}", error.remedy.clone().unwrap_or_default());
        assert!(text.contains("'key.variable' must be the name of a variable") && !text.contains(&key), "{text}");
    }
}

#[test]
fn a_named_file_that_is_not_there_is_refused() {
    let global = Global { config: Some("/nowhere/config.toml".into()), ..Global::default() };
    let error = Settings::load(&global, &Environment::of(&[])).expect_err("there is no file");
    assert!(error.to_string().contains("/nowhere/config.toml"), "{error}");
}
