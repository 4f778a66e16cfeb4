# shellcheck shell=bash
# Shared by the scripts of this repository; to be sourced from its top.
#
# The tools that they use. No bot updates this list: look at it before a release.
# shellcheck disable=SC2034 # used by the scripts that source this
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
openapi=23.0.2
openapi_ghes=14.0.0
sigstore_mock=0.13.0
yaml=2.9.1
xterm=5.5.0
yazl=3.3.1
# They are installed together, once for the steps producers and examples.
artifact_packages=("@actions/artifact@$actions_artifact" "archiver@$archiver" "minimatch@$minimatch" "yazl@$yazl")

# The directory that tools are installed into, and stay in.
installed=${ARTIFETCH_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/artifetch-tools}

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# tool MODULE@VERSION prints the path of its binary, and installs it first if
# it is not there. The same Go builds the same binary everywhere.
tool() {
  local name=${1%@*} dir
  name=${name##*/}
  dir=$installed/$name-${1##*@}
  if [[ ! -x $dir/$name ]]; then
    echo "installing $1" >&2
    CGO_ENABLED=0 GOFLAGS=-trimpath GOEXPERIMENT='' GOAMD64='' GOARM64='' GOBIN=$dir go install "$1" >&2 ||
      die "cannot install $1"
  fi
  echo "$dir/$name"
}

# node_modules PACKAGE@VERSION... prints the directory that holds them, and installs
# them first if they are not there.
node_modules() {
  local name=$* dir
  name=${name//[^a-z0-9.@-]/+}
  dir=$installed/npm-$name
  if [[ ! -d $dir ]]; then
    echo "installing $*" >&2
    rm -rf "$dir.part"
    mkdir -p "$dir.part"
    npm install --prefix "$dir.part" --no-audit --no-fund --no-save --ignore-scripts --silent "$@" >&2 ||
      die "cannot install $*"
    mv "$dir.part" "$dir"
  fi
  echo "$dir/node_modules"
}

# npm_file PACKAGE@VERSION FILE prints the path of one file of a package from npm, and
# fetches it first if it is not there.
npm_file() {
  local name=$1/$2 file
  file=$installed/npm-${name//[^A-Za-z0-9.@-]/+}
  if [[ ! -f $file ]]; then
    echo "fetching $2 of $1" >&2
    rm -rf "$file.part"
    mkdir -p "$file.part"
    npm pack --silent --pack-destination "$file.part" "$1" >/dev/null || die "cannot fetch $1"
    tar -xzOf "$file.part"/*.tgz "package/$2" >"$file.part/file" || die "$1 has no $2"
    mv "$file.part/file" "$file"
    rm -rf "$file.part"
  fi
  echo "$file"
}

# validate ACTION.YML checks it by the schema of actions.
validate() {
  local modules
  modules=$(node_modules "@action-validator/core@$action_validator" "@action-validator/cli@$action_validator")
  "$modules/.bin/action-validator" "$1"
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
