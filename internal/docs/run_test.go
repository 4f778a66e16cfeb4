package docs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// machine runs workflows as GitHub and a runner would, one job after the other.
type machine struct {
	*world

	dir      string            // of the jobs' directories, and of the programs
	commands map[string]string // see recipe
	// before are files that every workspace has before its job, by path.
	before map[string]string
	// uploads adds artifacts to each run at its start; nil adds none.
	uploads func(run *githubsim.Run)
	// free replaces the disk's free space.
	free func() (int64, error)
	jobs []*jobRun

	programs sync.Mutex // held while the programs are written, see bin
}

// jobRun is a job that has run: with a matrix, one of its combinations.
type jobRun struct {
	label   string // the id, with the combination's values: test (1, 2)
	dir     string
	ok      bool
	outputs map[string]any
	steps   map[string]*stepRun // by id
	log     strings.Builder
	// files are what the workspace held in the end, without the files of the checkout:
	// content by path. A path ends in * if the file can be executed, and in @ if it is a
	// symlink, whose content is its target. Below $TEMP is the runner's temporary directory,
	// below ~ that of HOME.
	files map[string]string
}

// stepRun is a step that has run.
type stepRun struct {
	ok      bool
	outputs map[string]any
}

// place is where a step runs.
type place struct {
	run       *githubsim.Run
	workflow  *workflow
	job       *job
	jobRun    *jobRun
	scope     scope
	eventFile string

	mu *sync.Mutex // of what steps that run side by side change
}

// run runs a workflow, and returns its run, which is then completed.
func (m *machine) run(ctx context.Context, w *workflow, tr trigger) (*githubsim.Run, error) {
	tr.event = cmp.Or(tr.event, "workflow_dispatch")
	current := tr.run
	current.Workflow, current.CreatedAt = m.workflow(m.repo, w.file), m.clock.Now()
	current.Event, current.Status = tr.event, "in_progress"
	run := m.repo.AddRun(current)
	if m.uploads != nil {
		m.uploads(run)
	}
	base := m.scope(tr, run)
	needs := map[string]any{}
	ok := true
	for left := maps.Clone(w.Jobs); len(left) > 0; {
		id := ready(left)
		if id == "" {
			return nil, fmt.Errorf("jobs need each other: %q", slices.Sorted(maps.Keys(left)))
		}
		delete(left, id)
		runs, err := m.runJob(ctx, w, id, run, base.with(scope{"needs": needsOf(w.Jobs[id], needs)}))
		if err != nil {
			return nil, fmt.Errorf("job %s: %w", id, err)
		}
		outcome := map[string]any{"result": "success", "outputs": map[string]any{}}
		for _, r := range runs {
			outcome["outputs"] = r.outputs
			if !r.ok {
				outcome["result"] = "failure"
				ok = false
			}
		}
		needs[id] = outcome
	}
	conclusion := "success"
	if !ok {
		conclusion = "failure"
	}
	m.Finish(run, conclusion)
	return run, nil
}

// ready returns the first job whose needs are met, or nothing.
func ready(left map[string]*job) string {
	for _, id := range slices.Sorted(maps.Keys(left)) {
		if !slices.ContainsFunc(left[id].Needs, func(need string) bool { return left[need] != nil }) {
			return id
		}
	}
	return ""
}

func needsOf(j *job, all map[string]any) map[string]any {
	needs := map[string]any{}
	for _, id := range j.Needs {
		needs[id] = all[id]
	}
	return needs
}

// runJob runs a job, once for each combination of its matrix.
func (m *machine) runJob(ctx context.Context, w *workflow, id string, run *githubsim.Run, s scope) ([]*jobRun, error) {
	j := w.Jobs[id]
	allOK := true
	for _, need := range j.Needs {
		result, err := property(s["needs"].(map[string]any)[need], "result")
		if err != nil {
			return nil, err
		}
		allOK = allOK && result == "success"
	}
	if start, err := s.condition(j.If, allOK); err != nil || !start {
		return nil, err
	}
	combinations, err := s.matrix(j)
	if err != nil {
		return nil, err
	}
	runs := make([]*jobRun, len(combinations))
	for i, c := range combinations {
		label := id
		if len(c.labels) > 0 {
			label = fmt.Sprintf("%s (%s)", id, strings.Join(c.labels, ", "))
		}
		r := &jobRun{label: label, dir: filepath.Join(m.dir, fmt.Sprint(len(m.jobs))), ok: true, outputs: map[string]any{}, steps: map[string]*stepRun{}}
		m.jobs = append(m.jobs, r)
		runs[i] = r
		p := &place{run: run, workflow: w, job: j, jobRun: r, mu: new(sync.Mutex)}
		p.scope = s.with(scope{"matrix": c.values, "strategy": map[string]any{"job-index": float64(i), "job-total": float64(len(combinations))}})
		if err := m.runSteps(ctx, p); err != nil {
			return nil, err
		}
	}
	return runs, nil
}

// combination is one of a matrix.
type combination struct {
	values map[string]any
	labels []string
}

// matrix returns the combinations of a job's matrix: one, if it has none.
func (s scope) matrix(j *job) ([]combination, error) {
	all := []combination{{values: map[string]any{}}}
	for _, name := range slices.Sorted(maps.Keys(j.Strategy.Matrix)) {
		node := j.Strategy.Matrix[name]
		list, err := s.items(&node)
		if err != nil {
			return nil, err
		}
		var more []combination
		for _, c := range all {
			for _, v := range list {
				next := combination{maps.Clone(c.values), append(slices.Clone(c.labels), matrixLabel(v))}
				next.values[name] = v
				more = append(more, next)
			}
		}
		all = more
	}
	return all, nil
}

