// Checks the three attestations of a release, and forgets them:
//
//   node attested.mjs DIRECTORY CHECKSUMS IMAGE DIGEST REPOSITORY
//
// DIRECTORY has the bundles as actions/attest stored them with GitHub.
import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { basename } from "node:path";

const [directory, checksums, image, digest, repository] = process.argv.slice(2);
const wrong = [];
const want = (ok, what) => ok || wrong.push(what);

const files = readFileSync(checksums, "utf8").trim().split("\n").map((line) => line.split(/ [ *]/).reverse().join(" ")).sort();
const found = [];
for (const file of readdirSync(directory)) {
  const { bundle } = JSON.parse(readFileSync(`${directory}/${file}`, "utf8"));
  const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, "base64"));
  const certificate = new X509Certificate(Buffer.from(bundle.verificationMaterial.certificate.rawBytes, "base64"));
  const identity = `URI:https://github.com/${repository}/.github/workflows/release.yml@refs/heads/main`;
  want(certificate.subjectAltName.includes(identity), `it is signed by ${certificate.subjectAltName}`);
  const subjects = statement.subject.map((s) => `${s.name} ${s.digest.sha256}`).sort();
  const ofImage = subjects.length === 1 && subjects[0] === `${image} ${digest.replace("sha256:", "")}`;
  want(ofImage || subjects.join("\n") === files.join("\n"), `these are no subjects of the release: ${subjects}`);
  found.push(`${ofImage ? "image" : "files"}: ${basename(statement.predicateType)}`);
  rmSync(`${directory}/${file}`);
}
found.sort();
want(found.join(", ") === "files: v1, image: bom, image: v1", `there are: ${found}`);
console.log(`attested: ${found.join(", ")}`);
if (wrong.length) {
  console.error(`attested.mjs: ${wrong.join("\n  ")}`);
  process.exit(1);
}
