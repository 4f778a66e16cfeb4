// Writes an OCI layout of one image for several platforms, of one layer each:
//
//   node layout.mjs DIRECTORY amd64=LAYER.tar.gz arm64=LAYER.tar.gz -- KEY=VALUE...
//
// Index and images get the annotations, and the image's config has them as labels.
// org.opencontainers.image.created is the time in the config, too.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const [directory, ...rest] = process.argv.slice(2);
const pairs = (list) => list.map((s) => [s.slice(0, s.indexOf("=")), s.slice(s.indexOf("=") + 1)]);
const layers = pairs(rest.slice(0, rest.indexOf("--")));
const annotations = Object.fromEntries(pairs(rest.slice(rest.indexOf("--") + 1)));
const created = annotations["org.opencontainers.image.created"];
const types = "application/vnd.oci.image.";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
mkdirSync(`${directory}/blobs/sha256`, { recursive: true });

// blob stores bytes, and returns their descriptor.
function blob(type, bytes) {
  const digest = sha256(bytes);
  writeFileSync(`${directory}/blobs/sha256/${digest}`, bytes);
  return { mediaType: types + type, size: bytes.length, digest: `sha256:${digest}` };
}
const json = (type, value) => blob(type, Buffer.from(JSON.stringify(value)));

const manifests = layers.map(([architecture, file]) => {
  const bytes = readFileSync(file);
  const config = json("config.v1+json", {
    created,
    architecture,
    os: "linux",
    config: { Entrypoint: ["/artifetch"], Labels: annotations },
    rootfs: { type: "layers", diff_ids: [`sha256:${sha256(gunzipSync(bytes))}`] },
    history: [{ created, created_by: "internal/release/image.sh" }],
  });
  const layer = blob("layer.v1.tar+gzip", bytes);
  const manifest = { schemaVersion: 2, mediaType: types + "manifest.v1+json", config, layers: [layer], annotations };
  return { ...json("manifest.v1+json", manifest), platform: { architecture, os: "linux" } };
});
const index = json("index.v1+json", { schemaVersion: 2, mediaType: types + "index.v1+json", manifests, annotations });
writeFileSync(`${directory}/index.json`, JSON.stringify({ schemaVersion: 2, mediaType: types + "index.v1+json", manifests: [index] }));
writeFileSync(`${directory}/oci-layout`, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
