// Package internal holds no code; its test keeps the picture in
// docs/architecture.md true.
package internal

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/artifetch/artifetch"

// forTests are packages that all tests may import.
var forTests = []string{"internal/githubsim", "internal/testdir", "internal/testmain"}

// allowed says which of our packages each of them may import. Tests may
// import forTests, too.
var allowed = map[string][]string{
	"":                             {"internal/app", "internal/machine", "internal/process"},
	"internal/app":                 {"internal/actions", "internal/artifact", "internal/choice", "internal/cli", "internal/config", "internal/githubapi", "internal/httpx", "internal/inspect", "internal/machine", "internal/process", "internal/report", "internal/search", "internal/spool", "internal/transfer", "internal/unpack", "internal/workspace"},
	"internal/report":              {"internal/actions", "internal/artifact", "internal/config", "internal/fetch", "internal/githubapi", "internal/httpx", "internal/inspect", "internal/search", "internal/spool", "internal/transfer", "internal/unpack", "internal/words", "internal/workspace"},
	"internal/githubapi":           {"internal/artifact", "internal/httpx", "internal/lazy", "internal/search", "internal/words"},
	"internal/search":              {"internal/artifact", "internal/lazy", "internal/suggest", "internal/words"},
	"internal/fetch":               {"internal/httpx", "internal/lazy"},
	"internal/demo":                {"internal/app", "internal/githubsim", "internal/process"},
	"internal/bench":               {"internal/githubsim"},
	"internal/docs":                {"internal/app", "internal/httpx"},
	"internal/docs/pictures":       {"internal/githubsim"},
	"internal/e2e/act":             {"internal/githubsim"},
	"internal/e2e/container/stamp": {},
	"internal/e2e/container":       {"internal/githubsim"},
	"internal/e2e/openapi":         {"internal/githubsim"},
	"internal/e2e/producers":       {"internal/unpack"},
	"internal/release":             nil,
	"internal":                     nil,
	"internal/actions":             {"internal/words"},
	"internal/artifact":            {"internal/glob", "internal/lazy"},
	"internal/config":              {"internal/artifact", "internal/glob", "internal/lazy", "internal/suggest", "internal/words", "internal/workspace"},
	"internal/glob":                {"internal/lazy"},
	"internal/choice":              {"internal/actions", "internal/artifact", "internal/config", "internal/githubapi", "internal/httpx", "internal/search", "internal/transfer"},
	"internal/cli":                 {"internal/config"},
	"internal/inspect":             {"internal/artifact", "internal/spool", "internal/transfer", "internal/unpack", "internal/words"},
	"internal/machine":             {"internal/config", "internal/lazy"},
	"internal/process":             nil,
	"internal/eintr":               nil,
	"internal/lazy":                nil,
	"internal/suggest":             nil,
	"internal/transfer":            {"internal/artifact", "internal/fetch", "internal/glob", "internal/httpx", "internal/spool", "internal/suggest", "internal/unpack", "internal/words"},
	"internal/words":               nil,
	"internal/githubsim":           {"internal/sleep"},
	"internal/httpx":               {"internal/lazy", "internal/sleep"},
	"internal/inflate":             nil,
	"internal/sleep":               nil,
	"internal/spool":               {"internal/eintr", "internal/words"},
	"internal/symlink":             nil,
	"internal/testdir":             nil,
	"internal/testmain":            nil,
	"internal/unpack":              {"internal/eintr", "internal/inflate", "internal/symlink"},
	"internal/workspace":           {"internal/eintr", "internal/sleep", "internal/symlink", "internal/words"},
}

// reserved names the only package that may import a library.
var reserved = map[string]string{
	"github.com/google/go-github":           "internal/githubapi",
	"golang.org/x/oauth2":                   "internal/githubapi",
	"github.com/sethvargo/go-githubactions": "internal/actions",
	"github.com/spf13/cobra":                "internal/cli",
}

