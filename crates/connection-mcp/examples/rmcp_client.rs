//! One client of the drill of MCP: calls the tool `echo` of a server without end, through the program that its arguments
//! name.
//!
//! ```text
//! rmcp_client PROGRAM [ARGUMENT…]
//! ```
//!
//! Each call is a line on standard output: `ok`, or `error` with what was said.
#![expect(clippy::print_stdout, reason = "the lines are the result of the program")]

use std::{
    env,
    error::Error,
    process::{self, Stdio},
    time::Duration,
};

use rmcp::{
    ServiceError, ServiceExt,
    model::{CallToolRequestParams, ContentBlock},
};
use tokio::process::Command;

/// The pause between two calls.
const PAUSE: Duration = Duration::from_millis(500);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let program = arguments.next().ok_or("the first argument is the program of the server")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let (input, output) = input.zip(output).ok_or("the program has no standard streams")?;
    let client = match ().serve((output, input)).await {
        Ok(client) => client,
        Err(error) => {
            println!("error connect: {error}");
            return Err(error.into());
        }
    };
    for count in 0_u64.. {
        let text = format!("{}-{count}", process::id());
        let arguments = rmcp::object!({ "text": text.clone() });
        match client.call_tool(CallToolRequestParams::new("echo").with_arguments(arguments)).await {
            Ok(answer) => match answer.content.first() {
                Some(ContentBlock::Text(echoed)) if echoed.text == text => println!("ok"),
                _ => println!("error another answer: {answer:?}"),
            },
            // The program may be killed, too.
            Err(error @ (ServiceError::TransportClosed | ServiceError::TransportSend(_))) => return Err(error.into()),
            Err(error) => println!("error {}", error.to_string().replace('\n', " ")),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
