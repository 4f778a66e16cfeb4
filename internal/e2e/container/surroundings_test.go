//go:build container

package container

import (
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// TestHardened: the container gets only what it needs, and runs as the workspace's owner.
func TestHardened(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubsim.Options{}, dist())
	s := newStep(t, w.Sim, map[string]string{"run-id": fmt.Sprint(w.run.ID), "name": "dist", "path": "out/dist"})
	s.docker = []string{"--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", fmt.Sprintf("%d:%d", s.uid, s.gid)}
	if r := s.run(nil, nil); r.code != 0 {
		t.Fatalf("exit code %d, want 0", r.code)
	}
	checkPublished(t, s)
}

// TestTerminated: SIGTERM ends it within 2 s. Docker would kill it after 10.
func TestTerminated(t *testing.T) {
	t.Parallel()
	blob := &watchedBlob{Blob: githubsim.BigZip(64, 1<<20, 1), started: make(chan struct{})}
	w := newWorld(t, githubsim.Options{}, githubsim.Artifact{Name: "dist", Blob: blob, NoDigest: true})
	w.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, Stall: 100 << 10})
	s := newStep(t, w.Sim, map[string]string{"run-id": fmt.Sprint(w.run.ID), "name": "dist", "path": "out"})
	before := s.tree(s.workspace)
	stopped := make(chan time.Duration, 1)
	go func() {
		<-blob.started
		start := time.Now()
		// docker stop sends SIGTERM, and SIGKILL after that many seconds.
		_ = exec.CommandContext(t.Context(), *client, "stop", "--time", "2", s.name).Run()
		stopped <- time.Since(start)
	}()
	r := s.run(nil, nil)
	if r.code != 1 {
		t.Errorf("exit code %d, want 1: it was killed, or ended otherwise", r.code)
	}
	t.Logf("it took %v to stop", <-stopped)
	checkUnchanged(t, s, before)
}

// TestTerminatedAtWork: the same while bytes arrive and files are written. The limit is
// generous, for busy machines: the files written so far have to be removed.
func TestTerminatedAtWork(t *testing.T) {
	t.Parallel()
	blob := &watchedBlob{Blob: githubsim.BigZip(1<<10, 2<<20, 1), after: 64 << 20, started: make(chan struct{})}
	w := newWorld(t, githubsim.Options{}, githubsim.Artifact{Name: "dist", Blob: blob, NoDigest: true})
	s := newStep(t, w.Sim, map[string]string{"run-id": fmt.Sprint(w.run.ID), "name": "dist", "path": "out"})
	before := s.tree(s.workspace)
	r := s.run(blob.started, syscall.SIGTERM)
	if r.code != 1 || r.outputs["error-message"] == "" {
		t.Fatalf("exit code %d, error-message %q: it was not stopped at its work", r.code, r.outputs["error-message"])
	}
	took := time.Since(blob.at)
	t.Logf("it took %v to stop", took)
	if took > 10*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	checkUnchanged(t, s, before)
}

// TestDirectories: the directories that the runner mounts, by their names in the
// container, on the host and in a job's container.
func TestDirectories(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		path string
		dir  string // below the runner's _work
		old  bool
		want string // in the message of a refusal
	}{
		{path: "/github/runner_temp/out", dir: "_temp/out"},
		{path: "HOST/_temp/out", dir: "_temp/out"},
		{path: "/__w/_temp/out", dir: "_temp/out"},
		{path: "~/out", dir: "_temp/_github_home/out"},
		{path: "/__w/app/app/out", dir: "app/app/out"},
		{path: "~/out", dir: "_temp/_github_home/out", old: true},
		{path: "out", dir: "app/app/out", old: true},
		{path: "HOST/_temp/out", old: true, want: "runner 2.329.0 or later mounts it"},
		{path: "/__w/_temp/out", old: true, want: "runner 2.329.0 or later mounts it"},
		{path: "/tmp/out", want: "outlive this container"},
	} {
		t.Run(fmt.Sprintf("%s old=%v", tc.path, tc.old), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, githubsim.Options{}, dist())
			s := newStep(t, w.Sim, map[string]string{"run-id": fmt.Sprint(w.run.ID), "name": "dist"})
			s.env["INPUT_PATH"] = strings.Replace(tc.path, "HOST", s.host, 1)
			if tc.old {
				s.old = true
				s.env["RUNNER_TEMP"] = s.temp()
			}
			before := s.tree(s.workspace)
			r := s.run(nil, nil)
			if tc.want != "" {
				if r.code != 1 || !strings.Contains(r.outputs["error-message"], tc.want) {
					t.Errorf("exit code %d, error-message %q, want %q", r.code, r.outputs["error-message"], tc.want)
				}
				checkUnchanged(t, s, before)
				return
			}
			dir := filepath.Join(s.host, tc.dir)
			if r.code != 0 || r.outputs["download-path"] != dir {
				t.Fatalf("exit code %d, download-path %q, want %q", r.code, r.outputs["download-path"], dir)
			}
			want := []string{
				"-rw-r--r-- app.js 21", "drwxr-xr-x assets", "drwxr-xr-x assets/css", "-rw-r--r-- assets/css/site.css 7",
				"drwxr-xr-x bin", "-rwxr-xr-x bin/tool 20",
			}
			if got := s.tree(dir); !slices.Equal(got, want) {
				t.Errorf("%s holds %q", dir, got)
			}
		})
	}
}

