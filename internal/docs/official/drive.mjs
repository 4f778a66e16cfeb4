// Does what actions/download-artifact does with its inputs, by means of the libraries that
// it uses. The inputs arrive as the runner gives them to an action; $MODULES is the
// directory of the libraries. Everything goes through the REST API, with a token.
import path from 'node:path'

const modules = process.env.MODULES
const { DefaultArtifactClient } = await import(`${modules}/@actions/artifact/lib/artifact.js`)
const { Minimatch } = await import(`${modules}/minimatch/dist/esm/index.js`)

const input = name => (process.env[`INPUT_${name.toUpperCase()}`] ?? '').trim()
const token = input('github-token') || process.env.JOB_TOKEN
// Without a token of its own, the action takes the current run, whatever the inputs say.
const own = !input('github-token')
const [repositoryOwner, repositoryName] = ((own ? '' : input('repository')) || process.env.GITHUB_REPOSITORY).split('/')
const workflowRunId = Number((own ? '' : input('run-id')) || process.env.GITHUB_RUN_ID)
const findBy = { token, workflowRunId, repositoryOwner, repositoryName }
const home = input('path').replace(/^~/, process.env.HOME)
const destination = path.resolve(process.env.GITHUB_WORKSPACE, home)
const client = new DefaultArtifactClient()

async function choose() {
  const name = input('name')
  const ids = input('artifact-ids').split(',').filter(Boolean).map(Number)
  if (name && ids.length) throw new Error('name and artifact-ids exclude each other')
  if (name) return [(await client.getArtifact(name, { findBy })).artifact]
  const { artifacts } = await client.listArtifacts({ latest: true, findBy })
  if (ids.length) {
    const found = artifacts.filter(a => ids.includes(a.id))
    if (!found.length) throw new Error('none of the ids was found')
    return found
  }
  const glob = input('pattern') && new Minimatch(input('pattern'))
  return artifacts.filter(a => !glob || glob.match(a.name))
}

const chosen = await choose()
const flat = input('name') || input('merge-multiple') === 'true' || chosen.length === 1
for (const a of chosen) {
  const { digestMismatch } = await client.downloadArtifact(a.id, {
    findBy,
    path: flat ? destination : path.join(destination, a.name),
    expectedHash: a.digest,
    skipDecompress: input('skip-decompress') === 'true',
  })
  if (digestMismatch) throw new Error(`the digest of ${a.name} differs`)
}
