//! The arguments of a container run, for both engines, and what is rejected before anything starts.

use std::ffi::OsStr;

use connection_agent::{
    Sandbox, SandboxAccess, SandboxEngine, SandboxError, SandboxNetwork, SandboxPolicy, SandboxRun,
};
use connection_contract::{Kind, MountMode};
use connection_core::{NewProfile, SpawnOptions};

use crate::tool::{PLAIN, SHARED, STRICT, TOOL, Tools, tool};

fn start() -> SpawnOptions {
    let options = SpawnOptions::new("/usr/local/lib/tool/bin/tool").arg("/usr/bin/env").arg("--flag=/a b");
    options.env("TOOL_TOKEN", "canary-token").env("TOOL_TELEMETRY", "on").env("PATH", "/host/bin")
}

fn compose(it: &Tools, policy: &SandboxPolicy, options: &SpawnOptions) -> Result<SandboxRun, SandboxError> {
    Sandbox::new(&it.registry, &TOOL).unwrap().compose(policy, options).map(as_nobody)
}

/// Removes the user, which depends on who runs the tests.
fn as_nobody(mut run: SandboxRun) -> SandboxRun {
    run.user = None;
    run
}

/// Returns the arguments, with the home of the test as `HOME`.
fn argv(it: &Tools, run: &SandboxRun) -> String {
    let home = it.path("").to_str().unwrap().trim_end_matches('/').to_owned();
    let line = run.argv().iter().map(|arg| format!("{:?} ", arg.to_str().unwrap())).collect::<String>();
    line.replace(&home, "HOME").replace('"', "").trim_end().to_owned()
}

/// R-JACK-062 to R-JACK-065
#[tokio::test]
async fn a_run_is_bounded_whatever_the_kind_says() {
    let it = Tools::new().await;
    it.write(".tool/settings.json", "{}");
    let bounds = "--cap-drop ALL --security-opt no-new-privileges --memory 4294967296b --memory-swap 4294967296b \
                  --pids-limit 512";
    let rest = "--volume HOME/.tool:/config/.tool:ro --env TOOL_TOKEN --env TOOL_TELEMETRY=off --entrypoint  \
                localhost/connections/tool:1 tool /usr/bin/env --flag=/a b";
    for (engine, program, own, user) in [
        (SandboxEngine::Docker, "docker", "--init ", "--user 1001:1002 "),
        (SandboxEngine::Podman, "podman", "--http-proxy=false ", "--userns=keep-id --user 1001:1002 "),
    ] {
        let mut run = compose(&it, &SandboxPolicy::new().engine(engine), &start()).unwrap();
        assert_eq!(argv(&it, &run), format!("{program} run --rm --interactive {own}{bounds} {rest}"));
        run.user = Some((1001, 1002));
        assert_eq!(argv(&it, &run), format!("{program} run --rm --interactive {own}{user}{bounds} {rest}"));
        // Any other user could read no file of root, and Podman does not keep the ids of root.
        run.user = Some((0, 0));
        assert_eq!(argv(&it, &run), format!("{program} run --rm --interactive {own}--user 0:0 {bounds} {rest}"));
        let as_whom = Sandbox::new(&it.registry, &TOOL).unwrap().compose(&SandboxPolicy::new(), &start()).unwrap().user;
        assert_eq!(as_whom.is_some(), cfg!(unix), "whoever runs this, root too");
        assert_eq!(run.left_out.len(), 3, "{:?}", run.left_out);
        for (left_out, what) in run.left_out.iter().zip(["/config/.toolrc: ", "PATH: ", "TOOL_TELEMETRY: "]) {
            assert!(left_out.starts_with(what), "{left_out}");
        }
        for secret in [format!("{run:?}"), format!("{:?}", run.argv())] {
            assert!(!secret.contains("canary"), "{secret}");
        }
        assert_eq!(run.env["TOOL_TOKEN"], "canary-token", "the engine hands it on");
    }
}

