package app

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/githubsim"
)

const triggered = `{"workflow_run":{"id":%d}}`

func TestStep(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in     map[string]string
		before []string
		faults []githubsim.Fault
		want   string   // files, sorted, as name=content
		log    []string // each has to be in the log
		out    map[string]string
		fails  bool
	}{
		"one name, straight": {
			in: in("name", "dist"), want: "a.txt=a2",
			out: map[string]string{"found": "true", "artifact-count": "1", "file-count": "1", "bytes": "2", "path": ".", "run-id": "2", "run-number": "2", "from-fork": "false", "error-message": "", "found_artifact": "true", "dry_run": "false", "head-branch": "main", "event": "push", "conclusion": "success", "workflow": "CI"},
		},
		"into a path":           {in: in("name", "dist", "path", "out/x", "run-id", "1"), want: "out/x/a.txt=a1 out/x/d/b.txt=b1", out: map[string]string{"path": "out/x"}},
		"all of a run":          {in: in("run-id", "1"), want: "dist/a.txt=a1 dist/d/b.txt=b1 logs/a.txt=log logs/l.txt=l1"},
		"pattern of one":        {in: in("run-id", "1", "pattern", "d*"), want: "dist/a.txt=a1 dist/d/b.txt=b1"},
		"patterns, one idle":    {in: in("run-id", "1", "pattern", "d*\nmacos-*\n!x*"), want: "dist/a.txt=a1 dist/d/b.txt=b1", log: []string{`::warning::pattern: no artifact matches "macos-*"`}},
		"regex":                 {in: in("run-id", "1", "name-regex", "^lo"), want: "logs/a.txt=log logs/l.txt=l1"},
		"several runs":          {in: in("run-id", "1, 2", "name", "dist"), want: "1/dist/a.txt=a1 1/dist/d/b.txt=b1 2/dist/a.txt=a2", out: map[string]string{"run-id": "2"}},
		"current run":           {in: in("run-id", "current", "name", "fresh"), want: "f.txt=fresh"},
		"several repositories":  {in: in("repository", "octo/app\nocto/lib", "name", "dist"), want: "octo/app/dist/a.txt=a2 octo/lib/dist/a.txt=lib"},
		"one artifact id":       {in: in("artifact-ids", "11"), want: "a.txt=a1 d/b.txt=b1", out: map[string]string{"run-id": "1"}},
		"two artifact ids":      {in: in("artifact-ids", "12,21"), want: "dist/a.txt=a2 logs/a.txt=log logs/l.txt=l1"},
		"merge":                 {in: in("run-id", "1", "merge-multiple", "true"), want: "a.txt=log d/b.txt=b1 l.txt=l1", log: []string{`::warning::"a.txt" was taken from artifact "logs" of run 1 (`}},
		"merge, fail":           {in: in("run-id", "1", "merge-multiple", "true", "if-exists", "fail"), fails: true, log: []string{`artifacts have files of the same name: "a.txt" is in "logs" and in "dist". Nothing was written`}},
		"not a zip":             {in: in("name", "raw", "run-id", "2"), want: "r.txt=raw bytes", out: map[string]string{"file-count": "1", "bytes": "9"}},
		"not a zip, directory":  {in: in("pattern", "ra*", "run-id", "2"), want: "raw/r.txt=raw bytes"},
		"a zip that is a file":  {in: in("name", "jar", "run-id", "4"), want: "x.jar=PK"},
		"skip-decompress":       {in: in("run-id", "1", "skip-decompress", "true", "path", "z"), want: "z/dist/dist.zip=PK z/logs/logs.zip=PK"},
		"skip-decompress, file": {in: in("name", "raw", "run-id", "2", "skip-decompress", "true"), want: "r.txt=raw bytes"},
		"skip_unpack":           {in: in("name", "dist", "run_id", "1", "skip_unpack", "true"), want: "dist.zip=PK"},
		"if-exists: overwrite":  {in: in("name", "dist"), before: []string{"a.txt=mine", "keep=1"}, want: "a.txt=a2 keep=1"},
		"if-exists: skip":       {in: in("name", "dist", "if-exists", "skip"), before: []string{"a.txt=mine"}, want: "a.txt=mine"},
		"if-exists: fail":       {in: in("name", "dist", "if-exists", "fail"), before: []string{"a.txt=mine"}, want: "a.txt=mine", fails: true, log: []string{`"a.txt" is already there`}},
		"the trigger":           {in: in("GITHUB_EVENT_NAME", "workflow_run", "event", fmt.Sprintf(triggered, 1), "name", "dist"), want: "a.txt=a1 d/b.txt=b1"},
		"the trigger, a fork":   {in: in("GITHUB_EVENT_NAME", "workflow_run", "event", fmt.Sprintf(triggered, 3), "name", "dist"), fails: true, log: []string{"the triggering run 3 of octo/app comes from the fork evil/app", "set allow-forks: true"}},
		"the trigger, untold":   {in: in("GITHUB_EVENT_NAME", "workflow_run", "event", "{}", "name", "dist"), fails: true, log: []string{"does not tell by which run. Give run-id, or an input of the search such as workflow"}},
		"a fork, allowed":       {in: in("GITHUB_EVENT_NAME", "workflow_run", "event", fmt.Sprintf(triggered, 3), "name", "dist", "allow-forks", "true"), want: "a.txt=fork", out: map[string]string{"from-fork": "true"}, log: []string{"::warning::run 3 comes from the fork evil/app"}},
		"a fork by id":          {in: in("run-id", "3"), want: "dist/a.txt=fork", log: []string{"::warning::run 3 comes from the fork evil/app"}, out: map[string]string{"from-fork": "true"}},
		"a search, no fork":     {in: in("name", "dist", "repository", "octo/app"), want: "a.txt=a2"},

		"dry run":                  {in: in("name", "dist", "dry-run", "true"), out: map[string]string{"found": "true", "dry_run": "true", "artifact-count": "1", "run-id": "2"}, log: []string{"dry run: nothing was written"}},
		"dry run, nothing":         {in: in("name", "nope", "dry-run", "true"), out: map[string]string{"found": "false", "dry_run": "false", "error-message": ""}},
		"nothing: fail":            {in: in("name", "dits"), fails: true, log: []string{`::error::artifact "dits" not found in octo/app, workflow "ci.yml"`, `Did you mean "dist"?`, "passed over"}, out: map[string]string{"found": "false", "artifacts": "[]", "runs": "[]", "artifact-count": "0", "run-id": "", "from-fork": ""}},
		"nothing: warn":            {in: in("name", "nope", "if-no-artifact-found", "warn"), log: []string{`::warning::artifact "nope" not found`}, out: map[string]string{"found": "false", "error-message": ""}},
		"nothing: ignore":          {in: in("name", "nope", "if_no_artifact_found", "ignore"), out: map[string]string{"found": "false"}},
		"nothing, but in this run": {in: in("name", "fresh"), fails: true, log: []string{"The current run has it: add run-id: current"}},
		"nothing: expired":         {in: in("name", "old", "run-id", "2"), fails: true, log: []string{"it was there (artifact 23), but expired on 20", "Run the workflow again"}},
		"one of two":               {in: in("name", "dist\nnope", "run-id", "1"), fails: true, log: []string{`missing: "nope"`}},
		"no such run":              {in: in("run-id", "99"), fails: true, log: []string{"run 99 not found in octo/app"}},
		"no such run, ignored":     {in: in("run-id", "99", "if-no-artifact-found", "ignore"), out: map[string]string{"found": "false"}},
		"hidden repository":        {in: in("repository", "octo/secret", "run-id", "1", "if-no-artifact-found", "ignore"), fails: true, log: []string{"get repository of octo/secret: GitHub answered 404", "is private and the token cannot see it"}},
		"bad token":                {in: in("github-token", "wrong", "run-id", "1"), fails: true, log: []string{"401 Unauthorized: Bad credentials", "check github-token"}},
		"no permission":            {in: in("github-token", "ghs_nothing", "run-id", "1"), fails: true, log: []string{"Resource not accessible by integration", "add permissions: {actions: read} to the job", "Actions read on octo/app"}},
		"rate limit":               {in: in("run-id", "1"), faults: []githubsim.Fault{{Host: githubsim.API, PrimaryLimit: time.Hour}}, fails: true, log: []string{"the rate limit is used up until"}},

		"delete":            {in: in("name", "dist", "run-id", "1", "delete", "true"), want: "a.txt=a1 d/b.txt=b1", log: []string{`deleted artifact "dist" (11)`}},
		"delete, forbidden": {in: in("github-token", "ghs_reader", "name", "dist", "run-id", "1", "delete", "true"), want: "a.txt=a1 d/b.txt=b1", fails: true, log: []string{"::error::the files are in place, but artifacts could not be deleted on GitHub", "permissions: {actions: write}"}, out: map[string]string{"found": "true", "artifact-count": "1"}},

		"zip slip":                {in: in("name", "evil", "run-id", "2"), fails: true, log: []string{`artifact "evil" (24) of octo/app: refused: entry "../evil": its name holds the component ".."`}},
		"one of two is refused":   {in: in("name", "dist\nevil", "run-id", "2"), before: []string{"dist/a.txt=mine"}, want: "dist/a.txt=mine", fails: true},
		"an artifact's name":      {in: in("name", "..", "run-id", "2"), fails: true, log: []string{"its name cannot name a directory"}},
		"max-files":               {in: in("run-id", "1", "max-files", "3"), fails: true, log: []string{"it would take at least 4 files, and the limit is 3. Nothing was written. Raise max-files"}},
		"max-size":                {in: in("run-id", "1", "max-size", "8"), fails: true, log: []string{"and the limit is 8. Nothing was written. Raise max-size"}},
		"max-size, file":          {in: in("run-id", "2", "name", "raw", "max-size", "8"), fails: true, log: []string{"at least 9 bytes"}},
		"path outside":            {in: in("name", "dist", "path", "/etc"), fails: true, log: []string{`path "/etc" lies outside`}},
		"storage cuts":            {in: in("name", "dist", "run-id", "1"), faults: []githubsim.Fault{{Host: githubsim.Storage, Cut: 50, Times: 2}}, want: "a.txt=a1 d/b.txt=b1", log: []string{"the connection broke off after 50 of"}},
		"storage cuts for ever":   {in: in("name", "dist", "run-id", "1"), faults: []githubsim.Fault{{Host: githubsim.Storage, Drop: true, Times: -1}}, fails: true, log: []string{`artifact "dist" (11) of octo/app: after 3 tries`}},
		"expired URL":             {in: in("name", "dist", "run-id", "1"), faults: []githubsim.Fault{{Host: githubsim.Storage, Expire: true}}, want: "a.txt=a1 d/b.txt=b1"},
		"damaged":                 {in: in("name", "dist", "run-id", "1"), faults: []githubsim.Fault{{Host: githubsim.Storage, Corrupt: 46}}, fails: true, log: []string{`artifact "dist" (11) of octo/app: its SHA-256 is`, "upload the artifact anew"}},
		"damaged, warn":           {in: in("name", "dist", "run-id", "1", "digest-mismatch", "warn"), faults: []githubsim.Fault{{Host: githubsim.Storage, Corrupt: 46}}, fails: true, log: []string{"::warning::artifact \"dist\": its SHA-256 is", "refused: entry"}},
		"damaged, skip, warn":     {in: in("name", "dist", "run-id", "1", "digest-mismatch", "warn", "skip-decompress", "true"), faults: []githubsim.Fault{{Host: githubsim.Storage, Corrupt: 46}}, fails: true, log: []string{"::warning::artifact \"dist\": its SHA-256 is", "refused: entry", "No digest proves"}},
		"another zip, skip, warn": {in: in("name", "dist", "run-id", "1", "digest-mismatch", "warn", "skip-decompress", "true"), faults: []githubsim.Fault{{Host: githubsim.Storage, Corrupt: 11}}, want: "dist.zip=PK", log: []string{"::warning::artifact \"dist\": its SHA-256 is"}},
		"expired after the list":  {in: in("name", "dist"), faults: []githubsim.Fault{{Host: githubsim.API, Path: "/repos/octo/app/actions/artifacts/21/zip", Status: 410, Body: `{"message":"Artifact has expired"}`}}, want: "a.txt=a1 d/b.txt=b1", log: []string{"choosing again without it"}, out: map[string]string{"run-id": "1"}},
		"expired, with a shard":   {in: in("name", "dist", "shard", "1/1"), faults: []githubsim.Fault{{Host: githubsim.API, Path: "/repos/octo/app/actions/artifacts/21/zip", Status: 410, Body: `{"message":"Artifact has expired"}`}}, fails: true, log: []string{"download artifact 21 of octo/app", "The artifact has expired"}},
		"several problems":        {in: in("max-size", "x", "if-exists", "y", "run-id", "z"), fails: true, log: []string{`::error::max-size: "x"`, `::error::if-exists: "y"`, `::error::run-id: "z"`}},
		"broken event":            {in: in("GITHUB_EVENT_NAME", "workflow_run", "event", "{"), fails: true, log: []string{"the event that triggered this run"}},
		"a CA that is not there":  {in: in("ca-cert", "no.pem", "run-id", "1"), fails: true, log: []string{"ca-cert: open", "Give the path of a PEM file"}},
		"a CA that is none":       {in: in("ca-cert", "x.pem", "run-id", "1"), before: []string{"x.pem=x"}, want: "x.pem=x", fails: true, log: []string{"ca-cert: it holds no PEM certificate"}},
		"a destination's a file":  {in: in("name", "dist", "path", "out"), before: []string{"out=x"}, want: "out=x", fails: true, log: []string{`path "out" is a file, where a directory is needed`}},
		"download needs a token":  {in: in("github-token", "ghs_nothing", "artifact-ids", "11"), fails: true},
		"storage gets no token":   {in: in("name", "dist"), want: "a.txt=a2"},
		"progress and API counts": {in: in("name", "dist"), want: "a.txt=a2", log: []string{"requests sent to GitHub's API"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, githubsim.Options{})
			for _, f := range tt.faults {
				w.Fault(f)
			}
			got := w.step(t.Context(), t, tt.in, tt.before...)
			if (got.code != 0) != tt.fails || got.code > 1 {
				t.Errorf("exit code %d", got.code)
			}
			if diff := cmp.Diff(tt.want, got.list()); diff != "" {
				t.Errorf("files: %s", diff)
			}
			for _, want := range tt.log {
				if !strings.Contains(got.log, want) {
					t.Errorf("the log lacks %q", want)
				}
			}
			for k, want := range tt.out {
				if got.outputs[k] != want {
					t.Errorf("output %s is %q, want %q", k, got.outputs[k], want)
				}
			}
			got.check(t)
			for _, r := range w.Log() {
				if r.Host == githubsim.Storage && r.Header.Get("Authorization") != "" {
					t.Error("the storage was sent a token")
				}
			}
			if t.Failed() {
				t.Log("\n" + got.log)
			}
		})
	}
}

