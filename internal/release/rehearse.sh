#!/usr/bin/env bash
# Rehearses releases: runs release.yml, whole and in its order, three times in a
# row, with main going on in between. The scripts are those of the workflow; each
# action's inputs, and the code of actions/attest, are those of the commit that it
# names; registry, repository, Sigstore and GitHub's API are on this machine.
# README.md says what cannot be rehearsed.
#
#   rehearse.sh                as it stands
#   rehearse.sh --after-owner  in a copy in which owner.sh has filled in an owner
#
# It takes npm, the Go proxy, and the repositories of the actions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
case $#,${1:-} in
0, | 1,--after-owner) mode=${1:-} ;;
*) echo "usage: $0 [--after-owner]" >&2; exit 2 ;;
esac
source internal/release/checking.sh
standin=$PWD/internal/release/standin

echo "=== preparing"
crane=$(tool "$crane")
cosign=$(tool "$cosign")
modules=$(node_modules "@sigstore/mock@$sigstore_mock" "esbuild@$esbuild" "yaml@$yaml")

# The repositories of the actions at the commits that release.yml names: each one's
# action.yml, and the code of actions/attest, bundled as its own build does it.
mapfile -t actions < <(sed -nE 's/.*uses: ([^ ./]+\/[^ @]+@[0-9a-f]{40}) .*/\1/p' .github/workflows/release.yml | sort -u)
code=''
for action in "${actions[@]}"; do
  directory=$tmp/actions/$action files=(action.yml)
  if [[ $action == actions/attest@* ]]; then
    [[ -z $code ]] || die "release.yml has several versions of actions/attest"
    code=$directory files+=(src package.json package-lock.json)
  fi
  git init --quiet "$directory"
  git -C "$directory" remote add origin "https://github.com/${action%@*}"
  git -C "$directory" fetch --quiet --depth 1 --filter blob:none origin "${action#*@}" || die "cannot fetch $action"
  git -C "$directory" checkout --quiet FETCH_HEAD -- "${files[@]}"
done
npm ci --prefix "$code" --omit=dev --ignore-scripts --no-audit --no-fund --silent
"$modules/.bin/esbuild" "$code/src/index.ts" --bundle --platform=node --format=cjs --log-level=error --outfile="$code/bundle.cjs"

# The keys of the hosts that attest calls, and of cosign.
hosts=DNS:token.actions.githubusercontent.com,DNS:api.github.com,DNS:fulcio.sigstore.dev,DNS:rekor.sigstore.dev
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=rehearsal -addext "subjectAltName=$hosts" \
  -keyout "$tmp/hosts.key" -out "$tmp/hosts.pem" 2>"$tmp/log" || { cat "$tmp/log" >&2; die "openssl makes no key"; }
export COSIGN_PASSWORD=''
(cd "$tmp" && "$cosign" generate-key-pair >/dev/null 2>&1) || die "cosign makes no key"

# port_of COMMAND... starts a server that prints its port, and sets port. The server
# runs until the end.
port_of() {
  local log=$tmp/port.$#
  : >"$log"
  "$@" >"$log" 2>>"$tmp/servers.log" &
  servers+=($!)
  for _ in {1..1200}; do
    [[ ! -s $log ]] || break
    kill -0 "${servers[-1]}" 2>/dev/null || break
    sleep 0.1
  done
  [[ -s $log ]] || { cat "$tmp/servers.log" >&2; die "${*:1:2} does not start"; }
  port=$(cat "$log")
}
mkdir "$tmp/attestations" "$tmp/releases" "$tmp/bin" "$tmp/jobs"
start_registry "$crane" "$tmp/registry.log"
port_of node "$standin/door.mjs" "$address"
address=127.0.0.1:$port
port_of node "$standin/world.mjs" "$modules" "$tmp/hosts.key" "$tmp/hosts.pem" "$owner" main "$tmp/attestations"
PROXY=http://127.0.0.1:$port

