#!/usr/bin/env bash
# Builds the image and runs it as the runner does, against internal/githubsim;
# then with act, in a workflow. Does the same with the image of a release, and
# compares the binaries of both.
#
#   run.sh                            builds on a stand-in for the Go image, made
#                                     of the same Go and this machine's busybox:
#                                     no container registry is needed
#   run.sh --pull                     builds on the image that the Dockerfile names
#   run.sh --layout DIRECTORY VERSION builds nothing: the image of a release alone
#
# It uses the Docker engine it can reach. If there is none and it runs as root on
# Debian, it installs docker.io, starts a daemon with a socket and a data directory
# of its own, and ends it on the way out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
source internal/release/lib.sh

pull=false layout='' version=v0.0.0-e2e
case "$#,${1:-}" in
0,) ;;
1,--pull) pull=true ;;
3,--layout) layout=$2 version=$3 ;;
*) die "usage: $0 [--pull | --layout DIRECTORY VERSION]" ;;
esac

act_image='act-dockeraction:latest' # act's name for the image of uses: ./

tmp=$(mktemp -d)
image=artifetch-e2e:$$
base=artifetch-e2e-go:$$
released=''
emulated=''
docker=''
daemon=''
registry=''
address=''

cleanup() {
  local code=$?
  trap - EXIT INT TERM
  if [[ -n $docker ]]; then
    "$docker" image rm --force "$image" "$image-buildkit" "$act_image" "$base" "$released" "$emulated" >/dev/null 2>&1 || true # whichever were made
  fi
  if [[ -n $registry ]]; then kill "$registry" 2>/dev/null || true; wait "$registry" || true; fi
  if [[ -n $daemon ]]; then
    kill "$daemon" 2>/dev/null || true # unless it died
    wait "$daemon" || true
    umount "$tmp"/exec/netns/* 2>/dev/null || true # what a killed container left
  fi
  rm -rf "$tmp" || code=1
  exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# can_build CLIENT: it reaches an engine, and can build with BuildKit. From version
# 23 on, clients need the plugin buildx for that.
can_build() {
  local major
  major=$("$1" version --format '{{if .Server}}{{.Client.Version}}{{end}}' 2>/dev/null) || return 1
  major=${major%%.*}
  [[ -n $major ]] || return 1
  ((major < 23)) || "$1" buildx version >/dev/null 2>&1
}

# Debian's client stands beside others that may come first on PATH.
find_engine() {
  local client
  for client in docker /usr/bin/docker; do
    if command -v "$client" >/dev/null && can_build "$client"; then
      docker=$client
      return
    fi
  done
}

start_engine() {
  if [[ ! -x /usr/sbin/dockerd || ! -x /usr/bin/docker ]]; then apt docker.io; fi
  [[ $(id -u) == 0 ]] || die "no Docker engine can be reached, and only root can start one"
  export DOCKER_HOST=unix://$tmp/docker.sock
  /usr/sbin/dockerd --data-root "$tmp/data" --exec-root "$tmp/exec" --pidfile "$tmp/pid" \
    -H "$DOCKER_HOST" >"$tmp/dockerd.log" 2>&1 </dev/null &
  daemon=$!
  for _ in {1..150}; do
    if can_build /usr/bin/docker; then
      docker=/usr/bin/docker
      # act runs as another user.
      chmod 755 "$tmp" && chmod 666 "$tmp/docker.sock"
      return
    fi
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.2
  done
  cat "$tmp/dockerd.log" >&2
  die "the Docker engine does not start"
}

# The builder stage needs Go, a shell, and CA certificates.
make_base() {
  local root=$tmp/base applet goroot
  goroot=$(GOTOOLCHAIN=$toolchain go env GOROOT)
  # There is no C library in the image, so a busybox that needs one will not do.
  if [[ ! -x /bin/busybox ]] || ldd /bin/busybox >/dev/null 2>&1; then apt busybox-static; fi
  [[ -r /etc/ssl/certs/ca-certificates.crt ]] || apt ca-certificates
  mkdir -p "$root"/{bin,etc/ssl/certs,go,root} && mkdir -m 1777 "$root/tmp"
  for applet in $(/bin/busybox --list); do ln -s busybox "$root/bin/$applet"; done
  cp --remove-destination /bin/busybox "$root/bin/busybox" # it lists itself
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  echo 'root:x:0:' >"$root/etc/group"
  tar -cf "$tmp/base.tar" --owner 0 --group 0 -C "$root" .
  tar -rf "$tmp/base.tar" --owner 0 --group 0 --exclude ./test --exclude ./api --exclude ./doc \
    --transform 'flags=r;s,^\.,usr/local/go,' -C "$goroot" .
  "$docker" import -c 'ENV PATH=/usr/local/go/bin:/bin' -c 'ENV GOPATH=/go' -c 'ENV GOTOOLCHAIN=local' \
    "$tmp/base.tar" "$base" >/dev/null
  rm -r "$tmp/base.tar" "$root"
}

# build TAG [FLAG]... builds as the runner does.
build() {
  local tag=$1
  shift
  echo "building $tag $*"
  # Attestations would be further manifests beside the image.
  BUILDX_NO_DEFAULT_ATTESTATIONS=1 "$docker" build -t "$tag" -f "$tmp/Dockerfile" "$@" . >"$tmp/build.log" 2>&1 ||
    { cat "$tmp/build.log" >&2; die "the image cannot be built"; }
}
unset DOCKER_BUILDKIT # the runner asks for no builder in particular

# check IMAGE VERSION [FLAG]... runs the tests on an image.
check() {
  local checked=$1 want=$2
  shift 2
  go test -count=1 -v -tags container ./internal/e2e/container -args -docker "$docker" -image "$checked" -want-version "$want" "$@"
}

find_engine
if [[ -z $docker ]]; then start_engine; fi
echo "engine: $("$docker" version --format '{{.Server.Version}}'), client: $(command -v "$docker")"

# The image of a release, pulled from a registry by its digest as runners do.
if [[ -z $layout ]]; then
  layout=$tmp/layout time=2026-01-31T12:00:00Z
  internal/release/archives.sh "$version" $time octo/artifetch "$tmp/archives" linux/amd64 linux/arm64
  internal/release/image.sh "$version" 0123abc $time https://github.com/octo/artifetch /etc/ssl/certs/ca-certificates.crt "$tmp/archives" "$layout"
fi
crane=$(tool "$crane")
start_registry "$crane" "$tmp/registry.log"
"$crane" push "$layout" "$address/artifetch:e2e" >"$tmp/push.log" 2>&1 || { cat "$tmp/push.log" >&2; die "cannot push"; }
released=$address/artifetch@$(layout_digest "$layout")
"$docker" pull --quiet "$released"
check "$released" "$version" -released
# The image for arm64 runs in an emulator.
if [[ $(uname -m) == x86_64 ]]; then
  emulator=/usr/bin/qemu-aarch64-static
  [[ -x $emulator ]] || apt qemu-user-static
  emulated=$address/artifetch@$("$crane" digest --platform linux/arm64 "$released")
  "$docker" pull --quiet --platform linux/arm64 "$emulated"
  check "$emulated" "$version" -released -emulator $emulator -test.run 'TestImage|TestDownload'
fi
[[ $# != 3 ]] || exit 0

# The image that a checkout builds, with both builders. They differ only in how they
# build, so the tests of what the image does are run on one.
cp Dockerfile "$tmp/Dockerfile"
if ! $pull; then
  make_base
  sed -i "s|^FROM golang:[^ ]* AS build\$|FROM $base AS build|" "$tmp/Dockerfile"
  [[ $(diff Dockerfile "$tmp/Dockerfile" | grep -c '^>') == 1 ]] || die "the Dockerfile does not build on golang:…"
fi
build "$image"
check "$image" dev -test.run 'TestImage|TestDownload|TestStart'
if ! $pull; then
  # The next build finds in this image's caches what was compiled just now.
  "$docker" build --quiet --target build -t "$base" -f "$tmp/Dockerfile" . >/dev/null
fi
DOCKER_BUILDKIT=1 build "$image-buildkit" --build-arg "VERSION=$version"
check "$image-buildkit" "$version" -test.run TestImage
# The release's binary was compiled elsewhere, and is the same, byte for byte.
container=$("$docker" create "$image-buildkit")
"$docker" cp "$container:/artifetch" "$tmp/built" >/dev/null
"$docker" rm "$container" >/dev/null
name=$(archive_name "$version" linux "$(go env GOARCH)")
tar -xOzf "$tmp/archives/$name.tar.gz" "$name/artifetch" | cmp - "$tmp/built" || die "the Dockerfile builds another binary than a release has"
echo "the binary of a release and that of the Dockerfile are the same: $(sha256sum <"$tmp/built")"

binary=$(tool "$act")
cp "$binary" "$tmp/act" # where that user may run it
"$docker" tag "$image" "$act_image"
DOCKER_HOST=${DOCKER_HOST:-} go test -count=1 -v -tags container ./internal/e2e/act -args -act "$tmp/act"
