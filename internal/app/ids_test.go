package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// If a long list of ids begins with a wrong one, few of the others are requested.
func TestLongListsOfIDs(t *testing.T) {
	t.Parallel()
	var ids []string
	for id := range 1000 {
		ids = append(ids, fmt.Sprint(100_000+id))
	}
	for name, in := range map[string]map[string]string{
		"artifact-ids":            in("artifact-ids", strings.Join(ids, ",")),
		"run-id":                  in("run-id", strings.Join(ids, "\n")),
		"artifact-ids, 2 repos":   in("repository", "octo/lib\nocto/app", "artifact-ids", "51,"+strings.Join(ids, ",")),
		"run-id, in a repository": in("repository", "octo/lib", "run-id", "5,"+strings.Join(ids, ",")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, githubsim.Options{})
			got := w.step(t.Context(), t, in)
			most := 12 // eight at a time, one to see whether the repository is there, and the artifacts of a run
			if strings.Contains(name, "2 repos") {
				most += 1001 // an id may be in either
			}
			if n := w.Count(githubsim.API); got.code != 1 || n > most {
				t.Errorf("exit code %d, %d requests", got.code, n)
			}
			if n := len(got.outputs["error-message"]); n == 0 || n > 1000 {
				t.Errorf("the message has %d bytes: %s", n, got.outputs["error-message"])
			}
		})
	}
}

