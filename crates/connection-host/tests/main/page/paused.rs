//! A check during a pause that the provider asked for: a person who asks is answered.

use super::{click, enter, go, screens};
use crate::{
    serve::{Serving, machine},
    visit::visit,
};

#[test]
fn a_check_by_a_person_asks_the_provider_in_a_pause() {
    let machine = machine();
    machine.add_github("work").exits(0);
    let serving = Serving::with_page(&machine);
    let path = format!("/connections/{}", screens::id_of(&machine, "github"));
    visit(async |browser| {
        enter(browser, &serving).await;
        go(browser, &serving, &path).await;
        machine.provider.tell(429, "retry-after: 600\r\n", "");
        click(browser, "Check now").await;
        let text = browser.shows("asks to wait until").await;
        assert!(!text.contains("asks to wait until 2"), "a person reads the time: {text}");
        machine.provider.behave();
        let seen = machine.provider.seen().len();
        click(browser, "Check now").await;
        browser.shows("The connection was checked.").await;
        browser.shows("Working").await;
        assert_eq!(machine.provider.seen().len(), seen + 1);
    });
}
