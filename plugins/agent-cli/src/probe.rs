//! Reads what a directory says of its login: the contract's data, by the contract's rules.
//!
//! Of what is read only whether there is a login, and whose, leaves this module.

use connection_contract::prelude::*;

/// A longer file is left alone; JSON of more than a mebibyte is not parsed anyway.
const LONGEST_FILE: usize = 1 << 20;

/// What is in a directory. A file in it that cannot be read, as one that is a link to elsewhere, says nothing.
///
/// # Errors
///
/// The directory itself cannot be read. One that is not there is no error.
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
    let mut was_there = spec.markers.is_empty();
    for marker in &spec.markers {
        was_there = was_there || files.stat(root, marker).await.is_ok();
    }
    if !was_there {
        return Ok(ProfileProbe::absent());
    }
    let mut authenticated = None;
    for login in &spec.logins {
        match find(login, root, files).await {
            Looked::Found(_) => authenticated = Some(true),
            Looked::Nothing => authenticated = authenticated.or(Some(false)),
            Looked::Unknown => {}
        }
    }
    let label = first(&spec.accounts, root, files).await.map(DisplayText::from);
    Ok(ProfileProbe::present().authenticated(authenticated).account_label(label))
}

/// The first of some values that is there.
pub(crate) async fn first(values: &[ProbeValue], root: &Root, files: &dyn FileService) -> Option<String> {
    for value in values {
        if let Looked::Found(text) = find(value, root, files).await {
            return Some(text);
        }
    }
    None
}

enum Looked {
    /// The value.
    Found(String),
    /// The file is there, and the value is not.
    Nothing,
    /// The file is not there, or cannot be judged.
    Unknown,
}

async fn find(value: &ProbeValue, root: &Root, files: &dyn FileService) -> Looked {
    match files.read(root, &value.file, LONGEST_FILE).await {
        Ok(content) => text(value, &content).map_or(Looked::Nothing, Looked::Found),
        Err(_) => Looked::Unknown,
    }
}

fn text(value: &ProbeValue, content: &Secret) -> Option<String> {
    let json = Value::parse(content.expose()).ok()?;
    let found = json.pointer(&value.pointer)?.as_str()?.trim();
    let found = match &value.claim {
        None => found.to_owned(),
        Some(claim) => claims(found)?.pointer(claim)?.as_str()?.trim().to_owned(),
    };
    (!found.is_empty()).then_some(found)
}

/// What a token claims (RFC 7519, section 3). Nobody looks at its signature: it is a name to show.
fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    Value::parse(&encode::from_base64url(claims)?).ok()
}
