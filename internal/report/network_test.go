package report

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/httpx"
)

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
			got := author.networkHint(wrapped, api)
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) || !api && strings.Contains(got, "github-api-url") {
				t.Errorf("%s (API: %v): %q", name, api, got)
			}
		}
	}
	broke := &fetch.TruncatedError{Got: 1, Want: 2, Err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}}
	if got := author.hint(broke); !strings.Contains(got, "kept breaking off") {
		t.Errorf("%q", got)
	}
	if got := author.hint(fmt.Errorf("x: %w", syscall.ENOSPC)); !strings.Contains(got, "disk space") {
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
		if got := author.hint(errors.Join(e)); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