func TestImports(t *testing.T) {
	t.Parallel()
	seen, used := map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".go" {
			return err
		}
		dir := strings.TrimPrefix(path.Dir(filepath.ToSlash(p))+"/", "../")
		dir = strings.TrimSuffix(dir, "/")
		seen[dir] = true
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			used[dir+" → "+strings.TrimPrefix(imported, module+"/")] = true
			if why := forbidden(dir, imported, strings.HasSuffix(p, "_test.go")); why != "" {
				t.Errorf("%s imports %s: %s", p, imported, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir := range seen {
		if _, ok := allowed[dir]; !ok {
			t.Errorf("%q is not in the picture: add it here and to docs/architecture.md", dir)
		}
	}
	for dir, list := range allowed {
		if !seen[dir] {
			t.Errorf("%q is in the picture, but not there", dir)
		}
		for _, imported := range list {
			if !used[dir+" → "+imported] {
				t.Errorf("%q is in the picture as an import of %q, but no file imports it", imported, dir)
			}
		}
	}
}

var (
	// row matches a row of the table of packages: the package and, last, its imports.
	row = regexp.MustCompile("(?m)^\\| `(main|internal/[a-z0-9/]+)` \\|.*\\| ([^|]+) \\|$")
	// quotedName matches a package's name in a row.
	quotedName = regexp.MustCompile("`([a-z0-9]+)`")
	inBrackets = regexp.MustCompile(`\([^)]*\)`)
)

// TestDocumented compares allowed with the table in docs/architecture.md, which has one row for
// a package and those below it.
func TestDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		dir, imports := strings.TrimPrefix(m[1], "main"), inBrackets.ReplaceAllString(m[2], "")
		want := map[string]bool{}
		for name, list := range allowed {
			if name == dir || dir != "" && strings.HasPrefix(name, dir+"/") {
				documented[name] = true
				for _, imported := range list {
					want["internal/"+path.Base(imported)] = true
				}
			}
		}
		got := map[string]bool{}
		for _, m := range quotedName.FindAllStringSubmatch(imports, -1) {
			got["internal/"+m[1]] = true
		}
		if strings.HasPrefix(imports, "all but ") {
			but := got
			got = reached("")
			maps.DeleteFunc(got, func(name string, _ bool) bool { return name == dir || but[name] })
		}
		if inWords := len(got) == 0 && imports != "–"; !inWords && !maps.Equal(got, want) {
			t.Errorf("the row of %s has the imports %q, want %q", m[1], slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
	}
	for dir := range allowed {
		if !documented[dir] && dir != "internal" {
			t.Errorf("%q has no row in docs/architecture.md", dir)
		}
	}
}

// reached returns the packages that dir imports, and those that these import.
func reached(dir string) map[string]bool {
	all := map[string]bool{}
	for _, imported := range allowed[dir] {
		all[imported] = true
		maps.Copy(all, reached(imported))
	}
	return all
}

// forbidden says why a package may not import another, or nothing.
func forbidden(dir, imported string, test bool) string {
	for lib, only := range reserved {
		if (imported == lib || strings.HasPrefix(imported, lib+"/")) && dir != only {
			return "only " + only + " may"
		}
	}
	ours, ok := strings.CutPrefix(imported, module+"/")
	if !ok || slices.Contains(allowed[dir], ours) || test && (slices.Contains(forTests, ours) || ours == dir) {
		return ""
	}
	return "no such arrow in the picture"
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		dir, imported string
		test, ok      bool
	}{
		{"internal/unpack", module + "/internal/httpx", false, false},
		{"internal/app", module + "/internal/githubsim", false, false},
		{"internal/app", module + "/internal/githubsim", true, true},
		{"internal/app", "golang.org/x/oauth2", true, false},
		{"internal/githubapi", "github.com/google/go-github/v60/github", false, true},
		{"", module + "/internal/config", false, false},
		{"internal/fetch", "net/http", false, true},
	} {
		if got := forbidden(tt.dir, tt.imported, tt.test) == ""; got != tt.ok {
			t.Errorf("%+v: allowed %v", tt, got)
		}
	}
}
