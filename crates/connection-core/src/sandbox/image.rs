//! Checks the name of an image, with its tag or digest.

use crate::SandboxError;

const MAX_LENGTH: usize = 255;
const MAX_TAG_LENGTH: usize = 128;

/// Checks that an image has a valid name with a tag or a digest.
pub(super) fn check(image: &str) -> Result<(), SandboxError> {
    let wrong = |problem| {
        let image = connection_contract::DisplayText::from(image.to_owned()).to_string();
        Err(SandboxError::Image { image, problem })
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@');
    // A name that begins with a hyphen would be an option.
    if !image.starts_with(|c: char| c.is_ascii_alphanumeric()) || !image.chars().all(plain) || image.len() > MAX_LENGTH
    {
        return wrong("is not a valid name of an image");
    }
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    if let Some(digest) = digest {
        let hex = digest.strip_prefix("sha256:").unwrap_or_default();
        return match hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => Ok(()),
            false => wrong("has a malformed digest"),
        };
    }
    // A colon before the last part belongs to a port.
    let last = name.rsplit('/').next().unwrap_or_default();
    let Some((path, tag)) = last.split_once(':') else {
        return wrong("has no tag, so it does not name a single version");
    };
    let is_tag = !tag.is_empty() && tag.len() <= MAX_TAG_LENGTH && !tag.starts_with(['.', '-']) && !tag.contains(':');
    if path.is_empty() || name.contains("//") || !is_tag {
        return wrong("is not a valid name of an image");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn an_image_is_named_with_its_tag_or_digest_and_is_no_option() {
        let digest = format!("tool@sha256:{}", "a".repeat(64));
        for good in ["tool:1", "localhost/connections/claude:1", "localhost:5000/a/b:1.2.3-rc_1", &digest] {
            assert_eq!(check(good), Ok(()), "{good}");
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
            let error = check(bad).unwrap_err();
            assert_eq!((error.code(), error.remedy().is_some()), ("invalid_sandbox", true), "{bad}");
        }
    }
}
