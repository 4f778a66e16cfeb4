package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// spoilt is a listener whose first few connections meet a fault before the storage sees
// them.
type spoilt struct {
	net.Listener
	config *tls.Config
	fault  func(raw net.Conn, config *tls.Config)

	mu   sync.Mutex
	skip int
	left int
}

// Accept returns a connection once the TLS handshake is over.
func (l *spoilt) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		hit := l.skip == 0 && l.left > 0
		if hit {
			l.left--
		} else if l.skip > 0 {
			l.skip--
		}
		l.mu.Unlock()
		if !hit {
			return tls.Server(raw, l.config), nil
		}
		go func() {
			defer func() { _ = raw.Close() }()
			l.fault(raw, l.config)
		}()
	}
}

// afterHandshake calls do with the connection once a request has arrived.
func afterHandshake(do func(conn *tls.Conn, raw net.Conn)) func(net.Conn, *tls.Config) {
	return func(raw net.Conn, config *tls.Config) {
		conn := tls.Server(raw, config)
		if conn.HandshakeContext(context.Background()) != nil {
			return
		}
		_, _ = conn.Read(make([]byte, 4096))
		do(conn, raw)
	}
}

func writes(text string) func(net.Conn, *tls.Config) {
	return afterHandshake(func(conn *tls.Conn, _ net.Conn) {
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	})
}

// record returns a TLS 1.2 record of this type.
func record(kind byte, body ...byte) []byte {
	return append([]byte{kind, 3, 3, 0, byte(len(body))}, body...)
}

// A GET is tried again after every temporary fault, whatever its error says.
func TestPassingFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(raw net.Conn, config *tls.Config){
		"closed before the handshake": func(net.Conn, *tls.Config) {},
		"reset before the handshake":  func(raw net.Conn, _ *tls.Config) { _ = raw.(*net.TCPConn).SetLinger(0) },
		"no TLS":                      func(raw net.Conn, _ *tls.Config) { _, _ = io.WriteString(raw, "SSH-2.0-OpenSSH_9.7\r\n") },
		"alert internal_error":        func(raw net.Conn, _ *tls.Config) { _, _ = raw.Write(record(21, 2, 80)) },
		"alert handshake_failure":     func(raw net.Conn, _ *tls.Config) { _, _ = raw.Write(record(21, 2, 40)) },
		"alert of no meaning":         func(raw net.Conn, _ *tls.Config) { _, _ = raw.Write(record(21, 2, 211)) },
		"a record of no kind":         func(raw net.Conn, _ *tls.Config) { _, _ = raw.Write(record(99, 1, 2, 3)) },
		"closed after the handshake":  afterHandshake(func(conn *tls.Conn, _ net.Conn) { _ = conn.Close() }),
		"reset after the handshake":   afterHandshake(func(_ *tls.Conn, raw net.Conn) { _ = raw.(*net.TCPConn).SetLinger(0) }),
		"a damaged record":            afterHandshake(func(_ *tls.Conn, raw net.Conn) { _, _ = raw.Write(record(23, make([]byte, 40)...)) }),
		"a status line that is none":  writes("hello\r\n\r\n"),
		"a status that is none":       writes("HTTP/1.1 abc OK\r\n\r\n"),
		"a malformed head":            writes("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"),
		"a head that ends early":      writes("HTTP/1.1 200 OK\r\nContent-"),
		"a head that is too long":     writes("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 11<<20) + "\r\n\r\n"),
		"two lengths":                 writes("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
		"a negative length":           writes("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
		"a length that overflows":     writes("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
		"an unknown encoding":         writes("HTTP/1.1 200 OK\r\nTransfer-Encoding: lzma\r\n\r\n"),
		"a broken 1xx":                writes("HTTP/1.1 103 Early Hints\r\nLink"),
		"1xx without end":             writes(strings.Repeat("HTTP/1.1 102 Processing\r\nX: "+strings.Repeat("x", 4000)+"\r\n\r\n", 3000)),
		"a chunk of no length":        writes("HTTP/1.1 206 Partial Content\r\nETag: \"e\"\r\nContent-Range: bytes 0-4194303/4194304\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
		"a chunk that overflows":      writes("HTTP/1.1 206 Partial Content\r\nETag: \"e\"\r\nContent-Range: bytes 0-4194303/4194304\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"),
	} {
		for which, skip := range map[string]int{"the first": 0, "a later one": 1} {
			if skip > 0 && strings.HasPrefix(name, "a chunk") {
				continue // its range is that of the first
			}
			t.Run(name+", "+which, func(t *testing.T) {
				t.Parallel()
				s := &ranged{script: script{blob: largeBlob()[:firstPart], etag: `"e"`}}
				if skip > 0 { // so that there is a later one
					s.hook = once(0, cutAfter(mib))
				}
				srv := quietServer(t, s)
				config := srv.TLS.Clone()
				config.NextProtos = nil
				listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
				if err != nil {
					t.Fatal(err)
				}
				faulty := http.Server{Handler: s, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
				go func() {
					_ = faulty.Serve(&spoilt{Listener: listener, config: config, fault: fault, skip: skip, left: 2})
				}()
				t.Cleanup(func() { _ = faulty.Close() })
				o := Options{Policy: httpx.Policy{Sleep: func(context.Context, time.Duration) error { return nil }}}
				o.Client = clientFor(t, srv)
				info, err := fetchAll(t, o, at("https://"+listener.Addr().String()), s.blob)
				if err != nil || info.SHA256 != sumOf(s.blob) {
					t.Errorf("%d bytes, %v", info.Size, err)
				}
			})
		}
	}
}

// quietServer serves TLS, and does not log the errors of clients.
func quietServer(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

// A handshake that drips is given up, too.
func TestHandshakeDrips(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		go network.each(func(conn net.Conn) { dripOn(conn, string(record(22, 2, 0))) })
		defer network.close()
		transport, err := httpx.NewTransport(httpx.TransportOptions{HTTP1: true})
		if err != nil {
			t.Fatal(err)
		}
		transport.DialContext = network.Dial
		defer transport.CloseIdleConnections()
		start := time.Now()
		_, err = fetchAll(t, Options{Client: &http.Client{Transport: transport}}, at("https://h/"), nil)
		if took := time.Since(start); err == nil || took > 6*transport.TLSHandshakeTimeout+2*time.Minute {
			t.Errorf("took %v, %v", took, err)
		}
	})
}

// clientFor trusts a server's certificate.
func clientFor(t *testing.T, srv *httptest.Server) *http.Client {
	t.Helper()
	transport, err := httpx.NewTransport(httpx.TransportOptions{HTTP1: true})
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Faults that would recur are not tried again.
func TestLastingFaults(t *testing.T) {
	t.Parallel()
	srv := quietServer(t, http.NotFoundHandler())
	strangers, err := httpx.NewTransport(httpx.TransportOptions{HTTP1: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		url    string
		client *http.Client
		want   string
	}{
		"a certificate of strangers": {srv.URL, &http.Client{Transport: strangers}, "certificate"},
		"a name that is not its own": {strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), clientFor(t, srv), "certificate"},
		"a port that is none":        {"https://127.0.0.1:99999/", clientFor(t, srv), "port"},
		"a scheme that is none":      {"ftp://127.0.0.1/", clientFor(t, srv), "scheme"},
	} {
		asked := 0
		o := Options{Client: tt.client, Policy: httpx.Policy{Sleep: func(context.Context, time.Duration) error { asked++; return nil }}}
		_, err := Open(t.Context(), o, at(tt.url), new(kept).create)
		if err == nil || asked > 0 || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: tried again %d times, %v", name, asked, err)
		}
	}
}
