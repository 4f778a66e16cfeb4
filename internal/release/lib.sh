# Shared by the scripts of a release; to be sourced.

crane=github.com/google/go-containerregistry/cmd/crane@v0.20.6
cyclonedx=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.9.0

die() { echo "$0: $*" >&2; exit 1; }

# tool MODULE@VERSION prints the path of its binary, and installs it first if
# it is not there.
tool() {
  local dir=${ARTIFETCH_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/artifetch-tools} name
  name=$(basename "${1%@*}")
  if [[ ! -x $dir/${1##*@}/$name ]]; then
    GOBIN=$dir/${1##*@} CGO_ENABLED=0 go install "$1" >&2
  fi
  echo "$dir/${1##*@}/$name"
}

# binary VERSION OS ARCH FILE builds one, the same bytes wherever it is built.
binary() {
  CGO_ENABLED=0 GOOS=$2 GOARCH=$3 GOFLAGS='-trimpath -buildvcs=false' \
    go build -ldflags "-s -w -buildid= -X main.version=$1" -o "$4" .
}

# pack FILE.tar MEMBER... makes a tar that depends on the members' names,
# modes and contents only.
pack() {
  local tar=$1
  shift
  tar --create --file "$tar" --sort name --owner 0 --group 0 --numeric-owner --mtime @0 --format ustar "$@"
}
