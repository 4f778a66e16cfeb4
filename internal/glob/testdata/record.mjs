// Records what minimatch and bash make of globs, see README.md.
//
// The names hold every directory that they lie in, so that a test can tell what a
// glob takes of a directory.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import { minimatch } from "minimatch";

const { version } = createRequire(import.meta.url)("minimatch/package.json");

const names = [
  "a", "b", "c", "d", "ab", "abc", "ac", "a1", "a-", "a.b", "a.so", ".so", ".a", ".a/b", ".git", ".git/config", "..a",
  "1", "2", "3", "4", "9", "01", "02", "10", "001", "-1", "A", "B", "Ab", "-", "^", "!", "!a", "#a", "a#", "a b", "a,b", "[a]", "]", "(a)", "a|b",
  "é", "日本", "日本語", "😀", "e\u0301",
  "dist", "dist/a", "dist/b.so", "dist/.a", "dist/d", "dist/d/a", "dist/d/b.so", "dist/tmp", "dist/tmp/a", "dists", "Dist", "x/dist", "x/dist/a", "x",
  "a/b", "a/b/c", "a/b/c/d", "b/a", "ab/c", "aa", "aab", "a/x", "a/x/b", "a/.b", "a/.b/c", "x/a", "x/a.so", "x/y", "x/y/a.so",
  "x/y/.so", "lib", "lib/a.dll", "results-1", "results-2", "results-3", "results-4", "results-01", "results-10", "results-{1..3}", "linux-x64", "macos-arm64",
  "data-1", "data-a", "{a}", "{x}", "*", "?", "a*b", "a?b", "a\\b", "v1.2", "v1.3", "v1.20",
];

const globs = [
  // wildcards
  "*", "?", "??", "*a", "a*", "*a*", "a*b", "a?", "?.so", "*.so", "*.*", ".*", "*.", "a*c", "*-*", "***", "日本*", "日本?", "é", "[é]", "?\u0301", "a b", "* *", "a,b",
  // classes
  "[ab]", "[a-c]", "[!a]", "[^a]", "[!a-c]", "[A-C]", "[a-]", "[-a]", "[^]", "[]", "[]a]", "[!]a]", "[a", "a]", "[[]a]", "[z-a]", "[a-c1-3]", "a[b-d]*", "[.]a", "[!.]a",
  "[*]", "[?]", "a[*]b", "a[?]b", "[a^]", "[a!]", "[!!]", "[^^]", "[日é]*", "[\\]]", "[a\\-c]", "[😀]", "data-[[:digit:]]", "data-[![:digit:]]", "[[:alpha:]]", "[[:upper:]]",
  "[[:punct:]]", "[[=a=]]", "[\\d]", "[a/b]",
  // braces
  "{a,b}", "{a,b}*", "{a,b}{1,b}", "x{,/a}", "{,a}b", "{a,{b,c}}", "{{a,b},c}", "{a,b}/{a,b}", "{x/a,b/a}", "{a}", "{x}", "{}", "{,}", "a{", "a}", "{a", "{a,b", "{a,b}}", "{{a,b}",
  "results-{1..3}", "results-{01..02}", "results-{3..1}", "results-{1..10..9}", "{a..c}", "{c..a}", "{a..c..2}", "{A..B}", "{-1..1}", "{1..x}", "{a..B}", "{1..3,a}", "{..}", "{1...3}",
  "v1.{2..3}", "{linux,macos}-*", "{*.so,*.b}", "{**/,}a.so", "{dist,lib}/**", "{./a,b}", "{a,b/../a}",
  // directories
  "**", "**/a", "**/*.so", "a/**", "a/**/c", "**/", "*/", "*/*", "*/a", "dist", "dist/", "./dist", "./dist/**", "dist/*", "dist/**", "dist/**/*", "dist//a", "./a", ".", "./", "..", "../a", "a/../b",
  "/a", "//a", "/dist", "dist/*/a", "dist/d/", "**/dist", "**/dist/**", "x/**/*.so", "**/**/a", "a**", "**a", "**.so", "a/b**", "a**c", "**/.so", "**/.*", ".git/*", ".*/*", "**/d/**",
  // taking away
  "!a", "!*.so", "!!a", "!!!a", "!", "!dist", "!dist/**", "!dist/tmp", "!{a,b}", "!**/*.so", "! a",
  // comments, escapes
  "#a", "# a", "\\#a", "a#", "!#a", "\\!a", "\\{a\\}", "\\[a\\]", "a\\*b", "a\\?b", "a\\b", "lib\\a.dll", "lib\\*.dll", "dist\\**", "a\\", "a\\\\b", "(a)", "a|b", "(a|b)", "\\(a\\)",
  // extended globs
  "@(a|b)", "?(a|b)", "*(a|b)", "+(a|b)", "!(a|b)", "a@(b|c)", "a!(b)", "*.!(so)", "@(a)", "dist/!(tmp)",
];

