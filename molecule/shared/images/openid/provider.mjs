// The OpenID provider of the tests: oidc-provider with its own pages for login and consent, which take any password.
// Reads /provider/config.json: issuer, port, clients as oidc-provider takes them, audience of tokens for machines, and
// accounts: groups of each by its name. TLS key and certificate stand beside it. A client without a user, which asks for
// client_credentials, is the account of its own name.
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import Provider from 'oidc-provider';

const config = JSON.parse(readFileSync('/provider/config.json', 'utf8'));
const KEYS = '/work/jwks.json';
const TOKEN_SECONDS = 3600;

// Kept over a restart, as a provider's are.
if (!existsSync(KEYS)) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' };
  writeFileSync(KEYS, JSON.stringify({ keys: [key] }), { mode: 0o600 });
}

function claims(name) {
  return {
    email: `${name}@openid.test`,
    email_verified: true,
    name,
    preferred_username: name,
    groups: config.accounts[name],
  };
}

const provider = new Provider(config.issuer, {
  clients: config.clients,
  jwks: JSON.parse(readFileSync(KEYS, 'utf8')),
  cookies: { keys: [config.cookie_key] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username', 'groups'] },
  // As most providers do, so that nobody has to ask for the rest.
  conformIdTokenClaims: false,
  findAccount: (_context, name) =>
    name in config.accounts ? { accountId: name, claims: () => ({ sub: name, ...claims(name) }) } : undefined,
  extraTokenClaims: (_context, token) => (token.clientId in config.accounts ? claims(token.clientId) : undefined),
  ttl: { AccessToken: TOKEN_SECONDS, ClientCredentials: TOKEN_SECONDS, IdToken: TOKEN_SECONDS },
  features: {
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, resource) => ({
        scope: '',
        audience: resource === 'https://other.test' ? 'other' : config.audience,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
});

const tls = { key: readFileSync('/provider/server.key'), cert: readFileSync('/provider/server.pem') };
createServer(tls, provider.callback()).listen(config.port);
