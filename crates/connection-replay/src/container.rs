//! The rules for the profiles and containers of local tools: for what a kind declares, and for what a user adds to a
//! container. Each check returns the problem as the rest of a sentence about the value.

use alloc::{borrow::ToOwned, collections::BTreeMap, format, string::String};

use connection_contract::{DisplayText, EnvValue, PathBase, PathSpec, ProfileSpec, SandboxSpec};

const MAX_IMAGE_LENGTH: usize = 255;
const MAX_TAG_LENGTH: usize = 128;

/// Checks that an image has a valid name with a tag or a digest.
///
/// # Errors
///
/// The problem: `has no tag, so it does not name a single version`.
pub fn check_image(image: &str) -> Result<(), &'static str> {
    const NOT_A_NAME: &str = "is not a valid name of an image";
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@');
    // A name that begins with a hyphen would be an option.
    let is_plain = image.starts_with(|c: char| c.is_ascii_alphanumeric()) && image.chars().all(plain);
    if !is_plain || image.len() > MAX_IMAGE_LENGTH {
        return Err(NOT_A_NAME);
    }
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    if let Some(digest) = digest {
        let hex = digest.strip_prefix("sha256:").unwrap_or_default();
        return match hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => Ok(()),
            false => Err("has a malformed digest"),
        };
    }
    // A colon before the last part belongs to a port.
    let last = name.rsplit('/').next().unwrap_or_default();
    let Some((path, tag)) = last.split_once(':') else {
        return Err("has no tag, so it does not name a single version");
    };
    let is_tag = !tag.is_empty() && tag.len() <= MAX_TAG_LENGTH && !tag.starts_with(['.', '-']) && !tag.contains(':');
    if path.is_empty() || name.contains("//") || !is_tag {
        return Err(NOT_A_NAME);
    }
    Ok(())
}

/// Checks that a path can be a mount target in a container.
///
/// # Errors
///
/// The problem: `a path in a container must be absolute and plain, as in /work`.
pub fn check_container_path(path: &str) -> Result<(), &'static str> {
    let odd = |c: char| c.is_control() || matches!(c, ':' | ',' | '"');
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    let parts = path.strip_prefix('/');
    match !path.contains(odd) && parts.is_some_and(|parts| parts.split('/').all(plain)) {
        true => Ok(()),
        false => Err("a path in a container must be absolute and plain, as in /work"),
    }
}

/// Checks that a path names a subdirectory of a configuration.
///
/// # Errors
///
/// The problem: `a subdirectory of a configuration must be a relative path without '..', as in projects`.
pub fn check_subdirectory(path: &str) -> Result<(), &'static str> {
    let is_plain = !path.is_empty()
        && !path.chars().any(|c| c.is_control() || matches!(c, ',' | '"'))
        && PathSpec::new(PathBase::Home, path.to_owned()).is_some();
    match is_plain {
        true => Ok(()),
        false => Err("a subdirectory of a configuration must be a relative path without '..', as in projects"),
    }
}

/// Checks that a variable can be passed to a container.
///
/// # Errors
///
/// The problem: `its value has a zero byte`.
pub fn check_variable(name: &str, value: &str) -> Result<(), &'static str> {
    if !is_variable(name) {
        return Err("its name is not one of letters, digits and underscores");
    }
    if value.contains('\0') {
        return Err("its value has a zero byte");
    }
    Ok(())
}

/// Checks what a plugin declares for the profiles and the container of its tool, and returns the problem as an error.
pub(crate) fn check(profiles: Option<&ProfileSpec>, sandbox: Option<&SandboxSpec>) -> Result<(), String> {
    if let Some(profiles) = profiles {
        check_profiles(profiles)?;
    }
    sandbox.map_or(Ok(()), |sandbox| check_sandbox(sandbox, profiles))
}

