package docs

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// own is the repository whose workflows run. It is private, so that a workflow that lacks
// a permission fails.
const own = "octo/app"

// world is GitHub as a workflow finds it.
type world struct {
	*githubsim.Sim

	repo *githubsim.Repo // own
	// api is the API's address, if it is not that of the Sim.
	api string
	// checkout has the files that actions/checkout brings, by path. Those whose names end
	// in .sh can be executed.
	checkout map[string]string
	secrets  map[string]string
	clock    *clock

	workflows map[string]*githubsim.Workflow // by repository and file
}

// clock is a clock on which time passes in pauses only.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// pause is the pause of an httpx.Policy.
func (c *clock) pause(_ context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return nil
}

func newWorld(t *testing.T, opt githubsim.Options) *world {
	t.Helper()
	w := &world{clock: &clock{now: time.Date(2026, 5, 20, 9, 30, 0, 0, time.UTC)}, checkout: map[string]string{}, secrets: map[string]string{}, workflows: map[string]*githubsim.Workflow{}}
	opt.Now = w.clock.Now
	w.Sim = githubsim.New(opt)
	t.Cleanup(w.Close)
	w.api = w.APIURL
	w.repo = w.AddPrivateRepo(own)
	return w
}

// secure puts API and storage behind TLS, at one address, and returns the certificate of
// the authority that vouches for it.
func (w *world) secure(t *testing.T) string {
	t.Helper()
	target, err := url.Parse(w.APIURL)
	if err != nil {
		t.Fatal(err)
	}
	base := url.URL{Scheme: target.Scheme, Host: target.Host}
	var front *httptest.Server
	api := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&base) },
		ModifyResponse: func(res *http.Response) error {
			if to := res.Header.Get("Location"); to != "" {
				res.Header.Set("Location", strings.Replace(to, w.StorageURL, front.URL, 1))
			}
			return nil
		},
	}
	front = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, target.Path+"/") {
			api.ServeHTTP(rw, r)
		} else {
			w.StorageHandler().ServeHTTP(rw, r)
		}
	}))
	front.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // clients that do not trust it
	front.StartTLS()
	t.Cleanup(front.Close)
	w.api = front.URL + target.Path
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw}))
}

// workflow returns the workflow of a file, and adds it where it is new.
func (w *world) workflow(repo *githubsim.Repo, file string) *githubsim.Workflow {
	key := repo.FullName + "/" + file
	if w.workflows[key] == nil {
		w.workflows[key] = repo.AddWorkflow(path.Base(file), file)
	}
	return w.workflows[key]
}

// past adds a run of a workflow of own, such as "ci.yml", with artifacts: pairs of a name and a
// content. It was created this long ago.
func (w *world) past(ago time.Duration, file string, run githubsim.Run, artifacts ...any) *githubsim.Run {
	return w.pastOf(w.repo, ago, file, run, artifacts...)
}

func (w *world) pastOf(repo *githubsim.Repo, ago time.Duration, file string, run githubsim.Run, artifacts ...any) *githubsim.Run {
	run.Workflow, run.CreatedAt = w.workflow(repo, ".github/workflows/"+file), w.clock.Now().Add(-ago)
	added := repo.AddRun(run)
	for i := 0; i < len(artifacts); i += 2 {
		a, ok := artifacts[i+1].(githubsim.Artifact)
		if !ok {
			a.Blob = artifacts[i+1].(githubsim.Blob)
		}
		a.Name = artifacts[i].(string)
		added.AddArtifact(a)
	}
	return added
}

// zip returns an archive of files: pairs of a name and a content.
func zip(pairs ...string) githubsim.Blob {
	var files []githubsim.File
	for i := 0; i < len(pairs); i += 2 {
		files = append(files, githubsim.File{Name: pairs[i], Body: pairs[i+1]})
	}
	return githubsim.Zip(files...)
}

// sha returns a commit's SHA that is easy to recognise.
func sha(digit string) string { return fmt.Sprintf("%040s", digit) }

// privateKey returns the private key of a GitHub App.
var privateKey = sync.OnceValues(func() (string, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})), nil
})

// trigger is the event that starts a workflow.
type trigger struct {
	event   string
	payload map[string]any // github.event, beside what every event has
	inputs  map[string]any
	// run is the run that it starts; its branch and commit are the event's.
	run githubsim.Run
	// head is the branch of a pull request.
	head string
}

// scope returns the contexts of a run that all of its jobs share.
func (w *world) scope(tr trigger, run *githubsim.Run) scope {
	event := map[string]any{"pull_request": nil, "workflow_run": nil}
	maps.Copy(event, tr.payload)
	secrets := map[string]any{}
	for k, v := range w.secrets {
		secrets[k] = v
	}
	ref := "refs/heads/" + run.HeadBranch
	if tr.event == "pull_request" {
		ref = "refs/pull/1/merge"
	}
	return scope{
		"secrets": secrets, "inputs": tr.inputs,
		"github": map[string]any{
			"repository": own, "repository_owner": "octo", "run_id": fmt.Sprint(run.ID), "run_number": fmt.Sprint(run.Number),
			"ref": ref, "ref_name": path.Base(ref), "head_ref": tr.head, "sha": run.HeadSHA,
			"event_name": tr.event, "event": event, "actor": run.Actor, "api_url": w.api,
		},
	}
}

// action is action.yml, as far as the runner reads it before a step.
type action struct {
	Inputs map[string]struct {
		Default string `yaml:"default"`
	} `yaml:"inputs"`
	Outputs map[string]struct{} `yaml:"outputs"`
}

var readAction = sync.OnceValues(func() (*action, error) {
	text, err := os.ReadFile(root + "/action.yml")
	if err != nil {
		return nil, err
	}
	a := &action{}
	return a, yaml.Unmarshal(text, a)
})
