//! An application that its provider does not accept is told once, and not with each of its accounts.

use super::{click, enter, go};
use crate::{
    serve::{Serving, adding::Adding, google::Google, machine},
    visit::visit,
};

#[test]
fn a_refused_application_is_told_once_and_no_account_is_to_be_reconnected() {
    let machine = machine();
    let google = Google::of(&machine, 3);
    google.refuse_application();
    let serving = Serving::with_page(&machine);
    let adding = Adding::at(&machine, &google, &serving);
    adding.connected(&serving);
    adding.connected(&serving);
    adding.close();
    visit(async |browser| {
        enter(browser, &serving).await;
        let both = "return document.querySelectorAll('.row.needs').length === 2";
        browser.until("both accounts have failed", both, Vec::new()).await;
        let text = browser.shows("The application of Gmail is refused").await;
        let remedy = "connections kinds forget-client gmail";
        for told in ["The application of Gmail is refused", "does not accept the application", remedy] {
            assert_eq!(text.matches(told).count(), 1, "{told}: {text}");
        }
        assert_eq!(text.matches("Waits for its application").count(), 2, "{text}");
        assert!(!text.contains("Reconnect"), "{text}");
        // Nor does the headline count the accounts as two that need somebody.
        let text = browser.shows("2 not working").await;
        assert!(!text.contains("need you"), "{text}");
        go(browser, &serving, "/system").await;
        click(browser, "Check now").await;
        let text = browser.shows("The application of the kind 'gmail' is refused, which concerns 2 connections").await;
        assert_eq!(text.matches("does not accept the application").count(), 1, "{text}");
    });
}
