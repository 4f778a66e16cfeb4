package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// The advice names the culprit: the certificate, the clock, the address or the proxy, and
// GitHub only if nothing else is to blame.
func TestWhoIsToBlame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubsim.Options{})
	front := func(opt githubsim.FrontOptions) *githubsim.Front {
		f := w.Front(opt)
		t.Cleanup(f.Close)
		return f
	}
	proxy := func(status int, media string) string {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", media)
			w.WriteHeader(status)
		}))
		t.Cleanup(srv.Close)
		return "http://user:s3cret@" + strings.TrimPrefix(srv.URL, "http://")
	}
	const dead = "127.0.0.1:1" // no port that a server of another test may get
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	now := time.Now()
	private, broken := front(githubsim.FrontOptions{}), front(githubsim.FrontOptions{Always: githubsim.ResetInternal})
	expired := front(githubsim.FrontOptions{NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(-24 * time.Hour)})
	future := front(githubsim.FrontOptions{NotBefore: now.Add(24 * time.Hour), NotAfter: now.Add(48 * time.Hour)})
	other := front(githubsim.FrontOptions{Name: "other.example"})
	for name, tt := range map[string]struct {
		env  map[string]string
		want []string
	}{
		"unknown authority": {in("github-api-url", private.URL), []string{"ca-cert", "Simulated Authority"}},
		"expired":           {in("github-api-url", expired.URL, "ca-cert", string(expired.CA)), []string{"the clock here says " + now.UTC().Format(time.DateOnly), "set the runner's clock"}},
		"from the future":   {in("github-api-url", future.URL, "ca-cert", string(future.CA)), []string{"is valid from " + now.Add(24*time.Hour).UTC().Format(time.DateOnly)}},
		"another host's":    {in("github-api-url", other.URL, "ca-cert", string(other.CA)), []string{"for another host", "github-api-url"}},
		"http on https":     {in("github-api-url", strings.Replace(plain.URL, "http:", "https:", 1)), []string{"speaks http", "github-api-url"}},
		"refused":           {in("github-api-url", "https://"+dead), []string{dead + " takes no connections", "github-api-url"}},
		"proxy, 407":        {in("github-api-url", "https://api.example/api/v3", "HTTPS_PROXY", proxy(407, "")), []string{"wants a user and a password", "HTTPS_PROXY"}},
		"proxy, 403":        {in("github-api-url", "https://api.example/api/v3", "HTTPS_PROXY", proxy(403, "text/html")), []string{"does not let requests through to api.example:443", "HTTPS_PROXY"}},
		"proxy, 502":        {in("github-api-url", "https://api.example/api/v3", "HTTPS_PROXY", proxy(502, "text/html")), []string{"did not reach api.example:443", "HTTPS_PROXY"}},
		"proxy, dead":       {in("github-api-url", "https://api.example/api/v3", "HTTPS_PROXY", "http://user:s3cret@"+dead), []string{"The proxy " + dead + " cannot be reached", "HTTPS_PROXY"}},
		"http proxy, 407":   {in("github-api-url", "http://api.example/api/v3", "HTTP_PROXY", proxy(407, "")), []string{"wants a user and a password", "in HTTP_PROXY"}},
		"http proxy, 403":   {in("github-api-url", "http://api.example/api/v3", "HTTP_PROXY", proxy(403, "text/html")), []string{"does not let requests through to api.example", "HTTP_PROXY"}},
		"http proxy, 503":   {in("github-api-url", "http://api.example/api/v3", "HTTP_PROXY", proxy(503, "text/html")), []string{"did not reach api.example", "HTTP_PROXY"}},
		"streams broken":    {in("github-api-url", broken.URL, "ca-cert", string(broken.CA)), []string{"githubstatus"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.env["INPUT_NAME"] = "dist"
			f := w.step(t.Context(), t, tt.env)
			for _, want := range tt.want {
				if f.code != exitFailure || !strings.Contains(f.log, want) {
					t.Errorf("exit %d, no %q in\n%s", f.code, want, f.log)
				}
			}
			if strings.Contains(f.log, "githubstatus") != (name == "streams broken") {
				t.Errorf("blames the wrong one:\n%s", f.log)
			}
			if strings.Contains(f.log+f.summary+fmt.Sprint(f.outputs), "s3cret") {
				t.Errorf("a password shows:\n%s", f.log)
			}
		})
	}
}
