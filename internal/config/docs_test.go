package config_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/artifetch/artifetch/internal/config"
)

var update = flag.Bool("update", false, "write action.yml's inputs and outputs and the README's tables anew")

const again = "go test ./internal/config -run Documented -update"

func TestActionIsDocumentedFromTheTable(t *testing.T) {
	t.Parallel()
	checkBlock(t, "action.yml", "\ninputs:\n", "\nruns:\n", actionBlock())
}

func TestReadmeIsDocumentedFromTheTable(t *testing.T) {
	t.Parallel()
	checkBlock(t, "README.md", "<!-- inputs -->\n", "<!-- /inputs -->", readmeInputs())
	checkBlock(t, "README.md", "<!-- outputs -->\n", "<!-- /outputs -->", readmeOutputs())
}

// checkBlock compares what a file has between two marks, or writes it.
func checkBlock(t *testing.T, name, begin, end, want string) {
	t.Helper()
	file := filepath.Join("..", "..", name)
	text := read(t, file)
	head, rest, ok1 := strings.Cut(text, begin)
	got, tail, ok2 := strings.Cut(rest, end)
	if !ok2 { // with nothing between them yet, they may share a line break
		got = ""
		tail, ok2 = strings.CutPrefix(rest, strings.TrimPrefix(end, "\n"))
	}
	if !ok1 || !ok2 || strings.Contains(tail, begin) || strings.Contains(tail, end) {
		t.Fatalf("%s has to hold %q and then %q once each", name, begin, end)
	}
	diff := cmp.Diff(want, got)
	if diff == "" {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the table; run: %s\n(-table +%s)\n%s", name, again, name, diff)
	}
	if err := os.WriteFile(file, []byte(head+begin+want+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func actionBlock() string {
	var b strings.Builder
	entry := func(name, description, def string) {
		fmt.Fprintf(&b, "  %s:\n    description: %s\n    required: false\n", name, quoted(description))
		if def != "" {
			fmt.Fprintf(&b, "    default: %s\n", quoted(def))
		}
	}
	for _, group := range config.Groups {
		fmt.Fprintf(&b, "  # %s\n", group)
		for _, in := range config.Inputs {
			if in.Group == group {
				entry(in.Name, in.Help, in.ActionDefault)
			}
		}
	}
	for _, in := range config.Inputs {
		for _, alias := range in.Aliases {
			entry(alias, "alias of `"+in.Name+"`"+in.AliasHelp, in.AliasDefault)
		}
	}
	b.WriteString("outputs:\n")
	output := func(name, description string) {
		fmt.Fprintf(&b, "  %s:\n    description: %s\n", name, quoted(description))
	}
	for _, out := range config.Outputs {
		output(out.Name, out.Help)
	}
	for _, out := range config.Outputs {
		if out.Alias != "" {
			output(out.Alias, "alias of `"+out.Name+"`")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func readmeInputs() string {
	var b strings.Builder
	for _, group := range config.Groups {
		if group == config.OtherNames {
			continue
		}
		fmt.Fprintf(&b, "### %s\n\n| input | default | meaning |\n| --- | --- | --- |\n", group)
		for _, in := range config.Inputs {
			if in.Group == group {
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", in.Name, cell(readmeDefault(in)), cell(in.Help))
			}
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "### %s\n\n| input | meaning |\n| --- | --- |\n", config.OtherNames)
	for _, in := range config.Inputs {
		for _, alias := range in.Aliases {
			meaning := "`" + in.Name + "`" + in.AliasHelp
			if in.AliasDefault != "" {
				meaning += fmt.Sprintf("; `%s` by default, and an explicit empty value means `%s`", in.AliasDefault, in.EmptyAlias)
			}
			fmt.Fprintf(&b, "| `%s` | %s |\n", alias, cell(meaning))
		}
	}
	for _, in := range config.Inputs {
		if in.Group == config.OtherNames {
			fmt.Fprintf(&b, "| `%s` | %s |\n", in.Name, cell(in.Help))
		}
	}
	return b.String()
}

func readmeDefault(in config.Input) string {
	switch {
	case in.DefaultHelp != "":
		return in.DefaultHelp
	case in.ActionDefault != "":
		return "`" + in.ActionDefault + "`"
	case in.Default != "":
		return "`" + in.Default + "`"
	}
	return ""
}

func readmeOutputs() string {
	var b strings.Builder
	b.WriteString("| output | meaning |\n| --- | --- |\n")
	for _, out := range config.Outputs {
		name := "`" + out.Name + "`"
		if out.Alias != "" {
			name += ", `" + out.Alias + "`"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", name, cell(out.Help))
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// action is action.yml as GitHub's metadata syntax describes it.
type action struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	Author      string `yaml:"author"`
	Branding    struct {
		Icon  string `yaml:"icon"`
		Color string `yaml:"color"`
	} `yaml:"branding"`
	Inputs map[string]struct {
		Description yaml.Node `yaml:"description"`
		Required    yaml.Node `yaml:"required"`
		Default     yaml.Node `yaml:"default"`
	} `yaml:"inputs"`
	Outputs map[string]struct {
		Description yaml.Node `yaml:"description"`
	} `yaml:"outputs"`
	Runs struct {
		Using string `yaml:"using"`
		Image string `yaml:"image"`
	} `yaml:"runs"`
}

func readAction(t *testing.T) action {
	t.Helper()
	dec := yaml.NewDecoder(strings.NewReader(read(t, "../../action.yml")))
	dec.KnownFields(true) // no args, no entrypoint, no typing errors
	var a action
	if err := dec.Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestActionIsValid(t *testing.T) {
	t.Parallel()
	a := readAction(t)
	if a.Name == "" || a.Description == "" || a.Author == "" || a.Branding.Icon == "" {
		t.Error("name, description, author and branding are needed for the Marketplace")
	}
	if len(a.Description) > 125 {
		t.Errorf("the Marketplace takes descriptions of up to 125 characters, this has %d", len(a.Description))
	}
	colors := []string{"white", "black", "yellow", "blue", "green", "orange", "red", "purple", "gray-dark"}
	if !slices.Contains(colors, a.Branding.Color) {
		t.Errorf("branding.color is %q, GitHub has %q", a.Branding.Color, colors)
	}
	if a.Runs.Using != "docker" || a.Runs.Image != "Dockerfile" && !strings.HasPrefix(a.Runs.Image, "docker://ghcr.io/") {
		t.Errorf("runs is %+v", a.Runs)
	}
	for name, in := range a.Inputs {
		if in.Description.Tag != "!!str" || in.Description.Value == "" {
			t.Errorf("input %s: description is %q", name, in.Description.Value)
		}
		if in.Required.Tag != "!!bool" || in.Required.Value != "false" {
			t.Errorf("input %s: required is %q", name, in.Required.Value)
		}
		if !in.Default.IsZero() && in.Default.Tag != "!!str" {
			t.Errorf("input %s: the default is of type %s", name, in.Default.Tag)
		}
	}
	for name, out := range a.Outputs {
		if out.Description.Tag != "!!str" || out.Description.Value == "" {
			t.Errorf("output %s: description is %q", name, out.Description.Value)
		}
	}
}

// The table is compared with the parsed action.yml too, so that the renderer
// above cannot hide a mistake.
func TestActionDeclaresTheTable(t *testing.T) {
	t.Parallel()
	a := readAction(t)
	want := map[string]string{}
	for _, in := range config.Inputs {
		want[in.Name] = in.ActionDefault
		for _, alias := range in.Aliases {
			want[alias] = in.AliasDefault
		}
	}
	got := map[string]string{}
	for name, in := range a.Inputs {
		got[name] = in.Default.Value
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inputs and defaults (-table +action.yml)\n%s", diff)
	}
	var names, declared []string
	for _, out := range config.Outputs {
		names = append(names, out.Name)
		if out.Alias != "" {
			names = append(names, out.Alias)
		}
	}
	for name := range a.Outputs {
		declared = append(declared, name)
	}
	slices.Sort(names)
	slices.Sort(declared)
	if diff := cmp.Diff(names, declared); diff != "" {
		t.Errorf("outputs (-table +action.yml)\n%s", diff)
	}
}

// What the contract says of the inputs, beside what the table says.
func TestTableIsComplete(t *testing.T) {
	t.Parallel()
	want := strings.Fields(`github-token app-id app-private-key ca-cert github-api-url repository run-id
		workflow branch commit pr event actor conclusion run-number max-age runs search-limit allow-forks wait current-first
		name pattern name-regex artifact-ids files shard
		path merge-multiple skip-decompress unpack if-exists concurrency
		if-no-artifact-found digest-mismatch expect-digest max-size max-files dry-run delete summary
		workflow_search name_is_regexp ref check_artifacts search_artifacts use_unzip`)
	wantAliases := map[string]string{
		"github_token": "github-token", "repo": "repository", "workflow_conclusion": "conclusion", "run_id": "run-id",
		"run_number": "run-number", "allow_forks": "allow-forks", "merge_multiple": "merge-multiple", "dry_run": "dry-run",
		"if_no_artifact_found": "if-no-artifact-found", "skip_unpack": "skip-decompress",
	}
	var got []string
	gotAliases := map[string]string{}
	seen := map[string]bool{}
	for _, in := range config.Inputs {
		got = append(got, in.Name)
		for _, alias := range in.Aliases {
			gotAliases[alias] = in.Name
		}
		for _, name := range append([]string{in.Name}, in.Aliases...) {
			if variable := config.EnvName(name); seen[variable] {
				t.Errorf("two inputs arrive as %s", variable)
			} else {
				seen[variable] = true
			}
		}
		if strings.ContainsAny(in.Help, "\n") || in.Help == "" || in.Accepted == "" || !slices.Contains(config.Groups, in.Group) {
			t.Errorf("%s lacks help, what is accepted, or a group", in.Name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inputs (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(wantAliases, gotAliases); diff != "" {
		t.Errorf("aliases (-want +got)\n%s", diff)
	}
}