# cosign signs with a key, since no server here vouches for an identity; docker
# takes the program out of the image.
cat >"$tmp/bin/cosign" <<END
#!/usr/bin/env bash
set -euo pipefail
command=\$1
shift
exec "$cosign" "\$command" --key "$tmp/cosign.key" --use-signing-config=false --tlog-upload=false "\$@"
END
cat >"$tmp/bin/docker" <<END
#!/usr/bin/env bash
set -euo pipefail
[[ "\$1 \$2" == 'run --rm' ]]
"$crane" export --platform linux/amd64 "\$3" - | tar -xO artifetch >"$tmp/started"
chmod +x "$tmp/started"
exec "$tmp/started" "\${@:4}"
END
chmod +x "$tmp"/bin/*
cp "$standin/gh" "$tmp/bin/gh"

new_repository
if [[ -n $mode ]]; then
  in_work internal/release/owner.sh "$owner"
  save 'Fill in the owner' main
fi
name=$address/$owner
event=$tmp/event.json
echo '{"repository": {"visibility": "public"}}' >"$event"

# release VERSION runs the workflow on the head of main.
release() {
  local version=$1 sha
  sha=$(on_origin heads/main)
  node - "$version" "$sha" "${actions[@]}" >"$tmp/context.json" <<'END'
const [version, sha, ...actions] = process.argv.slice(2), env = process.env;
console.log(JSON.stringify({
  inputs: { version },
  github: { sha, ref: "refs/heads/main", ref_name: "main", repository: env.OWNER, server_url: "https://github.com", token: "token", actor: "octocat" },
  origin: env.ORIGIN, registry: env.REGISTRY, temp: env.JOBS, actions: Object.fromEntries(actions.map((name) => [name, `${env.ACTIONS}/${name}`])),
  env: {
    HTTPS_PROXY: env.PROXY, NO_PROXY: "127.0.0.1", NODE_EXTRA_CA_CERTS: env.CERTIFICATE, GITHUB_EVENT_PATH: env.EVENT,
    ACTIONS_ID_TOKEN_REQUEST_URL: "https://token.actions.githubusercontent.com/token?x=1", ACTIONS_ID_TOKEN_REQUEST_TOKEN: "token",
  },
}));
END
  node "$standin/runner.mjs" "$modules" "$work/.github/workflows/release.yml" "$tmp/context.json"
}
export OWNER=$owner ORIGIN=$git REGISTRY=$address JOBS=$tmp/jobs ACTIONS=$tmp/actions
export PROXY CERTIFICATE=$tmp/hosts.pem EVENT=$event RELEASES=$tmp/releases
export PATH=$tmp/bin:$PATH

# proved VERSION: the release has everything that users verify.
proved() {
  local version=$1 image digest
  image=$(git --git-dir "$git" show "$version:action.yml" | sed -n 's|^  image: docker://||p')
  digest=${image#*@}
  [[ $image == "$name@sha256:"* && $("$crane" digest "$name:$version") == "$digest" ]] || die "$version runs $image"
  "$cosign" verify --key "$tmp/cosign.pub" --insecure-ignore-tlog "$image" >/dev/null 2>"$tmp/log" || { cat "$tmp/log" >&2; die "cosign does not verify $image"; }
  (
    cd "$RELEASES/$version"
    sha256sum --quiet --check checksums.txt
    "$cosign" verify-blob --key "$tmp/cosign.pub" --insecure-ignore-tlog --bundle checksums.txt.sigstore.json checksums.txt 2>"$tmp/log" || { cat "$tmp/log" >&2; die "cosign does not verify checksums.txt"; }
  )
  node "$standin/attested.mjs" "$tmp/attestations" "$RELEASES/$version/checksums.txt" "$name" "$digest" "$owner"
}

for version in v1.0.0 v1.1.0 v1.2.0; do
  echo "=== release $version"
  release "$version"
  echo "=== what came of $version"
  proved "$version"
  commits+=("$(on_origin tags/v1)")
  [[ ${commits[-1]} == "$(on_origin "tags/$version")" ]] || die "v1 is not $version"
  # The pull request is merged, and work goes on.
  in_work git pull --quiet --ff-only origin "changelog/$version/main"
  entry "A fix after $version."
done
echo "=== three releases in a row"
git --git-dir "$git" log --graph --format='%h%d %s' releases/v1 main
follows "${commits[@]}" v1 releases/v1
[[ ! -s $tmp/servers.log ]] || { cat "$tmp/servers.log" >&2; die "there were requests that nobody expected"; }

echo "=== a bill that cannot be attested"
in_work sed -i '/^node internal\/release\/bill.mjs/d' internal/release/binaries.sh
entry 'A bill without a serial number.'
if release v1.3.0 >"$tmp/broken" 2>&1; then die "the bill was not refused"; fi
grep 'Unsupported SBOM format' "$tmp/broken" || { tail -5 "$tmp/broken" >&2; die "it was refused for another reason"; }
if on_origin tags/v1.3.0; then die "v1.3.0 is tagged"; fi
echo "the rehearsal is over: everything is as it should be"