func TestEnterprise(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]githubsim.Options{"3.8": {Enterprise: true}, "older": {Enterprise: true, IgnoreName: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, opt)
			got := w.step(t.Context(), t, in("name", "dist"))
			if got.code != 0 || got.list() != "a.txt=a2" || !strings.Contains(got.outputs["artifacts"], `"digest":"","digest_verified":false`) {
				t.Errorf("%s\n%s\n%v", got.list(), got.log, got.outputs["artifacts"])
			}
			got = w.step(t.Context(), t, in("artifact-ids", "11"))
			if got.code != 0 || got.outputs["run-id"] != "" {
				t.Errorf("by id: %d, %q", got.code, got.outputs["run-id"])
			}
		})
	}
}

// Nothing that a stranger wrote reaches the runner as a command or an
// output of its own.
func TestHostileText(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubsim.Options{})
	const evil = "x\r\n::set-env name=A::b\n##[error]y\r::error::z"
	run := w.app.AddRun(githubsim.Run{ID: 77, Workflow: w.app.AddWorkflow(evil, ".github/workflows/e.yml"), HeadBranch: evil, Title: evil, Event: evil})
	run.AddArtifact(githubsim.Artifact{ID: 771, Name: evil, Blob: files("a"+evil, "x"), ContentDisposition: evil})
	w.Fault(githubsim.Fault{Skip: 1, Host: githubsim.API, Path: "/*/*/*/*/*/nope", Status: 500, Body: evil})
	for _, inputs := range []map[string]string{in("run-id", "77"), in("run-id", "77", "name", evil), in("name", "nope", "run-id", "77"), in("run-id", "77", "dry-run", "true")} {
		got := w.step(t.Context(), t, inputs)
		for line := range strings.Lines(strings.ReplaceAll(got.log, "\r", "\n")) {
			if m := regexp.MustCompile(`^\s*::(\S+?)[ :]`).FindStringSubmatch(line); m != nil && !slices.Contains([]string{"add-mask", "warning", "error", "group", "endgroup"}, m[1]) || strings.Contains(line, "##[") {
				t.Errorf("the log has %q", line)
			}
		}
		if strings.Contains(got.log, "\n::error::z") {
			t.Error("an annotation was forged")
		}
		for name := range got.outputs {
			if _, ok := declaredOutputs()[name]; !ok {
				t.Errorf("the output %q was forged", name)
			}
		}
		got.check(t)
	}
}

func TestApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubsim.Options{})
	w.AddApp(githubsim.App{Owner: "octo", Access: githubsim.Read})
	got := w.step(t.Context(), t, in("name", "dist", "github-token", "", "app-id", "7", "app-private-key", testKey(t)))
	if got.code != 0 || got.list() != "a.txt=a2" || !strings.Contains(got.log, "::add-mask::ghs_app") {
		t.Errorf("%d, %s\n%s", got.code, got.list(), got.log)
	}
}
