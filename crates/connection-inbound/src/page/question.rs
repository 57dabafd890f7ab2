//! The question at a start address: whether this person wants to connect an account for somebody else.

use connection_core::StartQuestion;

use super::escape::escaped;

/// The beginning of the query with which the button answers.
pub(crate) const ANSWER: &str = "answer=";

pub(super) fn heading(question: &StartQuestion) -> String {
    match question.is_again {
        true => format!("Sign in to {} again?", question.title),
        false => format!("Connect your account at {}?", question.title),
    }
}

/// Returns the page below its heading, as HTML. `host` is the host name of this server.
pub(super) fn body(question: &StartQuestion, host: &str) -> String {
    let StartQuestion { title, receiver, link, token, .. } = question;
    let provider = escaped(host_of(link));
    let [title, receiver, host] = [title.as_str(), receiver.as_str(), host].map(escaped);
    let token = escaped(token.expose_str().unwrap_or_default());
    format!(
        "<dl>\n<div><dt>Receives the account</dt><dd><strong>{receiver}</strong></dd></div>\n\
         <div><dt>Sign-in at</dt><dd>{provider}</dd></div>\n\
         <div><dt>Asked by</dt><dd>{host}</dd></div>\n</dl>\n\
         <p>This was begun in another browser or program. If you sign in, <strong>{receiver}</strong> can use your \
         account at {title}. Continue only if you expected this.</p>\n\
         <form method=\"post\" action=\"?{ANSWER}{token}\"><button>Continue to {provider}</button></form>\n\
         <p>If you did not expect this, close this window. Nothing has been connected.</p>\n"
    )
}

/// Returns the sources to which the policy lets the form lead: browsers also apply it to the redirects that follow,
/// and a provider may lead through several hosts.
pub(super) fn form_action(question: &StartQuestion) -> &'static str {
    match question.link.starts_with("http:") {
        true => "'self' https: http:",
        false => "'self' https:",
    }
}

/// Returns the host, with its port, of an address at a provider.
fn host_of(link: &str) -> &str {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}
