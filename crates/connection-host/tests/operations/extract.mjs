// Writes the operations of a provider's API, one a line, from a package that was unpacked into a directory.
//
// Usage: node extract.mjs NAME DIRECTORY > NAME.txt
// README.md beside this file says which package each NAME needs. The code of the packages is read as text, except for
// GitLab's, whose methods are called with a requester that sends nothing.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const METHODS = ["get", "head", "post", "put", "patch", "delete"];

/** Reads a JSON file. */
const json = (path) => JSON.parse(readFileSync(path, "utf8"));

/** Returns the text of every file with this ending below a directory. */
function texts(directory, ending) {
    const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(ending));
    return files.map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), "utf8"));
}

/** Writes the expressions of a template literal as parameters: `/a/${encodeURIComponent(id)}` as `/a/{id}`. */
const parameters = (template) => template.replace(/\$\{(?:\w+\()*(?:\w+\.)*(\w+)\)*\}/g, "{$1}");

/** The operations of an OpenAPI description. */
function openapi(document) {
    const operations = ([path, item]) => METHODS.filter((method) => item[method]).map((method) => [method, path]);
    return Object.entries(document.paths).flatMap(operations);
}

/** The operations of the descriptions of GitHub. Those for managing a server have another base address. */
function github(directory) {
    const generated = join(directory, "generated");
    const servers = readdirSync(generated).filter((name) => /^ghes-[\d.]+\.json$/.test(name));
    const newest = servers.sort((one, other) => one.localeCompare(other, "en", { numeric: true })).at(-1);
    const names = ["api.github.com.json", "ghec.json", newest];
    const operations = names.flatMap((name) => openapi(json(join(generated, name))));
    return operations.filter(([, path]) => !/^\/(manage|setup)\//.test(path));
}

/** The operations of a discovery document of Google, below a base address. */
function google(document, base) {
    const found = [["POST", `/${document.batchPath}`]];
    const read = ({ methods = {}, resources = {} }) => {
        for (const method of Object.values(methods)) {
            found.push([method.httpMethod, `/${document.servicePath}${method.flatPath ?? method.path}`]);
            const uploads = Object.values(method.mediaUpload?.protocols ?? {});
            found.push(...uploads.map((upload) => [method.httpMethod, upload.path]));
        }
        Object.values(resources).forEach(read);
    };
    read(document);
    const relative = ([method, path]) => [method, path.startsWith(`${base}/`) ? path.slice(base.length) : path];
    return found.map(relative);
}

/** The operations that every method of Gitbeaker sends, with the names of its arguments as parameters. */
async function gitbeaker(directory) {
    const core = await import(pathToFileURL(join(directory, "node_modules/@gitbeaker/core/dist/index.mjs")));
    const found = [];
    const send = (method) => async (path, options) => {
        found.push([method, `/api/v4/${options?.prefix ?? ""}${path}`]);
        return { body: {}, status: 200, headers: {} };
    };
    const requester = Object.fromEntries(METHODS.map((method) => [method, send(method)]));
    const services = Object.entries(core).filter(([, service]) => /^class/.test(String(service)));
    for (const [, service] of services) {
        const instance = new service({ host: "https://gitlab.com", token: "t", requesterFn: () => requester });
        // The resources for projects, groups and users send paths below a prefix.
        const below = new URL(instance.url).pathname.split("/").slice(3).filter(Boolean);
        const prefix = below.map((segment) => `${segment}/`).join("");
        instance.requester = Object.fromEntries(
            METHODS.map((method) => [method, (path, options) => requester[method](path, { ...options, prefix })]),
        );
        for (let type = service; type.prototype?.constructor === type; type = Object.getPrototypeOf(type)) {
            for (const name of Object.getOwnPropertyNames(type.prototype).filter((name) => name !== "constructor")) {
                await call(instance, type.prototype[name]);
            }
        }
    }
    const decoded = (path) => decodeURIComponent(path).replace("undefined", "{file}").replace(/\/+/g, "/");
    return found.map(([method, path]) => [method, decoded(path)]);
}

/** The options of Gitbeaker that choose a path. */
const PLACES = [
    "projectId", "groupId", "userId", "mergerequestIId", "issueIId", "epicId", "pipelineId", "environmentId",
];

/** Calls a method of Gitbeaker for each place for which its options choose a path. */
async function call(instance, method) {
    const source = String(method);
    const head = source.slice(source.indexOf("(") + 1, source.indexOf(") {"));
    const names = head.match(/\b\w+(?=\s*[,=}]|\s*$)/g) ?? [];
    const flat = head.replace(/\{[^}]*\}( = \{\})?/g, "options");
    const positional = flat.split(",").map((name) => name.trim().split(" ")[0]);
    const ids = PLACES.filter((place) => names.includes(place) || source.includes(place));
    const choice = (...names) => Object.fromEntries(names.map((name) => [name, `{${name}}`]));
    const choices = [{}, ...ids.map((id) => choice(id)), choice(...ids)];
    if (ids.includes("projectId")) choices.push(...ids.map((id) => choice("projectId", id)));
    for (const options of choices) {
        const given = positional.map((name) => (name === "options" ? { ...options } : `{${name}}`));
        try {
            await method.apply(instance, given);
        } catch {
            // The method needs another value of an option, and another choice has it.
        }
    }
}

