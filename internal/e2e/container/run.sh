#!/usr/bin/env bash
# Builds the image and runs it as the runner does, against internal/githubsim;
# then with act, in a workflow.
#
#   run.sh          builds on a stand-in for the Go image, made of this
#                   machine's Go and busybox: no container registry is needed
#   run.sh --pull   builds on the image that the Dockerfile names
#
# It uses the Docker engine it can reach. Where there is none and it is root
# on Debian, it installs docker.io and starts a daemon with a socket and a
# data directory of its own, and ends it on the way out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

usage() { echo "usage: $0 [--pull]" >&2; exit 2; }
die() { echo "$0: $*" >&2; exit 1; }

pull=false
for arg in "$@"; do
  case $arg in
  --pull) pull=true ;;
  *) usage ;;
  esac
done

act=github.com/nektos/act@v0.2.89
act_image=act-dockeraction:latest # as act calls that of uses: ./

tmp=$(mktemp -d)
image=artifetch-e2e:$$
base=artifetch-e2e-go:$$
version=0.0.0-e2e
docker=
daemon=

cleanup() {
  local code=$?
  trap - EXIT INT TERM
  if [[ -n $docker ]]; then
    "$docker" image rm --force "$image" "$act_image" "$base" >/dev/null 2>&1 || true # whichever were made
  fi
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

install() {
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    die "needs $*: install it, or run this as root on Debian"
  fi
  echo "installing $*"
  {
    apt-get -o DPkg::Lock::Timeout=300 update
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
  } >"$tmp/apt.log" 2>&1 || { cat "$tmp/apt.log" >&2; die "cannot install $*"; }
}

# can_build CLIENT: it reaches an engine and builds with BuildKit. From
# version 23 on clients need the plugin buildx for that.
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
  if [[ ! -x /usr/sbin/dockerd || ! -x /usr/bin/docker ]]; then install docker.io; fi
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
  goroot=$(go env GOROOT)
  [[ -x /bin/busybox && -r /etc/ssl/certs/ca-certificates.crt ]] || install busybox-static ca-certificates
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

find_engine
if [[ -z $docker ]]; then start_engine; fi
echo "engine: $("$docker" version --format '{{.Server.Version}}'), client: $(command -v "$docker")"

args=(--build-arg "VERSION=$version" --tag "$image")
if ! $pull; then
  make_base
  args+=(--build-arg "GO_IMAGE=$base")
fi
echo "building $image"
# Attestations would be further manifests beside the image.
DOCKER_BUILDKIT=1 BUILDX_NO_DEFAULT_ATTESTATIONS=1 "$docker" build --progress plain "${args[@]}" . >"$tmp/build.log" 2>&1 ||
  { cat "$tmp/build.log" >&2; die "the image cannot be built"; }

go test -count=1 -v -tags container ./internal/e2e/container -args \
  -docker "$docker" -image "$image" -want-version "$version"

tools=${ARTIFETCH_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/artifetch-tools}/${act##*@}
if [[ ! -x $tools/act ]]; then
  echo "installing $act"
  GOBIN=$tools CGO_ENABLED=0 go install "$act"
fi
cp "$tools/act" "$tmp/act" # where that user may run it
"$docker" tag "$image" "$act_image"
DOCKER_HOST=${DOCKER_HOST:-} go test -count=1 -v -tags container ./internal/e2e/act -args -act "$tmp/act"
