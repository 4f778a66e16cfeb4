// Package release has the scripts of a release. Its tests check the files that
// GitHub reads: workflows, Dependabot's configuration, action.yml.
package release

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// A repository holds files by path, and what is wrong with them.
type repository struct {
	files map[string]string
	wrong []string
}

func (r *repository) complain(file, format string, args ...any) {
	r.wrong = append(r.wrong, file+": "+fmt.Sprintf(format, args...))
}

// decode reads a YAML file without unknown keys, if strict.
func (r *repository) decode(file string, strict bool, v any) {
	d := yaml.NewDecoder(strings.NewReader(r.files[file]))
	d.KnownFields(strict)
	if err := d.Decode(v); err != nil {
		r.complain(file, "%v", err)
	}
}

const actionsList = ".github/actions.txt"

var (
	// An action or a workflow of another repository.
	pinned   = regexp.MustCompile(`^([^./@:]+/[^/@:]+)(?:/[^@:]*)?@([0-9a-f]{40})$`)
	commit   = regexp.MustCompile(`^[0-9a-f]{40}$`)
	released = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+$`)
	example  = regexp.MustCompile(`uses: ([a-z][^ /@]*/[^ @]+)@(v[0-9]+)\b`)
)

// listed returns the lines of the list: "version commit" by action.
func (r *repository) listed() map[string]string {
	list := map[string]string{}
	for line := range strings.Lines(r.files[actionsList]) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		if len(f) != 3 || !released.MatchString(f[1]) || !commit.MatchString(f[2]) || list[f[0]] != "" {
			r.complain(actionsList, "not an action, its version and its commit: %q", line)
			continue
		}
		list[f[0]] = f[1] + " " + f[2]
	}
	return list
}

// valuesOf returns the values of a key, at any depth.
func valuesOf(n *yaml.Node, key string) []*yaml.Node {
	var found []*yaml.Node
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == key {
			found = append(found, child)
		}
		found = append(found, valuesOf(child, key)...)
	}
	return found
}

// checkUses: each action of another repository is pinned to the commit that the list
// has for the version in the comment, where Dependabot updates both. Whether this is
// the commit of that version can only be known online, which actions.sh does.
func (r *repository) checkUses() {
	list, used := r.listed(), map[string]bool{}
	for _, file := range r.workflows() {
		var document yaml.Node
		r.decode(file, false, &document)
		for _, n := range valuesOf(&document, "uses") {
			if strings.HasPrefix(n.Value, "./") {
				continue
			}
			m, version := pinned.FindStringSubmatch(n.Value), strings.TrimPrefix(n.LineComment, "# ")
			switch {
			case m == nil:
				r.complain(file, "not pinned to a commit: %s", n.Value)
			case !released.MatchString(version):
				r.complain(file, "no comment with the version: %s", n.Value)
			case list[m[1]] != version+" "+m[2]:
				r.complain(file, "%s does not have %s %s", actionsList, m[1], version)
			default:
				used[m[1]] = true
			}
		}
	}
	for action := range list {
		if !used[action] {
			r.complain(actionsList, "no workflow uses %s as it is there", action)
		}
	}
}

// checkExamples: documents show the versions that the workflows use.
func (r *repository) checkExamples() {
	list := r.listed()
	for file, text := range r.files {
		if !strings.HasSuffix(file, ".md") {
			continue
		}
		for _, m := range example.FindAllStringSubmatch(text, -1) {
			if v := list[m[1]]; v != "" && !strings.HasPrefix(v, m[2]+".") {
				r.complain(file, "an example has %s@%s, the workflows have %s", m[1], m[2], v)
			}
		}
	}
}

// workflows returns the workflows' paths, in order.
func (r *repository) workflows() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(r.files)), func(file string) bool {
		return path.Dir(file) != ".github/workflows"
	})
}

// A workflow has what the checks look at.
type workflow struct {
	On          map[string]yaml.Node
	Permissions yaml.Node
	Jobs        map[string]job
}

type job struct {
	Permissions    yaml.Node
	Uses           string
	Strategy       struct{ Matrix map[string]values }
	TimeoutMinutes int `yaml:"timeout-minutes"`
	Steps          []struct {
		Uses, Run string
		With      map[string]string
	}
}

// values are those of a matrix, where they are texts.
type values []string

func (v *values) UnmarshalYAML(n *yaml.Node) error {
	for _, item := range n.Content {
		*v = append(*v, item.Value)
	}
	return nil
}

// scopes are those of GITHUB_TOKEN that a job may ask for to write.
var scopes = []string{"attestations", "contents", "id-token", "packages", "pull-requests", "security-events"}

func (r *repository) checkWorkflows() {
	for _, file := range r.workflows() {
		var w workflow
		r.decode(file, false, &w)
		if len(w.Jobs) == 0 {
			r.complain(file, "no jobs")
		}
		if w.Permissions.Kind != yaml.MappingNode || len(w.Permissions.Content) != 0 {
			r.complain(file, "the workflow's permissions are not {}")
		}
		if _, ok := w.On["pull_request_target"]; ok {
			r.complain(file, "pull_request_target runs with secrets what strangers wrote")
		}
		for name, j := range w.Jobs {
			r.checkJob(file, name, j)
		}
	}
}

func (r *repository) checkJob(file, name string, j job) {
	var permissions map[string]string
	if j.Permissions.Kind != yaml.MappingNode || j.Permissions.Decode(&permissions) != nil {
		r.complain(file, "job %s does not list its permissions", name)
	}
	for scope, access := range permissions {
		if access != "read" && (access != "write" || !slices.Contains(scopes, scope)) {
			r.complain(file, "job %s has the permission %s: %s", name, scope, access)
		}
	}
	if j.Uses == "" && j.TimeoutMinutes == 0 {
		r.complain(file, "job %s has no timeout-minutes", name)
	}
	for _, s := range j.Steps {
		if strings.Contains(s.Run, "${{") {
			r.complain(file, "job %s has an expression in a script, where it is code: %q", name, s.Run)
		}
		if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != "false" && permissions["contents"] != "write" {
			r.complain(file, "job %s leaves its token in the checkout", name)
		}
	}
}

// ecosystems are those that the repository has, each with a file that proves it.
var ecosystems = map[string]string{"gomod": "go.mod", "docker": "Dockerfile", "github-actions": ".github/workflows/ci.yml"}

func (r *repository) checkDependabot() {
	const file = ".github/dependabot.yml"
	var config struct {
		Version int
		Updates []struct {
			Ecosystem string `yaml:"package-ecosystem"`
			Directory string
			Schedule  struct{ Interval string }
			Groups    map[string]struct{ Patterns []string }
		}
	}
	r.decode(file, true, &config)
	if config.Version != 2 {
		r.complain(file, "version is %d, not 2", config.Version)
	}
	missing := maps.Clone(ecosystems)
	for _, u := range config.Updates {
		if _, ok := missing[u.Ecosystem]; !ok {
			r.complain(file, "package-ecosystem %q is unknown, or there twice", u.Ecosystem)
		}
		delete(missing, u.Ecosystem)
		if u.Directory != "/" {
			r.complain(file, "%s looks at %q, not at /", u.Ecosystem, u.Directory)
		}
		if !slices.Contains([]string{"daily", "weekly", "monthly"}, u.Schedule.Interval) {
			r.complain(file, "%s has the interval %q", u.Ecosystem, u.Schedule.Interval)
		}
	}
	for ecosystem, proof := range ecosystems {
		if _, ok := r.files[proof]; !ok {
			r.complain(file, "%s has no %s", ecosystem, proof)
		}
	}
	for ecosystem := range missing {
		r.complain(file, "nobody updates %s", ecosystem)
	}
}

// checkAction: what the Marketplace asks of action.yml.
func (r *repository) checkAction() {
	const file = "action.yml"
	var action struct {
		Name, Description, Author string
		Branding                  struct{ Icon, Color string }
	}
	r.decode(file, false, &action)
	if n := len([]rune(action.Description)); n == 0 || n > 125 {
		r.complain(file, "the description has %d characters, not 1 to 125", n)
	}
	if !strings.Contains(r.files[file], "\ndescription: "+action.Description+"\n") {
		r.complain(file, "the description is not on one line, as image.sh reads it")
	}
	if action.Name == "" || action.Author == "" || action.Branding.Icon == "" {
		r.complain(file, "name, author or icon are missing")
	}
	if !slices.Contains([]string{"white", "black", "yellow", "blue", "green", "orange", "red", "purple", "gray-dark"}, action.Branding.Color) {
		r.complain(file, "the color %q is none of the Marketplace's", action.Branding.Color)
	}
}

var (
	cosignTool = regexp.MustCompile(`(?m)^cosign=github\.com/sigstore/cosign/v3/cmd/cosign@(v3\.[0-9.]+)$`)
	cosignUsed = regexp.MustCompile(`cosign-release: (\S+)`)
)

// checkCosign: releases are signed with the version that the rehearsal tries and that
// SECURITY.md names.
func (r *repository) checkCosign() {
	tool := cosignTool.FindStringSubmatch(r.files[".ci/lib.sh"])
	if tool == nil {
		r.complain(".ci/lib.sh", "no cosign")
		return
	}
	if m := cosignUsed.FindStringSubmatch(r.files[".github/workflows/release.yml"]); m == nil || m[1] != tool[1] {
		r.complain(".github/workflows/release.yml", "cosign-release is not %s", tool[1])
	}
	if !strings.Contains(r.files["SECURITY.md"], "cosign "+tool[1]) {
		r.complain("SECURITY.md", "cosign %s is not named", tool[1])
	}
}

var required = regexp.MustCompile(`(?m)^for check in (.*); do$`)

// checkRequired: settings.sh asks for jobs that there are. A name that no job has
// would never succeed, and nothing could be merged.
func (r *repository) checkRequired() {
	const file = "internal/release/settings.sh"
	var ci workflow
	r.decode(".github/workflows/ci.yml", false, &ci)
	m := required.FindStringSubmatch(r.files[file])
	if m == nil {
		r.complain(file, "no checks")
		return
	}
	for name := range strings.SplitSeq(strings.NewReplacer(" (", "-(", " / ", "-/-", "'", "").Replace(m[1]), " ") {
		name, kind, _ := strings.Cut(name, "-")
		j, ok := ci.Jobs[name]
		switch {
		case !ok:
			r.complain(file, "ci.yml has no job %s", name)
		case (j.Uses != "") != strings.HasPrefix(kind, "/"):
			r.complain(file, "job %s is one of another workflow, or is not", name)
		case strings.HasPrefix(kind, "(") && !slices.Contains(j.Strategy.Matrix["os"], strings.Trim(kind, "()")):
			r.complain(file, "job %s has no %s", name, kind)
		}
	}
}

// check returns what is wrong.
func check(files map[string]string) []string {
	r := &repository{files: files}
	r.checkUses()
	r.checkExamples()
	r.checkWorkflows()
	r.checkDependabot()
	r.checkAction()
	r.checkCosign()
	r.checkRequired()
	return r.wrong
}

// read returns the files that the checks look at.
func read(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := os.DirFS("../..")
	for _, pattern := range []string{".github/*", ".github/*/*", ".ci/*", "docs/*.md", "*.md", "internal/release/*", "*.yml", "Dockerfile", "go.mod"} {
		names, err := fs.Glob(root, pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if info, err := fs.Stat(root, name); err != nil || info.IsDir() {
				continue
			}
			data, err := fs.ReadFile(root, name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = string(data)
		}
	}
	return files
}

func TestRepository(t *testing.T) {
	t.Parallel()
	for _, wrong := range check(read(t)) {
		t.Error(wrong)
	}
}

// TestMutations breaks one thing at a time, and wants it found.
func TestMutations(t *testing.T) {
	t.Parallel()
	const ci, dependabot, release = ".github/workflows/ci.yml", ".github/dependabot.yml", ".github/workflows/release.yml"
	checkout := "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
	for _, tt := range []struct{ name, file, old, new, want string }{
		{"a tag", ci, checkout, "actions/checkout@v7", "not pinned"},
		{"a branch", ci, checkout, "actions/checkout@main # v7.0.1", "not pinned"},
		{"nothing", ci, checkout, "actions/checkout", "not pinned"},
		{"an abbreviated commit", ci, checkout, "actions/checkout@3d3c42e # v7.0.1", "not pinned"},
		{"an image", ci, checkout, "docker://alpine:3", "not pinned"},
		{"quotes", ci, checkout, `"actions/checkout@v7"`, "not pinned"},
		{"quotes around the key", ci, "uses: " + checkout, `"uses": actions/checkout@v7`, "not pinned"},
		{"braces", ci, "- uses: " + checkout + "\n        with:\n          persist-credentials: false\n", "- {uses: actions/checkout@v7, with: {persist-credentials: false}}\n", "not pinned"},
		{"an anchor", ci, "uses: " + checkout, "uses: &checkout actions/checkout@v7", "not pinned"},
		{"a workflow of others", ci, "uses: ./.github/workflows/vulnerabilities.yml", "uses: octo/app/.github/workflows/check.yml@main", "not pinned"},
		{"no version", ci, checkout, strings.TrimSuffix(checkout, " # v7.0.1"), "no comment with the version"},
		{"a major version", ci, checkout, strings.Replace(checkout, "v7.0.1", "v7", 1), "no comment with the version"},
		{"an invented commit", ci, "3d3c42e5aac5ba805825da76410c181273ba90b1", strings.Repeat("12ab", 10), "does not have actions/checkout"},
		{"another version", ci, "# v7.0.1", "# v7.0.2", "does not have actions/checkout v7.0.2"},
		{"the commit of another action", ci, checkout, strings.Replace(checkout, "checkout", "attest", 1), "does not have actions/attest"},
		{"an action that is not listed", ci, checkout, strings.Replace(checkout, "actions/", "octo/", 1), "does not have octo/checkout"},
		{"a list with one too many", actionsList, "actions/attest ", "octo/attest ", "no workflow uses octo/attest"},
		{"a list that is damaged", actionsList, "actions/attest v4", "actions/attest 4", "not an action"},
		{"an old example", "README.md", "uses: actions/checkout@v7", "uses: actions/checkout@v4", "an example has actions/checkout@v4"},
		{"write-all", ci, "permissions: {}", "permissions: write-all", "permissions are not {}"},
		{"permissions for all jobs", ci, "permissions: {}", "permissions: {contents: read}", "permissions are not {}"},
		{"no permissions", ci, "permissions: {}\n", "", "permissions are not {}"},
		{"write-all in a job", ci, "permissions:\n      contents: read\n", "permissions: write-all\n", "does not list its permissions"},
		{"no permissions in a job", ci, "    permissions:\n      contents: read\n", "", "does not list its permissions"},
		{"a permission to write", ci, "      contents: read\n", "      actions: write\n", "has the permission actions: write"},
		{"pull_request_target", ci, "  pull_request:\n", "  pull_request_target:\n", "what strangers wrote"},
		{"no time limit", ci, "    timeout-minutes: 20\n", "", "no timeout-minutes"},
		{"an expression in a script", release, `tag.sh major "$VERSION"`, `tag.sh major "${{ inputs.version }}"`, "where it is code"},
		{"a token that stays", ci, "        with:\n          persist-credentials: false\n", "", "leaves its token"},
		{"no YAML", ci, "jobs:", "jobs: [", ci},
		{"no YAML for Dependabot", dependabot, "updates:", "updates: [", dependabot},
		{"no list for Dependabot", dependabot, "  - package-ecosystem: gomod", "    package-ecosystem: gomod", dependabot},
		{"a key that Dependabot does not know", dependabot, "schedule:", "shedule:", "shedule"},
		{"an ecosystem that there is not", dependabot, "gomod", "go", `package-ecosystem "go" is unknown`},
		{"an ecosystem less", dependabot, "package-ecosystem: docker", "package-ecosystem: gomod", "nobody updates docker"},
		{"another directory", dependabot, "directory: /", "directory: /src", `looks at "/src"`},
		{"an interval that there is not", dependabot, "interval: weekly", "interval: fortnightly", "fortnightly"},
		{"version 1", dependabot, "version: 2", "version: 1", "version is 1"},
		{"a long description", "action.yml", "Download artifacts", strings.Repeat("Download ", 14) + "artifacts", "not 1 to 125"},
		{"a description of two lines", "action.yml", "description: Download", "description: >\n  Download", "not on one line"},
		{"a color that there is not", "action.yml", "color: purple", "color: pink", "pink"},
		{"no icon", "action.yml", "icon:", "image:", "icon are missing"},
		{"another cosign", release, "cosign-release: v3", "cosign-release: v2", "cosign-release is not v3"},
		{"a check that there is not", ci, "\n  lint:\n", "\n  linters:\n", "no job lint"},
		{"a check on another system", ci, "ubuntu-24.04-arm]", "ubuntu-26.04-arm]", "job container has no (ubuntu-24.04-arm)"},
		{"another cosign in the instructions", "SECURITY.md", "cosign v3", "cosign v2", "SECURITY.md: cosign v3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := read(t)
			before := files[tt.file]
			files[tt.file] = strings.Replace(before, tt.old, tt.new, 1)
			if files[tt.file] == before {
				t.Fatalf("%s does not have %q", tt.file, tt.old)
			}
			wrong := check(files)
			if !slices.ContainsFunc(wrong, func(s string) bool { return strings.Contains(s, tt.want) }) {
				t.Errorf("got %q, want %q in it", wrong, tt.want)
			}
		})
	}
}