/** The operations of the modules of Microsoft's client, whose addresses are templates (RFC 6570). */
function kiota(directory, part) {
    const operations = (text) => {
        const template = /super\(\).__init__\(request_adapter, "\{\+baseurl\}([^"]*)"/.exec(text)?.[1];
        if (template === undefined) return [];
        const path = decodeURIComponent(template.split(/\{?\?/)[0]);
        const methods = [...text.matchAll(/^ {4}async def (get|post|put|patch|delete)\(/gm)];
        return methods.map(([, method]) => [method, path]);
    };
    const listed = texts(directory, "_request_builder.py").flatMap(operations).filter(([, path]) => part(path));
    // The client reaches the user who signed in by the address of any user.
    const own = listed.map(([method, path]) => [method, path.replace("/users/{user-id}", "/me")]);
    return [...listed, ...own];
}

/** The part of Microsoft Graph that the scopes User.Read and Mail.Read reach, and what sends other requests. */
function isMailOrUser(path) {
    const mail = "messages|mailFolders|inferenceClassification|photos?|outlook";
    const user = new RegExp(`^/users/\\{user-id\\}(/(${mail})(/.*)?|/[^/]+)?$`);
    return user.test(path) || /^\/(search\/query|subscriptions(\/.*)?)$/.test(path);
}

/** The operations of a client in JavaScript that names method and path in one expression. */
function matches(directory, ending, pattern, prefix = "") {
    const found = texts(directory, ending).flatMap((text) => [...text.matchAll(pattern)]);
    return found.map(({ groups }) => [groups.method, prefix + parameters(groups.path)]);
}

/** The operations of OpenAI's client, which lists with GET unless it names another method. */
function openai(directory) {
    const request = /_client\.(get|post|put|patch|delete|getAPIList)\((?:\(0, [\w.]+\) )?[`'](\/[^`'?]*)([^;]*)/g;
    return texts(join(directory, "resources"), ".js").flatMap((text) =>
        [...text.matchAll(request)].map(([, method, path, rest]) => {
            const other = /method: '(\w+)'/.exec(rest)?.[1];
            return [method === "getAPIList" ? (other ?? "get") : method, parameters(path)];
        }),
    );
}

/** The operations of Twilio's client, each of whose classes has one address. */
function twilio(directory) {
    const read = (text) => {
        const [, ...classes] = text.split(/\b(?:this|instance)\._uri = /);
        return classes.flatMap((body) => {
            const path = `/2010-04-01${parameters(/^[`"']([^`"']*)/.exec(body)[1])}`;
            return [...body.matchAll(/\bmethod: "(\w+)"/g)].map(([, method]) => [method, path]);
        });
    };
    return texts(join(directory, "lib/rest/api/v2010"), ".js").flatMap(read);
}

/** Reads a discovery document of Google. */
const discovery = (directory, name) =>
    json(join(directory, `googleapiclient/discovery_cache/documents/${name}.json`));

/** The package of each provider, the part of it that is read, and the operations that it names. */
const PROVIDERS = {
    asana: {
        package: "npm:asana",
        part: "all operations of the client",
        read: (directory) => {
            const request = /callApi\('(?<path>[^']*)', '(?<method>\w+)'/g;
            return matches(join(directory, "dist/api"), ".js", request);
        },
    },
    github: {
        package: "npm:@octokit/openapi",
        part: "all operations of github.com, of Enterprise Cloud, and of the newest Enterprise Server below /api/v3",
        read: github,
    },
    gitlab: {
        package: "npm:@gitbeaker/core",
        part: "the requests of all methods of the client, which covers most of the REST API",
        read: gitbeaker,
    },
    "google-calendar": {
        package: "pypi:google-api-python-client",
        part: "the discovery document calendar.v3: all operations, below the base address of the kind",
        read: (directory) => google(discovery(directory, "calendar.v3"), "/calendar/v3"),
    },
    "google-drive": {
        package: "pypi:google-api-python-client",
        part: "the discovery document drive.v3: all operations",
        read: (directory) => google(discovery(directory, "drive.v3"), ""),
    },
    "google-gmail": {
        package: "pypi:google-api-python-client",
        part: "the discovery document gmail.v1: all operations",
        read: (directory) => google(discovery(directory, "gmail.v1"), ""),
    },
    hubspot: {
        package: "npm:@hubspot/api-client",
        part: "all operations of the client below crm/",
        read: (directory) => {
            const request = /localVarPath = '(?<path>[^']*)'[^]*?HttpMethod\.(?<method>\w+)/g;
            return matches(join(directory, "lib/codegen/crm"), ".js", request);
        },
    },
    "microsoft-graph": {
        package: "pypi:msgraph-sdk",
        part: "of v1.0 what User.Read and Mail.Read reach, the collections of a user, search and subscriptions",
        read: (directory) => kiota(join(directory, "msgraph/generated"), isMailOrUser),
    },
    notion: {
        package: "npm:@notionhq/client",
        part: "all endpoints of the client",
        read: (directory) => {
            const path = /method: "(?<method>\w+)",(?:[^`"']|"[^"]*")*?path: \([^)]*\) => `(?<path>[^`]*)/g;
            return matches(join(directory, "build/src/api-endpoints"), ".js", path, "/v1/");
        },
    },
    openai: {
        package: "npm:openai",
        part: "all operations of the client, below the base address of the kind",
        read: openai,
    },
    slack: {
        package: "npm:@slack/web-api",
        part: "all methods of the client, each of which takes GET and POST",
        read: (directory) => {
            const text = readFileSync(join(directory, "dist/methods.js"), "utf8");
            const names = [...text.matchAll(/bindApiCall\w*\(this, '([\w.]+)'\)/g)].map(([, name]) => name);
            return names.flatMap((name) => ["GET", "POST"].map((method) => [method, `/${name}`]));
        },
    },
    stripe: {
        package: "npm:stripe",
        part: "all operations of the client at api.stripe.com",
        read: (directory) => {
            const request = /_makeRequest\('(?<method>\w+)', [`'](?<path>\/v[^`']*)/g;
            return matches(join(directory, "cjs"), ".js", request);
        },
    },
    twilio: {
        package: "npm:twilio",
        part: "all operations of the client at api.twilio.com",
        read: twilio,
    },
};

/** The version of an unpacked package, by its metadata. */
function version(directory, name) {
    const [, registry, id] = /^(\w+):(.*)$/.exec(name);
    if (registry === "pypi") {
        const metadata = `${id.replaceAll("-", "_")}-`;
        const [found] = readdirSync(directory).filter((entry) => entry.startsWith(metadata));
        return found.slice(metadata.length).replace(".dist-info", "");
    }
    const nested = join(directory, "node_modules", id);
    return json(join(existsSync(nested) ? nested : directory, "package.json")).version;
}

const [name, directory] = process.argv.slice(2);
const provider = PROVIDERS[name];
if (!provider || !directory) {
    console.error(`usage: node extract.mjs ${Object.keys(PROVIDERS).join("|")} DIRECTORY`);
    process.exit(2);
}
const lines = (await provider.read(directory)).map(([method, path]) => `${method.toUpperCase()} ${path}`);
const byPath = (line) => line.split(" ").reverse().join(" ");
const sorted = [...new Set(lines)].sort((one, other) => (byPath(one) < byPath(other) ? -1 : 1));
const date = new Date().toISOString().slice(0, 10);
console.log(`# Source: ${provider.package} ${version(directory, provider.package)}, read on ${date}.`);
console.log(`# Part: ${provider.part}.`);
console.log(sorted.join("\n"));