const braces = [
  "{a,b}", "x{,a}", "x{a,,b}y", "{a,b}{1,2}", "{a,{b,c}d}e", "{{a,b},{c,d}}", "{a,{b,{c,{d,e}}}}", "{1..3}", "{3..1}", "{-2..2}", "{2..-2}", "{0..0}", "{1..9..2}", "{1..9..3}",
  "{9..1..3}", "{10..1..3}", "{1..9..-2}", "{9..1..-2}", "{1..3..0}", "{01..03}", "{1..03}", "{001..3}", "{08..11}", "{-01..1}", "{-1..01}", "{-03..3..3}", "{01..100..33}", "{00..0}", "{-5..-1..2}",
  "{a..e}", "{e..a}", "{a..e..2}", "{e..a..2}", "{a..e..-2}", "{A..C}", "{a..a}", "x{1..2}{a..b}y", "v{1..2}.{0..1}", "{{1..2},{a..b}}", "{1..2}/{a,b}/c",
];

// random gives the same numbers each time.
let state = 18;
const random = (n) => (state = (state * 48271) % 2147483647) % n;
const of = (list) => list[random(list.length)];

// wild makes a component of a glob. It ends in a wildcard.
function wild() {
  const part = () => of(["a", "b", "c", "1", ".", "-", "*", "?", "[ab]", "[!a]", "[a-c]", "[^b-d]", "{a,b}", "{1..3}", "{a..c}", "{,b}", "{a*,b}", "{a,{b,c}}", "{01..02}"]);
  return Array.from({ length: random(4) }, part).join("") + of(["*", "?", "[a-c]", "[!b]", "[!.]", "*"]);
}
for (let i = 0; i < 400; i++) {
  const before = Array.from({ length: random(3) }, () => of([wild(), "**", "a", "dist", "x", "{a,x}"]));
  globs.push([...before, wild()].join("/").replace(/\*{2,}(?!\/)/g, "*"));
}

// record returns what a glob matches: with the option dot, and, where that differs,
// without, as minimatch does by default. It is null where minimatch throws an error.
function record(glob) {
  try {
    const matches = names.filter((name) => minimatch(name, glob, { dot: true }));
    const undotted = names.filter((name) => minimatch(name, glob));
    return { matches, ...(undotted.length === matches.length || { undotted }) };
  } catch {
    return { matches: null };
  }
}
const recorded = Object.fromEntries([...new Set(globs)].map((glob) => [glob, record(glob)]));

const bash = {};
for (const glob of braces) {
  bash[glob] = execFileSync("bash", ["-fc", `printf '%s\\n' ${glob}`], { encoding: "utf8" }).trimEnd().split("\n");
}

const line = (object) => Object.entries(object).map(([key, value]) => `    ${JSON.stringify(key)}: ${JSON.stringify(value)}`).join(",\n");
writeFileSync(new URL("recorded.json", import.meta.url), `{
  "minimatch": ${JSON.stringify(version)},
  "names": ${JSON.stringify(names)},
  "globs": {
${line(recorded)}
  },
  "braces": {
${line(bash)}
  }
}
`);