// TestRootWithoutCapabilities: where root may not write to another user's directory,
// the step says so and changes nothing; where it may, the files stay root's.
func TestRootWithoutCapabilities(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubsim.Options{}, dist())
	with := map[string]string{"run-id": fmt.Sprint(w.run.ID), "name": "dist", "path": "out"}
	t.Run("may not write", func(t *testing.T) {
		t.Parallel()
		s := newStep(t, w.Sim, with)
		s.docker = []string{"--read-only", "--cap-drop", "ALL"}
		before := s.tree(s.workspace)
		r := s.run(nil, nil)
		if r.code != 1 || !strings.Contains(r.log, "::error::") || !strings.Contains(r.log, "permission denied") {
			t.Errorf("exit code %d, want 1 and an error that says permission denied", r.code)
		}
		checkUnchanged(t, s, before)
	})
	t.Run("may write", func(t *testing.T) {
		t.Parallel()
		if os.Getuid() != 0 {
			t.Skip("only root could remove what root leaves")
		}
		s := newStep(t, w.Sim, with)
		s.docker = []string{"--read-only", "--cap-drop", "ALL"}
		open := []string{s.workspace}
		for _, name := range fileCommands {
			open = append(open, s.temp("_runner_file_commands", name))
		}
		for _, p := range open {
			if err := os.Chmod(p, 0o777); err != nil {
				t.Fatal(err)
			}
		}
		if r := s.run(nil, nil); r.code != 0 {
			t.Errorf("exit code %d, want 0", r.code)
		}
		if got := s.read(filepath.Join(s.workspace, "out", "app.js")); got != "console.log('hello')\n" {
			t.Errorf("app.js holds %q", got)
		}
	})
}

