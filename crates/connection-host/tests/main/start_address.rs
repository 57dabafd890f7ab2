//! The browser of a setup opens the provider through a start address of the program, and the callback of another
//! browser is refused.

use connection_faults::user_agent::UserAgent;
use serde_json::json;

use crate::real::{Real, Running, browsed, led};

/// Acts as another user of the machine who has read the provider's address: signs in there with another browser, and
/// delivers the callback. Returns the status and the page of the program's answer.
fn attacked(provider: &str) -> (u16, String) {
    let back = UserAgent::new().follow(provider).expect("the provider answers");
    assert!(back.contains("code=") && back.contains("state="), "{back}");
    let answer = UserAgent::new().get(&back).expect("the program answers");
    (answer.status, answer.body)
}

/// Returns options for a provider without pushed requests (RFC 9126). Its address contains `state` and works twice.
fn state_in_address() -> serde_json::Value {
    json!({ "par": false })
}

/// RFC 9700, section 4.7
#[test]
fn a_code_of_somebody_else_is_not_taken_though_its_state_is_right() {
    let Some(real) = Real::start(state_in_address()) else { return };
    let finishes = |mut running: Running, says: &str| {
        let link = running.link();
        assert!(link.starts_with("http://127.0.0.1:") && link.contains("/callback/real-public/go/"), "{link}");
        let mut browser = UserAgent::new();
        let provider = led(&mut browser, &link);
        assert!(provider.starts_with(real.server.issuer()) && provider.contains("state="), "{provider}");
        let (status, page) = attacked(&provider);
        assert_eq!(status, 403);
        assert!(page.contains("did not come from the browser"), "{page}");
        // A second browser is refused and learns nothing.
        let second = UserAgent::new().get(&link).expect("the program answers");
        assert_eq!((second.status, second.header("location")), (403, None));
        assert!(second.body.contains("Another browser has already opened this address"), "{}", second.body);
        assert!(!second.body.contains("state"), "{}", second.body);
        // If the address is loaded again, it redirects the same browser to the provider, which then finishes.
        assert_eq!(led(&mut browser, &link), provider);
        let back = browser.follow(&provider).expect("the provider answers");
        let taken = browser.get(&back).expect("the program answers");
        assert_eq!(taken.status, 303);
        browser.get(taken.header("location").expect("it is sent on")).expect("the program answers");
        running.end().exits(0).says(says);
    };
    finishes(real.begin(&["add", "real-public"]), "Connected ada (real-public:ada) · live");
    finishes(real.begin(&["reauthorize", "real-public"]), "Reauthorized ada (real-public:ada) · live");
    let mut begun = real.begin(&["add", "real-public", "--again"]);
    begun.link();
    begun.kill();
    let setups = real.run(&["setup", "list", "--json"]).exits(0).json();
    let id = setups[0]["id"].as_str().expect("it waits").to_owned();
    finishes(real.begin(&["setup", "resume", &id]), "Connected ada (real-public:ada-2) · live");
}

/// A setup that began with `--paste` has no start address. When it is resumed without `--paste`, it has one.
#[test]
fn a_setup_that_was_begun_to_be_pasted_is_led_when_it_is_gone_on_with() {
    let Some(real) = Real::start(state_in_address()) else { return };
    let mut begun = real.begin(&["add", "real-public", "--paste", "--field", "callbackUrl=@-"]);
    assert!(begun.link().starts_with(real.server.issuer()));
    begun.kill();
    let setups = real.run(&["setup", "list", "--json"]).exits(0).json();
    let id = setups[0]["id"].as_str().expect("it waits").to_owned();
    let mut resumed = real.begin(&["setup", "resume", &id]);
    let link = resumed.link();
    assert!(link.contains("/go/"), "{link}");
    assert_eq!(attacked(&led(&mut UserAgent::new(), &link)).0, 403);
    // The browser that opened the start address is not the one that finishes, and its command has ended.
    resumed.kill();
    let mut pasting = real.begin(&["setup", "resume", &id, "--paste", "--field", "callbackUrl=@-"]);
    let back = UserAgent::new().follow(&pasting.link()).expect("the provider answers");
    pasting.type_line(&back);
    pasting.end().exits(0).says("Connected ada (real-public:ada) · live");
}

/// `serve` also answers at the start address of a setup whose callback it receives.
#[cfg(unix)]
#[test]
fn serve_leads_the_browser_of_another_command() {
    let Some(mut real) = Real::start(state_in_address()) else { return };
    let listen = std::net::TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).expect("a port");
    real.machine.set("CONNECTIONS_INBOUND__LISTEN", &listen.to_string());
    real.machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &format!("http://{listen}"));
    let serving = crate::serve::Serving::of(real.command(&["serve", "--json"]));
    let mut adding = real.begin(&["add", "real-public"]);
    let link = adding.link();
    assert!(link.starts_with(&format!("http://{listen}/callback/real-public/go/")), "{link}");
    let mut browser = UserAgent::new();
    let provider = led(&mut browser, &link);
    assert_eq!(attacked(&provider).0, 403);
    let back = browser.follow(&provider).expect("the provider answers");
    assert_eq!(browser.get(&back).expect("it answers").status, 303);
    adding.end().exits(0).says("Connected ada (real-public:ada) · live");
    drop(serving);
}

/// The control for all tests above: a single browser opens the start address and returns without a refusal.
#[test]
fn a_browser_that_is_led_comes_back() {
    let Some(real) = Real::start(json!({})) else { return };
    let mut adding = real.begin(&["add", "real-public"]);
    let (_, shown) = browsed(&adding.link());
    assert!(shown.status == 200 && shown.body.contains("Connected"), "{shown:?}");
    adding.end().exits(0);
}
