//! A device in the person's own network calls back without encryption, if the person has chosen that.

use super::{Serving, adding::Adding, ask, google::Google, machine};

const ADDRESS: &str = "192.168.77.5:8745";

#[test]
fn a_device_of_the_own_network_calls_back_without_encryption_where_the_configuration_says_so() {
    let mut machine = machine();
    // `inbound.public_url` does not allow an unencrypted address in the network.
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &format!("http://{ADDRESS}"));
    machine.run(&["serve"]).exits(2).warns("is not encrypted");
    machine.set("CONNECTIONS_INBOUND__UNENCRYPTED_URL", &format!("http://{ADDRESS}"));
    machine.run(&["serve"]).exits(2);
    machine.unset("CONNECTIONS_INBOUND__PUBLIC_URL");
    let shown = machine.run(&["kinds", "show", "gmail"]).exits(0);
    shown.says(&format!("redirect address: http://{ADDRESS}/callback/gmail"));

    let google = Google::of(&machine, 3600);
    let serving = Serving::start(&machine);
    assert_eq!(serving.url, format!("http://{ADDRESS}"));
    let adding = Adding::at(&machine, &google, &serving);
    let (session, path) = adding.begun();
    // A page whose host name was pointed to this address is refused as usual.
    assert_eq!(ask(serving.address, "evil.example", "GET", &path, "", b"").status, 421);
    assert_eq!(ask(serving.address, ADDRESS, "GET", &path, "", b"").status, 303);
    assert_eq!(adding.end(&session), "done ada@example.com");
    adding.close();
}
