// Signs webhooks with the providers' own packages: a line of JSON comes in, a line goes out.
import { createInterface } from "node:readline";
import { sign } from "@octokit/webhooks-methods";
import webhooks from "twilio/lib/webhooks/webhooks.js";

const answer = {
  github: ({ key, body }) => sign(key, body),
  // What Notion documents is what this package computes, under another name.
  notion: ({ key, body }) => sign(key, body),
  form: ({ key, url, params }) => webhooks.getExpectedTwilioSignature(key, url, params),
  json: ({ key, url, body }) => {
    const address = `${url}${url.includes("?") ? "&" : "?"}bodySHA256=${webhooks.getExpectedBodyHash(body)}`;
    return `${webhooks.getExpectedTwilioSignature(key, address, null)} ${address}`;
  },
};

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  console.log(await answer[request.by](request));
}
