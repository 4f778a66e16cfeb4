#!/usr/bin/env bash
# Does for real what of a release needs no GitHub: binaries, checksums, bill of
# materials, the image, to a registry on this machine, its digest into
# action.yml, and the tags, to a repository on this machine. Of gh there is a
# stand-in.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source internal/release/lib.sh

tmp=$(mktemp -d)
registry='' address=''
cleanup() {
  local code=$?
  trap - EXIT
  if [[ -n $registry ]]; then kill "$registry" 2>/dev/null || true; wait "$registry" 2>/dev/null || true; fi
  rm -rf "$tmp"
  exit "$code"
}
trap cleanup EXIT

# refused MESSAGE COMMAND...: it fails, and says so.
refused() {
  local message=$1
  shift
  if "$@" >"$tmp/refused" 2>&1; then die "not refused: $*"; fi
  grep -qF -- "$message" "$tmp/refused" || { cat "$tmp/refused" >&2; die "$* was to say: $message"; }
}

version=v0.0.1 bundle=/etc/ssl/certs/ca-certificates.crt url=https://github.com/octo/artifetch
[[ -r $bundle ]] || die "$bundle is not there: install ca-certificates"
if ! GOTOOLCHAIN=$(compiler) go version >/dev/null 2>&1; then
  RELEASE_GO=$(go env GOVERSION)
  export RELEASE_GO
  echo "$(compiler) cannot be had here: checked with $RELEASE_GO"
fi

# A copy elsewhere, whose files nobody else may read, without git; built in an
# environment that asks for something else.
elsewhere=$tmp/elsewhere/deeper
mkdir -p "$elsewhere"
(umask 077 && git ls-files -z --cached --others --exclude-standard | tar --null --files-from - --create | tar --extract --no-same-permissions --directory "$elsewhere")
otherwise() {
  (umask 077 && GOAMD64=v3 GOARM64=v9.0 GOEXPERIMENT=arenas GOFLAGS=-buildvcs=true "$@")
}

