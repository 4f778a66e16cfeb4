package httpx

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// counted is a server with TLS that counts its connections.
type counted struct {
	*httptest.Server
	accepted, resumed atomic.Int64
}

func newCounted(t *testing.T, http2 bool, h http.HandlerFunc) *counted {
	t.Helper()
	c := &counted{Server: httptest.NewUnstartedServer(h)}
	c.EnableHTTP2 = http2
	c.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			c.accepted.Add(1)
		}
	}
	c.TLS = &tls.Config{MinVersion: tls.VersionTLS12, VerifyConnection: func(s tls.ConnectionState) error {
		if s.DidResume {
			c.resumed.Add(1)
		}
		return nil
	}}
	c.StartTLS()
	t.Cleanup(c.Close)
	return c
}

// transport trusts the server.
func (c *counted) transport(t *testing.T, o TransportOptions) *Transport {
	t.Helper()
	o.ExtraCA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw})
	transport, err := NewTransport(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// ask sends a request and reads the answer.
func ask(t *testing.T, transport http.RoundTripper, url string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// sideBySide sends n requests at the same time, m times.
func sideBySide(t *testing.T, n, m int, transport http.RoundTripper, url string) {
	t.Helper()
	for range m {
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				if err := ask(t, transport, url); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}

// Requests that begin at the same time share one connection of HTTP/2. With HTTP/1.1 there
// are no more connections than requests at a time, although net/http would like more.
func TestConnectionsAreSpared(t *testing.T) {
	t.Parallel()
	const atATime = 8
	for name, tt := range map[string]struct {
		http2 bool
		opt   TransportOptions
		most  int64
	}{
		"HTTP/2":                      {true, TransportOptions{}, 1},
		"HTTP/2, which is not wanted": {true, TransportOptions{HTTP1: true, Concurrency: atATime}, atATime},
		"HTTP/1.1":                    {false, TransportOptions{HTTP1: true, Concurrency: atATime}, atATime},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newCounted(t, tt.http2, func(http.ResponseWriter, *http.Request) {})
			sideBySide(t, atATime, 10, s.transport(t, tt.opt), s.URL)
			if n := s.accepted.Load(); n == 0 || n > tt.most {
				t.Errorf("%d connections, want at most %d", n, tt.most)
			}
		})
	}
}

// A server of HTTP/1.1 gets a connection for each request all the same.
func TestServerWithoutHTTP2(t *testing.T) {
	t.Parallel()
	const n = 4
	var there sync.WaitGroup
	there.Add(n)
	s := newCounted(t, false, func(http.ResponseWriter, *http.Request) {
		there.Done()
		there.Wait() // for the other requests
	})
	sideBySide(t, n, 1, s.transport(t, TransportOptions{}), s.URL)
	if got := s.accepted.Load(); got != n {
		t.Errorf("%d connections, want %d", got, n)
	}
}

// Where the first request gets no connection, the others try on their own, and so does
// the next one.
func TestFirstConnectionFails(t *testing.T) {
	t.Parallel()
	s := newCounted(t, true, func(http.ResponseWriter, *http.Request) {})
	transport := s.transport(t, TransportOptions{})
	url := s.URL
	s.Close()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := ask(t, transport, url); err == nil {
				t.Error("no error")
			}
		})
	}
	all.Wait()
	if err := ask(t, transport, url); err == nil {
		t.Error("no error")
	}
}

// A further connection resumes the TLS session.
func TestSessionsAreResumed(t *testing.T) {
	t.Parallel()
	for name, http1 := range map[string]bool{"HTTP/2": false, "HTTP/1.1": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newCounted(t, true, func(http.ResponseWriter, *http.Request) {})
			transport := s.transport(t, TransportOptions{HTTP1: http1})
			for range 3 {
				if err := ask(t, transport, s.URL); err != nil {
					t.Fatal(err)
				}
				transport.CloseIdleConnections()
			}
			if a, r := s.accepted.Load(), s.resumed.Load(); a != 3 || r != 2 {
				t.Errorf("%d connections, of which %d resumed a session", a, r)
			}
		})
	}
}
