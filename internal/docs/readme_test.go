package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// maxWords is how long README may be, besides its tables.
const maxWords = 1500

func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	n := 0
	for line := range strings.Lines(string(readPage(t, "README.md").source)) {
		if !strings.HasPrefix(line, "|") {
			n += len(strings.Fields(line))
		}
	}
	if n > maxWords {
		t.Errorf("README has %d words besides its tables; at most %d", n, maxWords)
	}
}

// OWNER is explained once, in README.
func TestOwnerIsExplainedOnce(t *testing.T) {
	t.Parallel()
	n := 0
	for _, p := range pages(t) {
		n += strings.Count(string(p.source), `<a id="owner">`)
	}
	if n != 1 {
		t.Errorf("%d places explain OWNER", n)
	}
}

var commandLine = regexp.MustCompile("(?m)(?:^|`)(artifetch [-0-9][^`\n]+)")

// The commands that pages show work.
func TestCommandLines(t *testing.T) {
	t.Parallel()
	needBash(t)
	n := 0
	for _, name := range []string{"README.md", migrations} {
		for _, found := range commandLine.FindAllStringSubmatch(string(readPage(t, name).source), -1) {
			n++
			t.Run(found[1], func(t *testing.T) {
				t.Parallel()
				m := &machine{world: newWorld(t, githubsim.Options{}), dir: t.TempDir()}
				m.past(time.Hour, "ci.yml", githubsim.Run{ID: 4711}, "dist", zip("app", "app"), "logs-1", zip("log", "log"))
				s := &step{Run: found[1], Env: map[string]string{"GITHUB_TOKEN": "${{ github.token }}"}}
				j, err := m.single(trigger{}, s)
				if err != nil {
					t.Fatal(err)
				}
				if !j.ok || len(j.files) == 0 {
					t.Errorf("it fetches nothing:\n%s", j.log.String())
				}
			})
		}
	}
	if n < 3 {
		t.Errorf("%d commands were found", n)
	}
}

var usesVersion = regexp.MustCompile(`uses: (actions/[a-z-]+)@(?:[0-9a-f]{40} # )?(v[0-9]+)`)

// Pages use GitHub's own actions at the major versions that this repository uses.
func TestVersionsOfActions(t *testing.T) {
	t.Parallel()
	used := map[string]string{}
	err := filepath.WalkDir(root+"/.github/workflows", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		for _, m := range usesVersion.FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = m[2]
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages(t) {
		for _, m := range usesVersion.FindAllStringSubmatch(string(p.source), -1) {
			if want, ok := used[m[1]]; ok && m[2] != want {
				t.Errorf("%s uses %s@%s, this repository %s", p.name, m[1], m[2], want)
			}
		}
	}
}
