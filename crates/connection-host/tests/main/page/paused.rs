//! A check during a pause that the provider asked for: the page says that nothing was checked, and asks on request.

use super::{click, enter, go, screens};
use crate::{
    serve::{Serving, machine},
    visit::visit,
};

#[test]
fn a_check_in_a_pause_says_that_nothing_was_checked_and_offers_to_check_now() {
    let machine = machine();
    machine.add_github("work").exits(0);
    let serving = Serving::with_page(&machine);
    let path = format!("/connections/{}", screens::id_of(&machine, "github"));
    visit(async |browser| {
        enter(browser, &serving).await;
        go(browser, &serving, &path).await;
        machine.provider.tell(429, "retry-after: 600\r\n", "");
        click(browser, "Check now").await;
        browser.shows("asks to wait until 2").await;
        machine.provider.behave();
        let seen = machine.provider.seen().len();
        click(browser, "Check now").await;
        browser.shows("The connection was not checked.").await;
        browser.shows("Its provider asked to wait. The pause ends").await;
        assert_eq!(machine.provider.seen().len(), seen);
        click(browser, "Check it now").await;
        browser.shows("The connection was checked.").await;
        browser.shows("Working").await;
        assert_eq!(machine.provider.seen().len(), seen + 1);
    });
}
