package httpx

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"time"
)

// TransportOptions set up a Transport: the API client's and the storage
// client's differ in them.
type TransportOptions struct {
	// Proxy chooses the proxy for a request; nil means none.
	Proxy func(*http.Request) (*url.URL, error)
	// ExtraCA holds PEM certificates trusted besides the system's.
	ExtraCA []byte
	// Gzip asks for compressed answers, and expands them: the caller has to bound what it
	// reads. Without it, bytes are delivered as the server sent them.
	Gzip bool
	// HTTP1 turns HTTP/2 off, so that each of several concurrent requests has
	// a connection of its own.
	HTTP1 bool
	// Concurrency is how many requests are sent to a server at a time; 0 means 16. So many
	// idle connections are kept. With HTTP1 no more are opened, and further requests wait.
	Concurrency int
}

// ErrNoCertificate means that a PEM text holds no certificate that can be
// used. Errors that wrap it say what the text holds instead.
var ErrNoCertificate = errors.New("it holds no PEM certificate")

// ProxyError is a proxy's refusal to connect to a host, or to forward a
// request to it.
type ProxyError struct {
	Proxy  string // its host and port
	Host   string // the host, and perhaps the port, asked for
	Status int
	// Plain reports that the request was to be forwarded as plain HTTP, not
	// through a tunnel.
	Plain bool
}

func (e *ProxyError) Error() string {
	asked := "for a connection to"
	if e.Plain {
		asked = "to forward a request to"
	}
	return fmt.Sprintf("the proxy %s answered %d %s when asked %s %s", e.Proxy, e.Status, http.StatusText(e.Status), asked, e.Host)
}

// maxHeader bounds the head of an answer, in bytes. GitHub's have about 4 KiB.
const maxHeader = 256 << 10

// Transport is an http.Transport whose failures, reading a body included, are
// *TransportErrors, and which repeats a request on its own at most twice: see
// RepeatError.
type Transport struct {
	*http.Transport

	opening *opening // nil with HTTP/1.1 alone
}

// NewTransport returns a Transport that never waits for ever. Its limits are 30 s
// to connect, 15 s for TLS, and 60 s and 256 KiB for the head of an answer. An
// HTTP/2 connection on which nothing arrives for 15 s is sent a ping and closed
// unless that is answered within 15 s, so that a dead connection is not used for
// one try after another. The error wraps ErrNoCertificate.
func NewTransport(o TransportOptions) (*Transport, error) {
	t := &http.Transport{
		Proxy:                 o.Proxy,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: 60 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   cmp.Or(o.Concurrency, 16),
		ForceAttemptHTTP2:     true,
		DisableCompression:    !o.Gzip,
		ReadBufferSize:        64 << 10,

		MaxResponseHeaderBytes: maxHeader,

		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},

		OnProxyConnectResponse: checkConnect,

		// A connection after the first one to a server resumes its session, which spares
		// both sides the certificate and its check.
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(0)},
	}
	first := new(opening)
	if o.HTTP1 {
		first = nil
		// net/http opens a connection for every request that finds none idle, and goes on
		// opening it when one becomes idle first.
		t.MaxConnsPerHost = t.MaxIdleConnsPerHost
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(true)
		t.ForceAttemptHTTP2 = false
	}
	if len(o.ExtraCA) > 0 {
		roots, err := rootsWith(o.ExtraCA)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig.RootCAs = roots
	}
	return &Transport{t, first}, nil
}

// RoundTrip implements http.RoundTripper. Errors after the end of the request's
// context are returned as they are, not as *TransportErrors.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	settled := func(bool) {}
	if t.opening != nil {
		settled = t.opening.enter(r)
	}
	ctx, done := boundSends(r.Context(), func() { settled(true) })
	res, err := t.Transport.RoundTrip(r.WithContext(ctx))
	settled(err == nil)
	if err != nil {
		if repeated, ok := errors.AsType[*RepeatError](context.Cause(ctx)); ok {
			err = repeated
		}
		if record, ok := errors.AsType[tls.RecordHeaderError](err); ok && string(record.RecordHeader[:]) == "HTTP/" {
			err = http.ErrSchemeMismatch // as http.Client has it, which does not look into a TransportError
		}
		done()
		if r.Context().Err() != nil || r.URL.Host == "" || r.URL.Scheme != "https" && r.URL.Scheme != "http" {
			return nil, err
		}
		return nil, &TransportError{err}
	}
	res.Request = r
	res.Body = &typedBody{ReadCloser: res.Body, ctx: r.Context(), done: done}
	if err := t.refusedByProxy(r, res); err != nil {
		_ = res.Body.Close()
		return nil, err
	}
	return res, nil
}

// typedBody turns a body's errors into *TransportErrors.
type typedBody struct {
	io.ReadCloser
	ctx  context.Context
	done func()
}

func (b *typedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.ctx.Err() == nil { // a Reader ends with io.EOF itself
		err = &TransportError{err}
	}
	return n, err
}

func (b *typedBody) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}

// refusedByProxy returns a *ProxyError if a proxy, not the server, answered a
// plain-HTTP request: with any 407, or with an HTML page whose status means that
// the proxy refuses or cannot reach the server. Neither GitHub's API nor a
// storage sends such pages.
func (t *Transport) refusedByProxy(r *http.Request, res *http.Response) error {
	if t.Proxy == nil || r.URL.Scheme != "http" {
		return nil
	}
	proxy, _ := t.Proxy(r)
	if proxy == nil {
		return nil
	}
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	switch res.StatusCode {
	case http.StatusProxyAuthRequired:
	case http.StatusForbidden, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if media != "text/html" {
			return nil
		}
	default:
		return nil
	}
	return proxyError(&ProxyError{Proxy: proxy.Host, Host: r.URL.Host, Status: res.StatusCode, Plain: true})
}

// rootsWith returns the system's roots and the certificates in text. Other
// blocks, and certificates that cannot be parsed, are skipped as long as one
// certificate is left: the bundles of operating systems have some of both.
func rootsWith(text []byte) (*x509.CertPool, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a system without roots
	}
	found, why := false, ErrNoCertificate
	for n := 1; ; n++ {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		switch {
		case block.Type != "CERTIFICATE":
			why = fmt.Errorf("%w: its block %d is of type %q", ErrNoCertificate, n, block.Type)
		case err != nil:
			why = fmt.Errorf("%w that can be read: block %d: %w", ErrNoCertificate, n, err)
		default:
			roots.AddCert(cert)
			found = true
		}
	}
	if !found {
		return nil, why
	}
	return roots, nil
}

// checkConnect turns a proxy's answer other than 200 into a *ProxyError: the
// error of net/http would hold nothing but the reason phrase.
func checkConnect(_ context.Context, proxy *url.URL, req *http.Request, res *http.Response) error {
	if res.StatusCode == http.StatusOK {
		return nil
	}
	return proxyError(&ProxyError{Proxy: proxy.Host, Host: req.Host, Status: res.StatusCode})
}

func proxyError(err *ProxyError) error {
	if TemporaryStatus(err.Status) {
		return Temporary(err, 0)
	}
	return err
}

// TemporaryStatus reports whether the same request may succeed after an
// answer of this status: 408, 429, and 5xx but 501 (RFC 9110, section 15).
func TemporaryStatus(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests ||
		status >= 500 && status != http.StatusNotImplemented
}

// StopAtRedirect is a http.Client's CheckRedirect that hands the redirect
// itself to the caller.
func StopAtRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// ReadCapped reads at most limit bytes of r and drops the rest: for bodies
// of errors, whose size is the server's choice.
func ReadCapped(r io.Reader, limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, limit))
}
