//! The pages that a person sees at a start address and after a callback: static, except for escaped texts of this crate
//! and of the session.

mod escape;
mod question;
#[cfg(test)]
mod tests;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use connection_contract::{DisplayText, Identity, SetupFailure};
use connection_core::{Done, StartQuestion, sentence};

use escape::escaped;
pub(crate) use question::ANSWER;

/// The content of the page that a browser gets in answer to a callback, or at a start address that leads nowhere.
#[derive(Debug)]
pub(crate) enum Page {
    /// The store cannot be reached; nothing is lost.
    Again,
    /// The callback was accepted, and the person at the setup must confirm the account.
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
    /// The callback was accepted, and the setup asks for more.
    GoesOn {
        title: DisplayText,
    },
    /// The page that reveals no information.
    Neutral,
    /// The callback came from a browser that did not open the start address of the setup.
    OtherBrowser,
    /// Another browser has already opened this address.
    Taken,
    /// The callback was accepted; the result is not known yet.
    Working,
}

/// The style of every page: colours, type and space are those of the page on which a person connects accounts. The
/// policy holds its hash, so that browsers apply no other style.
const STYLE: &str = include_str!("style.css");
/// The SHA-256 of the style, in base64. A test compares the two.
const STYLE_HASH: &str = "YJcbqBEqlshBneXRHaCL01ac9xfs03I9IixF0Gj4Wxo=";

/// Returns a response with the page.
pub(crate) fn answer(status: StatusCode, page: &Page) -> Response {
    let (heading, sentences) = heading_and_sentences(page);
    let body: String = sentences.iter().map(|sentence| format!("<p>{}</p>\n", escaped(sentence))).collect();
    document(status, Tone::of(page), &heading, &body, "'none'")
}

/// Returns a response with the page that asks before a browser is led to the provider. `host` is the host name of this
/// server.
pub(crate) fn ask(question: &StartQuestion, host: &str) -> Response {
    let body = question::body(question, host);
    document(StatusCode::OK, Tone::Plain, &question::heading(question), &body, question::form_action(question))
}

/// Returns an HTML document. The body is HTML already, and the policy lets its forms lead to `form_action`.
fn document(status: StatusCode, tone: Tone, heading: &str, body: &str, form_action: &str) -> Response {
    let (class, lines) = tone.sign();
    let heading = escaped(heading);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{heading}</title>\n<style>{STYLE}</style>\n\
         <main>\n<svg class=\"{class}\" viewBox=\"0 0 24 24\" aria-hidden=\"true\"><path d=\"{lines}\"/></svg>\n\
         <h1>{heading}</h1>\n{body}</main>\n</html>\n"
    );
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action {form_action}; \
         frame-ancestors 'none'"
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The result that a page reports, which its colour and its sign show.
#[derive(Clone, Copy, Debug)]
enum Tone {
    Bad,
    Live,
    Plain,
}

impl Tone {
    fn of(page: &Page) -> Self {
        match page {
            Page::Connected { done, .. } if done.reason.is_none() => Self::Live,
            Page::Failed { .. } | Page::OtherBrowser | Page::Taken => Self::Bad,
            _ => Self::Plain,
        }
    }

    /// Returns the class of the sign, and its lines.
    fn sign(self) -> (&'static str, &'static str) {
        match self {
            Self::Bad => ("bad", "M6 6l12 12M18 6L6 18"),
            Self::Live => ("live", "M5 12.5l4.5 4.5L19 7.5"),
            Self::Plain => ("plain", "M12 11v6M12 7v.01"),
        }
    }
}

/// Returns the heading and the sentences of a page, not yet escaped.
fn heading_and_sentences(page: &Page) -> (String, Vec<String>) {
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
                sentences.push(sentence(&format!("It could not be verified yet: {}", reason.message)));
            }
            sentences.push(BACK.to_owned());
            ("Connected".to_owned(), sentences)
        }
        Page::Failed { title, failure } => {
            let remedy = failure.remedy.iter().map(|remedy| sentence(remedy.as_str()));
            let why = sentence(&format!("{title}: {}", failure.message));
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
            let why =
                "This answer did not come from the browser that was sent to the provider, so it was not accepted.";
            let way =
                "Nothing has changed: go back to where you began, and open the address there in only one browser.";
            ("Another browser".to_owned(), vec![why.to_owned(), way.to_owned()])
        }
        Page::Taken => {
            let why = "Another browser has already opened this address, and it works in only one browser.";
            let way = "If that was not you, cancel the setup where you began it, and begin again.";
            ("Opened in another browser".to_owned(), vec![why.to_owned(), way.to_owned()])
        }
        Page::Working => ("One moment".to_owned(), vec!["The answer has arrived and is being checked.".to_owned()]),
    }
}
