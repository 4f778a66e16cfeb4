// Runs a workflow that workflow_dispatch starts, as far as release.yml needs it:
// the jobs one after the other, each in a new clone, their scripts as they are
// written, and stand-ins for the actions.
//
//   node runner.mjs NODE_MODULES WORKFLOW.yml CONTEXT.json
//
// The context has: github and inputs, as in expressions; origin, the repository to
// clone; registry, instead of ghcr.io; temp, a directory; actions, a directory for
// each, with its action.yml, by "owner/name@commit"; env, the variables of actions
// whose code runs.
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [modules, file, contextFile] = process.argv.slice(2);
const yaml = createRequire(`${modules}/`)("yaml");
const workflow = yaml.parse(readFileSync(file, "utf8"));
const context = JSON.parse(readFileSync(contextFile, "utf8"));
const { github, inputs, origin, registry, temp, actions } = context;

class Failure extends Error {}

// fill evaluates the expressions in a text: names of contexts, and nothing else.
function fill(text, scope) {
  return String(text).replace(/\$\{\{\s*(.*?)\s*\}\}/g, (all, path) => {
    const value = path.split(".").reduce((v, name) => v?.[name], scope);
    if (!/^[a-z_.-]+$/i.test(path) || value === undefined) throw new Failure(`nothing is known of ${all}`);
    return value;
  });
}
const fillAll = (map = {}, scope) => Object.fromEntries(Object.entries(map).map(([k, v]) => [k, fill(v, scope)]));

// Commands that cannot run on this machine, and what runs instead. The rest of each
// script stays as it is.
const replaced = [
  [/^\.ci\/run$/m, 'echo "not rehearsed: .ci/run"'],
  [/^internal\/e2e\/container\/run\.sh .*$/m, 'echo "not rehearsed: the container tests"'],
  [/^internal\/release\/roots\.sh "(.*)"$/m, 'cp /etc/ssl/certs/ca-certificates.crt "$1"'],
  [/\bghcr\.io\b/g, registry],
];
const replace = (script) => replaced.reduce((s, [from, to]) => s.replace(from, to), script);

// start runs a command and returns the outputs that it sets.
function start(job, command, args, env, options = {}) {
  const outputs = join(job.temp, "outputs"), summary = join(job.temp, "summary");
  for (const file of [outputs, summary]) writeFileSync(file, "");
  const all = { ...process.env, ...job.env, ...env, GITHUB_OUTPUT: outputs, GITHUB_STEP_SUMMARY: summary };
  const { status, stdout } = spawnSync(command, args, { cwd: job.dir, env: all, stdio: ["ignore", "pipe", "inherit"], encoding: "utf8", maxBuffer: 1 << 28, ...options });
  process.stdout.write(stdout.replace(/^::(add-mask|debug)::.*\n/gm, "")); // for the runner alone
  if (status !== 0) throw new Failure(`it exits with ${status}`);
  // name=value, or name<<END, lines, END.
  return Object.fromEntries([...readFileSync(outputs, "utf8").matchAll(/^([^=<\n]+)(?:=(.*)|<<(.+)\n([^]*?)\n\3)$/gm)].map(([, name, value, , lines]) => [name, value ?? lines]));
}

const artifacts = join(temp, "artifacts");
const uses = {
  "actions/checkout": (job) => {
    execFileSync("git", ["clone", "--quiet", origin, job.dir]);
    execFileSync("git", ["-C", job.dir, "checkout", "--quiet", "-B", github.ref_name, github.sha]);
  },
  "actions/setup-go": () => console.log("not rehearsed: Go is this machine's"),
  "actions/upload-artifact": (job, { name, path }) => {
    rmSync(join(artifacts, name), { recursive: true, force: true });
    cpSync(join(job.dir, path), join(artifacts, name), { recursive: true });
  },
  "actions/download-artifact": (job, { name, path }) => cpSync(join(artifacts, name), join(job.dir, path), { recursive: true }),
  "docker/login-action": (job, { registry, username, password }) => {
    const auth = Buffer.from(`${username}:${password}`).toString("base64");
    mkdirSync(join(job.home, ".docker"), { recursive: true });
    writeFileSync(join(job.home, ".docker", "config.json"), JSON.stringify({ auths: { [registry]: { auth } } }));
  },
  "sigstore/cosign-installer": () => console.log("not rehearsed: cosign is on PATH"),
  // Its own code.
  "actions/attest": (job, given, { directory, declared, scope }) => {
    const env = { ...context.env, HOME: job.home };
    // GitHub gives a token for Sigstore only to a job that asks for id-token.
    if (!job.signs) env.ACTIONS_ID_TOKEN_REQUEST_URL = "";
    for (const [name, { default: value = "" }] of Object.entries(declared)) env[`INPUT_${name.toUpperCase()}`] = given[name] ?? fill(value, scope);
    return start(job, process.execPath, [join(directory, "bundle.cjs")], env);
  },
};