// TestConnections: requests go through proxies, and trust private certificates, named in
// each of the possible ways. API and storage are api.example.com and storage.example.com:
// only the proxy can look these names up, or a line of /etc/hosts.
func TestConnections(t *testing.T) {
	t.Parallel()
	const dead = "http://127.0.0.1:9"
	for _, tc := range []struct {
		name  string
		env   map[string]string // PROXY stands for the proxy
		ca    string            // the input ca-cert
		hosts bool              // whether names can be looked up
		proxy bool              // whether the proxy is to be asked
		fails string
	}{
		{name: "HTTPS_PROXY", env: map[string]string{"HTTPS_PROXY": "PROXY"}, ca: "ca.pem", proxy: true},
		{name: "https_proxy", env: map[string]string{"https_proxy": "PROXY"}, ca: "ca.pem", proxy: true},
		{name: "NO_PROXY", env: map[string]string{"HTTPS_PROXY": dead, "NO_PROXY": ".example.com"}, ca: "ca.pem", hosts: true},
		{name: "no_proxy", env: map[string]string{"https_proxy": dead, "no_proxy": "localhost,api.example.com,storage.example.com"}, ca: "ca.pem", hosts: true},
		{name: "SSL_CERT_FILE", env: map[string]string{"SSL_CERT_FILE": "/github/workspace/ca.pem"}, hosts: true},
		{name: "SSL_CERT_DIR", env: map[string]string{"SSL_CERT_DIR": "/github/workspace/certs"}, hosts: true},
		{name: "ca-cert, below the workspace", ca: "certs/ca.pem", hosts: true},
		{name: "ca-cert, the container's", ca: "/github/workspace/ca.pem", hosts: true},
		{name: "ca-cert, a job container's", ca: "/__w/app/app/ca.pem", hosts: true},
		{name: "ca-cert, the host's", ca: "HOST/app/app/ca.pem", hosts: true},
		{name: "ca-cert, in HOME", ca: "~/ca.pem", hosts: true},
		{name: "no certificate", hosts: true, fails: "certificate"},
		{name: "no such file", ca: "none.pem", hosts: true, fails: "ca-cert: open /github/workspace/none.pem"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, githubsim.Options{Enterprise: true}, dist())
			front := newFront(t, w.Sim)
			s := newStep(t, w.Sim, map[string]string{"run-id": fmt.Sprint(w.run.ID), "name": "dist", "path": "out"})
			s.env["INPUT_CA-CERT"] = strings.Replace(tc.ca, "HOST", s.host, 1)
			for _, dir := range []string{s.workspace, filepath.Join(s.workspace, "certs"), s.temp("_github_home")} {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				s.write(filepath.Join(dir, "ca.pem"), front.ca)
			}
			s.env["GITHUB_API_URL"] = "https://" + front.name("api") + "/api/v3"
			for name, value := range tc.env {
				s.env[name] = strings.Replace(value, "PROXY", front.proxy.URL, 1)
			}
			if tc.hosts {
				s.docker = []string{"--add-host", "api.example.com:127.0.0.1", "--add-host", "storage.example.com:127.0.0.1"}
			}
			r := s.run(nil, nil)
			if tc.fails != "" {
				if r.code != 1 || !strings.Contains(r.outputs["error-message"], tc.fails) {
					t.Errorf("exit code %d, error-message %q, want %q", r.code, r.outputs["error-message"], tc.fails)
				}
				return
			}
			if r.code != 0 || r.outputs["file-count"] != "3" {
				t.Errorf("exit code %d, %s files, want 0 and 3", r.code, r.outputs["file-count"])
			}
			var want []string
			if tc.proxy {
				want = []string{front.name("api"), front.name("storage")}
			}
			if got := front.asked(); !slices.Equal(got, want) {
				t.Errorf("the proxy was asked for %q, want %q", got, want)
			}
			checkSecrets(t, w, r)
		})
	}
}

// front is the simulator with TLS and names, and a proxy that knows them.
type front struct {
	ca     string
	server *httptest.Server
	proxy  *httptest.Server

	mu    sync.Mutex
	hosts map[string]bool
}

func newFront(t *testing.T, sim *githubsim.Sim) *front {
	t.Helper()
	f := &front{hosts: map[string]bool{}}
	api, storage := parse(t, sim.APIURL), parse(t, sim.StorageURL)
	f.server = httptest.NewTLSServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", api.Host, api.Host
			if strings.HasPrefix(r.In.Host, "storage.") {
				r.Out.URL.Host, r.Out.Host = storage.Host, storage.Host
			}
		},
		ModifyResponse: func(r *http.Response) error {
			if l := r.Header.Get("Location"); l != "" {
				r.Header.Set("Location", strings.Replace(l, sim.StorageURL, "https://"+f.name("storage"), 1))
			}
			return nil
		},
	})
	t.Cleanup(f.server.Close)
	f.ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.server.Certificate().Raw}))
	f.proxy = httptest.NewServer(http.HandlerFunc(f.connect))
	t.Cleanup(f.proxy.Close)
	return f
}

func parse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// name is a host that the server's certificate is for, with its port.
func (f *front) name(host string) string {
	_, port, _ := net.SplitHostPort(f.server.Listener.Addr().String())
	return host + ".example.com:" + port
}

// connect is a proxy for TLS.
func (f *front) connect(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.hosts[r.Host] = true
	f.mu.Unlock()
	if r.Method != http.MethodConnect {
		http.Error(w, "CONNECT alone", http.StatusMethodNotAllowed)
		return
	}
	there, err := new(net.Dialer).DialContext(r.Context(), "tcp", f.server.Listener.Addr().String())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		defer there.Close() //nolint:errcheck // it is over
		_, _ = io.Copy(there, buffered)
	}()
	defer here.Close() //nolint:errcheck // it is over
	_, _ = io.Copy(here, there)
}

// asked lists what the proxy was asked for.
func (f *front) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for host := range f.hosts {
		list = append(list, host)
	}
	slices.Sort(list)
	return list
}