echo "binaries"
internal/release/binaries.sh $version octo/artifetch "$tmp/dist"
otherwise "$elsewhere/internal/release/binaries.sh" $version octo/artifetch "$tmp/again"
(cd "$tmp/dist" && sha256sum --quiet --check checksums.txt)
diff -r "$tmp/dist" "$tmp/again" || die "the binaries differ from build to build"
[[ $(wc -l <"$tmp/dist/checksums.txt") == 7 ]] || die "there are not seven files"
mkdir "$tmp/unpacked"
for archive in "$tmp"/dist/*.tar.gz; do tar -xzf "$archive" -C "$tmp/unpacked"; done
own=$tmp/unpacked/artifetch_0.0.1_$(go env GOOS)_$(go env GOARCH)
[[ $("$own/artifetch" --version) == *"$version" ]] || die "the binary says that it is $("$own/artifetch" --version)"
grep -q 'uses: octo/artifetch@v1' "$own/README.md" || die "README.md does not name the repository"
if grep -q OWNER/artifetch "$own/README.md"; then die "README.md still has OWNER"; fi
# One of them with a cold cache, which would hide that it was not compiled again.
(cd "$elsewhere" && GOCACHE=$tmp/cache otherwise binary $version linux amd64 "$tmp/cold")
cmp "$tmp/cold" "$tmp/unpacked/artifetch_0.0.1_linux_amd64/artifetch" || die "a cold cache makes another binary"
rm -rf "$tmp/cache"
node internal/release/sbom.mjs "$tmp/dist/artifetch_0.0.1.cdx.json" $version "$tmp/unpacked/artifetch_0.0.1_linux_amd64/artifetch"

echo "image"
digest=$(internal/release/image.sh $version 0123abc $url "$bundle" "$tmp/image")
again=$(otherwise "$elsewhere/internal/release/image.sh" $version 0123abc $url "$bundle" "$tmp/image-again")
[[ $digest == "$again" && $digest == sha256:* ]] || die "the image differs from build to build: $digest, $again"
echo "the same image twice: $digest"
other=$(internal/release/image.sh $version 4567def $url "$bundle" "$tmp/other")
[[ $digest != "$other" ]] || die "the revision does not show"

# A repository, as of before the release, and its clone.
git=$tmp/git work=$tmp/work
GIT_CONFIG_GLOBAL=$tmp/gitconfig
export GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM=1
git config --global user.name check
git config --global user.email check@example.com
git config --global init.defaultBranch main
git init --quiet --bare "$git"
mkdir "$work"
git ls-files -z --cached --others --exclude-standard | tar --null --files-from - --create | tar --extract --directory "$work"
in_work() { (cd "$work" && "$@"); }
in_work git init --quiet
in_work git remote add origin "$git"
# change FILE makes a commit on main.
change() {
  echo "# $RANDOM" >>"$work/$1"
  in_work git add .
  in_work git commit --quiet --message "Change $1"
  in_work git push --quiet origin HEAD:refs/heads/main
}
change .gitignore
tag() { in_work internal/release/tag.sh "$@"; }
on_origin() { git --git-dir "$git" rev-parse --quiet --verify "refs/tags/$1^{commit}"; }

echo "push"
crane=$(tool "$crane")
start_registry "$crane" "$tmp/registry.log"
name=$address/octo/artifetch
push() { in_work internal/release/push.sh "$1" "$name" $version; }
refused 'cannot be pulled without a login' internal/release/public.sh "$name@$digest"
image=$(push "$tmp/other" 2>/dev/null) # an attempt that came to nothing
image=$(push "$tmp/image" 2>"$tmp/log")
grep -q 'not released: it is replaced' "$tmp/log"
[[ $image == "$name@$digest" && $(push "$tmp/image") == "$image" ]] || die "pushed $image"
internal/release/public.sh "$image"
for arch in amd64 arm64; do
  manifest=$("$crane" manifest --platform "linux/$arch" "$image")
  size=$(grep -o '"size": *[0-9]*' <<<"$manifest" | awk -F: '{n += $2} END {print n}')
  config=$("$crane" config --platform "linux/$arch" "$image")
  for want in '"architecture":"'$arch'"' '"Entrypoint":["/artifetch"]' '"org.opencontainers.image.revision":"0123abc"' '"org.opencontainers.image.source":"'$url'"'; do
    [[ $config == *"$want"* ]] || die "the image for $arch lacks $want: $config"
  done
  [[ $config != *'"User":"'[!\"]* ]] || die "the image for $arch has a user: $config"
  echo "linux/$arch: $((size / 1024)) KiB compressed"
  ((size <= 12 << 20)) || die "the image for $arch has more than 12 MiB"
  "$crane" export --platform "linux/$arch" "$image" "$tmp/files.tar"
  files=$(tar -tf "$tmp/files.tar" | sort | paste -sd' ')
  [[ $files == 'artifetch etc etc/ssl etc/ssl/certs etc/ssl/certs/ca-certificates.crt' ]] || die "the image holds $files"
  tar -xOf "$tmp/files.tar" artifetch | cmp - "$tmp/unpacked/artifetch_0.0.1_linux_$arch/artifetch" || die "the image for $arch has another binary"
done

echo "tags"
released=ghcr.io/octo/artifetch@$digest
refused 'no version such as v1.2.3' tag check 1.2.3
tag check $version
tag create $version octo/artifetch "$released"
tag check $version # as another attempt would
tag create $version octo/artifetch "$released"
refused 'does not run' tag create $version octo/artifetch "ghcr.io/octo/artifetch@$other"
[[ $(git --git-dir "$git" log --format=%H -2 $version | tail -1) == "$(git --git-dir "$git" rev-parse main)" ]] || die "$version is not made of main"
[[ $(git --git-dir "$git" diff --name-only main $version | paste -sd' ') == 'README.md SECURITY.md action.yml docs/migrating.md' ]] ||
  die "the tag changes $(git --git-dir "$git" diff --name-only main $version | paste -sd' ')"
git --git-dir "$git" show $version:action.yml >"$tmp/action.yml"
diff action.yml "$tmp/action.yml" || true
grep -qx "  image: docker://$released" "$tmp/action.yml"
validate "$tmp/action.yml"
refused 'does not run the Dockerfile' internal/release/pin.sh "$tmp/action.yml" "$released"
refused 'no image with a digest' internal/release/pin.sh action.yml ghcr.io/octo/artifetch:v1
refused 'was released as' push "$tmp/other" # now it was

refused 'v0.0.3 is not tagged' tag major v0.0.3
tag major $version
[[ $(on_origin v0) == "$(on_origin $version)" ]] || die "v0 is not $version"
change README.md
refused 'made of another commit' tag check $version
refused 'made of another commit' tag create $version octo/artifetch "$released"
tag create v0.1.0 octo/artifetch "$released" && tag create v0.0.2 octo/artifetch "$released" && tag create v1.0.0 octo/artifetch "$released"
tag major v0.1.0 && tag major v0.1.0
tag major v0.0.2 # stays
[[ $(on_origin v0) == "$(on_origin v0.1.0)" ]] || die "v0 is not v0.1.0"
if on_origin v1; then die "there is a v1"; fi
started=$(in_work git rev-parse HEAD)
change README.md
in_work git checkout --quiet "$started"
tag check v0.2.0 # main moved on, with the same workflows
in_work git checkout --quiet -
change .github/workflows/ci.yml
in_work git checkout --quiet "$started"
refused 'start the release anew' tag check v0.2.0
refused 'start the release anew' tag create v0.2.0 octo/artifetch "$released"
tag create v0.1.0 octo/artifetch "$released" # is there
in_work git commit --quiet --allow-empty --message stray
refused 'not on main' tag check v0.2.0
in_work git checkout --quiet "$started"

echo "release"
# gh keeps a release as a directory of files, and says what it does.
mkdir "$tmp/bin" "$tmp/releases"
cat >"$tmp/bin/gh" <<'GH'
#!/usr/bin/env bash
set -euo pipefail
[[ $1 == release ]]
dir=$RELEASES/$3
case "$2 $*" in
view*) [[ -d $dir ]] || { echo 'release not found' >&2; exit 1; }; cat "$dir/draft" ;;
create*--draft*--verify-tag*) mkdir "$dir"; echo true >"$dir/draft"; [[ -z ${BREAK:-} ]] || { echo 'cannot upload' >&2; exit 1; } ;;
upload*--clobber*) ;;
download*) cat "$dir/checksums.txt"; exit ;;
edit*--draft=false*) echo false >"$dir/draft"; echo "$5" >"$dir/latest" ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
[[ $2 == view ]] || for arg; do [[ ! -f $arg ]] || cp "$arg" "$dir/"; done
GH
chmod +x "$tmp/bin/gh"
export PATH=$tmp/bin:$PATH RELEASES=$tmp/releases
publish() { in_work internal/release/publish.sh "$@"; }
publish check $version
BREAK=1 refused 'cannot upload' publish $version "$tmp"/dist/*
[[ $(cat "$RELEASES/$version/draft") == true ]]
publish check $version
publish $version "$tmp"/dist/*
[[ $(cat "$RELEASES/$version/draft") == false && $(cat "$RELEASES/$version/latest") == --latest=false ]] || die "not published, or as the latest"
for file in "$tmp"/dist/*; do cmp "$file" "$RELEASES/$version/${file##*/}"; done
refused 'is published already' publish check $version
publish $version "$tmp"/dist/* # changes nothing
echo x >>"$RELEASES/$version/checksums.txt"
refused 'with other files' publish $version "$tmp"/dist/*
publish v1.0.0 "$tmp"/dist/*
[[ $(cat "$RELEASES/v1.0.0/latest") == --latest=true ]] || die "v1.0.0 is not the latest"
echo "everything is as it should be"
