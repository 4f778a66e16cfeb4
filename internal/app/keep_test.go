package app

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/githubsim"
)

// uploads are artifacts as upload-artifact stores them: dist and release.zip were
// archived, all others were uploaded as they are. bare has no file name.
func uploads() []githubsim.Artifact {
	zip := files("a.txt", "a")
	asIs := func(name, mediaType string, blob githubsim.Blob) githubsim.Artifact {
		return githubsim.Artifact{Name: name, Blob: blob, ContentType: mediaType, ContentDisposition: `attachment; filename="` + name + `"`}
	}
	return []githubsim.Artifact{
		{Name: "dist", Blob: zip},
		asIs("app.jar", "application/octet-stream", zip),
		asIs("release.zip", "application/zip", zip),
		asIs("sbom.spdx.json", "application/json", githubsim.Bytes([]byte("{}"))),
		{Name: "bare", Blob: zip, ContentType: "application/zip", ContentDisposition: "attachment"},
		{Name: "bare.ZIP", Blob: zip, ContentType: "application/octet-stream", ContentDisposition: "inline"},
		{Name: "other", Blob: zip, ContentType: "zip", ContentDisposition: `attachment; filename="../up/name of its own"; filename*=UTF-8''caf%C3%A9.zip`},
	}
}

// A file that is kept as it is has the upload's name, in the artifact's directory. If the
// input is given as skip_unpack, the layout is that of the action that has this input.
func TestKept(t *testing.T) {
	t.Parallel()
	canonical := strings.Fields("dist/dist.zip app.jar/app.jar release.zip/release.zip sbom.spdx.json/sbom.spdx.json bare/bare.zip bare.ZIP/bare.ZIP other/café.zip")
	var merged []string
	for _, name := range canonical {
		_, base, _ := strings.Cut(name, "/")
		merged = append(merged, base)
	}
	flat := strings.Fields("dist.zip app.jar release.zip.zip sbom.spdx.json bare.zip bare.ZIP.zip other.zip")
	for name, tt := range map[string]struct {
		in   map[string]string
		want []string // files, in the order of uploads
	}{
		"all":                   {in("skip-decompress", "true"), canonical},
		"into a path":           {in("skip-decompress", "true", "path", "out"), allBelow("out", canonical)},
		"merged":                {in("skip-decompress", "true", "merge-multiple", "true"), merged},
		"a run's directory":     {in("skip-decompress", "true", "run-id", "1, 2", "name", "dist"), []string{"1/dist/dist.zip", "2/dist/dist.zip"}},
		"repositories":          {in("skip-decompress", "true", "run-id", "", "repository", "octo/app\nocto/lib", "name", "dist"), []string{"octo/app/dist/dist.zip", "octo/lib/dist/dist.zip"}},
		"one":                   {in("skip-decompress", "true", "name", "dist"), []string{"dist.zip"}},
		"one by id":             {in("skip-decompress", "true", "artifact-ids", "11", "run-id", ""), []string{"dist.zip"}},
		"one, release.zip":      {in("skip-decompress", "true", "name", "release.zip"), []string{"release.zip"}},
		"one, a jar":            {in("skip-decompress", "true", "name", "app.jar"), []string{"app.jar"}},
		"one by a pattern":      {in("skip-decompress", "true", "pattern", "dist"), []string{"dist/dist.zip"}},
		"skip_unpack":           {in("skip_unpack", "true"), flat},
		"skip_unpack, a path":   {in("skip_unpack", "true", "path", "out"), allBelow("out", flat)},
		"skip_unpack, merged":   {in("skip_unpack", "true", "merge_multiple", "true"), flat},
		"skip_unpack, one":      {in("skip_unpack", "true", "name", "dist"), []string{"dist.zip"}},
		"skip_unpack, one file": {in("skip_unpack", "true", "name", "app.jar"), []string{"app.jar"}},
		"skip_unpack, runs":     {in("skip_unpack", "true", "run-id", "1\n2", "name", "dist"), []string{"1/dist.zip", "2/dist.zip"}},
		"skip_unpack, repositories": {in("skip_unpack", "true", "run-id", "", "repository", "octo/app\nocto/lib", "name", "dist"),
			[]string{"octo/app/dist.zip", "octo/lib/dist.zip"}},
		"both, true":          {in("skip-decompress", "true", "skip_unpack", "true"), canonical},
		"both, only one true": {in("skip-decompress", "true", "skip_unpack", "false"), canonical},
		"the other one true":  {in("skip-decompress", "false", "skip_unpack", "True"), flat},
		"an empty one":        {in("skip-decompress", "", "skip_unpack", "true"), flat},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := runWorld(t)
			for i, a := range uploads() {
				a.ID = 11 + int64(i)
				w.Attempt(1, a)
			}
			second := w.app.AddRun(githubsim.Run{ID: 2, Workflow: w.app.AddWorkflow("More", ".github/workflows/more.yml")})
			second.AddArtifact(githubsim.Artifact{Name: "dist", Blob: files("b.txt", "b")})
			w.lib = w.AddRepo("octo/lib")
			w.AddToken("ghs_owner", "octo/lib", githubsim.Read)
			w.lib.AddRun(githubsim.Run{ID: 3, Workflow: w.lib.AddWorkflow("CI", ".github/workflows/ci.yml")}).AddArtifact(githubsim.Artifact{Name: "dist"})
			env := in("run-id", "1")
			maps.Copy(env, tt.in)
			want := slices.Sorted(slices.Values(tt.want))
			for _, dry := range []bool{false, true} {
				env["INPUT_DRY-RUN"] = strconv.FormatBool(dry)
				got := w.step(t.Context(), t, env)
				there := slices.Sorted(maps.Keys(got.files))
				if got.code != 0 || !dry && !slices.Equal(there, want) || dry && len(there) > 0 {
					t.Fatalf("dry run %v: code %d, files %q, want %q\n%s", dry, got.code, there, want, got.log)
				}
				if paths := got.keptPaths(t); !slices.Equal(paths, want) {
					t.Errorf("dry run %v: outputs say %q, want %q", dry, paths, want)
				}
			}
		})
	}
}

