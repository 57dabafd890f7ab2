//! A person renews a credential before its time.

use super::{click, enter, go, screens};
use crate::{
    serve::{Serving, adding::Adding, google::Google, machine},
    visit::visit,
};

#[test]
fn the_button_of_a_connection_renews_its_credential_once() {
    let machine = machine();
    let google = Google::of(&machine, 3600);
    let serving = Serving::with_page(&machine);
    let adding = Adding::at(&machine, &google, &serving);
    adding.connected(&serving);
    adding.close();
    let path = format!("/connections/{}", screens::id_of(&machine, "gmail"));
    let visited = visit(async |browser| {
        enter(browser, &serving).await;
        go(browser, &serving, &path).await;
        assert_eq!(google.grants(), ["authorization_code"]);
        click(browser, "Renew now").await;
        browser.shows("The credential was renewed.").await;
    });
    if visited.is_some() {
        assert_eq!(google.grants(), ["authorization_code", "refresh_token"]);
    }
}
