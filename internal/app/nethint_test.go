package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/httpx"
)

// The advice blames what is to blame: the certificate, the clock, the
// address or the proxy, and GitHub only where nothing else is.
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
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := ln.Addr().String()
	_ = ln.Close()
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
		"from the future":   {in("github-api-url", future.URL, "ca-cert", string(future.CA)), []string{"is good from " + now.Add(24*time.Hour).UTC().Format(time.DateOnly)}},
		"another host's":    {in("github-api-url", other.URL, "ca-cert", string(other.CA)), []string{"another host's", "github-api-url"}},
		"http on https":     {in("github-api-url", strings.Replace(plain.URL, "http:", "https:", 1)), []string{"speaks http", "github-api-url"}},
		"refused":           {in("github-api-url", "https://"+dead), []string{dead + " takes no connections", "github-api-url"}},
		"proxy, 407":        {in("github-api-url", "https://api.example/api/v3", "HTTPS_PROXY", proxy(407, "")), []string{"wants a user and a password", "HTTPS_PROXY"}},
		"proxy, 403":        {in("github-api-url", "https://api.example/api/v3", "HTTPS_PROXY", proxy(403, "text/html")), []string{"does not let this job reach api.example:443", "HTTPS_PROXY"}},
		"proxy, 502":        {in("github-api-url", "https://api.example/api/v3", "HTTPS_PROXY", proxy(502, "text/html")), []string{"did not reach api.example:443", "HTTPS_PROXY"}},
		"proxy, dead":       {in("github-api-url", "https://api.example/api/v3", "HTTPS_PROXY", "http://user:s3cret@"+dead), []string{"The proxy " + dead + " cannot be reached", "HTTPS_PROXY"}},
		"http proxy, 407":   {in("github-api-url", "http://api.example/api/v3", "HTTP_PROXY", proxy(407, "")), []string{"wants a user and a password", "in HTTP_PROXY"}},
		"http proxy, 403":   {in("github-api-url", "http://api.example/api/v3", "HTTP_PROXY", proxy(403, "text/html")), []string{"does not let this job reach api.example", "HTTP_PROXY"}},
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

// The storage gets the same advice.
func TestNetworkHint(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"no such host":    {&net.OpError{Op: "dial", Err: &net.DNSError{Name: "ghe.invalid", IsNotFound: true}}, "There is no host ghe.invalid"},
		"DNS down":        {&net.OpError{Op: "dial", Err: &net.DNSError{Name: "ghe.invalid", IsTemporary: true}}, "could not be looked up"},
		"proxy unknown":   {&net.OpError{Op: "proxyconnect", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Name: "proxy.invalid", IsNotFound: true}}}, "The proxy proxy.invalid cannot be reached"},
		"forbidden":       {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EPERM)}, "forbids"},
		"refused":         {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "takes no connections"},
		"authority":       {&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "ca-cert"},
		"not a server's":  {&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.IncompatibleUsage}}, "certificate"},
		"alert":           {&net.OpError{Op: "remote error", Err: tls.AlertError(40)}, "TLS"},
		"407":             {&httpx.ProxyError{Proxy: "p:1", Host: "h:443", Status: 407}, "HTTPS_PROXY"},
		"broken":          {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, ""},
		"end":             {io.ErrUnexpectedEOF, ""},
		"stall":           {&httpx.StallError{Idle: time.Second}, ""},
		"cancelled":       {&net.OpError{Op: "dial", Err: context.Canceled}, ""},
		"full disk":       {&os.PathError{Op: "write", Err: syscall.ENOSPC}, ""},
		"forbidden files": {&os.PathError{Op: "open", Err: syscall.EACCES}, ""},
	} {
		for _, api := range []bool{true, false} {
			wrapped := fmt.Errorf("x: %w", &httpx.TransportError{Err: tt.err})
			got := networkHint(wrapped, api)
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) || !api && strings.Contains(got, "github-api-url") {
				t.Errorf("%s (API: %v): %q", name, api, got)
			}
		}
	}
	broke := &fetch.TruncatedError{Got: 1, Want: 2, Err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}}
	if got := hint(broke); !strings.Contains(got, "kept breaking off") {
		t.Errorf("%q", got)
	}
	if got := hint(fmt.Errorf("x: %w", syscall.ENOSPC)); !strings.Contains(got, "disk space") {
		t.Errorf("%q", got)
	}
}

func TestTokenHint(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*githubapi.Error{
		"github-token":                      {Ahead: time.Hour},
		"app-private-key":                   {App: true},
		"clock is 1h0m0s behind GitHub's":   {App: true, Ahead: time.Hour},
		"clock is 1h0m0s ahead of GitHub's": {App: true, Ahead: -time.Hour},
	} {
		e.Kind = githubapi.BadToken
		if got := hint(errors.Join(e)); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
