# shellcheck shell=bash
# Shared by the scripts of a release; to be sourced from the repository's top.
source .ci/lib.sh
shopt -s inherit_errexit # what fails in $(…) fails

# is_version VERSION: v1.2.3, and nothing before or behind.
is_version() { [[ $1 =~ ^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$ ]]; }

# newer A B: version A comes after version B.
newer() { [[ $1 != "$2" && $(printf '%s\n' "$1" "$2" | sort -V | tail -1) == "$1" ]]; }

# compiler prints the Go of a release, such as go1.2.3: the one that the
# Dockerfile names.
compiler() {
  local version
  version=$(sed -n 's/^FROM golang:\([0-9.]*\)-alpine@sha256:[0-9a-f]* AS build$/go\1/p' Dockerfile)
  [[ -n $version ]] || die "the Dockerfile names no version of Go"
  echo "$version"
}

# binary VERSION OS ARCH FILE builds one, the same bytes wherever and with
# whatever environment it is built. $RELEASE_GO stands in for the compiler, if
# it is set.
binary() {
  local toolchain level settings
  toolchain=${RELEASE_GO:-$(compiler)}
  case $3 in
  amd64) level=GOAMD64=v1 ;;
  arm64) level=GOARM64=v8.0 ;;
  *) die "no level of $3 was decided on" ;;
  esac
  unset GOEXPERIMENT GOFIPS140
  env GOTOOLCHAIN="$toolchain" GOWORK=off CGO_ENABLED=0 GOOS="$2" GOARCH="$3" "$level" \
    GOFLAGS='-trimpath -buildvcs=false' \
    go build -ldflags "-s -w -buildid= -X main.version=$1" -o "$4" .
  # What "go env -w" set comes in otherwise; so would a new kind of setting.
  settings=$(GOTOOLCHAIN=$toolchain go version -m "$4" | sed -n "s|^$4: ||p; s/^\tbuild\t//p" | paste -sd' ')
  [[ $settings == "$toolchain -buildmode=exe -compiler=gc -trimpath=true CGO_ENABLED=0 GOARCH=$3 GOOS=$2 $level" ]] ||
    die "$2/$3 was built otherwise than decided: $settings"
}

# remote_tags PATTERN prints the tags that origin has, one a line.
remote_tags() {
  local refs
  refs=$(git ls-remote --tags --refs origin "refs/tags/$1") || die "cannot read the tags of origin"
  sed -n 's|.*\trefs/tags/||p' <<<"$refs"
}

# pack FILE.tar MEMBER... makes a tar that depends on the members' names,
# modes and contents only.
pack() {
  local tar=$1
  shift
  tar --create --file "$tar" --sort name --owner 0 --group 0 --numeric-owner --mtime @0 --format ustar "$@"
}

# start_registry CRANE LOG starts a container registry, empty and in memory, and
# sets registry, its process, and address.
start_registry() {
  local log=$2 port=''
  : >"$log" # what runs in the background may be late
  "$1" registry serve --address 127.0.0.1:0 >"$log" 2>&1 &
  # shellcheck disable=SC2034 # for the caller, to end it
  registry=$!
  for _ in {1..100}; do
    port=$(sed -n 's/.*port \([0-9][0-9]*\).*/\1/p; s/.*:\([0-9][0-9]*\)$/\1/p' "$log" | tail -1)
    [[ -z $port ]] || break
    kill -0 "$registry" || { cat "$log" >&2; die "the registry does not start"; }
    sleep 0.1
  done
  [[ -n $port ]] || die "the registry does not say where it is"
  # shellcheck disable=SC2034
  address=127.0.0.1:$port
}

# layout_digest DIRECTORY prints the digest of the one index of an OCI layout.
layout_digest() {
  local digest
  digest=$(grep -o '"digest": *"sha256:[0-9a-f]*"' "$1/index.json" | grep -o 'sha256:[0-9a-f]*') || die "$1 is no OCI layout"
  [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || die "$1 does not hold one image"
  echo "$digest"
}