#[tokio::test]
async fn the_host_says_what_is_shared_and_how_much_there_is() {
    let it = Tools::new().await;
    let project = it.write("project/src/main", "").parent().unwrap().parent().unwrap().to_owned();
    let policy = SandboxPolicy::new()
        .memory(1 << 20)
        .pids(7)
        .millicpus(1500)
        .network(SandboxNetwork::None)
        .project(&project, "/project", SandboxAccess::Writable)
        .shared_directory(project.join("src"), "/src", SandboxAccess::ReadOnly)
        .shared_volume("cache", "/cache", SandboxAccess::Writable)
        .image(Some("localhost:5000/mine:2".into()))
        .engine_option("--log-level=error")
        .terminal();
    let run = compose(&it, &policy, &SpawnOptions::new("tool").cwd(project.join("src"))).unwrap();
    assert_eq!(
        argv(&it, &run),
        "podman --log-level=error run --rm --interactive --http-proxy=false --tty --cap-drop ALL --security-opt no-new-privileges \
         --memory 1048576b --memory-swap 1048576b --pids-limit 7 --cpus 1.500 --network none \
         --volume HOME/project:/project --volume HOME/project/src:/src:ro --volume cache:/cache --workdir /project/src \
         --env TOOL_TELEMETRY=off --entrypoint  localhost:5000/mine:2 tool"
    );
    let named = SandboxPolicy::new().network(SandboxNetwork::Named("inner".into()));
    assert!(argv(&it, &compose(&it, &named, &start()).unwrap()).contains(" --network inner "));
    assert!(run.argv().iter().all(|arg| arg != "--privileged"));
}

/// R-JACK-067
#[tokio::test]
async fn the_directory_of_the_profile_is_mounted_and_the_variable_names_its_place_in_the_container() {
    let it = Tools::new().await;
    it.write("work/settings.json", "{}");
    it.write(".tool/settings.json", "{}");
    let work = it.profiles().create(NewProfile::new("work", it.path("work"))).await.unwrap();
    let mut options = start();
    it.profiles().apply_profile(&mut options, work.id).await.unwrap();
    let run = compose(&it, &SandboxPolicy::new(), &options).unwrap();
    let line = argv(&it, &run);
    assert!(line.contains(" --volume HOME/work:/config/.tool:ro ") && !line.contains("HOME/.tool:"), "{line}");
    assert_eq!((&run.env["TOOL_HOME"], &run.env["TOOL_PARENT"]), (&"/config/.tool".into(), &"/config".into()));
    assert!(line.ends_with(" tool --isolated /usr/bin/env --flag=/a b"), "{line}");
    // The same holds for the tool's own directory if there is no file next to it: it is mounted at the path that the
    // kind declares.
    let own = it.profiles().default_profile().await.unwrap();
    let mut by_itself = start();
    it.profiles().apply_profile(&mut by_itself, own.id).await.unwrap();
    assert!(!by_itself.env.contains_key(OsStr::new("TOOL_HOME")));
    let run = compose(&it, &SandboxPolicy::new(), &by_itself).unwrap();
    assert_eq!((&run.env["TOOL_HOME"], &run.args[0]), (&"/config/.tool".into(), &"--isolated".into()));
    std::fs::remove_dir_all(it.path("work")).unwrap();
    let error = compose(&it, &SandboxPolicy::new(), &options).unwrap_err();
    assert!(matches!(error, SandboxError::NoDirectory { .. }), "{error}");
    assert_eq!((error.code(), error.remedy().unwrap().contains("token")), ("invalid_sandbox", true));
}