fn check_profiles(spec: &ProfileSpec) -> Result<(), String> {
    let mut names = core::iter::once(&spec.env_var).chain(spec.extra_env.iter().map(|(name, _)| name));
    if let Some(name) = names.find(|name| !is_variable(name)) {
        return Err(format!("'{}', the variable of its profiles, is not a valid name of a variable", shown(name)));
    }
    match &spec.dir_name {
        Some(name) if matches!(&**name, "" | "." | "..") || name.contains(['/', '\\', '\0']) => {
            Err(format!("'{}', the name of its profiles' directory, is not a single name", shown(name)))
        }
        _ => Ok(()),
    }
}

fn check_sandbox(spec: &SandboxSpec, profiles: Option<&ProfileSpec>) -> Result<(), String> {
    let image = &spec.default_image;
    check_image(image).map_err(|problem| format!("the image '{}' {problem}", shown(image)))?;
    let mut variables = BTreeMap::new();
    for (name, value) in &spec.env {
        check_variable(name, value).map_err(|problem| not_passed(name, problem))?;
        variables.insert(&**name, &**value);
    }
    let mut marked = 0;
    for mount in &spec.config_mounts {
        check_container_path(&mount.container).map_err(|problem| not_mounted(&mount.container, problem))?;
        // The fields are public, so they may have changed since the constructor checked them.
        if PathSpec::new(mount.host.base.clone(), mount.host.relative.clone()).is_none() {
            let relative = &mount.host.relative;
            return Err(format!("the path '{relative}' of its container is not relative and plain"));
        }
        for name in &mount.keeps {
            check_subdirectory(name).map_err(|problem| not_mounted(name, problem))?;
        }
        marked += usize::from(mount.is_profile);
        if let Some(profiles) = profiles.filter(|_| mount.is_profile) {
            check_variables_of_profile(profiles, &mount.container, &variables)?;
        }
    }
    match marked {
        0 => Ok(()),
        1 if profiles.is_some() => Ok(()),
        1 => Err("its container has a place for a profile, but it has no profiles".to_owned()),
        _ => Err("its container has more than one place for a profile".to_owned()),
    }
}

/// Checks that the variables of a profile can be passed to the container, and that the kind sets none of them to
/// another value.
fn check_variables_of_profile(
    profiles: &ProfileSpec,
    directory: &str,
    of_kind: &BTreeMap<&str, &str>,
) -> Result<(), String> {
    // The directory is an absolute path, as `check_container_path` has found.
    let parent = directory.rsplit_once('/').map(|(parent, _)| parent).filter(|parent| !parent.is_empty());
    let more = profiles.extra_env.iter().filter_map(|(name, value)| match value {
        EnvValue::Directory => Some((&**name, directory)),
        EnvValue::Parent => Some((&**name, parent.unwrap_or("/"))),
        EnvValue::Text(text) => Some((&**name, &**text)),
        _ => None,
    });
    for (name, value) in core::iter::once((&*profiles.env_var, directory)).chain(more) {
        check_variable(name, value).map_err(|problem| not_passed(name, problem))?;
        if of_kind.get(name).is_some_and(|of_kind| *of_kind != value) {
            return Err(not_passed(name, "the kind gives it another value there than the profile"));
        }
    }
    Ok(())
}

fn is_variable(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(plain)
}

fn not_mounted(path: &str, problem: &str) -> String {
    format!("'{}' cannot be mounted: {problem}", shown(path))
}

fn not_passed(name: &str, problem: &str) -> String {
    format!("the variable '{}' cannot be passed to the container: {problem}", shown(name))
}

fn shown(text: &str) -> DisplayText {
    DisplayText::from(text.to_owned())
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::check_image;

    #[test]
    fn an_image_is_named_with_its_tag_or_digest_and_is_no_option() {
        let digest = format!("tool@sha256:{}", "a".repeat(64));
        for good in ["tool:1", "localhost/connections/claude:1", "localhost:5000/a/b:1.2.3-rc_1", &digest] {
            assert_eq!(check_image(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "tool",
            "localhost:5000/tool",
            "tool:",
            "--privileged:1",
            "a b:1",
            "a//b:1",
            "tool:1:2",
            "tool:-x",
            ":1",
            "tool@sha256:abc",
            "tool:1\n",
        ] {
            assert!(check_image(bad).is_err(), "{bad}");
        }
    }
}
