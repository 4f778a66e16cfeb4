package httpx

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// TransportOptions are what the two clients' transports may differ in.
type TransportOptions struct {
	// Proxy chooses a proxy for a request; nil means none. See ProxyFrom.
	Proxy func(*http.Request) (*url.URL, error)
	// ExtraCA holds PEM certificates trusted besides the system's.
	ExtraCA []byte
	// MaxConnsPerHost is how many idle connections to keep; 0 means 16.
	MaxConnsPerHost int
}

// ErrNoCertificate says that a PEM text holds no certificate.
var ErrNoCertificate = errors.New("it holds no PEM certificate")

// NewTransport makes a transport that neither waits for ever nor touches
// the bytes: it does not ask for compression on its own.
func NewTransport(o TransportOptions) (*http.Transport, error) {
	t := &http.Transport{
		Proxy:                 o.Proxy,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: 60 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   orDefault(o.MaxConnsPerHost, 16),
		ForceAttemptHTTP2:     true,
		DisableCompression:    true,
		ReadBufferSize:        64 << 10,
	}
	if len(o.ExtraCA) > 0 {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		if !roots.AppendCertsFromPEM(o.ExtraCA) {
			return nil, ErrNoCertificate
		}
		t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return t, nil
}

// ProxyFrom reads HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in upper or lower
// case, through lookup.
func ProxyFrom(lookup func(string) (string, bool)) func(*http.Request) (*url.URL, error) {
	get := func(name string) string {
		if v, ok := lookup(name); ok && v != "" {
			return v
		}
		v, _ := lookup(strings.ToLower(name))
		return v
	}
	cfg := httpproxy.Config{HTTPProxy: get("HTTP_PROXY"), HTTPSProxy: get("HTTPS_PROXY"), NoProxy: get("NO_PROXY")}
	proxy := cfg.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return proxy(r.URL) }
}

// StopAtRedirect is a http.Client's CheckRedirect that hands the redirect
// itself to the caller.
func StopAtRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// ReadCapped reads at most limit bytes of r and drops the rest: for bodies
// of errors, whose size is the server's choice.
func ReadCapped(r io.Reader, limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, limit))
}