/// R-JACK-067: the tool gets the variable with its directory, or the kind is not registered.
#[tokio::test]
async fn a_variable_of_a_profile_is_in_the_container_whatever_it_is_called() {
    let it = Tools::new().await;
    let moved = Kind::from_static("moved");
    it.registry.kinds().register(tool(moved.clone())).unwrap();
    it.write("work/settings.json", "{}");
    let profiles = it.registry.profiles(&moved).unwrap();
    let work = profiles.create(NewProfile::new("work", it.path("work"))).await.unwrap();
    let mut options = SpawnOptions::new("tool");
    profiles.apply_profile(&mut options, work.id).await.unwrap();
    let run = Sandbox::new(&it.registry, &moved).unwrap().compose(&SandboxPolicy::new(), &options).unwrap();
    let line = argv(&it, &run);
    // The engine itself reads a variable of that name, so it is not in the engine's environment.
    assert!(line.contains(" --env TOOL_HOME ") && line.contains(" --env XDG_CONFIG_HOME=/config "), "{line}");
    assert!(!run.env.contains_key("XDG_CONFIG_HOME") && run.env["TOOL_HOME"] == "/config/.tool");
    assert!(run.left_out.iter().all(|left_out| left_out.starts_with("/config/.toolrc")), "{:?}", run.left_out);
    let error = it.registry.kinds().register(tool(Kind::from_static("fixed"))).unwrap_err();
    assert!(error.to_string().contains("'XDG_CONFIG_HOME' cannot be passed to the container"), "{error}");
}

/// R-JACK-062
#[tokio::test]
async fn a_path_of_the_user_is_where_it_is_when_the_run_is_composed() {
    let it = Tools::new().await;
    it.write(".tool/settings.json", "{}");
    let sandbox = Sandbox::new(&it.registry, &TOOL).unwrap();
    it.write("elsewhere/.tool/settings.json", "{}");
    it.home.moves(Some(it.path("elsewhere")));
    let run = sandbox.compose(&SandboxPolicy::new(), &start()).unwrap();
    assert_eq!(run.mounts[0].source, it.path("elsewhere/.tool"));
    it.home.moves(None);
    assert!(sandbox.compose(&SandboxPolicy::new(), &start()).unwrap().mounts.is_empty());
}

#[tokio::test]
async fn a_name_that_would_end_a_mount_is_written_otherwise_or_refused() {
    let it = Tools::new().await;
    for (name, written) in [
        ("a:b", "--mount type=bind,source=HOME/a:b,target=/work"),
        ("a,b", "--volume HOME/a,b:/work"),
        ("a b", "--volume HOME/a b:/work"),
    ] {
        std::fs::create_dir_all(it.path(name)).unwrap();
        let policy = SandboxPolicy::new().project(it.path(name), "/work", SandboxAccess::Writable);
        let line = argv(&it, &compose(&it, &policy, &start()).unwrap());
        assert!(line.contains(written), "{line}");
    }
    for name in ["a:b,c", "a:\"", "a\nb"] {
        std::fs::create_dir_all(it.path(name)).unwrap();
        let policy = SandboxPolicy::new().project(it.path(name), "/work", SandboxAccess::Writable);
        assert!(matches!(compose(&it, &policy, &start()).unwrap_err(), SandboxError::Mount { .. }), "{name}");
    }
}

#[tokio::test]
async fn a_directory_that_the_host_protects_is_mounted_in_no_container() {
    let it = Tools::new().await;
    let host = it.world.directory.path();
    std::fs::create_dir_all(it.path("project")).unwrap();
    std::fs::create_dir_all(host.join("key/below")).unwrap();
    let shared = |path: std::path::PathBuf| SandboxPolicy::new().project(path, "/work", SandboxAccess::Writable);
    // The key's directory, one inside it, and one that contains it.
    for protected in [host.join("key"), host.join("key/below"), host.to_owned()] {
        let refused = compose(&it, &shared(protected.clone()), &start()).unwrap_err();
        let SandboxError::Mount { problem, .. } = &refused else { panic!("{refused:?}") };
        assert!(problem.contains("a directory that this host protects"), "{protected:?}: {problem}");
    }
    assert!(compose(&it, &shared(it.path("project")), &start()).is_ok(), "the control");
}

