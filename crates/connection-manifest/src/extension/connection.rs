//! The connection that an extension needs.

use connection_contract::{
    AuthType, DisplayText, Kind, Requirement, RequirementAuth, RequirementOAuth, RequirementRedirect, SecretName,
};

use crate::{
    error::Fault,
    json::below,
    object::{Beside, ENGLISH, Member, Object, first_said},
};

pub(super) fn requirement(member: Member<'_>, beside: &mut Beside) -> Result<Requirement, Fault> {
    const ID: &str = "a connection has an id; write default, or another text";
    const PROVIDER: &str =
        "a provider is 1 to 64 of a-z, 0-9 and -, first a letter; write the name that its kinds have";
    const NAMES: &str = "public preferences are a list of names; write [] for none";
    let mut object = member.object("an extension has one connection; write it as an object")?;
    let id = object.need("id", ID)?.text(ID)?.to_owned();
    let provider = object.need("provider", PROVIDER)?;
    let provider = kind(provider.text(PROVIDER)?).ok_or_else(|| Fault::at(provider.at, PROVIDER))?;
    let (title, titles) = title(&mut object, beside)?;
    let auth = auth(&mut object, beside)?;
    let mut requirement = Requirement::new(id, provider, title, auth);
    for (language, title) in titles {
        requirement = requirement.title_in(language, title);
    }
    for name in object.texts("publicPreferenceNames", NAMES)? {
        requirement = requirement.public_preference(name.text(NAMES)?.to_owned());
    }
    requirement.connect_guide = object.take("connectGuide").map(|guide| guide.one_language(beside)).transpose()?;
    object.rest(beside);
    Ok(requirement)
}

/// Parses the provider in the form that kinds use: `Google_Drive` becomes `google-drive`.
fn kind(provider: &str) -> Option<Kind> {
    let letter = |letter: char| match letter {
        ' ' | '.' | '_' => '-',
        other => other.to_ascii_lowercase(),
    };
    Kind::parse(&provider.chars().map(letter).collect::<String>())
}

/// Returns the title, and the titles in languages other than English that are not empty.
fn title(object: &mut Object<'_>, beside: &mut Beside) -> Result<(DisplayText, Vec<(String, DisplayText)>), Fault> {
    const RULE: &str = "a connection has a title; write a text, or an object with en_US and zh_Hans";
    let member = object.need("title", RULE)?;
    let words = member.words(beside)?;
    let languages: Vec<&str> = words.iter().filter_map(|(language, _)| *language).collect();
    let is_plain = words.iter().any(|(language, _)| language.is_none());
    if !is_plain && !([ENGLISH, "zh_Hans"].iter().all(|language| languages.contains(language))) {
        return Err(Fault::at(member.at, RULE));
    }
    let others = words.iter().filter_map(|(language, text)| Some(((*language)?, text)));
    let others = others.filter(|(language, text)| *language != ENGLISH && !text.as_str().trim().is_empty());
    Ok((first_said(&words), others.map(|(language, text)| (language.to_owned(), text.clone())).collect()))
}

fn auth(object: &mut Object<'_>, beside: &mut Beside) -> Result<RequirementAuth, Fault> {
    const TYPE: &str = "a type of auth is none, apiKey, personalAccessToken or oauth; write one of these";
    const NAMES: &str = "secrets are a list of names, never of values; write the names, as text";
    let auth = object.need("auth", "a connection says its auth; write an object with a type")?;
    let mut object = auth.object("auth is an object; write its type into one")?;
    let form = object.need("type", TYPE)?;
    let form = match form.text(TYPE)? {
        "none" => AuthType::None,
        "apiKey" => AuthType::ApiKey,
        "personalAccessToken" => AuthType::PersonalAccessToken,
        "oauth" => AuthType::OAuth,
        _ => return Err(Fault::at(form.at, TYPE)),
    };
    let names = object.texts("secretNames", NAMES)?;
    let names = names.iter().map(secret_name).collect::<Result<Vec<_>, _>>()?;
    let mut auth = RequirementAuth::new(form, names);
    if form == AuthType::OAuth {
        auth.oauth = Some(oauth(&mut object, beside)?);
    }
    object.rest(beside);
    Ok(auth)
}

fn secret_name(member: &Member<'_>) -> Result<SecretName, Fault> {
    const RULE: &str =
        "the name of a secret is 1 to 64 letters, digits, '_', '-' or '.', first a letter; its value is never here";
    SecretName::parse(member.text(RULE)?.to_owned()).ok_or_else(|| Fault::at(member.at.as_str(), RULE))
}

fn oauth(object: &mut Object<'_>, beside: &mut Beside) -> Result<RequirementOAuth, Fault> {
    const SCOPES: &str = "oauth has scopes; write a list of texts, and [] when nothing is asked for";
    let mut text = |name, rule| object.need(name, rule)?.text(rule).map(str::to_owned);
    let authorization =
        text("authorizationUrl", "oauth has an authorizationUrl; write where a person consents, as text")?;
    let token = text("tokenUrl", "oauth has a tokenUrl; write where a code becomes a token, as text")?;
    let client = text("clientId", "oauth has a clientId; write the public name of the application, as text")?;
    // The list is required, even if it is empty.
    let scopes = object.need("scopes", SCOPES)?.items(SCOPES)?;
    let redirect = redirect(object, beside)?;
    let mut oauth = RequirementOAuth::new(authorization, token, client, redirect);
    for scope in scopes {
        oauth = oauth.scope(scope.text(SCOPES)?.to_owned());
    }
    Ok(oauth)
}

fn redirect(object: &mut Object<'_>, beside: &mut Beside) -> Result<RequirementRedirect, Fault> {
    const RULE: &str = "oauth has a redirect; write an object with a type: web, app-scheme, app-uri or loopback";
    let mut object = object.need("redirect", RULE)?.object(RULE)?;
    // Some manifests call the type of a redirect its method.
    let form = object.either("type", "method").ok_or_else(|| Fault::at(below(&object.at, "type"), RULE))?;
    let mut text = |name, rule| object.need(name, rule)?.text(rule).map(|text| text.to_owned().into());
    const PATH: &str = "this redirect has a callbackPath; write what follows its scheme, as text";
    let redirect = match form.text(RULE)? {
        "web" => RequirementRedirect::Web {
            redirect_url: text("redirectUrl", "a redirect to the web has a redirectUrl; write the address, as text")?,
        },
        "app-scheme" => RequirementRedirect::AppScheme {
            scheme: text("scheme", "a redirect by a scheme has one; write the scheme, as text")?,
            callback_path: text("callbackPath", PATH)?,
        },
        "app-uri" => RequirementRedirect::AppUri {
            uri_scheme: text("uriScheme", "a redirect by a URI has a uriScheme; write the scheme, as text")?,
            callback_path: text("callbackPath", PATH)?,
        },
        "loopback" => RequirementRedirect::Loopback,
        other => {
            beside.note(form.at.as_str(), "this redirect is not known here, so no setup can use it");
            RequirementRedirect::Other(other.to_owned().into())
        }
    };
    object.rest(beside);
    Ok(redirect)
}
