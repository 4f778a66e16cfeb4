// Compares a bill of materials with the binary that it describes:
//
//   node sbom.mjs FILE.cdx.json VERSION BINARY LICENSES
//
// LICENSES are the licenses that the image declares: an SPDX expression with AND.
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";

const [file, version, binary, licenses] = process.argv.slice(2);
const bom = JSON.parse(readFileSync(file, "utf8"));
const wrong = [];
const want = (ok, what) => ok || wrong.push(what);

// The demands of actions/attest on a bill in CycloneDX. In rehearse.sh its own code
// reads our bill.
for (const field of ["bomFormat", "serialNumber", "specVersion"]) want(bom[field], `actions/attest refuses it: no ${field}`);
want(statSync(file).size <= 16 << 20, "actions/attest refuses it: more than 16 MiB");
want(bom.bomFormat === "CycloneDX", `bomFormat is ${bom.bomFormat}`);
want(/^1\.[5-9]$/.test(bom.specVersion), `specVersion is ${bom.specVersion}`);
want(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(bom.serialNumber), `serialNumber is no UUID of version 5: ${bom.serialNumber}`);
want(bom.metadata?.tools?.length && bom.metadata.tools.every((t) => !t.hashes), "it has hashes of the tool, which differ from machine to machine");
const main = bom.metadata?.component ?? {};
want(main.type === "application", `its subject is of type ${main.type}`);
want(main.name === "github.com/artifetch/artifetch" && main.version === version, `its subject is ${main.name} ${main.version}`);

const components = new Map();
for (const c of bom.components ?? []) {
  want(c.type === "library" && c.name && c.version && c.purl?.startsWith("pkg:golang/"), `component ${JSON.stringify(c)}`);
  components.set(c.name, c);
}
// The image is under the licenses of the components, under our own, and under that of
// the CA certificates.
const under = new Set(["MIT", "MPL-2.0"]);
for (const c of components.values()) {
  want(c.evidence?.licenses?.length, `${c.name} has no license`);
  for (const { license } of c.evidence?.licenses ?? []) under.add(license.id ?? license.name);
}
const said = licenses.split(" AND ");
for (const l of under) want(said.includes(l), `something is under ${l}, which is not in "${licenses}"`);
for (const l of said) want(under.has(l), `"${licenses}" has ${l}, under which nothing is`);

const info = execFileSync("go", ["version", "-m", binary], { encoding: "utf8" });
const deps = [...info.matchAll(/^\tdep\t(\S+)\t(\S+)/gm)];
want(deps.length > 5, `the binary has ${deps.length} modules`);
for (const [, name, v] of deps) {
  const c = components.get(name);
  want(c?.version === v, `${name} ${v} is in the binary, and ${c?.version} in the bill`);
  want(c?.hashes?.some((h) => h.alg === "SHA-256"), `${name} has no hash`);
}
const go = info.match(/: (go\S+)/)[1];
want(components.get("std")?.version === go, `the library of ${go} is ${components.get("std")?.version}`);
want(components.size === deps.length + 1, `${components.size} components for ${deps.length} modules and the library`);

if (wrong.length) {
  console.error(`${file}:\n  ${wrong.join("\n  ")}`);
  process.exit(1);
}