/// R-JACK-060, R-JACK-066
#[tokio::test]
async fn what_cannot_be_bounded_is_refused_before_anything_starts() {
    let it = Tools::new().await;
    let error = Sandbox::new(&it.registry, &PLAIN).unwrap_err();
    assert_eq!(error.to_string(), "kind 'plain' has no container: its plugin names no image for its tool");
    assert_eq!((error.code(), error.remedy().is_some()), ("not_supported", true));
    let new = SandboxPolicy::new;
    let home = it.path("");
    std::fs::create_dir_all(&home).unwrap();
    for policy in [
        new().image(Some("untagged".into())),
        new().image(Some("--privileged:1".into())),
        new().network(SandboxNetwork::Named("host".into())),
        new().network(SandboxNetwork::Named("container:other".into())),
        new().project("relative", "/work", SandboxAccess::Writable),
        new().project(it.path("gone"), "/work", SandboxAccess::Writable),
        new().project(&home, "work", SandboxAccess::Writable),
        new().project(&home, "/", SandboxAccess::Writable),
        new().project(&home, "/a/../b", SandboxAccess::Writable),
        new().project(&home, "/work:rw,z", SandboxAccess::Writable),
        new().shared_volume("a:b", "/work", SandboxAccess::Writable),
        new().shared_volume("/etc", "/work", SandboxAccess::Writable),
    ] {
        let error = compose(&it, &policy, &start()).unwrap_err();
        assert_eq!((error.code(), error.remedy().is_some()), ("invalid_sandbox", true), "{error}");
    }
    for (name, value) in [("A B", ""), ("", ""), ("1A", ""), ("A=B", ""), ("A", "a\0b")] {
        let error = compose(&it, &new(), &start().env(name, value)).unwrap_err();
        assert!(matches!(error, SandboxError::Variable { .. }), "{error}");
    }
}

/// A file next to the tool's own directory belongs to the login in that directory.
#[tokio::test]
async fn with_a_profile_elsewhere_nothing_of_the_tools_own_directory_is_mounted() {
    let it = Tools::new().await;
    for file in [".tool/settings.json", ".toolbeside", "work/.tool/settings.json"] {
        it.write(file, "{}");
    }
    let sandbox = Sandbox::new(&it.registry, &STRICT).unwrap();
    let profiles = it.registry.profiles(&STRICT).unwrap();
    let own = profiles.default_profile().await.unwrap();
    let work = profiles.create(NewProfile::new("work", it.path("work/.tool"))).await.unwrap();
    let mut options = SpawnOptions::new("tool");
    for (profile, is_mounted) in [(None, true), (Some(own.id), true), (Some(work.id), false)] {
        if let Some(profile) = profile {
            profiles.apply_profile(&mut options, profile).await.unwrap();
        }
        let run = sandbox.compose(&SandboxPolicy::new(), &options).unwrap();
        assert_eq!(run.mounts.iter().any(|mount| mount.source == it.path(".toolbeside")), is_mounted);
        assert_eq!(run.left_out.iter().any(|why| why.starts_with("/config/.toolbeside: ")), !is_mounted);
        // The tool finds that file only if no variable names the directory.
        let names = ["TOOL_HOME", "TOOL_PARENT", "TOOL_ISOLATED"];
        assert!(names.iter().all(|name| run.env.contains_key(*name) != is_mounted), "{run:?}");
        assert_eq!(run.args.contains(&"--isolated".into()), !is_mounted);
    }
    // In the container of another tool it would have no effect.
    let error = compose(&it, &SandboxPolicy::new(), &options).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a profile of kind 'strict' is applied to the command in the container of kind \
                                   'tool'"
    );
    assert_eq!((error.code(), error.remedy().is_some()), ("invalid_sandbox", true));
}

