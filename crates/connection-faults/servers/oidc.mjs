// A certified OpenID provider on loopback, for tests: `node oidc.mjs '{"interactions":"auto"}'`.
//
// It prints its issuer as one line when it listens, ends with its standard input, and tells at /ledger what was asked of it.
// A refresh token that comes twice revokes the whole family, as RFC 9700, section 4.14.2, has it, unless `grace` says for how
// many seconds it may come again.
import { createServer } from 'node:http';
import { createHash } from 'node:crypto';
import Provider from 'oidc-provider';

const options = JSON.parse(process.argv[2] ?? '{}');
const lives = { AccessToken: 3600, RefreshToken: 30 * 24 * 3600, DeviceCode: 600, ...options.lives };
const server = createServer();
server.listen(options.port ?? 0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const account = (id) => ({ accountId: id, claims: async () => ({ sub: id, name: id, email: `${id}@example.com` }) });
  const provider = new Provider(issuer, {
    clients: options.clients ?? [
      {
        client_id: 'app',
        client_secret: 'app-secret/+ =%',
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials', 'urn:ietf:params:oauth:grant-type:device_code'],
        redirect_uris: options.redirectUris ?? ['http://127.0.0.1/callback'],
        response_types: ['code'],
        application_type: 'native',
        token_endpoint_auth_method: options.authentication ?? 'client_secret_basic',
      },
      {
        client_id: 'public',
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        redirect_uris: options.redirectUris ?? ['http://127.0.0.1/callback'],
        response_types: ['code'],
        application_type: 'native',
        token_endpoint_auth_method: 'none',
      },
    ],
    cookies: { keys: ['of a test'] },
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'read'],
    features: {
      devInteractions: { enabled: options.interactions === 'forms' },
      deviceFlow: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      registration: { enabled: true },
      pushedAuthorizationRequests: { enabled: options.par !== false, requirePushedAuthorizationRequests: options.requirePar === true },
      userinfo: { enabled: true },
      ...(options.documents && { clientIdMetadataDocument: { enabled: true, ack: 'draft-02' } }),
      ...(options.resources && { resourceIndicators: { enabled: true, getResourceServerInfo: () => ({ scope: 'read' }), useGrantedResource: () => true } }),
    },
    // The documents of applications are at public addresses, which a test maps to servers of this machine. The dispatcher
    // of the provider would refuse those.
    ...(options.documents && { fetch: (url, init) => fetch(mapped(options.documents, String(url)), { ...init, dispatcher: undefined }) }),
    ...(options.methods && { clientAuthMethods: options.methods }),
    pkce: { required: () => true },
    findAccount: async (_, id) => account(id),
    issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: { Interaction: 600, Session: 3600, Grant: 30 * 24 * 3600, ...lives },
    interactions: options.interactions === 'forms' ? undefined : { url: (_, interaction) => `/approve/${interaction.uid}` },
  });
  // A refresh token that comes again within the window gets further tokens, as with servers that allow for lost answers.
  if (options.grace) {
    const { adapter } = provider.RefreshToken;
    const consume = adapter.consume.bind(adapter);
    adapter.consume = async (id) => void setTimeout(consume, options.grace * 1000, id);
  }
  const [ledger, grants] = [[], new Set()];
  provider.on('grant.success', (context) => grants.add(context.oidc.entities.Grant?.jti));
  provider.use(async (context, next) => {
    if (context.path === '/ledger') {
      context.body = ledger;
      return;
    }
    // Every grant is gone, as when the user takes it back.
    if (context.path === '/forget') {
      for (const id of grants) await provider.Grant.adapter.destroy(id);
      context.body = '';
      return;
    }
    if (context.path.startsWith('/approve/')) {
      await approve(provider, context);
      return;
    }
    await next();
    // The token is spent, and a client that is killed meanwhile never learns the next one.
    if (options.slow && context.path === '/token') await new Promise((resolve) => setTimeout(resolve, options.slow));
    const { grant_type: grant, refresh_token: token } = context.oidc?.body ?? {};
    const spent = token && createHash('sha256').update(token).digest('hex').slice(0, 16);
    ledger.push({ method: context.method, path: context.path, grant, spent, status: context.status });
  });
  server.on('request', provider.callback());
  process.stdout.write(`${issuer}\n`);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

function mapped(documents, url) {
  const origin = Object.keys(documents).find((origin) => url.startsWith(`${origin}/`));
  if (!origin) throw new Error(`no document is at ${url}`);
  return documents[origin] + url.slice(origin.length);
}

// Who is sent here is `ada`, and allows what is asked.
async function approve(provider, context) {
  const details = await provider.interactionDetails(context.req, context.res);
  const { params, session, prompt } = details;
  const accountId = session?.accountId ?? 'ada';
  if (prompt.name === 'login') {
    const finished = await provider.interactionResult(context.req, context.res, { login: { accountId } });
    context.redirect(finished);
    return;
  }
  const grant = (details.grantId && (await provider.Grant.find(details.grantId)))
    ?? new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope ?? 'openid');
  if (options.resources && params.resource) grant.addResourceScope(params.resource, 'read');
  const grantId = await grant.save();
  const finished = await provider.interactionResult(context.req, context.res, { consent: { grantId } }, { mergeWithLastSubmission: true });
  context.redirect(finished);
}
