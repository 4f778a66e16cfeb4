package docs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/testdir"
)

// recipe says in which world a recipe of the pages runs, and what then has to be true.
type recipe struct {
	options githubsim.Options
	arrange func(t *testing.T, w *world)
	// commands are programs that the workflow's scripts find, besides the system's: shell
	// scripts by name. $WRAPPER is the program artifetch.
	commands map[string]string
	// triggers are the events of the recipe's workflows, one each. A nil function is for
	// a workflow_dispatch. before is the run of the workflow before.
	triggers []func(w *world, before *githubsim.Run) trigger
	// files are all files of all jobs' workspaces, as "job: path" (see jobRun.files).
	files map[string]string
	// outputs are some outputs of steps, as "job: step.name".
	outputs map[string]string
	// log are texts in the log of all jobs.
	log []string
	// failed are the labels of jobs that fail.
	failed []string
	// check is for what else has to be true; nil is nothing.
	check func(w *world) error
	// idle are inputs that may be left out of a step without a change that the test sees,
	// with the reason.
	idle map[string]string
}

// play runs the workflows of a recipe and returns what is not as the recipe says.
func (r recipe) play(t *testing.T, workflows []*workflow) error {
	t.Helper()
	w := newWorld(t, r.options)
	if r.arrange != nil {
		r.arrange(t, w)
	}
	m := &machine{world: w, dir: t.TempDir(), commands: r.commands}
	var before *githubsim.Run
	for i, wf := range workflows {
		tr := trigger{}
		if i < len(r.triggers) && r.triggers[i] != nil {
			tr = r.triggers[i](w, before)
		}
		var err error
		if before, err = m.run(context.Background(), wf, tr); err != nil {
			return fmt.Errorf("%w\n%s", err, m.log())
		}
	}
	return r.compare(m)
}

// log returns the log of all jobs.
func (m *machine) log() string {
	var b strings.Builder
	for _, j := range m.jobs {
		fmt.Fprintf(&b, "--- %s\n%s", j.label, j.log.String())
	}
	return b.String()
}

func (r recipe) compare(m *machine) error {
	files, outputs := map[string]string{}, map[string]string{}
	var failed []string
	for _, j := range m.jobs {
		for name, body := range j.files {
			key := j.label + ": " + name
			if r.files[key] == anything {
				body = anything
			}
			files[key] = body
		}
		for id, s := range j.steps {
			for name, v := range s.outputs {
				key := fmt.Sprintf("%s: %s.%s", j.label, id, name)
				if _, wanted := r.outputs[key]; wanted {
					outputs[key] = toText(v)
				}
			}
		}
		if !j.ok {
			failed = append(failed, j.label)
		}
	}
	var errs []error
	if diff := cmp.Diff(r.files, files); diff != "" {
		errs = append(errs, fmt.Errorf("files (-want +got)\n%s", diff))
	}
	if diff := cmp.Diff(r.outputs, outputs); diff != "" && len(r.outputs) > 0 {
		errs = append(errs, fmt.Errorf("outputs (-want +got)\n%s", diff))
	}
	if !slices.Equal(r.failed, failed) {
		errs = append(errs, fmt.Errorf("the jobs %q failed, want %q", failed, r.failed))
	}
	for _, text := range r.log {
		if !strings.Contains(m.log(), text) {
			errs = append(errs, fmt.Errorf("the log lacks %q", text))
		}
	}
	if r.check != nil {
		errs = append(errs, r.check(m.world))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w\n%s", err, m.log())
	}
	return nil
}

// published returns the workflows of the pages by heading, as their sources.
func published(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, name := range []string{"README.md", "docs/recipes.md"} {
		for _, s := range readPage(t, name).sections() {
			if len(s.yaml) > 0 {
				all[s.title] = s.yaml
			}
		}
	}
	return all
}