/// The process has one home, and a login in it belongs to one owner.
#[tokio::test]
async fn another_owner_has_its_own_profile_in_the_container_or_nothing_starts() {
    let it = Tools::new().await;
    for file in [".tool/settings.json", ".toolrc", ".toolbeside", "u42/.tool/settings.json"] {
        it.write(file, "{}");
    }
    let others = it.registry.owner("u42").unwrap();
    for kind in [TOOL, STRICT] {
        let sandbox = Sandbox::new(&others, &kind).unwrap();
        let profiles = others.profiles(&kind).unwrap();
        for engine in [SandboxEngine::Docker, SandboxEngine::Podman] {
            let policy = SandboxPolicy::new().engine(engine);
            let error = sandbox.compose(&policy, &start()).unwrap_err();
            assert_eq!(error, SandboxError::NoProfile { kind: kind.clone() });
            let remedy = error.remedy().unwrap();
            assert!(error.code() == "no_home" && remedy.starts_with("create a profile"), "{remedy}");
        }
        let own = profiles.create(NewProfile::new("own", it.path("u42/.tool"))).await.unwrap();
        assert!(matches!(
            sandbox.compose(&SandboxPolicy::new(), &start()).unwrap_err(),
            SandboxError::NoProfile { .. }
        ));
        let mut options = start();
        profiles.apply_profile(&mut options, own.id).await.unwrap();
        for engine in [SandboxEngine::Docker, SandboxEngine::Podman] {
            let run = sandbox.compose(&SandboxPolicy::new().engine(engine), &options).unwrap();
            assert!(run.mounts.iter().map(|mount| &mount.source).eq([&it.path("u42/.tool")]), "{}", argv(&it, &run));
            let why = "/config/.toolrc: it belongs to the user who runs this program and to no other owner";
            assert!(run.left_out.iter().any(|left_out| left_out == why), "{:?}", run.left_out);
        }
        // The owner for whom the registry was opened does not get theirs either.
        let error = Sandbox::new(&it.registry, &kind).unwrap().compose(&SandboxPolicy::new(), &options).unwrap_err();
        assert_eq!((error.code(), error), ("invalid_sandbox", SandboxError::OtherOwner { kind: kind.clone() }));
        let mut options = start();
        let first = it.registry.profiles(&kind).unwrap().default_profile().await.unwrap();
        it.registry.profiles(&kind).unwrap().apply_profile(&mut options, first.id).await.unwrap();
        assert!(matches!(
            sandbox.compose(&SandboxPolicy::new(), &options).unwrap_err(),
            SandboxError::OtherOwner { .. }
        ));
    }
}

#[tokio::test]
async fn a_container_without_a_place_for_a_profile_has_nothing_of_the_user_for_another_owner() {
    let it = Tools::new().await;
    it.write(".toolrc", "the user's");
    let composed = |owner: &str| {
        let registry = it.registry.owner(owner).unwrap();
        Sandbox::new(&registry, &SHARED).unwrap().compose(&SandboxPolicy::new(), &SpawnOptions::new("tool")).unwrap()
    };
    let own = composed("local");
    let others = composed("u42");
    assert_eq!((own.mounts.len(), own.left_out.len()), (1, 0));
    assert_eq!((others.mounts.len(), others.left_out.len()), (0, 1), "{:?}", others.left_out);
}

