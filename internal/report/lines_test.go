package report

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/workspace"
)

// withInputs returns the Config of a step with these names and values of inputs.
func withInputs(inputs ...string) *config.Config {
	cfg, _ := config.FromEnv(func(name string) (string, bool) { // what else a step has does not matter
		for i := 0; i < len(inputs); i += 2 {
			if config.EnvName(inputs[i]) == name {
				return inputs[i+1], true
			}
		}
		return "", false
	})
	return cfg
}

// Each line of the log, with one thing and with several.
func TestLines(t *testing.T) {
	t.Parallel()
	broken := errors.New("it broke")
	dist := artifact.Artifact{ID: 11, Name: "dist", Repo: artifact.Repo{Owner: "octo", Name: "app"}, Digest: "md5:0"}
	item := transfer.Item{Item: artifact.Item{Artifact: dist}, Bytes: 2048}
	under := func(d transfer.DigestState) transfer.Item { i := item; i.Digest = d; return i }
	published := func(l *Log, r workspace.Report) { l.Published(r, nil) }
	for name, tt := range map[string]struct {
		say  func(l *Log)
		want string
	}{
		"empty inputs": {func(l *Log) {
			l.Config.Empty = []config.EmptyInput{{Name: "branch", By: "branch"}, {Name: "run-id", By: "--run-id"}}
			l.Inputs()
		},
			"::warning title=An input is empty::branch was given, but is empty, so it is ignored: runs of any branch are taken. Check the expression that it is set to, or leave branch out\n" +
				"::warning title=An input is empty::--run-id was given, but is empty, so it is ignored: the run is searched. Check the expression that it is set to, or leave --run-id out"},
		"odd inputs": {func(l *Log) { l.Config.Warnings = []string{"hm"}; l.Inputs() }, "::warning::hm"},
		"retry":      {func(l *Log) { l.Retry(broken, 1500*time.Microsecond) }, "it broke; next try in 2ms"},
		"wait": {func(l *Log) { l.Wait(&search.NotFoundError{What: `artifact "x"`}, 5*time.Second) },
			`artifact "x" not found yet, no run that could match is under way; looking again in 5s`},
		"wait for a run": {func(l *Log) {
			l.Wait(&search.NotFoundError{What: `artifact "x"`, Pending: []artifact.Run{{ID: 7, Workflow: "CI", Number: 2, Status: "queued"}}}, time.Minute)
		}, `artifact "x" not found yet, run 7 (CI #2) is queued; looking again in 1m0s`},
		"shard":    {func(l *Log) { l.Config.Shard = config.Shard{Index: 1, Count: 3}; l.Shard(2, 5000) }, "shard 1/3: 2 of 5,000 artifacts"},
		"expired":  {func(l *Log) { l.Expired(broken) }, "it broke; choosing again without it"},
		"deleted":  {func(l *Log) { l.Deleted(dist) }, `deleted artifact "dist" (11) of octo/app`},
		"requests": {func(l *Log) { l.Requests(1, 0, githubapi.Costs{}) }, "1 request sent to GitHub's API"},
		"free requests": {func(l *Log) { l.Requests(20, 4, githubapi.Costs{githubapi.RunPages: 20}) },
			"20 requests sent to GitHub's API, 4 of them free, as nothing had changed"},
		"many requests": {func(l *Log) {
			l.Requests(1200, 4, githubapi.Costs{githubapi.NoSearch: 5, githubapi.RunPages: 7, githubapi.SingleRuns: 1100, githubapi.OwnLists: 1})
		}, "1,200 requests sent to GitHub's API, 4 of them free, as nothing had changed; to find runs and artifacts: 1,100 single runs, 7 pages of runs, 1 list of one run's artifacts"},
		"a costly search": {func(l *Log) { l.Costly(githubapi.Costs{githubapi.ArtifactPages: 99, githubapi.RunPages: 2}) },
			"the search has sent 101 requests so far: 99 pages of all artifacts, 2 pages of runs; name or max-age would narrow it"},
		"a costly search of one name": {func(l *Log) {
			l.Config = withInputs("name", "dist", "max-age", "1h")
			l.Costly(githubapi.Costs{githubapi.NamedPages: 101})
		}, "the search has sent 101 requests so far: 101 pages of artifacts of that name; a lower search-limit would narrow it"},
		"a costly search of a branch": {func(l *Log) {
			l.Config = withInputs("branch", "main")
			l.Costly(githubapi.Costs{githubapi.SingleRuns: 60, githubapi.RunPages: 60})
		}, "the search has sent 120 requests so far: 60 pages of runs, 60 single runs; workflow, event, max-age or a lower search-limit would narrow it"},
		"doubts": {func(l *Log) {
			late := search.Doubt{Run: artifact.Run{ID: 8, Repo: dist.Repo, Workflow: "CI", Number: 3}, Reason: "it is under way or ended lately, and GitHub's list of artifacts may lag behind"}
			l.doubts([]search.Doubt{late})
		}, "::warning title=A newer run may fit::the newest run that is known to fit was taken, but a newer one may fit, too: run 8 of octo/app (CI #3): it is under way or ended lately, and GitHub's list of artifacts may lag behind. " +
			"To be sure of the run, name it with run-id, or run the step again in ten minutes"},
		"doubts about several runs": {func(l *Log) {
			l.Config.Runs = 3
			l.doubts([]search.Doubt{{Filters: []string{"branch"}}})
		}, "::warning title=A newer run may fit::the newest runs that are known to fit were taken, but another one may fit, too: runs are known only from the server's list filtered by branch, which may be weeks old or lack some of them. " +
			"To be sure of the run, name it with run-id"},
		"no doubts": {func(l *Log) { l.doubts(nil) }, ""},
		"nothing found, and doubts": {func(l *Log) {
			nf := &search.NotFoundError{What: `artifact "x"`, Repo: dist.Repo}
			nf.Doubts = []search.Doubt{{Filters: []string{"branch"}}}
			l.Ended(&Result{NotFound: nf})
		}, "artifact \"x\" not found in octo/app; but that is not certain: runs are known only from the server's list filtered by branch, which may be weeks old or lack some of them\n" +
			"::warning title=A run that fits may have been missed::nothing was found, but that is not certain: runs are known only from the server's list filtered by branch, which may be weeks old or lack some of them. " +
			"To be sure of the run, name it with run-id"},
		"an owner": {func(l *Log) { l.Owner(broken) },
			"::warning::it broke; the files will belong to this process's user, and later steps that run as another user may not be able to change them"},
		"usage": {func(l *Log) { l.Usage("artifetch ls") }, "run artifetch ls --help for the flags"},

		"starting over": {func(l *Log) { l.Event(transfer.StartOver{Err: broken}) }, "it broke; starting over"},
		"idle files":    {func(l *Log) { l.Event(transfer.IdleFiles{Globs: []string{"*.exe", "a\nb"}}) }, `::warning::files: no file matches "*.exe", "a\nb"`},
		"unknown digest": {func(l *Log) { l.Event(transfer.UnknownDigest{Artifact: dist}) },
			`::warning::artifact "dist": its digest md5:0 is of an unknown algorithm and was not checked`},
		"another digest, ignored": {func(l *Log) {
			l.Event(transfer.Mismatch{Err: &transfer.DigestError{Name: "dist", Want: "a", Got: "b"}})
		}, ""},
		"case": {func(l *Log) {
			l.Event(transfer.CaseCollisions{Artifact: dist, Pairs: [][2]string{{"a", "A"}}, More: 2})
		},
			`::warning::artifact "dist": "a" and "A" differ in case only; on a file system that ignores case one would be lost
::warning::artifact "dist": 2 more pairs of names that differ in case only`},
		"replaced in it": {func(l *Log) { l.Event(transfer.ReplacedEntries{Artifact: dist, Files: 2}) },
			`artifact "dist": 2 files were replaced by a later one of the same name in the archive`},
		"kept tars": {func(l *Log) {
			l.Event(transfer.KeptTars{Artifact: dist, Files: []unpack.KeptFile{{Name: "a.tar.sig", What: "text"}, {Name: "b\n.tar", What: "an empty file"}}, More: 2})
		},
			`::warning::artifact "dist": named as a tar, but not a tar, and left as it is: "a.tar.sig" (text), "b\n.tar" (an empty file) and 2 more`},

		"several tars have a file": {func(l *Log) {
			l.Event(transfer.ReplacedByTars{Artifact: dist, Files: []unpack.ReplacedFile{{Name: "LICENSE", From: "a.tar", By: "b.tar"}, {Name: "x\n", From: "b.tar", By: "c.tar"}}, More: 2})
		},
			`::warning::artifact "dist": several of its tars have the same files: "LICENSE" was taken from "b.tar", the later one by name; it is also in "a.tar"; ` +
				`"x\n" was taken from "c.tar", the later one by name; it is also in "b.tar"; and 2 more files`},

		"unproved": {func(l *Log) {
			l.Unproved()
			l.Config.ExpectDigests = []config.ExpectedDigest{{SHA256: "0"}}
			l.Unproved()
		}, "::warning::expect-digest is not proved: a dry run does not fetch the artifacts"},
		"no name": {func(l *Log) {
			l.Config.SkipDecompress = true
			l.Files([]transfer.Item{item}, []transfer.Listing{{}})
		}, `artifact "dist": the name of its file is known only when all of it is fetched`},
		"no files": {func(l *Log) { l.Files([]transfer.Item{item}, []transfer.Listing{{}}) }, `artifact "dist": no file matches files`},
		"files": {func(l *Log) {
			l.Files([]transfer.Item{item}, []transfer.Listing{{Files: 3, First: []unpack.Entry{{Name: "a", Size: 2047}}}})
		}, "::group::artifact \"dist\": 3 files, 2.0 KiB\na, 2.0 KiB\nand 2 more\n::endgroup::"},

		"digests": {func(l *Log) {
			l.Digests([]transfer.Item{under(transfer.DigestAbsent), under(transfer.DigestMismatch), under(transfer.DigestUnknown), under(transfer.DigestUnchecked)})
		}, `artifact 11 "dist": its SHA-256 was not verified: the server gives no digest
artifact 11 "dist": its SHA-256 is not the one that the server has on record
artifact 11 "dist": its SHA-256 was not verified: the digest is of an unknown algorithm
artifact 11 "dist": its SHA-256 was not verified, as only a part was fetched; the CRC-32 of each file was`},
		"a digest, expected": {func(l *Log) {
			i := under(transfer.DigestVerified)
			i.Artifact.Digest, i.Expected = "sha256:abc", true
			l.Digests([]transfer.Item{i})
		}, `artifact 11 "dist": its SHA-256 was verified: abc; it is as expect-digest says`},
		"many digests": {func(l *Log) {
			l.Digests(slices.Repeat([]transfer.Item{item}, 6))
		}, "::group::SHA-256 of 6 artifacts\n" + strings.Repeat("artifact 11 \"dist\": its SHA-256 was not verified: the server gives no digest\n", 6) + "::endgroup::"},

		"nothing replaced": {func(l *Log) { published(l, workspace.Report{}) }, ""},
		"one replaced":     {func(l *Log) { published(l, workspace.Report{Replaced: 1, Skipped: 1}) }, "1 file was replaced\n1 file was left as it was (if-exists: skip)"},
		"many replaced": {func(l *Log) { published(l, workspace.Report{Replaced: 2000, Skipped: 2}) },
			"2,000 files were replaced\n2 files were left as they were (if-exists: skip)"},
		"conflicts": {func(l *Log) {
			published(l, workspace.Report{Conflicting: 1, Conflicts: conflicts(1)})
		}, `::warning::"f00" was taken from artifact "w", the newest; it is also in "l"`},
		"many conflicts": {func(l *Log) {
			published(l, workspace.Report{Conflicting: 20, Conflicts: conflicts(12)})
		}, conflictLines("::warning::", 0, 10) + "::warning::and 10 more files that several artifacts have\n" +
			"::group::the other files that several artifacts have: 10\n" + conflictLines("", 10, 12) + "and 8 more files\n::endgroup::"},
		"conflicts of runs": {func(l *Log) {
			l.Published(workspace.Report{Conflicting: 1, Conflicts: []workspace.Conflict{{
				Path: "p", Winner: workspace.Holder{Tree: 1}, Losers: []workspace.Holder{{Tree: 2}, {Tree: 0}, {Tree: 3}}, Lost: 5,
			}}}, merged)
		}, `::warning::"p" was taken from artifact "part" of run 8 of octo/app (CI #2), the newest; it is also in "part" of run 7 of octo/app (CI #1), "dist", "part" of run 9 of octo/lib and 2 more`},
		"variants": {func(l *Log) {
			l.Published(workspace.Report{Varying: 3, Variants: []workspace.Variants{{
				{Path: "README.md", From: workspace.Holder{Tree: 1}}, {Path: "readme.md", From: workspace.Holder{Tree: 2}},
			}}}, merged[:3])
		}, `::warning::"README.md" of artifact "part" of run 8 (CI #2) and "readme.md" of "part" of run 7 (CI #1) differ in case only; on a file system that ignores case one would be lost
::warning::and 2 more pairs of names of different artifacts that differ in case only`},

		"kept, skipped": {func(l *Log) { l.Kept(1, item, workspace.Lost{Files: 1, Path: "p"}) },
			`::warning::artifact "dist" (11) of octo/app is not deleted: 1 file of it did not get to the destination, because if-exists is skip and the place was taken ("p")`},
		"kept, merged, one of many": {func(l *Log) { l.Kept(11, item, workspace.Lost{Files: 2, Path: "p", Winner: "w"}) },
			`artifact "dist" (11) of octo/app is not deleted: 2 files of it did not get to the destination, because another artifact has a file of the same name ("p" was taken from "w")`},
		"kept, differs": {func(l *Log) { l.Kept(1, under(transfer.DigestMismatch), workspace.Lost{}) },
			`::warning::artifact "dist" (11) of octo/app is not deleted: its SHA-256 is not the one that the server has on record`},
		"kept, unchecked": {func(l *Log) { l.Kept(1, under(transfer.DigestUnchecked), workspace.Lost{}) },
			`::warning::artifact "dist" (11) of octo/app is not deleted: its digest was not checked`},

		"recovered": {func(l *Log) {
			l.Recovered([]workspace.Recovery{{Stage: "/s"}, {Stage: "/t", Err: broken}, {Stage: "/u", Undone: 1, Left: []string{"f"}}})
		}, `removed /s, which a killed run left
::warning::/t, which a killed run left, is still there: it broke
::warning::a killed run had begun to move files into place; 1 change was undone
::warning::"f" was written by a killed run and has changed since, so it is left as it is`},
		"recovered, many": {func(l *Log) {
			l.Recovered([]workspace.Recovery{{Stage: "/u", Undone: 2, Left: make([]string, 30)}})
		}, strings.Repeat(`::warning::"" was written by a killed run and has changed since, so it is left as it is`+"\n", 9) +
			"::warning::and 21 more about killed runs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			l := &Log{Out: actions.New(actions.Options{Out: &b, Getenv: func(string) string { return "" }}), Config: &config.Config{}}
			tt.say(l)
			got := strings.TrimSuffix(b.String(), "\n")
			if name == "recovered, many" {
				_, got, _ = strings.Cut(got, "\n")
			}
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// However a run ended, its last line says so.
func TestEnded(t *testing.T) {
	t.Parallel()
	missing := &search.NotFoundError{What: `artifact "x"`, Repo: artifact.Repo{Owner: "octo", Name: "app"}}
	for name, tt := range map[string]struct {
		result Result
		want   string
	}{
		"done":      {Result{Found: true, Published: true, Destination: workspace.Destination{Abs: "/ws"}, Items: make([]transfer.Item, 1)}, "1 artifact, 0 files, 0 B into /ws"},
		"dry run":   {Result{Found: true, DryRun: true}, "dry run: nothing was written"},
		"failed":    {Result{Err: errors.New("it broke")}, "::error::it broke"},
		"nothing":   {Result{NotFound: missing}, `artifact "x" not found in octo/app`},
		"a warning": {Result{NotFound: missing, Warn: true}, `::warning::artifact "x" not found in octo/app`},
		"inputs":    {Result{Err: &config.Errors{Problems: []*config.InputError{{Input: "a", Problem: "is odd"}, {Input: "b", Problem: "is odd"}}}}, "::error::a is odd\n::error::b is odd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			l := &Log{Out: actions.New(actions.Options{Out: &b, Getenv: func(string) string { return "" }})}
			l.Ended(&tt.result)
			if got := strings.TrimSuffix(b.String(), "\n"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Each sentence ends once, and the advice is for the cause.
func TestMessageOfTheSystem(t *testing.T) {
	t.Parallel()
	at := func(err error) error {
		return fmt.Errorf("make the stage: %w", &fs.PathError{Op: "mkdir", Path: "/ws/out", Err: err})
	}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"a full stop":                  {fmt.Errorf("%s: %w", "It broke.", syscall.ENOSPC), "no space left on device. Free disk space"},
		"no inodes":                    {at(syscall.ENOSPC), "Free disk space, or inodes (df -i shows them), on the runner"},
		"read-only":                    {at(syscall.EROFS), "mkdir /ws/out: read-only file system. The file system is read-only there: mount it so that it can be written to"},
		"not permitted":                {at(syscall.EACCES), "mkdir /ws/out: permission denied. The user that this process runs as may not do that: check who owns the directory and its mode"},
		"not the owner":                {at(syscall.EPERM), "operation not permitted. The user that this process runs as may not do that"},
		"a server's words":             {&githubapi.Error{Kind: githubapi.NotFound, Op: "get", Subject: "run 7", Status: 404, Message: "Not Found.", Server: "GitHub"}, "GitHub answered 404 Not Found. Either the name is wrong"},
		"an artifact that has expired": {&githubapi.Error{Kind: githubapi.Gone, Op: "download", Subject: "artifact 7", Artifact: 7, Status: 410}, "The artifact has expired"},
		"a list that is gone":          {&githubapi.Error{Kind: githubapi.Gone, Op: "list artifacts", Status: 410}, "It was there, and is not any more"},
		"with a full stop":             {&githubapi.Error{Kind: githubapi.InvalidRequest, Op: "get", Subject: "run 7", Status: 407, Message: "Who are you?.", Server: "GitHub"}, "Who are you?. A proxy answered"},
	} {
		if got := author.message(tt.err); !strings.Contains(got, tt.want) || strings.Contains(got, "..") {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}
