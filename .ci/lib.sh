# shellcheck shell=bash
# Shared by the scripts of this repository; to be sourced from its top.
#
# These are the tools they use. No bot looks at this list: a release is the
# occasion to.
# shellcheck disable=SC2034 # used by those who source this
act=github.com/nektos/act@v0.2.89
actionlint=github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
crane=github.com/google/go-containerregistry/cmd/crane@v0.22.1
cyclonedx=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
golangci_lint=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
govulncheck=golang.org/x/vuln/cmd/govulncheck@v1.9.0
action_validator=0.6.0 # from npm

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# tool MODULE@VERSION prints the path of its binary, and installs it first if
# it is not there: into a cache directory of our own, $ARTIFETCH_TOOLS.
tool() {
  local name=${1%@*} dir
  name=${name##*/}
  dir=${ARTIFETCH_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/artifetch-tools}/$name-${1##*@}
  if [[ ! -x $dir/$name ]]; then
    echo "installing $1" >&2
    CGO_ENABLED=0 GOFLAGS='' GOBIN=$dir go install "$1" >&2
  fi
  echo "$dir/$name"
}

# validate ACTION.YML holds it against the schema of actions.
validate() {
  npx --yes --package "@action-validator/core@$action_validator" \
    --package "@action-validator/cli@$action_validator" action-validator "$1"
}

# apt PACKAGE... installs them where that is possible: as root on Debian.
apt() {
  local log
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    die "needs $*: install it, or run this as root on Debian"
  fi
  echo "installing $*" >&2
  log=$(mktemp)
  if ! {
    apt-get -o DPkg::Lock::Timeout=300 update &&
      DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
  } >"$log" 2>&1; then
    cat "$log" >&2
    rm "$log"
    die "cannot install $*"
  fi
  rm "$log"
}
