//! Building an image: the arguments of the engine, its input, and an environment without anything of this process.

use std::{fs, os::unix::fs::PermissionsExt as _};

use connection_agent::{Sandbox, SandboxError, SandboxPolicy};

use crate::tool::{TOOL, Tools};

/// Records what it was started with.
const ENGINE: &str = "#!/bin/sh\ncd \"$(/usr/bin/dirname \"$0\")\"\n/usr/bin/env > env\necho \"$@\" > args\n\
                      /bin/cat > input\nexit \"${CODE:-0}\"\n";

#[tokio::test]
async fn an_engine_that_builds_has_the_variables_that_it_is_given_and_no_others() {
    let it = Tools::new().await;
    let engine = it.write("bin/podman", ENGINE);
    fs::set_permissions(&engine, fs::Permissions::from_mode(0o755)).unwrap();
    let bin = it.path("bin").into_os_string().into_string().unwrap();
    let said = |name: &str| fs::read_to_string(it.path("bin").join(name)).unwrap();
    let sandbox = Sandbox::new(&it.registry, &TOOL).unwrap();
    let policy = SandboxPolicy::new().engine_option("--log-level=error");
    let given = [("PATH", &*bin), ("GIVEN", "one")];
    let image = sandbox.build_text(&policy, "FROM scratch\n", given).unwrap();
    assert_eq!(said("args"), format!("--log-level=error build --tag {image} -\n"));
    assert_eq!(said("input"), "FROM scratch\n");
    // Apart from it, there are only variables that a shell sets by itself.
    let names: Vec<_> = said("env").lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
    assert!(names.contains(&"GIVEN".to_owned()), "{names:?}");
    let known = ["PATH", "GIVEN", "PWD", "OLDPWD", "SHLVL", "_"];
    assert!(names.iter().all(|name| known.contains(&&**name)), "{names:?}");
    sandbox.build(&policy, &it.path("image"), given).unwrap();
    let directory = it.path("image").display().to_string();
    assert_eq!(
        said("args"),
        format!("--log-level=error build --tag {image} --file {directory}/Containerfile {directory}\n")
    );
    assert_eq!(said("input"), "");
    let error = sandbox.build_text(&policy, "FROM scratch\n", [("PATH", &*bin), ("CODE", "3")]).unwrap_err();
    assert!(matches!(error, SandboxError::Engine { .. }), "{error}");
}