// items returns the values of one of a matrix's variables: a list, or an expression for one.
func (s scope) items(n *yaml.Node) ([]any, error) {
	if n.Kind != yaml.ScalarNode {
		var texts []string
		err := n.Decode(&texts)
		list := make([]any, len(texts))
		for i, text := range texts {
			list[i] = text
		}
		return list, err
	}
	v, err := s.value(n.Value)
	list, ok := v.([]any)
	if err == nil && !ok {
		err = fmt.Errorf("%s is no list", n.Value)
	}
	return list, err
}

// matrixLabel names a value: of an object, the name that it has.
func matrixLabel(v any) string {
	if object, ok := v.(map[string]any); ok {
		return toText(object["name"])
	}
	return toText(v)
}

// runSteps runs a job's steps, and notes what is there in the end.
func (m *machine) runSteps(ctx context.Context, p *place) error {
	r := p.jobRun
	if err := m.prepare(p); err != nil {
		return err
	}
	for _, s := range p.job.Steps {
		group := s.Parallel
		if len(group) == 0 {
			group = []*step{s}
		}
		errs := make([]error, len(group))
		var all sync.WaitGroup
		for i, member := range group {
			all.Go(func() { errs[i] = m.runStep(ctx, p, member) })
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	if err := m.collect(r); err != nil {
		return err
	}
	for name, text := range p.job.Outputs {
		v, err := p.stepScope(nil).fill(text)
		if err != nil {
			return err
		}
		r.outputs[name] = v
	}
	return nil
}

// stepScope returns the contexts of a step.
func (p *place) stepScope(env map[string]any) scope {
	p.mu.Lock()
	defer p.mu.Unlock()
	steps := map[string]any{}
	for id, s := range p.jobRun.steps {
		outcome := "success"
		if !s.ok {
			outcome = "failure"
		}
		steps[id] = map[string]any{"outputs": s.outputs, "outcome": outcome}
	}
	return p.scope.with(scope{"steps": steps, "env": env})
}

// runStep runs a step. A step that fails is no error.
func (m *machine) runStep(ctx context.Context, p *place, s *step) error {
	env := map[string]any{}
	for _, level := range []map[string]string{p.workflow.Env, p.job.Env, s.Env} {
		for name, text := range level {
			v, err := p.stepScope(env).fill(text)
			if err != nil {
				return err
			}
			env[name] = v
		}
	}
	sc := p.stepScope(env)
	p.mu.Lock()
	okSoFar := p.jobRun.ok
	p.mu.Unlock()
	start, err := sc.condition(s.If, okSoFar)
	if err != nil {
		return fmt.Errorf("if: %s: %w", s.If, err)
	}
	result, log := &stepRun{ok: true, outputs: map[string]any{}}, ""
	if start {
		if result, log, err = m.perform(ctx, p, s, sc); err != nil {
			return fmt.Errorf("step %s%s: %w", s.Uses, s.Name, err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.jobRun.log.WriteString(log)
	if s.ID != "" {
		p.jobRun.steps[s.ID] = result
	}
	if !result.ok && !s.ContinueOnError {
		p.jobRun.ok = false
	}
	return nil
}

// perform does what a step says.
func (m *machine) perform(ctx context.Context, p *place, s *step, sc scope) (*stepRun, string, error) {
	if s.Run != "" {
		return m.script(ctx, p, s, sc)
	}
	inputs := map[string]string{}
	for name, node := range s.With {
		v, err := sc.fill(node.Value)
		if err != nil {
			return nil, "", err
		}
		inputs[name] = v
	}
	if isArtifetch(s.Uses) {
		return m.artifetch(ctx, p, inputs, sc)
	}
	name, _, _ := strings.Cut(s.Uses, "@")
	switch name {
	case "actions/checkout":
		return m.checkOut(p)
	case "actions/upload-artifact":
		return m.upload(p, inputs)
	}
	return nil, "", fmt.Errorf("%s is an action that the test does not know", name)
}

// isArtifetch reports whether a step's uses: is this action, whatever the repository is
// called: the pages name no other actions than GitHub's own.
func isArtifetch(uses string) bool { return uses != "" && !strings.HasPrefix(uses, "actions/") }

// prepare makes a job's directories and event.
func (m *machine) prepare(p *place) error {
	dir := p.jobRun.dir
	for _, sub := range []string{"ws", "temp", "home", "runner"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	if err := writeFiles(filepath.Join(dir, "ws"), m.before); err != nil {
		return err
	}
	p.scope = p.scope.with(scope{"runner": map[string]any{"temp": filepath.Join(dir, "temp"), "os": "Linux"}})
	github := maps.Clone(p.scope["github"].(map[string]any))
	github["workspace"], github["token"] = filepath.Join(dir, "ws"), m.token(p)
	p.scope["github"] = github
	p.eventFile = filepath.Join(dir, "runner", "event.json")
	return os.WriteFile(p.eventFile, toJSON(github["event"]), 0o600)
}

// token returns a job's token, which may do what the job's permissions say.
func (m *machine) token(p *place) string {
	granted := p.workflow.Permissions
	if p.job.Permissions != nil {
		granted = p.job.Permissions
	}
	access := map[string]githubsim.Access{"read": githubsim.Read, "write": githubsim.Write}[granted["actions"]]
	token := fmt.Sprintf("ghs_%d_%s", p.run.ID, filepath.Base(p.jobRun.dir))
	m.AddToken(token, own, access)
	return token
}
