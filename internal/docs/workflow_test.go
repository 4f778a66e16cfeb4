package docs

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/rhysd/actionlint"
	"gopkg.in/yaml.v3"
)

// workflow is a workflow file, as far as the pages use the syntax: anything else in one is
// an error.
type workflow struct {
	file string // named in the comment that it begins with

	Name        string            `yaml:"name"`
	On          yaml.Node         `yaml:"on"`
	Permissions map[string]string `yaml:"permissions"`
	Env         map[string]string `yaml:"env"`
	Jobs        map[string]*job   `yaml:"jobs"`
}

type job struct {
	Name        string            `yaml:"name"`
	Needs       oneOrMore         `yaml:"needs"`
	If          string            `yaml:"if"`
	RunsOn      yaml.Node         `yaml:"runs-on"`
	Permissions map[string]string `yaml:"permissions"`
	Strategy    struct {
		FailFast *bool                `yaml:"fail-fast"`
		Matrix   map[string]yaml.Node `yaml:"matrix"`
	} `yaml:"strategy"`
	Env     map[string]string `yaml:"env"`
	Outputs map[string]string `yaml:"outputs"`
	Steps   []*step           `yaml:"steps"`
}

type step struct {
	ID              string               `yaml:"id"`
	Name            string               `yaml:"name"`
	If              string               `yaml:"if"`
	Uses            string               `yaml:"uses"`
	With            map[string]yaml.Node `yaml:"with"`
	Run             string               `yaml:"run"`
	Env             map[string]string    `yaml:"env"`
	ContinueOnError bool                 `yaml:"continue-on-error"`
	Parallel        []*step              `yaml:"parallel"`
}

// oneOrMore is a list that may be written as its only item.
type oneOrMore []string

func (l *oneOrMore) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = oneOrMore{n.Value}
		return nil
	}
	return n.Decode((*[]string)(l))
}

// parseWorkflow parses a workflow whose first line is a comment with its file's path.
func parseWorkflow(source string) (*workflow, error) {
	first, _, _ := strings.Cut(source, "\n")
	file, ok := strings.CutPrefix(first, "# .github/workflows/")
	if !ok || path.Ext(file) != ".yml" {
		return nil, fmt.Errorf("the first line %q does not name the workflow's file", first)
	}
	w := &workflow{file: ".github/workflows/" + file}
	dec := yaml.NewDecoder(strings.NewReader(source))
	dec.KnownFields(true)
	if err := dec.Decode(w); err != nil {
		return nil, err
	}
	return w, nil
}

// lint returns what actionlint finds in a workflow.
func lint(file, source string) error {
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{
		// Version 1.7.12 is older than steps that run side by side.
		IgnorePatterns: []string{`^step must run script with "run" section or run action with "uses" section$`},
	})
	if err != nil {
		return err
	}
	found, err := linter.Lint(file, []byte(source), nil)
	errs := []error{err}
	for _, e := range found {
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

// steps calls a function with each step of a workflow, those of groups included.
func (w *workflow) steps(do func(s *step)) {
	for _, name := range slices.Sorted(maps.Keys(w.Jobs)) {
		for _, s := range w.Jobs[name].Steps {
			do(s)
			for _, member := range s.Parallel {
				do(member)
			}
		}
	}
}
