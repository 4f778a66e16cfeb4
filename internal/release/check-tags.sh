#!/usr/bin/env bash
# Makes the commits and tags of releases in a repository on this machine, which
# refuses what GitHub refuses. Publishes the releases with a stand-in for gh.
#
#   check-tags.sh         all of this
#   check-tags.sh --once  the first three releases: the rest is the same for any owner
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
case $#,${1:-} in
0,) once=false ;;
1,--once) once=true ;;
*) echo "usage: $0 [--once]" >&2; exit 2 ;;
esac
source internal/release/checking.sh
new_repository
image=ghcr.io/$owner@sha256:$(printf %064d 1)
tag() { in_work internal/release/tag.sh "$@"; }
create() { tag create "$1" "${2:-main}" "$owner" "$image"; }
mkdir "$tmp/releases"
export PATH=$PWD/internal/release/standin:$PATH RELEASES=$tmp/releases

# merge_back VERSION [BRANCH] takes the changelog back, as if a person merged the
# pull request.
merge_back() {
  local branch=${2:-main}
  in_work internal/release/back.sh "$1" "$branch"
  [[ -f $RELEASES/pr-changelog-$1-${branch//\//-} ]] || die "there is no pull request for the changelog of $1"
  in_work git pull --quiet --ff-only origin "changelog/$1/$branch"
  PUSHER=person in_work git push --quiet origin "HEAD:refs/heads/$branch"
}

echo "tags"
refused 'no version such as v1.2.3' tag check 1.2.3 main
refused 'releases are made of' tag check v1.0.0 stray
tag check v1.0.0 main
create v1.0.0
tag check v1.0.0 main # as another attempt would
create v1.0.0
refused 'does not run' tag create v1.0.0 main "$owner" "${image%1}2"
[[ $(on_origin tags/v1.0.0) == "$(on_origin heads/releases/v1)" ]] || die "releases/v1 is not v1.0.0"
[[ $(git --git-dir "$git" rev-parse 'v1.0.0^@') == "$(on_origin heads/main)" ]] || die "v1.0.0 is not made of main"
placeholder='OWNER/artifetch|@OWNER\b'
want=$({ printf '%s\n' CHANGELOG.md action.yml; in_work git grep -lE "$placeholder" -- ':!internal/release/' || true; } | sort -u)
changed=$(git --git-dir "$git" diff --name-only main v1.0.0 | sort)
[[ $changed == "$want" ]] || die "the commit changes $(paste -sd' ' <<<"$changed")"
if git --git-dir "$git" grep -nE "$placeholder" v1.0.0 -- ':!internal/release/'; then die "v1.0.0 still has OWNER"; fi
git --git-dir "$git" show v1.0.0:action.yml >"$tmp/action.yml"
diff action.yml "$tmp/action.yml" || true
grep -qx "  image: docker://$image" "$tmp/action.yml"
validate "$tmp/action.yml"
refused 'does not run the Dockerfile' internal/release/pin.sh "$tmp/action.yml" "$image"
refused 'no image with a digest' internal/release/pin.sh action.yml ghcr.io/octo/artifetch:v1
refused 'v1.3.0 is not tagged' tag major v1.3.0
tag major v1.0.0
[[ $(on_origin tags/v1) == "$(on_origin tags/v1.0.0)" ]] || die "v1 is not v1.0.0"

echo "the next ones"
change README.md
refused 'made of another commit' tag check v1.0.0 main
refused 'made of another commit' create v1.0.0
refused 'lacks the section of v1.0.0' tag check v1.1.0 main
entry 'A fix that v1.0.0 does not have.'
merge_back v1.0.0
refused 'has a section' in_work node internal/release/changelog.mjs cut v1.0.0 2026-02-01 "$url" CHANGELOG.md
in_work internal/release/back.sh v1.0.0 main | grep -q 'has the changelog' # once is enough
in_work node internal/release/changelog.mjs notes v1.0.0 CHANGELOG.md >"$tmp/notes"
if grep -q 'does not have' "$tmp/notes"; then die "what came later is in the section of v1.0.0"; fi
first=$(on_origin tags/v1)
create v1.1.0
[[ $(in_work git show v1.1.0:CHANGELOG.md | node internal/release/changelog.mjs notes v1.1.0 /dev/stdin) == $'### Fixed\n\n- A fix that v1.0.0 does not have.' ]] ||
  die "the section of v1.1.0 is $(in_work git show v1.1.0:CHANGELOG.md | node internal/release/changelog.mjs notes v1.1.0 /dev/stdin)"
tag major v1.1.0 && tag major v1.1.0
second=$(on_origin tags/v1)
merge_back v1.1.0
refused 'nothing under [Unreleased]' tag check v1.2.0 main
change .github/workflows/ci.yml # which the branch takes over
entry 'For v1.2.0.'
create v1.2.0
tag major v1.2.0
tag major v1.1.0 # stays
third=$(on_origin tags/v1)
[[ $third == "$(on_origin tags/v1.2.0)" && $first != "$second" && $second != "$third" ]] || die "v1 did not move"
# Lockfiles demand it: each commit that v1 ever named is an ancestor of the one that it
# names now, and on a branch.
follows "$first" "$second" "$third" releases/v1
follows main~1 v1.2.0
if git --git-dir "$git" merge-base --is-ancestor v1.2.0 main; then die "main has the release's commit"; fi
merge_back v1.2.0
if $once; then exit 0; fi

echo "a failure half-way"
entry 'For v1.3.0.'
# The branch moved in between: neither branch nor tag is pushed.
cp "$git/hooks/update" "$tmp/update"
cat >"$git/hooks/update" <<'END'
#!/bin/sh
[ "${1#refs/tags/}" = "$1" ]
END
refused 'hook declined' create v1.3.0
if on_origin tags/v1.3.0; then die "v1.3.0 was pushed"; fi
[[ $(on_origin heads/releases/v1) == "$third" ]] || die "releases/v1 was pushed without v1.3.0"
cp "$tmp/update" "$git/hooks/update"
create v1.3.0
started=$(in_work git rev-parse HEAD)
change README.md
in_work git checkout --quiet "$started" # the failed jobs are run again
tag check v1.3.0 main
create v1.3.0 # is there
tag major v1.3.0
follows "$third" v1 releases/v1
in_work git checkout --quiet main
merge_back v1.3.0

echo "prereleases, majors, the past"
refused 'v1.3.0 is newer than v1.2.1' tag check v1.2.1 main
entry 'For version 2.'
create v2.0.0-rc.1
tag major v2.0.0-rc.1 | grep -q 'is a prerelease'
if on_origin tags/v2; then die "a prerelease moved v2"; fi
in_work internal/release/back.sh v2.0.0-rc.1 main | grep -q 'is a prerelease'
entry 'For version 2, too.'
create v2.0.0-rc.2
create v2.0.0
tag major v2.0.0
follows v2.0.0-rc.1 v2.0.0-rc.2 v2.0.0 v2 releases/v2
[[ $(git --git-dir "$git" rev-list --count v2.0.0 ^main) == 3 ]] || die "v2.0.0 has commits of releases/v1"
[[ $(in_work git show v2.0.0:CHANGELOG.md | node internal/release/changelog.mjs notes v2.0.0 /dev/stdin) == *'For version 2, too.'*'For version 2.'* ]] ||
  die "the section of v2.0.0 lacks what its prereleases had"
merge_back v2.0.0
# main is at version 2: a fix of 1.2 and of 1.3.
for line in v1.2 v1.3; do
  in_work git checkout --quiet --detach "$line.0^2"
  PUSHER=person in_work git push --quiet origin "HEAD:refs/heads/support/$line"
  merge_back "$line.0" "support/$line"
  entry "For $line.1." "support/$line"
  refused "is for versions $line" tag check v1.4.0 "support/$line"
  refused 'is not on main' tag check v2.1.0 main
  create "$line.1" "support/$line"
  tag major "$line.1"
  merge_back "$line.1" "support/$line"
  in_work git checkout --quiet main
  merge_back "$line.1"
done
follows v1.2.0 v1.2.1 releases/v1
follows "$third" v1.3.0 v1.3.1 v1 releases/v1
[[ $(on_origin tags/v1) == "$(on_origin tags/v1.3.1)" ]] || die "v1 is not v1.3.1"
if git --git-dir "$git" merge-base --is-ancestor v1.3.0 v1.2.1; then die "v1.2.1 has v1.3.0 behind it"; fi
git --git-dir "$git" diff --quiet releases/v1 v1.3.1 || die "releases/v1 has other files than v1.3.1"
[[ $(in_work sed -n 's/^## \[\([^]]*\)\].*/\1/p' CHANGELOG.md | paste -sd' ') == 'Unreleased 2.0.0 1.3.1 1.3.0 1.2.1 1.2.0 1.1.0 1.0.0' ]] ||
  die "the changelog has $(in_work sed -n 's/^## \[\([^]]*\)\].*/\1/p' CHANGELOG.md | paste -sd' ')"

echo "what is refused"
entry 'For v2.1.0.'
started=$(in_work git rev-parse HEAD)
change README.md
in_work git checkout --quiet "$started"
tag check v2.1.0 main # main moved on, with the same workflows
in_work git checkout --quiet main
change .github/workflows/ci.yml
in_work git checkout --quiet "$started"
refused 'start the release anew' tag check v2.1.0 main
refused 'start the release anew' create v2.1.0
create v2.0.0 2>/dev/null && die "v2.0.0 was made of another commit"
in_work git commit --quiet --allow-empty --message stray
refused 'not on main' tag check v2.1.0 main
in_work git checkout --quiet main
# The stand-in refuses as GitHub does; otherwise it would have proved nothing.
in_work git checkout --quiet -b stray
echo '# stray' >>"$work/.github/workflows/ci.yml"
in_work git commit --quiet --all --message stray
refused 'refusing to allow a GitHub App to create or update workflow' in_work git push origin HEAD:refs/heads/stray
refused 'takes pull requests only' in_work git push origin HEAD:refs/heads/main
refused 'may only move forward' in_work git push --force origin v1.0.0^0:refs/heads/releases/v1
refused 'may not move' in_work git push --force origin v1.0.0^0:refs/tags/v1.1.0
in_work git checkout --quiet main
# A major tag was moved by hand to a commit that no release follows.
git --git-dir "$git" update-ref refs/tags/v2 "$(on_origin heads/main)"
refused 'moved by hand' tag major v2.0.0

echo "release"
mkdir "$tmp/dist"
echo x >"$tmp/dist/archive" && (cd "$tmp/dist" && sha256sum archive >checksums.txt)
publish() { in_work internal/release/publish.sh "$@"; }
publish check v1.0.0
BREAK=1 refused 'cannot upload' publish v1.0.0 "$tmp"/dist/*
[[ $(cat "$RELEASES/v1.0.0/draft") == true ]]
publish check v1.0.0
publish v1.0.0 "$tmp"/dist/*
[[ $(cat "$RELEASES/v1.0.0/draft") == false ]] || die "v1.0.0 is not published"
for file in "$tmp"/dist/*; do cmp "$file" "$RELEASES/v1.0.0/${file##*/}"; done
refused 'is published already' publish check v1.0.0
publish v1.0.0 "$tmp"/dist/* # changes nothing
echo x >>"$RELEASES/v1.0.0/checksums.txt"
refused 'with other files' publish v1.0.0 "$tmp"/dist/*
for v in v1.1.0 v1.3.1 v2.0.0-rc.1 v2.0.0; do publish $v "$tmp"/dist/* && echo "$v $(cat "$RELEASES/$v/kind")"; done >"$tmp/kinds"
diff "$tmp/kinds" - <<'END' || die "releases are of other kinds"
v1.1.0 --prerelease=false --latest=false
v1.3.1 --prerelease=false --latest=false
v2.0.0-rc.1 --prerelease --latest=false
v2.0.0 --prerelease=false --latest=true
END
grep -q '^- A fix that v1.0.0' "$RELEASES/v1.1.0/notes" || die "the notes of v1.1.0 are not its section of the changelog"
echo "everything is as it should be"
