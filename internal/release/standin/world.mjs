// Stands in for what actions/attest calls over HTTPS: GitHub's token service and
// API, and Sigstore, whose half comes from @sigstore/mock. It is a proxy, which a
// process finds through HTTPS_PROXY.
//
//   node world.mjs NODE_MODULES KEY.pem CERT.pem REPOSITORY BRANCH DIRECTORY
//
// It prints its port. What was stored with GitHub becomes DIRECTORY/N.json.
import { generateKeyPairSync } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import net from "node:net";

const [modules, key, cert, repository, branch, directory] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const sigstore = require("@sigstore/mock");
const jose = await import(require.resolve("jose"));

const issuer = "https://token.actions.githubusercontent.com";
const workflow = `${repository}/.github/workflows/release.yml@refs/heads/${branch}`;
const claims = {
  iss: issuer, sub: `https://github.com/${workflow}`, ref: `refs/heads/${branch}`, sha: "0".repeat(40), repository,
  event_name: "workflow_dispatch", job_workflow_ref: workflow, workflow_ref: workflow, repository_id: "1",
  repository_owner_id: "1", runner_environment: "github-hosted", run_id: "1", run_attempt: "1",
};
const pair = await jose.generateKeyPair("RS256");
const jwk = { ...(await jose.exportJWK(pair.publicKey)), kid: "1", alg: "RS256", use: "sig" };
const json = (status, value) => ({ status, type: "application/json", body: JSON.stringify(value) });

// token answers as the service of a job that may have an id-token.
async function token(url) {
  const signed = new jose.SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "1" }).setIssuedAt().setExpirationTime("5m");
  return json(200, { value: await signed.setAudience(url.searchParams.get("audience")).sign(pair.privateKey) });
}

// store keeps an attestation.
async function store(url, body) {
  const n = readdirSync(directory).length + 1;
  writeFileSync(`${directory}/${n}.json`, body);
  return json(201, { id: n });
}

const adapt = ({ fn }) => async (_, body) => {
  const { statusCode, response, contentType } = await fn(body);
  return { status: statusCode, type: contentType ?? "text/plain", body: response };
};
const own = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const ca = await sigstore.initializeCA(own, await sigstore.initializeCTLog(own));
const routes = {
  [`GET token.actions.githubusercontent.com/token`]: token,
  [`GET token.actions.githubusercontent.com/.well-known/openid-configuration`]: async () => json(200, { jwks_uri: `${issuer}/jwks` }),
  [`GET token.actions.githubusercontent.com/jwks`]: async () => json(200, { keys: [jwk] }),
  [`POST api.github.com/repos/${repository}/attestations`]: store,
  [`POST fulcio.sigstore.dev/api/v2/signingCert`]: adapt(sigstore.fulcioHandler(ca)),
  [`POST rekor.sigstore.dev/api/v1/log/entries`]: adapt(sigstore.rekorHandler(await sigstore.initializeTLog("https://rekor.sigstore.dev", own))),
};

const server = https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, async (request, response) => {
  const url = new URL(request.url, `https://${request.headers.host}`);
  const name = `${request.method} ${url.hostname}${url.pathname}`;
  let body = "";
  for await (const chunk of request) body += chunk;
  const answer = routes[name] ? await routes[name](url, body) : json(404, { message: `nobody stands in for ${name}` });
  if (answer.status >= 400) console.error(`${name}: ${answer.status} ${answer.body}`);
  response.writeHead(answer.status, { "content-type": answer.type }).end(answer.body);
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));

const proxy = http.createServer();
proxy.on("connect", (_, socket, head) => {
  const there = net.connect(server.address().port, "127.0.0.1", () => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    there.write(head);
    socket.pipe(there).pipe(socket);
  });
  for (const s of [socket, there]) s.on("error", () => [socket, there].forEach((x) => x.destroy()));
});
proxy.listen(0, "127.0.0.1", () => console.log(proxy.address().port));
