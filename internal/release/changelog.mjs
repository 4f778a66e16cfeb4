// Prints the changelog, or a part of it, as a release needs it.
//
//   node changelog.mjs cut VERSION DATE URL FILE    makes [Unreleased] a version's section
//   node changelog.mjs notes VERSION FILE           prints that section: a release's notes
//   node changelog.mjs back VERSION FILE RELEASED   takes a section of RELEASED over into
//                                                   FILE, which may have gone on since
//
// URL is the repository's. An entry is a line that begins with "- ", with the
// lines that continue it.
import { readFileSync } from "node:fs";

function die(message) {
  console.error(`changelog.mjs: ${message}`);
  process.exit(1);
}

// parse splits a changelog into what precedes [Unreleased], the sections, newest
// first, and the links at the end. A section's body has no blank line around it.
function parse(file) {
  const text = readFileSync(file, "utf8");
  const [, body, links] = text.match(/^([^]*?)((?:^\[[^\]\n]+\]: .*\n*)*)$(?![^])/m);
  const [head, ...parts] = body.split(/^(?=## \[)/m);
  const sections = parts.map((part) => {
    const [, title, name, rest] = part.match(/^(## \[([^\]]+)\].*)\n([^]*)$/) ?? die(`${file}: what is ${JSON.stringify(part.split("\n")[0])}?`);
    return { title, name, body: rest.trim() };
  });
  if (sections[0]?.name !== "Unreleased") die(`${file} does not begin with [Unreleased]`);
  return { head, sections, links: links.split("\n").filter(Boolean) };
}

function print({ head, sections, links }) {
  const parts = sections.map(({ title, body }) => `${title}\n` + (body && `\n${body}\n`));
  process.stdout.write(head + parts.join("\n") + (links.length ? `\n${links.join("\n")}\n` : ""));
}

// entries returns those of a section's body, each with the heading it stands below.
function entries(body) {
  const list = [];
  let heading = "";
  for (const part of body.split(/^(?=- |### )/m)) {
    if (part.startsWith("### ")) heading = part.trim();
    else if (part.trim()) list.push({ heading, text: part.trimEnd() });
  }
  return list;
}

function join(list) {
  let text = "", heading = "";
  for (const e of list) {
    if (e.heading !== heading) text += `\n${(heading = e.heading)}\n\n`;
    text += `${e.text}\n`;
  }
  return text.trim();
}

// newer compares versions such as 1.2.3, without prereleases.
function newer(a, b) {
  const [x, y] = [a, b].map((v) => v.split(".").map(Number));
  const i = x.findIndex((n, i) => n !== y[i]);
  return i >= 0 && x[i] > y[i];
}

const number = (version) => version.replace(/^v/, "");
const section = (log, version, file) => log.sections.find((s) => s.name === number(version)) ?? die(`${file} has no section [${number(version)}]`);

const commands = {
  cut(version, date, url, file) {
    const log = parse(file);
    const [unreleased] = log.sections;
    if (log.sections.some((s) => s.name === number(version))) die(`${file} has a section [${number(version)}] already`);
    if (!entries(unreleased.body).length) die(`${file} has nothing under [Unreleased]`);
    log.sections.splice(1, 0, { title: `## [${number(version)}] - ${date}`, name: number(version), body: unreleased.body });
    unreleased.body = "";
    log.links.unshift(`[${number(version)}]: ${url}/releases/tag/${version}`);
    print(log);
  },
  notes(version, file) {
    console.log(section(parse(file), version, file).body);
  },
  back(version, file, released) {
    const log = parse(file), from = parse(released);
    if (!log.sections.some((s) => s.name === number(version))) {
      const cut = section(from, version, released);
      const done = new Set(entries(cut.body).map((e) => `${e.heading}\n${e.text}`));
      const [unreleased] = log.sections;
      unreleased.body = join(entries(unreleased.body).filter((e) => !done.has(`${e.heading}\n${e.text}`)));
      const older = log.sections.findIndex((s, i) => i > 0 && newer(cut.name, s.name));
      log.sections.splice(older < 0 ? log.sections.length : older, 0, cut);
      log.links.unshift(...from.links.filter((l) => l.startsWith(`[${cut.name}]:`)));
    }
    print(log);
  },
};

const [command, ...args] = process.argv.slice(2);
const run = commands[command];
if (!run || args.length !== run.length) die("usage: see its first lines");
run(...args);
