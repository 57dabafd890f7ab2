//! The few pages that a person sees behind a callback: static but for texts of ours and of the session, each escaped.

mod escape;
#[cfg(test)]
mod tests;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use connection_contract::{DisplayText, Identity, SetupFailure};
use connection_core::Done;

use escape::escaped;

/// What a page says.
#[derive(Debug)]
pub(crate) enum Page {
    /// The store cannot be asked; nothing is lost.
    Again,
    /// It was taken, and a person at the setup says whether the account is the right one.
    Confirms {
        title: DisplayText,
        identity: Box<Identity>,
    },
    Connected {
        title: DisplayText,
        done: Box<Done>,
    },
    Failed {
        title: DisplayText,
        failure: Box<SetupFailure>,
    },
    /// It was taken, and the setup asks for more.
    GoesOn {
        title: DisplayText,
    },
    /// For everybody whom we tell nothing.
    Neutral,
    /// The callback came from a browser that was not led to the provider by its setup.
    OtherBrowser,
    /// Another browser was led to the provider from this address.
    Taken,
    /// It was taken; more is not known yet.
    Working,
}

/// The only style. Its hash stands in the policy, so that no other one is followed.
const STYLE: &str = ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1.5rem}h1{font-size:1.4rem}";
/// SHA-256 of the style, in base64; a test compares them.
const STYLE_HASH: &str = "7bH9Xnzhcv/HjODeZVtc4KpQLUJmHelSWiuRqhMsgMo=";

/// As an answer.
pub(crate) fn answer(status: StatusCode, page: &Page) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let mut response = (status, html(page)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The whole document.
fn html(page: &Page) -> String {
    let (heading, sentences) = words(page);
    let body: String = sentences.iter().map(|sentence| format!("<p>{}</p>\n", escaped(sentence))).collect();
    let heading = escaped(&heading);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{heading}</title>\n<style>{STYLE}</style>\n\
         <h1>{heading}</h1>\n{body}</html>\n"
    )
}

/// A heading and sentences, as text.
fn words(page: &Page) -> (String, Vec<String>) {
    const BACK: &str = "You can close this window and go back to where you began.";
    match page {
        Page::Again => {
            let again = "Nothing is lost: reload this page in a moment.";
            ("This cannot be done now".to_owned(), vec![again.to_owned()])
        }
        Page::Confirms { title, identity } => {
            let account = format!("{title}: {}", identity.label);
            let back = "Go back to where you began, and confirm that this is the right account.";
            ("One more step".to_owned(), vec![account, back.to_owned()])
        }
        Page::Connected { title, done } => {
            let mut sentences = vec![format!("{title}: {}", done.identity.label)];
            if let Some(reason) = &done.reason {
                sentences.push(format!("It could not be verified yet: {}.", reason.message));
            }
            sentences.push(BACK.to_owned());
            ("Connected".to_owned(), sentences)
        }
        Page::Failed { title, failure } => {
            let remedy = failure.remedy.iter().map(|remedy| format!("What to do: {remedy}."));
            let why = format!("{title}: {}.", failure.message);
            let sentences = std::iter::once(why).chain(remedy).chain([BACK.to_owned()]).collect();
            ("Not connected".to_owned(), sentences)
        }
        Page::GoesOn { title } => {
            (format!("{title} has answered"), vec!["There is more to do: go back to where you began.".to_owned()])
        }
        Page::Neutral => {
            let nothing = "There is nothing to do here. If you are connecting an account, go back to where you began.";
            ("Nothing here".to_owned(), vec![nothing.to_owned()])
        }
        Page::OtherBrowser => {
            let why = "This answer did not come from the browser that was sent to the provider, so it was not taken.";
            let way =
                "Nothing has changed: go back to where you began, and open the address there in one browser alone.";
            ("Another browser".to_owned(), vec![why.to_owned(), way.to_owned()])
        }
        Page::Taken => {
            let why = "Another browser has opened this address already, and it works for one alone.";
            let way = "If that was not you, end the setup where you began it, and begin again.";
            ("Opened in another browser".to_owned(), vec![why.to_owned(), way.to_owned()])
        }
        Page::Working => ("One moment".to_owned(), vec!["The answer has arrived and is being checked.".to_owned()]),
    }
}
