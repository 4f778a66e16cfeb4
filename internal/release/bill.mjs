// Completes a bill of materials that cyclonedx-gomod wrote:
//
//   node bill.mjs FILE.cdx.json REPOSITORY VERSION
//
// It takes out what differs from machine to machine, corrects licenses, and adds
// a serial number, which actions/attest demands.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const [file, repository, version] = process.argv.slice(2);
const bom = JSON.parse(readFileSync(file, "utf8"));
const license = (id) => ({ licenses: [{ license: { id } }] });

// The tool's own binary has other hashes on another system.
for (const tool of bom.metadata.tools) delete tool.hashes;

// The tool looks for our own license in the published module, which is not there
// yet. It finds no license for Go's library, and a variant of the right one for Go's
// other modules.
delete bom.metadata.component.evidence;
Object.assign(bom.metadata.component, license("MIT"));
for (const c of bom.components) {
  if (c.name === "std" || c.name.startsWith("golang.org/x/")) c.evidence = license("BSD-3-Clause");
}

// A UUID of version 5 (RFC 9562) of what the bill says: the same build has the
// same serial number, and another build has another one.
const contents = createHash("sha256").update(JSON.stringify(bom)).digest("hex");
const namespace = Buffer.from("6ba7b8119dad11d180b400c04fd430c8", "hex"); // of URLs
const hash = createHash("sha1").update(namespace).update(`https://github.com/${repository}/releases/tag/${version}#${contents}`).digest();
hash[6] = (hash[6] & 0x0f) | 0x50;
hash[8] = (hash[8] & 0x3f) | 0x80;
const uuid = hash.toString("hex", 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
const { $schema, bomFormat, specVersion, ...rest } = bom;
const complete = { $schema, bomFormat, specVersion, serialNumber: `urn:uuid:${uuid}`, ...rest };
writeFileSync(file, JSON.stringify(complete, null, 2) + "\n");
