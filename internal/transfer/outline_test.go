package transfer

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/artifact"
)

func TestNear(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ globs, names, want string }{
		{"*.so", "lib/a.so", "**/*.so"},
		{"a.so", "x/lib/a.so", "x/lib/a.so"},
		{"lib", "x/lib/a.so", "x/lib"},
		{"lib/", "x/lib/a.so", "x/lib"},
		{"./lib/a.so", "x/lib/a.so", "x/lib/a.so"},
		{"dist/app.js", "app.js", "app.js"},
		{"dist/lib", "lib/a lib/b", "lib"},
		{"dist/*.js", "app.js", "*.js"},
		{"out/dist/**/*.js", "dist/a.js", "dist/**/*.js"},
		{"dist/**", "app.js", ""}, // not all that there is
		{"dist/*", "app.js", ""},
		{"dist/", "app.js", ""},
		{"ap.js", "app.js", "app.js"},
		{"APP.js", "app.js", "app.js"},
		{"*.JS", "app.js", "app.js"},
		{"[A-C].JS", "a.js", "a.js"},
		{"dits", "dist/a", "dist"},
		{"dits/*.js", "dist/a.js", "dist/*.js"},
		{"Dist/**", "dist/a.js", "dist/**"},
		{"dits/l*/x", "dist/lib/x", "dist/l*/x"},
		{"dits/*.css", "dist/a.js", ""},
		{"*.css", "a.js b.js", ""},
		{"*.js !a.js", "a.js lib/b.js", ""}, // what it matches was taken away
		{"!x", "a.js", ""},
		{"*.js *.so a.pyc", "x/a.js x/b.so a.py", "**/*.js **/*.so a.py"},
		{"*.js */*.js", "x/y/a.js", "**/*.js **/*/*.js"},
		{"a b c d", "x/a x/b x/c x/d", "x/a x/b x/c"},
		{"{a,b/c}.js", "x/b/c.js", "**/{a,b/c}.js"},
		{`\[id\].js`, "x/[id].js", `**/\[id\].js`},
		{"build-*", "build-1/a build-2/lib/b", "build-*/"}, // it matches directories only
		{"./b*", "build-1/a", "./b*/"},
		{"dist/*", "dist/lib/a", "dist/*/"},
		{"{lib,l*}", "lost/a", "{lib,l*}/"},
		{"app/[slug]/page.js", "app/[slug]/page.js", `app/\[slug\]/page.js`}, // a name, not a class
		{"app/[slug]/*.js", "app/[slug]/page.js", `app/\[slug\]/*.js`},
		{"api/{id}.json", "api/{id}.json", `api/\{id\}.json`},
		{`[a\[]`, "[a[]", `\[a\[\]`},
		{"a[1]", "a[1]/x", `a\[1\]`},
		{"[...all]/**", "[...all]/x", `\[...all\]/**`},
		{"Build-1", "build-1/.hidden", "build-1"},
		{"lbi", "lib-old lib/a", "lib"},
		{`"*.js"`, "a.js", "*.js"},
		{"'a,b.js'", "a,b.js", "a,b.js"},
		{"*.js,'lib/'", "a.js lib/b", "*.js lib/"},
		{"*.js,*.css,", "a.css", "*.js *.css"},
		{"{*.js,*.css}", "a/a.css", "**/{*.js,*.css}"},
		{",", "a", ""},
		{"a.so", "x/" + strings.Repeat("long/", 50) + "a.so", ""},
		{"a", "", ""},
		{"{1..50}*", "x/1", "**/{1..50}*"},
		{"{1..51}*", "x/1", ""}, // would take long
		{"{1..999}", "x/1", ""},
		{"x/{1..999}", "1", "{1..999}"},
	} {
		if got := near(strings.Fields(tt.globs), strings.Fields(tt.names)); !slices.Equal(got, strings.Fields(tt.want)) {
			t.Errorf("%q, %q: got %q, want %q", tt.globs, tt.names, got, tt.want)
		}
	}
}

func TestSample(t *testing.T) {
	t.Parallel()
	var short, long sample
	for i := range 2 * maxNames {
		short.add("a")
		long.add(fmt.Sprintf("%0200d", i))
	}
	if len(short.list) != maxNames || len(long.list) != maxNameBytes/200 {
		t.Errorf("%d and %d names", len(short.list), len(long.list))
	}
}

// An outline is the same in whatever order an archive has its entries.
func TestOutline(t *testing.T) {
	t.Parallel()
	names := []string{"z", "b/", "b/1", "c/d/2", "empty/", "c/3", "a"}
	for i := range 100 {
		names = append(names, fmt.Sprintf("n%02d/x", i), fmt.Sprintf("n%02d/y", i))
	}
	const want = `artifact "x" (7) holds 205 files: "a", "b/" (1 file), "c/" (2 files), "empty/" (0 files), "n00/" (2 files), "n01/" (2 files), "n02/" (2 files), "n03/" (2 files), …`
	for range 3 {
		o := Outline{Artifact: artifact.Artifact{ID: 7, Name: "x"}}
		for _, name := range names {
			o.add(name)
		}
		if got := o.String(); got != want || len(o.Top) != maxTop {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		slices.Reverse(names)
		names = append(names[50:], names[:50]...)
	}
	empty := Outline{Artifact: artifact.Artifact{ID: 7, Name: "x"}}
	if got := empty.String(); got != `artifact "x" (7) holds 0 files` {
		t.Error(got)
	}
}

// Whatever the globs, the artifacts and their files are called, the message is short
// and has one line.
func TestNoFilesError(t *testing.T) {
	t.Parallel()
	hostile := strings.Repeat("\n::error::\x00\u202e", 100)
	e := NoFilesError{Artifacts: 30}
	for i := range 30 {
		e.Globs = append(e.Globs, strings.Repeat("x", 4000))
		o := Outline{Artifact: artifact.Artifact{ID: int64(i), Name: hostile}, Near: []string{"same", fmt.Sprint(i)}}
		for j := range 20 {
			o.add(fmt.Sprint(j) + hostile)
		}
		e.Outlines = append(e.Outlines, o)
	}
	if text := e.Error(); len(text) > maxText || strings.ContainsAny(text, "\n\r\x00\u202e") {
		t.Errorf("%d bytes: %q", len(text), text)
	}
	if got := fmt.Sprint(e.Near()); got != "[same 0 1]" {
		t.Error(got)
	}
}

func TestNearName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ name, names, want string }{
		"misspelt":                {"biulds/[slug].js", "builds/[slug].js builds/index.js", "builds/[slug].js"},
		"misspelt in brackets":    {"app/[slog].js", "app/[slug].js app/x", "app/[slug].js"},
		"elsewhere, no glob":      {"[a]*.txt", "d/a.txt d/[a]*.txt", "d/[a]*.txt"},
		"a directory too many":    {"dist/{x}.js", "y {x}.js", "{x}.js"},
		"with a dot":              {"./d/f?", "e/d/f?", "e/d/f?"},
		"a glob is none":          {"*.js", "aaaaaaaa.js bbbbbbbb.js", ""},
		"a part of a name":        {"b.txt", "aaaaaaaaaa-b.txt", "aaaaaaaaaa-b.txt"},
		"nothing like it":         {"readme", "x y", ""},
		"too long to be a help":   {"f", strings.Repeat("d/", maxSuggestion) + "f", ""},
		"no files":                {"f", "", ""},
		"nearly, without a class": {"config.jsn", "config.json", "config.json"},
	}
	for name, tt := range tests {
		if got := strings.Join(nearName(tt.name, strings.Fields(tt.names)), " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}