// action runs a step's action. First it compares the inputs that the step gives with
// the inputs that the action has at the pinned commit.
function action(job, step, scope) {
  const [name, commit] = step.uses.split("@");
  if (!uses[name]) throw new Failure(`there is no stand-in for ${name}`);
  const directory = actions[step.uses];
  const declared = yaml.parse(readFileSync(join(directory, "action.yml"), "utf8")).inputs;
  const given = fillAll(step.with, scope);
  for (const input of Object.keys(given)) {
    if (!declared[input]) throw new Failure(`${name} has no input ${input} at ${commit}`);
    if (declared[input].deprecationMessage) throw new Failure(`${name}: ${declared[input].deprecationMessage}`);
    given[input] = given[input].replaceAll("ghcr.io", registry);
  }
  for (const [input, { required, default: value }] of Object.entries(declared)) {
    if (String(required) === "true" && value === undefined && !given[input]) throw new Failure(`${name} needs the input ${input} at ${commit}`);
  }
  return uses[name](job, given, { directory, declared, scope }) ?? {};
}

function runJob(name, needs) {
  const spec = workflow.jobs[name];
  if (spec.uses) {
    console.log(`not rehearsed: ${spec.uses}`);
    return {};
  }
  const root = mkdtempSync(join(temp, `${name}-`));
  const job = { dir: join(root, "work"), temp: join(root, "temp"), home: join(root, "home") };
  for (const dir of Object.values(job)) mkdirSync(dir);
  const steps = {};
  const scope = { github, inputs, needs, steps };
  job.env = {
    ...fillAll(workflow.env, scope), RUNNER_TEMP: job.temp, GITHUB_ACTIONS: "true", CI: "true", GITHUB_WORKSPACE: job.dir, GITHUB_SHA: github.sha,
    GITHUB_REF: github.ref, GITHUB_REF_NAME: github.ref_name, GITHUB_REF_TYPE: "branch", GITHUB_REPOSITORY: github.repository, GITHUB_SERVER_URL: github.server_url,
    DOCKER_CONFIG: join(job.home, ".docker"),
  };
  job.signs = spec.permissions?.["id-token"] === "write";
  for (const step of spec.steps) {
    console.log(`--- ${name}: ${step.name ?? step.uses?.replace(/@.*/, "") ?? step.run.trim().split("\n")[0]}`);
    const outputs = step.uses
      ? action(job, step, scope)
      : start(job, "bash", ["-e", "-o", "pipefail", "-c", replace(fill(step.run, scope))], fillAll(step.env, scope), { cwd: join(job.dir, step["working-directory"] ?? "") });
    if (step.id) steps[step.id] = { outputs };
  }
  return fillAll(spec.outputs, scope);
}

const done = {};
try {
  for (const name of Object.keys(workflow.jobs)) {
    const needed = [workflow.jobs[name].needs ?? []].flat();
    for (const n of needed) if (!done[n]) throw new Failure(`job ${name} comes before ${n}, which it needs`);
    done[name] = { outputs: runJob(name, Object.fromEntries(needed.map((n) => [n, done[n]]))) };
  }
} catch (err) {
  if (!(err instanceof Failure)) throw err;
  console.error(`runner.mjs: ${err.message}`);
  process.exit(1);
}