#[tokio::test]
async fn a_later_mount_replaces_an_earlier_one_at_the_same_target() {
    let it = Tools::new().await;
    let own = it.write(".tool/settings.json", "{}").parent().unwrap().to_owned();
    let [one, two] = ["one", "two"].map(|name| it.write(&format!("{name}/file"), "").parent().unwrap().to_owned());
    let policy = SandboxPolicy::new()
        .shared_directory(&one, "/config/.tool", SandboxAccess::Writable)
        .shared_directory(&one, "/work", SandboxAccess::ReadOnly)
        .shared_directory(&two, "/work", SandboxAccess::ReadOnly);
    let run = compose(&it, &policy, &start()).unwrap();
    let mounts: Vec<_> = run.mounts.iter().map(|mount| (mount.target.as_str(), mount.source.clone())).collect();
    assert_eq!(mounts, [("/work", two), ("/config/.tool", own)]);
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_neither_a_file_nor_a_directory_is_not_mounted() {
    let it = Tools::new().await;
    std::fs::create_dir_all(it.path("")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(it.path(".toolrc")).unwrap();
    let error = compose(&it, &SandboxPolicy::new(), &start()).unwrap_err();
    assert!(error.to_string().ends_with("cannot be mounted: it is neither a file nor a directory"), "{error}");
}

#[tokio::test]
async fn what_the_engine_and_the_host_go_by_is_not_taken_from_the_start() {
    let it = Tools::new().await;
    let names = [
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HTTPS_PROXY",
        "https_proxy",
        "REGISTRY_AUTH_FILE",
        "GODEBUG",
        "SSH_AUTH_SOCK",
    ];
    let options = names.iter().fold(SpawnOptions::new("tool"), |options, name| options.env(*name, "canary"));
    let run = compose(&it, &SandboxPolicy::new(), &options).unwrap();
    assert!(run.env.is_empty(), "{:?}", run.env.keys());
    assert!(names.iter().all(|name| run.left_out.contains(&format!("{name}: it belongs to the host"))));
}

/// Other users could replace a copy.
#[cfg(unix)]
#[tokio::test]
async fn copies_are_made_in_a_directory_of_our_own_or_not_at_all() {
    use std::os::unix::fs::PermissionsExt as _;
    let it = Tools::new().await;
    it.write(".toolrc", "the user's");
    let open = it.write("open/x", "").parent().unwrap().to_owned();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o770)).unwrap();
    let link = it.path("link");
    std::os::unix::fs::symlink(it.write("private/x", "").parent().unwrap(), &link).unwrap();
    for (scratch, why) in [
        ("relative".into(), "is not an absolute path"),
        (open, "is open to other users"),
        (link, "is not itself a directory"),
        (it.path("a:b,c"), "its name has a colon"),
    ] {
        let run = compose(&it, &SandboxPolicy::new().scratch(scratch), &start()).unwrap();
        let error = run.prepare().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_copy_is_private_goes_with_the_run_and_what_a_crash_left_goes_with_the_next() {
    let it = Tools::new().await;
    let own = it.write(".toolrc/a/b", "the user's");
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", it.path(".toolrc/link")).unwrap();
    let scratch = it.path("scratch");
    let policy = SandboxPolicy::new().scratch(&scratch);
    // The copy of a process that was killed: no process holds its lock.
    it.write("scratch/run-dead/0/x", "left");
    it.write("scratch/run-dead.lock", "");
    #[cfg(unix)]
    std::fs::set_permissions(&scratch, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let prepared = compose(&it, &policy, &start()).unwrap().prepare().unwrap();
    assert!(!it.path("scratch/run-dead").exists() && !it.path("scratch/run-dead.lock").exists());
    let mount = &prepared.run().mounts[0];
    assert_eq!((mount.mode, &*mount.target), (MountMode::Copied, "/config/.toolrc"));
    assert!(mount.source.starts_with(&scratch));
    assert_eq!(std::fs::read_to_string(mount.source.join("a/b")).unwrap(), "the user's");
    let line = argv(&it, prepared.run());
    assert!(line.contains("/.toolrc:/config/.toolrc "), "{line}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let copy = mount.source.ancestors().nth(2).unwrap();
        assert_eq!(std::fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(std::fs::symlink_metadata(mount.source.join("link")).unwrap().is_symlink());
    }
    std::fs::write(mount.source.join("a/b"), "the tool's").unwrap();
    // A concurrent run leaves it alone.
    let beside = compose(&it, &policy, &start()).unwrap().prepare().unwrap();
    assert!(prepared.run().mounts[0].source.exists());
    let copies = [prepared.run().mounts[0].source.clone(), beside.run().mounts[0].source.clone()];
    drop((prepared, beside));
    assert!(copies.iter().all(|copy| !copy.exists()));
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 1, "the lock of the whole");
    assert_eq!(std::fs::read_to_string(own).unwrap(), "the user's");
    let error = compose(&it, &SandboxPolicy::new(), &start()).unwrap().prepare().unwrap_err();
    assert!(matches!(error, SandboxError::Copy { .. }), "{error}");
}