func parseAll(t *testing.T, sources []string) []*workflow {
	t.Helper()
	list := make([]*workflow, len(sources))
	for i, source := range sources {
		var err error
		if list[i], err = parseWorkflow(source); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// needBash skips a test where the pages' scripts cannot run: they are for Linux runners.
func needBash(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil || runtime.GOOS != "linux" {
		t.Skip("the pages' scripts need Linux and bash")
	}
}

// TestRecipes runs every workflow of the pages.
func TestRecipes(t *testing.T) {
	t.Parallel()
	needBash(t)
	found := published(t)
	for title := range recipes {
		if found[title] == nil {
			t.Errorf("no page has the recipe %q", title)
		}
	}
	for title, sources := range found {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			r, ok := recipes[title]
			if !ok {
				t.Fatal("the recipe has no test")
			}
			workflows := parseAll(t, sources)
			for i, wf := range workflows {
				if err := lint(wf.file, sources[i]); err != nil {
					t.Error(err)
				}
			}
			if err := r.play(t, workflows); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRecipesNeedTheirInputs runs the recipes without one of the inputs each. A recipe
// that is still right has an input that it does not need, or a test that would not notice
// what the recipe says.
func TestRecipesNeedTheirInputs(t *testing.T) {
	t.Parallel()
	needBash(t)
	for title, sources := range published(t) {
		r := recipes[title]
		n := 0
		for _, wf := range parseAll(t, sources) {
			wf.steps(func(s *step) { n += len(inputsOf(s)) })
		}
		names := map[string]bool{}
		for i := range n {
			workflows := parseAll(t, sources)
			name := dropInput(workflows, i)
			t.Run(fmt.Sprintf("%s/%d %s", title, i, name), func(t *testing.T) {
				t.Parallel()
				err := r.play(t, workflows)
				if reason := r.idle[name]; err == nil && reason == "" {
					t.Errorf("the recipe does not need the input %s, or its test does not notice", name)
				} else if err != nil && reason != "" {
					t.Errorf("the input %s is needed, though the test says: %s", name, reason)
				}
			})
			names[name] = true
		}
		for name := range r.idle {
			if !names[name] {
				t.Errorf("%s has no input %s", title, name)
			}
		}
	}
}

// inputsOf returns the inputs of a step of artifetch, in order.
func inputsOf(s *step) []string {
	if !isArtifetch(s.Uses) {
		return nil
	}
	var names []string
	for name := range s.With {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// dropInput removes the i-th input of all steps of artifetch, and returns its name.
func dropInput(workflows []*workflow, i int) string {
	var dropped string
	for _, wf := range workflows {
		wf.steps(func(s *step) {
			names := inputsOf(s)
			if i >= 0 && i < len(names) {
				dropped = names[i]
				delete(s.With, dropped)
			}
			i -= len(names)
		})
	}
	return dropped
}

// A recipe that says something else, lacks a permission or names what is not there fails.
func TestMutatedRecipesFail(t *testing.T) {
	t.Parallel()
	needBash(t)
	found := published(t)
	for title, change := range map[string][2]string{
		"The build of a tag":                            {"workflow: ci.yml", "workflow: other.yml"},
		"Compare with main":                             {"actions: read\n", ""},
		"The current run first, or else an earlier one": {"outputs.docs", "outputs.doc"},
		"Only some files of a large artifact":           {"!**/*.pdb", "!**/*.txt"},
		"One job for each artifact":                     {"matrix.artifact.id", "matrix.artifact.ids"},
		"The last ten runs":                             {"name: times", "nam: times"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			source := strings.ReplaceAll(found[title][0], change[0], change[1])
			if source == found[title][0] {
				t.Fatalf("there is no %q", change[0])
			}
			if err := recipes[title].play(t, parseAll(t, []string{source})); err == nil {
				t.Errorf("it passes with %q", change[1])
			}
		})
	}
}

// bin returns the directory of the programs that a recipe's scripts find. The first script
// writes them: most jobs have none.
func (m *machine) bin() (string, error) {
	m.programs.Lock()
	defer m.programs.Unlock()
	dir := filepath.Join(m.dir, "bin")
	if err := os.Mkdir(dir, 0o755); errors.Is(err, fs.ErrExist) {
		return dir, nil
	} else if err != nil {
		return "", err
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	wrapper := filepath.Join(dir, "artifetch")
	text := fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", commandVar, self)
	errs := []error{testdir.WriteProgram(wrapper, strings.NewReader(text))}
	for name, body := range m.commands {
		body = "#!/bin/sh\n" + strings.ReplaceAll(body, "$WRAPPER", wrapper)
		errs = append(errs, testdir.WriteProgram(filepath.Join(dir, name), strings.NewReader(body)))
	}
	return dir, errors.Join(errs...)
}
