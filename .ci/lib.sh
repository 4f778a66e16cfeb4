# shellcheck shell=bash
# Shared by the scripts of this repository; to be sourced from its top.
#
# These are the tools they use. No bot looks at this list: a release is the
# occasion to.
# shellcheck disable=SC2034 # used by those who source this
act=github.com/nektos/act@v0.2.89
actionlint=github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
cosign=github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3
crane=github.com/google/go-containerregistry/cmd/crane@v0.22.1
cyclonedx=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
golangci_lint=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
govulncheck=golang.org/x/vuln/cmd/govulncheck@v1.9.0
# From npm:
action_validator=0.6.0
actions_artifact=6.2.1
archiver=7.0.1
esbuild=0.28.2
minimatch=10.1.1
sigstore_mock=0.13.0
yaml=2.9.1
xterm=5.5.0
yazl=3.3.1

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# tool MODULE@VERSION prints the path of its binary, and installs it first if
# it is not there: into a cache directory of our own, $ARTIFETCH_TOOLS. It is the
# same wherever the same Go builds it.
tool() {
  local name=${1%@*} dir
  name=${name##*/}
  dir=${ARTIFETCH_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/artifetch-tools}/$name-${1##*@}
  if [[ ! -x $dir/$name ]]; then
    echo "installing $1" >&2
    CGO_ENABLED=0 GOFLAGS=-trimpath GOEXPERIMENT='' GOAMD64='' GOARM64='' GOBIN=$dir go install "$1" >&2
  fi
  echo "$dir/$name"
}

# node_modules PACKAGE@VERSION... prints the directory that holds them, and installs
# them first if they are not there, beside the tools.
node_modules() {
  local name=$* dir
  name=${name//[^a-z0-9.@-]/+}
  dir=${ARTIFETCH_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/artifetch-tools}/npm-$name
  if [[ ! -d $dir ]]; then
    echo "installing $*" >&2
    rm -rf "$dir.part"
    mkdir -p "$dir.part"
    npm install --prefix "$dir.part" --no-audit --no-fund --no-save --ignore-scripts --silent "$@" >&2
    mv "$dir.part" "$dir"
  fi
  echo "$dir/node_modules"
}

# validate ACTION.YML holds it against the schema of actions.
validate() {
  npx --yes --package "@action-validator/core@$action_validator" \
    --package "@action-validator/cli@$action_validator" action-validator "$1"
}

# apt PACKAGE... installs them where that is possible: as root on Debian, or on
# GitHub's machines.
apt() {
  local log as=()
  if [[ $(id -u) != 0 && -n ${GITHUB_ACTIONS:-} ]]; then as=(sudo); fi
  if [[ $(id -u) != 0 && ${#as[@]} == 0 ]] || ! command -v apt-get >/dev/null; then
    die "needs $*: install it, or run this as root on Debian"
  fi
  echo "installing $*" >&2
  log=$(mktemp)
  if ! {
    "${as[@]}" apt-get -o DPkg::Lock::Timeout=300 update &&
      "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
  } >"$log" 2>&1; then
    cat "$log" >&2
    rm "$log"
    die "cannot install $*"
  fi
  rm "$log"
}