// TestIDs names runs and artifacts by ids and addresses. URL stands for the server's
// address.
func TestIDs(t *testing.T) {
	t.Parallel()
	gone := func(path string, status int, message string) githubsim.Fault {
		return githubsim.Fault{Host: githubsim.API, Path: "/repos/octo/app/actions/" + path, Status: status, Message: message, Times: -1}
	}
	tests := map[string]struct {
		opt    githubsim.Options
		faults []githubsim.Fault
		in     map[string]string
		want   string   // files, or
		fails  string   // a part of the error
		says   []string // in the log
		not    string   // not in it
	}{
		"a run's address":                 {in: in("run-id", "URL/octo/lib/actions/runs/5/attempts/1", "name", "dist"), want: "a.txt=lib"},
		"its address and the current run": {in: in("run-id", "URL/octo/lib/actions/runs/5\ncurrent", "pattern", "{dist,fresh}"), want: "octo/app/4/fresh/f.txt=fresh octo/lib/5/dist/a.txt=lib"},
		"an address elsewhere":            {in: in("run-id", "https://github.com/octo/lib/actions/runs/5"), fails: "is on another server than the one that is asked, 127.0.0.1"},
		"a run of another repository":     {in: in("run-id", "URL/octo/lib/actions/runs/1"), fails: "run 1 not found in octo/lib"},
		"one of two is elsewhere":         {in: in("run-id", "URL/octo/lib/actions/runs/1\n2\nURL/octo/lib/actions/runs/5", "name", "dist"), fails: "run 1 not found in octo/app, octo/lib"},
		"an artifact's address":           {in: in("artifact-ids", "URL/octo/lib/actions/runs/5/artifacts/51"), want: "a.txt=lib"},
		"addresses of two repositories":   {in: in("artifact-ids", "URL/octo/lib/actions/runs/5/artifacts/51\nURL/octo/app/actions/runs/1/artifacts/12"), want: "octo/app/logs/a.txt=log octo/app/logs/l.txt=l1 octo/lib/dist/a.txt=lib"},
		"the current run, twice":          {in: in("run-id", "current\n4", "name", "fresh"), want: "4/fresh/f.txt=fresh"},

		"run-id and conditions that it meets": {in: in("run-id", "2", "name", "dist", "INPUT_EVENT", "push", "conclusion", "success", "workflow", "other.yml"), want: "a.txt=a2",
			says: []string{"run-id names the runs, so nothing is searched and these are not looked at: event"}, not: "::warning::"},
		"run-id and a condition that it does not meet": {in: in("run-id", "2", "name", "dist", "INPUT_EVENT", "schedule"), want: "a.txt=a2",
			says: []string{`::warning::run 2 of octo/app is taken, because run-id names it, but it does not meet what else was asked for: its event is "push"`}},
		"run-id and an age":      {in: in("run-id", "2", "name", "dist", "max-age", "1ms"), want: "a.txt=a2", says: []string{"::warning::run 2 of octo/app is taken", "it is older than max-age"}},
		"run-id and workflow":    {in: in("run_id", "2", "name", "dist", "workflow", "other.yml", "workflow_conclusion", "success"), want: "a.txt=a2", not: "not looked at"},
		"run-id and a status":    {in: in("run-id", "current", "name", "fresh", "conclusion", "success"), want: "f.txt=fresh", says: []string{`its status is "in_progress", not success`}},
		"ids, and another event": {in: in("run-id", "1", "artifact-ids", "12", "INPUT_EVENT", "schedule"), want: "a.txt=log l.txt=l1", says: []string{"::warning::run 1 of octo/app is taken"}},

		"an artifact of the run":               {in: in("run-id", "1", "artifact-ids", "12"), want: "a.txt=log l.txt=l1"},
		"artifacts of the runs":                {in: in("run-id", "1,2", "artifact-ids", "11,21"), want: "1/dist/a.txt=a1 1/dist/d/b.txt=b1 2/dist/a.txt=a2"},
		"an artifact of another run":           {in: in("run-id", "2", "artifact-ids", "12"), fails: "artifact 12 of run 2 (it is of run 1) not found in octo/app"},
		"of another run, and ignored":          {in: in("run-id", "2", "artifact-ids", "12", "if-no-artifact-found", "ignore"), says: []string{"artifact 12 of run 2 (it is of run 1) not found"}},
		"an artifact of the run, GHES 3.8":     {opt: githubsim.Options{Enterprise: true}, in: in("run-id", "1", "artifact-ids", "12"), want: "a.txt=log l.txt=l1", not: "does not say which run"},
		"an artifact of another run, GHES 3.8": {opt: githubsim.Options{Enterprise: true}, in: in("run-id", "2", "artifact-ids", "12"), fails: "artifact 12 of run 2 not found in octo/app"},

		"two of one name":             {in: in("artifact-ids", "11,21"), fails: `artifacts 11 and 21 of octo/app have the same name, "dist". They would go to the same place: fetch each in a step of its own, or set merge-multiple: true`},
		"two of one name, a dry run":  {in: in("artifact-ids", "11,21", "dry-run", "true"), fails: `have the same name, "dist"`},
		"two of one name, merged":     {in: in("artifact-ids", "11,21", "merge-multiple", "true"), want: "a.txt=a2 d/b.txt=b1"},
		"two of one name, two places": {in: in("artifact-ids", "11,51", "repository", "octo/app\nocto/lib"), want: "octo/app/dist/a.txt=a1 octo/app/dist/d/b.txt=b1 octo/lib/dist/a.txt=lib"},
		"the same id twice":           {in: in("artifact-ids", "12,12"), want: "a.txt=log l.txt=l1"},

		"a run that was deleted":        {faults: []githubsim.Fault{gone("runs/1", 404, "Not Found")}, in: in("run-id", "1"), fails: "run 1 not found in octo/app"},
		"a run that is gone":            {faults: []githubsim.Fault{gone("runs/1", 410, "Gone")}, in: in("run-id", "1"), fails: "run 1 not found in octo/app"},
		"a run whose list was deleted":  {faults: []githubsim.Fault{gone("runs/1/artifacts", 404, "Not Found")}, in: in("run-id", "1", "if-no-artifact-found", "warn"), says: []string{"::warning::run 1 not found in octo/app"}},
		"a run whose list is gone":      {faults: []githubsim.Fault{gone("runs/1/artifacts", 410, "Gone")}, in: in("run-id", "1"), fails: "run 1 not found in octo/app"},
		"an artifact whose run is gone": {faults: []githubsim.Fault{gone("runs/1", 410, "Gone")}, in: in("artifact-ids", "12"), want: "a.txt=log l.txt=l1"},
		"an artifact that was deleted":  {faults: []githubsim.Fault{gone("artifacts/12", 404, "Not Found")}, in: in("artifact-ids", "12"), fails: "artifact 12 not found in octo/app"},
		"an artifact that is gone":      {faults: []githubsim.Fault{gone("artifacts/12", 410, "Artifact has expired")}, in: in("artifact-ids", "12"), fails: "artifact 12 not found in octo/app; it was there (artifact 12), but expired. Run the workflow again"},
		"its download is gone":          {faults: []githubsim.Fault{gone("artifacts/12/zip", 410, "Artifact has expired")}, in: in("artifact-ids", "12"), fails: "artifact 12 not found in octo/app; it was there (artifact 12), but expired. Run the workflow again"},
		"its download was deleted":      {faults: []githubsim.Fault{gone("artifacts/12/zip", 404, "Not Found")}, in: in("run-id", "1", "name", "logs"), fails: `artifact "logs" not found in run 1 of octo/app; it was there (artifact 12), but expired. Run the workflow again`},
		"a search, its download is not": {faults: []githubsim.Fault{gone("artifacts/21/zip", 404, "Not Found")}, in: in("name", "dist"), want: "a.txt=a1 d/b.txt=b1", says: []string{"choosing again"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.opt)
			for _, f := range tt.faults {
				w.Fault(f)
			}
			for k, v := range tt.in {
				tt.in[k] = strings.ReplaceAll(v, "URL", strings.TrimSuffix(w.APIURL, "/api/v3"))
			}
			got := w.step(t.Context(), t, tt.in)
			var list []string
			for name, body := range got.files {
				list = append(list, name+"="+body)
			}
			slices.Sort(list)
			if all := strings.Join(list, " "); all != tt.want {
				t.Errorf("files %s, want %s", all, tt.want)
			}
			if (got.code != 0) != (tt.fails != "") || !strings.Contains(got.outputs["error-message"], tt.fails) {
				t.Errorf("exit code %d, error %s, want %s", got.code, got.outputs["error-message"], tt.fails)
			}
			for _, s := range tt.says {
				if !strings.Contains(got.log, s) {
					t.Errorf("the log lacks %q", s)
				}
			}
			if tt.not != "" && strings.Contains(got.log, tt.not) {
				t.Errorf("the log says %q", tt.not)
			}
			if t.Failed() {
				t.Log("\n" + got.log)
			}
		})
	}
}
