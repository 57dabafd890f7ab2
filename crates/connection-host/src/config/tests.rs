//! The layers, one by one and together.

use super::*;

fn load(file: &str, variables: &[(&str, &str)], global: Global) -> Result<Settings, Error> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    std::fs::write(&path, file).unwrap();
    Settings::load(&Global { config: Some(path), ..global }, &Environment::of(variables))
}

#[track_caller]
fn refused(file: &str, variables: &[(&str, &str)], global: Global, expected: &[&str]) {
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
    for key in KEYS {
        let (toml, text) = match key.value {
            KeyType::Address => ("\"127.0.0.1:1\"", "127.0.0.1:1"),
            KeyType::CacheTtl => ("\"off\"", "off"),
            KeyType::Count | KeyType::Interval | KeyType::Mebibytes => ("64", "64"),
            KeyType::Engine => ("\"docker\"", "docker"),
            KeyType::Volumes => ("{ cache = \"/cache:ro\" }", "{\"./a\":\"/a\"}"),
            KeyType::Directories => ("[\"/a\"]", "[\"/a\"]"),
            KeyType::Command => ("[\"a\", \"-b\"]", "[\"a\", \"-b\"]"),
            KeyType::KeySource => ("\"command\"", "command"),
            KeyType::Level => ("\"info\"", "info"),
            KeyType::Origins => {
                ("{ \"https://a.test\" = \"http://b.test\" }", "{\"https://a.test\":\"http://b.test\"}")
            }
            KeyType::Path => ("\"/a\"", "/a"),
            KeyType::Port => ("8400", "8400"),
            KeyType::PrivateAddresses => ("\"never\"", "never"),
            KeyType::Processors => ("1.5", "1.5"),
            KeyType::PublicUrl => ("\"https://a.test\"", "https://a.test"),
            KeyType::Secret => ("\"s\"", "s"),
            KeyType::Seconds => ("3", "3"),
            KeyType::Text => ("\"u42\"", "u42"),
            KeyType::Url => ("\"sqlite:///a\"", "sqlite:///a"),
            KeyType::Variable => ("\"APP_KEY\"", "APP_KEY"),
        };
        load(&format!("{} = {toml}", key.name), &[], Global::default()).unwrap();
        load("", &[(&key.variable(), text)], Global::default()).unwrap();
    }
}

#[test]
fn unknown_keys_are_refused_by_name_with_the_known_ones() {
    refused("datadir = \"/a\"", &[], Global::default(), &["'datadir'", "data_dir"]);
    refused("[http]\nendpoint = 1", &[], Global::default(), &["'http.endpoint'", "http.endpoints"]);
    refused("[server]\nport = 1", &[], Global::default(), &["'server'"]);
    let variable = [("CONNECTIONS_DATADIR", "hunter2")];
    refused("", &variable, Global::default(), &["CONNECTIONS_DATADIR", "CONNECTIONS_DATA_DIR"]);
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
fn what_belongs_to_this_machine_is_beside_its_key_unless_it_is_said() {
    let environment = [("CONNECTIONS_DATA_DIR", "/data")];
    assert_eq!(load("", &environment, Global::default()).unwrap().state_directory(), Path::new("/data/state"));
    let said = load("state_dir = \"/said\"", &environment, Global::default()).unwrap();
    assert_eq!(said.state_directory(), Path::new("/said"));
}

#[test]
fn what_is_said_of_containers_and_usage_has_its_bounds() {
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
        // What is taken is what is done.
        let settings = load("", &[("CONNECTIONS_USAGE__INTERVAL", seconds)], Global::default()).unwrap();
        let bounds = settings.usage.bounds();
        let all = [bounds.shortest, bounds.longest, bounds.default].map(|bound| bound.as_secs().to_string());
        assert_eq!(all, [seconds; 3], "whatever a kind recommends");
    }
    let variables = [("CONNECTIONS_SANDBOX__IMAGE__MY_KIND", "a:1"), ("CONNECTIONS_USAGE__CACHE_TTL__MY_KIND", "7")];
    let settings = load("", &variables, Global::default()).unwrap();
    let kinds = [connection_contract::Kind::from_static("claude")];
    let error = check_tools(&settings.sandbox, &settings.usage, kinds.iter()).unwrap_err();
    assert!(error.to_string().contains("sandbox.image.my-kind: there is no kind"), "{error}");
}

#[test]
fn variables_of_tests_are_not_ours() {
    load("", &[("CONNECTIONS_TEST_SEED", "1")], Global::default()).unwrap();
}

#[test]
fn a_database_with_a_password_is_refused_as_an_argument_and_taken_from_elsewhere() {
    let expected = ["CONNECTIONS_DATABASE_URL", "configuration file", "PGPASSFILE"];
    for url in
        ["postgres://me:hunter2@db/x", "postgres://db/x?password=hunter2", "postgres://db/x?a=b&PASSWORD=hunter2"]
    {
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
fn paths_in_the_file_are_relative_to_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    std::fs::write(&path, "files.allow = [\"notes\"]\ndata_dir = \"data\"").unwrap();
    let settings = Settings::load(&Global { config: Some(path), ..Global::default() }, &Environment::of(&[])).unwrap();
    assert_eq!(settings.files, [directory.path().join("notes")]);
    assert_eq!(settings.data_directory, directory.path().join("data"));
}

#[test]
fn a_named_file_that_is_not_there_is_refused() {
    let global = Global { config: Some("/nowhere/config.toml".into()), ..Global::default() };
    let error = Settings::load(&global, &Environment::of(&[])).expect_err("there is no file");
    assert!(error.to_string().contains("/nowhere/config.toml"), "{error}");
}
