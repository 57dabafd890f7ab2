//! Reads what a directory says of its login: the contract's data, by the contract's rules.
//!
//! Of what is read only whether there is a login, and whose, leaves this module.

use connection_contract::prelude::*;

/// A longer file is left alone; JSON of more than a mebibyte is not parsed anyway.
const LONGEST_FILE: usize = 1 << 20;

/// What is in a directory.
///
/// # Errors
///
/// The directory cannot be read. One that is not there is no error.
pub(crate) async fn directory(
    spec: &ProbeSpec,
    root: &Root,
    files: &dyn FileService,
) -> Result<ProfileProbe, ServiceError> {
    match files.stat(root, "").await {
        Ok(stat) if stat.file_type == FileType::Directory => {}
        Ok(_) | Err(ServiceError::NotFound) => return Ok(ProfileProbe::absent()),
        Err(error) => return Err(error),
    }
    let mut exists = spec.markers.is_empty();
    for marker in &spec.markers {
        exists = exists || is_file(marker, root, files).await?;
    }
    if !exists {
        return Ok(ProfileProbe::absent());
    }
    let mut authenticated = None;
    for login in &spec.logins {
        match find(login, root, files).await? {
            Looked::Found(_) => authenticated = Some(true),
            Looked::Nothing => authenticated = authenticated.or(Some(false)),
            Looked::NoFile => {}
        }
    }
    let label = first(&spec.accounts, root, files).await?.map(DisplayText::from);
    Ok(ProfileProbe::present().authenticated(authenticated).account_label(label))
}

/// The first of some values that is there.
///
/// # Errors
///
/// As [`directory`].
pub(crate) async fn first(
    values: &[ProbeValue],
    root: &Root,
    files: &dyn FileService,
) -> Result<Option<String>, ServiceError> {
    for value in values {
        if let Looked::Found(text) = find(value, root, files).await? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

enum Looked {
    /// The value.
    Found(String),
    /// The file is there, and the value is not.
    Nothing,
    /// The file is not there, or cannot be judged.
    NoFile,
}

async fn find(value: &ProbeValue, root: &Root, files: &dyn FileService) -> Result<Looked, ServiceError> {
    let content = match files.read(root, &value.file, LONGEST_FILE).await {
        Ok(content) => content,
        Err(ServiceError::NotFound | ServiceError::TooLarge) => return Ok(Looked::NoFile),
        Err(error) => return Err(error),
    };
    Ok(text(value, &content).map_or(Looked::Nothing, Looked::Found))
}

fn text(value: &ProbeValue, content: &Secret) -> Option<String> {
    let json = Value::parse(content.expose()).ok()?;
    let found = json.pointer(&value.pointer)?.as_str().filter(|text| !text.is_empty())?;
    match &value.claim {
        None => Some(found.to_owned()),
        Some(claim) => {
            // A JSON Web Token is three parts with dots between them (RFC 7519, section 3); the claims are the second.
            let claims = Value::parse(&encode::from_base64url(found.split('.').nth(1)?)?).ok()?;
            claims.pointer(claim)?.as_str().filter(|text| !text.is_empty()).map(ToOwned::to_owned)
        }
    }
}

async fn is_file(path: &str, root: &Root, files: &dyn FileService) -> Result<bool, ServiceError> {
    match files.stat(root, path).await {
        Ok(_) => Ok(true),
        Err(ServiceError::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}
