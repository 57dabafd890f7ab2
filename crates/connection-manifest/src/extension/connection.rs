//! The connection that an extension needs.

use connection_contract::{
    AuthType, DisplayText, Kind, Requirement, RequirementAuth, RequirementOAuth, RequirementRedirect, SecretName, Value,
};

use crate::{
    error::Fault,
    json::below,
    object::{ENGLISH, Member, Object, ReadNotes, first_given},
};

/// The members that describe the requests of a provider's API, in the form of kind files.
pub(super) const API: [&str; 3] = ["request", "verify", "account"];

pub(super) fn requirement(member: Member<'_>, beside: &mut ReadNotes) -> Result<Requirement, Fault> {
    const ID: &str = "a connection needs an id; write default, or another text";
    const PROVIDER: &str = "a provider has 1 to 64 of the characters a-z, 0-9 and -, and begins with a letter; write \
                            the name that its kinds have";
    const NAMES: &str = "public preferences must be a list of names; write [] for none";
    let mut object = member.object("the connection must be an object; an extension has exactly one connection")?;
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
    let requests: Vec<_> = API.into_iter().filter_map(|name| Some((name, object.take(name)?.value.clone()))).collect();
    requirement.api = (!requests.is_empty()).then(|| Value::object(requests));
    object.rest(beside);
    Ok(requirement)
}

/// Parses the provider in the form that kinds use: `Google_Drive` becomes `google-drive`.
fn kind(provider: &str) -> Option<Kind> {
    let letter = |letter: char| match letter {
        ' ' | '.' | '_' => '-',
        other => other.to_ascii_lowercase(),
    };
    Kind::parse(&provider.chars().map(letter).collect::<String>()).filter(|provider| provider.extension().is_none())
}

/// Returns the title, and the titles in languages other than English that are not empty.
fn title(object: &mut Object<'_>, beside: &mut ReadNotes) -> Result<(DisplayText, Vec<(String, DisplayText)>), Fault> {
    const RULE: &str = "a connection needs a title; write a text, or an object with en_US and zh_Hans";
    let member = object.need("title", RULE)?;
    let words = member.display_texts(beside)?;
    let languages: Vec<&str> = words.iter().filter_map(|(language, _)| *language).collect();
    let is_plain = words.iter().any(|(language, _)| language.is_none());
    if !is_plain && !([ENGLISH, "zh_Hans"].iter().all(|language| languages.contains(language))) {
        return Err(Fault::at(member.at, RULE));
    }
    let others = words.iter().filter_map(|(language, text)| Some(((*language)?, text)));
    let others = others.filter(|(language, text)| *language != ENGLISH && !text.as_str().trim().is_empty());
    Ok((first_given(&words), others.map(|(language, text)| (language.to_owned(), text.clone())).collect()))
}

fn auth(object: &mut Object<'_>, beside: &mut ReadNotes) -> Result<RequirementAuth, Fault> {
    const TYPE: &str = "the type of auth must be none, apiKey, personalAccessToken or oauth; write one of these";
    const NAMES: &str = "secrets must be a list of names, never of values; write the names as texts";
    const FIELDS: &str = "the fields of the setup must be a list of names of secrets; write the names as texts";
    let auth = object.need("auth", "a connection needs auth; write an object with a type")?;
    let mut object = auth.object("auth must be an object with a type")?;
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
    let fields = object.texts("setupFields", FIELDS)?;
    let mut auth = RequirementAuth::new(form, names);
    auth.setup_fields = fields.iter().map(secret_name).collect::<Result<Vec<_>, _>>()?;
    if form == AuthType::OAuth {
        auth.oauth = Some(oauth(&mut object, beside)?);
    }
    object.rest(beside);
    Ok(auth)
}

fn secret_name(member: &Member<'_>) -> Result<SecretName, Fault> {
    const RULE: &str = "the name of a secret has 1 to 64 letters, digits, '_', '-' or '.', and begins with a letter; \
                        never write its value here";
    SecretName::parse(member.text(RULE)?.to_owned()).ok_or_else(|| Fault::at(member.at.as_str(), RULE))
}

fn oauth(object: &mut Object<'_>, beside: &mut ReadNotes) -> Result<RequirementOAuth, Fault> {
    const SCOPES: &str = "oauth needs scopes; write a list of texts, or [] for none";
    const REGISTRATION: &str = "a registrationUrl is the address at which an application registers itself; write it as \
                                text, or leave it out";
    let mut text = |name, rule| object.need(name, rule)?.text(rule).map(str::to_owned);
    let authorization = text(
        "authorizationUrl",
        "oauth needs an authorizationUrl; write the address at which a person consents, as text",
    )?;
    let token = text(
        "tokenUrl",
        "oauth needs a tokenUrl; write the address at which a code is exchanged for a token, as text",
    )?;
    let client = text("clientId", "oauth needs a clientId; write the public name of the application, as text")?;
    // The list is required, even if it is empty.
    let scopes = object.need("scopes", SCOPES)?.items(SCOPES)?;
    let redirect = redirect(object, beside)?;
    let mut oauth = RequirementOAuth::new(authorization, token, client, redirect);
    if let Some(registration) = object.take("registrationUrl") {
        oauth = oauth.registration_url(registration.text(REGISTRATION)?.to_owned());
    }
    for scope in scopes {
        oauth = oauth.scope(scope.text(SCOPES)?.to_owned());
    }
    Ok(oauth)
}

fn redirect(object: &mut Object<'_>, beside: &mut ReadNotes) -> Result<RequirementRedirect, Fault> {
    const RULE: &str = "oauth needs a redirect; write an object with a type: web, app-scheme, app-uri or loopback";
    let mut object = object.need("redirect", RULE)?.object(RULE)?;
    // Some manifests call the type of a redirect its method.
    let form = object.either("type", "method").ok_or_else(|| Fault::at(below(&object.at, "type"), RULE))?;
    let mut text = |name, rule| object.need(name, rule)?.text(rule).map(|text| text.to_owned().into());
    const PATH: &str = "this redirect needs a callbackPath; write the part that follows its scheme, as text";
    let redirect = match form.text(RULE)? {
        "web" => RequirementRedirect::Web {
            redirect_url: text("redirectUrl", "a redirect to the web needs a redirectUrl; write the address, as text")?,
        },
        "app-scheme" => RequirementRedirect::AppScheme {
            scheme: text("scheme", "a redirect by a scheme needs a scheme; write the scheme, as text")?,
            callback_path: text("callbackPath", PATH)?,
        },
        "app-uri" => RequirementRedirect::AppUri {
            uri_scheme: text("uriScheme", "a redirect by a URI needs a uriScheme; write the scheme, as text")?,
            callback_path: text("callbackPath", PATH)?,
        },
        "loopback" => RequirementRedirect::Loopback,
        other => {
            beside.note(form.at.as_str(), "this program does not know this redirect, so no setup can use it");
            RequirementRedirect::Other(other.to_owned().into())
        }
    };
    object.rest(beside);
    Ok(redirect)
}