// keptPaths returns the paths of the artifacts, each of one file, as the outputs and the
// summary have them.
func (f finished) keptPaths(t *testing.T) []string {
	t.Helper()
	var list []struct {
		Path  string
		Files int
	}
	if err := json.Unmarshal([]byte(f.outputs["artifacts"]), &list); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, a := range list {
		paths = append(paths, a.Path)
		if a.Files != 1 || !strings.Contains(f.summary, actions.Cell(a.Path)) {
			t.Errorf("%s: %d files; or the summary lacks it", a.Path, a.Files)
		}
	}
	slices.Sort(paths)
	return paths
}

// A dry run with skip-decompress reads only the beginning of each file. If the storage has
// no ranges, even that is too much of a large artifact, and its name stays unknown.
func TestKeptDryRun(t *testing.T) {
	t.Parallel()
	for _, ranges := range []bool{true, false} {
		w := fileWorld(t)
		if !ranges {
			w.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, IgnoreRange: true})
		}
		got := w.step(t.Context(), t, in("name", "big", "dry-run", "true", "skip-decompress", "true"))
		_, sent := fetched(w.Sim)
		says, path := "big.zip, ", `"path":"big.zip"`
		if !ranges && bigZip().Size() > 16<<20 {
			says, path = `artifact "big": the name of its file is known only when all of it is fetched`, `"path":"."`
		}
		if got.code != 0 || !strings.Contains(got.log, says) || !strings.Contains(got.outputs["artifacts"], path) || ranges && sent > 256<<10 {
			t.Errorf("ranges %v: code %d, %d bytes sent, want %q and %s\n%s\n%s", ranges, got.code, sent, says, path, got.log, got.outputs["artifacts"])
		}
	}
}

// An upload as it is (archive: false) gives the artifact the name of the file.
func TestNameWithoutExtension(t *testing.T) {
	t.Parallel()
	w := runWorld(t, githubsim.Artifact{Name: "report.html", Blob: githubsim.Bytes([]byte("<p>")), ContentType: "text/html", ContentDisposition: `attachment; filename="report.html"`})
	got := w.step(t.Context(), t, in("name", "report"))
	if got.code != 1 || !strings.Contains(got.outputs["error-message"], `Did you mean "report.html"?`) {
		t.Errorf("code %d\n%s", got.code, got.log)
	}
}

// allBelow puts a directory in front of paths.
func allBelow(dir string, paths []string) []string {
	list := slices.Clone(paths)
	for i := range list {
		list[i] = dir + "/" + list[i]
	}
	return list
}

// Uploads may have the same file name: then the rules for merging hold.
func TestKeptCollide(t *testing.T) {
	t.Parallel()
	asIs := func(name, body string) githubsim.Artifact {
		return githubsim.Artifact{Name: name, Blob: githubsim.Bytes([]byte(body)), ContentType: "text/plain", ContentDisposition: `attachment; filename="notes.txt"`}
	}
	for name, tt := range map[string]struct {
		in   map[string]string
		want string
		says string
	}{
		"apart":               {in("skip-decompress", "true"), "one/notes.txt=1 two/notes.txt=2", ""},
		"merged":              {in("skip-decompress", "true", "merge-multiple", "true"), "notes.txt=2", `::warning::"notes.txt" was taken from artifact "two" of run 1 (CI #1), the newest; it is also in "one" of run 1`},
		"skip_unpack":         {in("skip_unpack", "true"), "notes.txt=2", `::warning::"notes.txt" was taken from artifact "two" of run 1 (CI #1), the newest; it is also in "one" of run 1`},
		"skip_unpack, fail":   {in("skip_unpack", "true", "if-exists", "fail"), "", `"notes.txt" is in "two" and in "one". Nothing was written`},
		"skip_unpack, delete": {in("skip_unpack", "true", "delete", "true"), "notes.txt=2", `artifact "one" (1) of octo/app is not deleted`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := runWorld(t, asIs("one", "1"), asIs("two", "2"))
			tt.in["INPUT_RUN-ID"] = "1"
			got := w.step(t.Context(), t, tt.in)
			if got.list() != tt.want || !strings.Contains(got.log, tt.says) {
				t.Errorf("code %d, files %q, want %q and a log with %q\n%s", got.code, got.list(), tt.want, tt.says, got.log)
			}
		})
	}
}
