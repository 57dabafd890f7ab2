//! Refusals of a service that are about the application's project, and not about the credential.

use connection_contract::{HttpResponse, Kind, NotLive, Reason};

use crate::error::{CLIENT_REFUSED, own_code};

/// The longest name of a service and of a project.
const MAX_NAME: usize = 100;

/// Returns why a service refuses every credential of the application: its API is not enabled in the application's project
/// at Google, or the project is suspended or has no billing (AIP-193 and `google.api.ErrorReason`; the older form of errors
/// says `accessNotConfigured`). Authorizing again does not help.
///
/// ```
/// use connection_contract::{HttpResponse, Kind, Timestamp};
/// use connection_oauth2::project_fault;
///
/// let body = r#"{"error": {"code": 403, "details": [{"reason": "SERVICE_DISABLED", "metadata":
///     {"service": "gmail.googleapis.com", "consumer": "projects/7"}}]}}"#;
/// let answer = HttpResponse::new(403, Vec::new(), body, Timestamp::from_seconds(0));
/// let fault = project_fault(&Kind::from_static("gmail"), &answer).unwrap();
/// assert_eq!(fault.reason.code, "gmail_client_refused");
/// assert_eq!(
///     fault.reason.message.as_str(),
///     "the API gmail.googleapis.com is not enabled in the application's project 7"
/// );
/// ```
pub fn project_fault(kind: &Kind, response: &HttpResponse) -> Option<NotLive> {
    if response.status() != 403 {
        return None;
    }
    let answer = response.json().ok()?;
    let error = &answer["error"];
    let mut listed = error["details"].items().iter().chain(error["errors"].items());
    let (fault, details) = listed.find_map(|item| Some((stated(item["reason"].as_str()?)?, item)))?;
    let metadata = &details["metadata"];
    let service = metadata["service"].as_str().filter(|name| is_name(name) && name.ends_with(".googleapis.com"));
    let project = metadata["consumer"].as_str().and_then(|consumer| consumer.strip_prefix("projects/"));
    let project = project.filter(|name| is_name(name));
    let named = project.map(|project| format!(" {project}")).unwrap_or_default();
    let of_project = project.map(|project| format!("?project={project}")).unwrap_or_default();
    let (message, remedy) = match fault {
        Fault::Disabled => {
            let page = service.map(|service| format!("/{service}")).unwrap_or_default();
            (
                format!("the API{} is not enabled in", service.map(|name| format!(" {name}")).unwrap_or_default()),
                format!(
                    "enable it at https://console.cloud.google.com/apis/library{page}{of_project} and verify again after \
                     a few minutes"
                ),
            )
        }
        Fault::Unbilled => (
            "billing is not enabled for".to_owned(),
            format!("enable it at https://console.cloud.google.com/billing{of_project} and verify again"),
        ),
        Fault::Suspended => (
            "Google has suspended".to_owned(),
            format!("look at it at https://console.cloud.google.com/home/dashboard{of_project}"),
        ),
    };
    let reason = Reason::new(own_code(kind, CLIENT_REFUSED), format!("{message} the application's project{named}"));
    Some(NotLive::failing(reason.remedy(remedy)))
}

/// The fault of a project.
#[derive(Clone, Copy)]
enum Fault {
    Disabled,
    Suspended,
    Unbilled,
}

fn stated(reason: &str) -> Option<Fault> {
    match reason {
        "SERVICE_DISABLED" | "accessNotConfigured" => Some(Fault::Disabled),
        "CONSUMER_SUSPENDED" => Some(Fault::Suspended),
        "BILLING_DISABLED" => Some(Fault::Unbilled),
        _ => None,
    }
}

/// Returns `true` for a name that a link can contain as it is.
fn is_name(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':');
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_known)
}
