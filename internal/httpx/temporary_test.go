package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestIsTemporary(t *testing.T) {
	t.Parallel()
	yes := []error{
		Temporary(errors.New("x"), 0), fmt.Errorf("a: %w", Temporary(errors.New("x"), 0)), io.ErrUnexpectedEOF,
		&url.Error{Op: "Get", URL: "http://x", Err: io.EOF}, &net.OpError{Op: "read", Err: syscall.ECONNRESET},
		&StallError{time.Second}, fmt.Errorf("%w: %w", context.Canceled, &StallError{time.Second}),
		&net.OpError{Op: "dial", Err: &net.DNSError{IsTimeout: true}}, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		&net.OpError{Op: "proxyconnect", Err: &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}},
		&url.Error{Op: "Get", Err: os.ErrDeadlineExceeded},
		&net.OpError{Op: "remote error", Err: tls.AlertError(80)},
		// Whatever net/http calls it.
		&TransportError{errors.New("net/http: HTTP/1.x transport connection broken: malformed HTTP response")},
		&url.Error{Op: "Get", URL: "http://x", Err: &TransportError{tls.RecordHeaderError{Msg: "first record"}}},
		&TransportError{&RepeatError{Sends: 3}}, &TransportError{&net.DNSError{IsTemporary: true}}, &TransportError{&net.DNSError{Err: "server misbehaving"}},
		&TransportError{Temporary(&ProxyError{Status: 503}, 0)},
	}
	no := []error{
		errors.New("x"), context.Canceled, fmt.Errorf("%w: %w", context.Canceled, io.EOF), &TransportError{context.Canceled},
		&TransportError{&net.DNSError{IsNotFound: true}}, &TransportError{&tls.CertificateVerificationError{Err: io.EOF}},
		&TransportError{&ProxyError{Status: 407}}, &TransportError{http.ErrSchemeMismatch}, &TransportError{url.InvalidHostError("{")},
		&TransportError{&url.Error{Op: "parse", Err: io.EOF}}, &TransportError{&net.ParseError{}}, &TransportError{net.UnknownNetworkError("x")},
		&TransportError{os.NewSyscallError("connect", syscall.EPERM)}, &url.Error{Op: "Get", Err: context.Canceled}, syscall.ENOSPC,
		&os.PathError{Op: "write", Path: "spool", Err: syscall.ENOSPC},
		&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, &tls.CertificateVerificationError{Err: io.EOF},
		&net.OpError{Op: "dial", Err: &net.AddrError{Err: "missing port"}},
		&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EACCES)},
		&net.OpError{Op: "proxyconnect", Err: &tls.CertificateVerificationError{Err: io.EOF}},
	}
	for _, err := range yes {
		if !IsTemporary(err) {
			t.Errorf("%v should be temporary", err)
		}
	}
	for _, err := range no {
		if IsTemporary(err) {
			t.Errorf("%v should not be temporary", err)
		}
	}
}

// pipes is a network in memory. A mute one delivers nothing any more.
type pipes struct {
	conns chan net.Conn
	mute  atomic.Bool
}

func (p *pipes) Dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p.conns <- server
	return muteConn{client, p}, nil
}
func (p *pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p *pipes) Close() error { close(p.conns); return nil }
func (*pipes) Addr() net.Addr { return &net.TCPAddr{} }

type muteConn struct {
	net.Conn
	net *pipes
}

func (c muteConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.net.mute.Load() {
			return n, err
		}
	}
}

// HTTP/2 has faults of its own, whose types net/http does not export. This test causes
// the real ones.
func TestIsTemporaryOverHTTP2(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handler func(network *pipes, w http.ResponseWriter, r *http.Request)
		text    string
	}{
		"stream reset before the answer": {func(*pipes, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "stream error"},
		"stream reset in the body": {func(_ *pipes, w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "stream error"},
		"connection lost": {func(network *pipes, _ http.ResponseWriter, r *http.Request) {
			network.mute.Store(true)
			<-r.Context().Done()
		}, "client connection lost"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				protocols := new(http.Protocols)
				protocols.SetUnencryptedHTTP2(true)
				network := &pipes{conns: make(chan net.Conn)}
				srv := http.Server{Protocols: protocols, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					tt.handler(network, w, r)
				})}
				go func() { _ = srv.Serve(network) }()
				defer func() { _ = srv.Close() }()
				tr, err := NewTransport(TransportOptions{})
				if err != nil {
					t.Fatal(err)
				}
				defer tr.CloseIdleConnections()
				tr.Protocols, tr.DialContext = protocols, network.Dial
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://h/", nil)
				start := time.Now()
				res, err := tr.RoundTrip(req)
				if err == nil {
					_, err = io.ReadAll(res.Body)
					_ = res.Body.Close()
				}
				if !IsTemporary(err) || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("%T %v; want a temporary %s", err, err, tt.text)
				}
				if took := time.Since(start); took > 30*time.Second {
					t.Errorf("took %v, want the two time-outs of the ping at most", took)
				}
			})
		})
	}
}
