// Checks a bill of materials against the binary it is of:
//
//   node sbom.mjs FILE.cdx.json VERSION BINARY
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const [file, version, binary] = process.argv.slice(2);
const bom = JSON.parse(readFileSync(file, "utf8"));
const wrong = [];
const want = (ok, what) => ok || wrong.push(what);

want(bom.bomFormat === "CycloneDX", `bomFormat is ${bom.bomFormat}`);
want(/^1\.[5-9]$/.test(bom.specVersion), `specVersion is ${bom.specVersion}`);
const main = bom.metadata?.component ?? {};
want(main.type === "application", `its subject is of type ${main.type}`);
want(main.name === "github.com/artifetch/artifetch" && main.version === version, `its subject is ${main.name} ${main.version}`);

const components = new Map();
for (const c of bom.components ?? []) {
  want(c.type === "library" && c.name && c.version && c.purl?.startsWith("pkg:golang/"), `component ${JSON.stringify(c)}`);
  components.set(c.name, c);
}
const info = execFileSync("go", ["version", "-m", binary], { encoding: "utf8" });
const deps = [...info.matchAll(/^\tdep\t(\S+)\t(\S+)/gm)];
want(deps.length > 5, `the binary has ${deps.length} modules`);
for (const [, name, v] of deps) {
  const c = components.get(name);
  want(c?.version === v, `${name} ${v} is in the binary, and ${c?.version} in the bill`);
  want(c?.hashes?.some((h) => h.alg === "SHA-256"), `${name} has no hash`);
  want(c?.evidence?.licenses?.length, `${name} has no license`);
}
const go = info.match(/: (go\S+)/)[1];
want(components.get("std")?.version === go, `the library of ${go} is ${components.get("std")?.version}`);
want(components.size === deps.length + 1, `${components.size} components for ${deps.length} modules and the library`);

if (wrong.length) {
  console.error(`${file}:\n  ${wrong.join("\n  ")}`);
  process.exit(1);
}
