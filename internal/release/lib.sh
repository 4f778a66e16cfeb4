# shellcheck shell=bash
# Shared by the scripts of a release; to be sourced from the repository's top.
source .ci/lib.sh
shopt -s inherit_errexit # what fails in $(…) fails
export LC_ALL=C # the same order everywhere

# is_stable VERSION: it is a version such as v1.2.3, and no prerelease.
is_stable() { [[ $1 =~ ^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$ ]]; }

# is_version VERSION: it is a version such as v1.2.3, or a prerelease such as v1.2.3-rc.1.
is_version() { is_stable "${1%%-*}" && [[ $1 =~ ^[^-]*(-(alpha|beta|rc)\.(0|[1-9][0-9]*))?$ ]]; }

# newest prints the newest of the versions that it reads, one a line. Lines that
# are no versions do not count. A version comes after its prereleases.
newest() {
  local line
  while read -r line; do
    if is_version "$line"; then echo "${line/-/\~}"; fi
  done | sort -V | tail -1 | tr '~' -
}

# newer A B: version A comes after version B.
newer() { [[ $1 != "$2" && $(printf '%s\n' "$1" "$2" | newest) == "$1" ]]; }

# compiler prints the Go of a release, such as go1.2.3: the one that the
# Dockerfile names.
compiler() {
  local version
  version=$(sed -n 's/^FROM golang:\([0-9.]*\)-alpine@sha256:[0-9a-f]* AS build$/go\1/p' Dockerfile)
  [[ -n $version ]] || die "the Dockerfile names no version of Go"
  echo "$version"
}

# The systems that a release has the command for.
# shellcheck disable=SC2034 # used by those who source this
targets=(linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64)

# The licenses of everything in the image, CA certificates included.
# shellcheck disable=SC2034
licenses='0BSD AND Apache-2.0 AND BSD-3-Clause AND MIT AND MPL-2.0'

# $RELEASE_GO stands in for the compiler, if it is set.
toolchain=${RELEASE_GO:-$(compiler)}

# level ARCH prints the setting that decides which processors can run it.
level() {
  case $1 in
  amd64) echo GOAMD64=v1 ;;
  arm64) echo GOARM64=v8.0 ;;
  *) die "lib.sh has no processor level for $1" ;;
  esac
}

# release_go OS ARCH ARGUMENT... runs the go command of a release for a system,
# the same whatever the environment asks for.
release_go() {
  local os=$1 arch=$2 level
  level=$(level "$arch")
  shift 2
  env -u GOEXPERIMENT -u GOFIPS140 GOTOOLCHAIN="$toolchain" GOWORK=off CGO_ENABLED=0 \
    GOOS="$os" GOARCH="$arch" "$level" GOFLAGS='-trimpath -buildvcs=false' go "$@"
}

# binary VERSION OS ARCH FILE builds one, the same bytes wherever and with
# whatever environment it is built.
binary() {
  local settings
  release_go "$2" "$3" build -ldflags "-s -w -buildid= -X main.version=$1" -o "$4" .
  # What "go env -w" has set would change the binary; so would a new kind of setting.
  settings=$(GOTOOLCHAIN=$toolchain go version -m "$4" | sed -n "s|^$4: ||p; s/^\tbuild\t//p" | paste -sd' ')
  [[ $settings == "$toolchain -buildmode=exe -compiler=gc -trimpath=true CGO_ENABLED=0 GOARCH=$3 GOOS=$2 $(level "$3")" ]] ||
    die "$2/$3 was built with other settings than releases have: $settings"
}

# as_bot COMMAND... runs it with the name under which workflows commit.
as_bot() {
  local name='github-actions[bot]' mail='41898282+github-actions[bot]@users.noreply.github.com'
  env GIT_AUTHOR_NAME="$name" GIT_AUTHOR_EMAIL="$mail" GIT_COMMITTER_NAME="$name" GIT_COMMITTER_EMAIL="$mail" "$@"
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

# compress FILE.tar FILE.tar.gz: the best level would take twice as long for 0.4 % less.
compress() { gzip --no-name -7 --stdout "$1" >"$2"; }

# archive_name VERSION OS ARCH prints the name of an archive's top directory. The
# archive has the same name, with its extension.
archive_name() { echo "artifetch_${1#v}_$2_$3"; }

# start_registry CRANE LOG starts a container registry, empty and in memory, and
# sets registry, its process, and address.
start_registry() {
  local log=$2 port=''
  : >"$log" # what runs in the background may be late
  "$1" registry serve --address 127.0.0.1:0 >"$log" 2>&1 &
  # shellcheck disable=SC2034 # for the caller, to end it
  registry=$!
  for _ in {1..1200}; do
    port=$(sed -n 's/.*port \([0-9][0-9]*\).*/\1/p; s/.*:\([0-9][0-9]*\)$/\1/p' "$log" | tail -1)
    [[ -z $port ]] || break
    kill -0 "$registry" || { cat "$log" >&2; die "the registry does not start"; }
    sleep 0.1
  done
  [[ -n $port ]] || die "the registry does not say where it is"
  # shellcheck disable=SC2034
  address=127.0.0.1:$port
}

# commit_time COMMIT prints when it was made, such as 2026-01-31T12:00:00Z.
commit_time() { TZ=UTC git show --no-patch --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd "$1"; }

# is_time TIME: such as commit_time prints it.
is_time() { [[ $1 =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$ ]]; }

# layout_digest DIRECTORY prints the digest of the one index of an OCI layout.
layout_digest() {
  local digest
  digest=$(grep -o '"digest": *"sha256:[0-9a-f]*"' "$1/index.json" | grep -o 'sha256:[0-9a-f]*') || die "$1 is no OCI layout"
  [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || die "$1 does not hold one image"
  echo "$digest"
}
