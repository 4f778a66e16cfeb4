package fetch

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// pipes is a network in memory, without the buffers of githubsim.Pipe: a storage waits when
// its reader does. A dial that a client has begun and no longer needs ends with the network,
// not with a panic.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

func newPipes() pipes {
	closed := make(chan struct{})
	return pipes{make(chan net.Conn), closed, sync.OnceFunc(func() { close(closed) })}
}

func (p pipes) Dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// each calls serve for each connection, side by side, until the network is closed.
func (p pipes) each(serve func(net.Conn)) {
	for {
		conn, err := p.Accept()
		if err != nil {
			return
		}
		go serve(conn)
	}
}

func (p pipes) Close() error { p.close(); return nil }
func (pipes) Addr() net.Addr { return &net.TCPAddr{} }

// mute answers nothing.
func mute(_ *storage, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// stall sends n bytes and then nothing until the client goes away.
func stall(n int) step {
	return func(s *storage, w http.ResponseWriter, r *http.Request) {
		whole(s, &staller{ResponseWriter: w, ctx: r.Context(), left: n}, r)
	}
}

type staller struct {
	http.ResponseWriter
	ctx  context.Context
	left int
}

func (s *staller) Write(p []byte) (int, error) {
	n, _ := s.ResponseWriter.Write(p[:min(len(p), s.left)])
	if s.left -= n; s.left == 0 {
		_ = http.NewResponseController(s.ResponseWriter).Flush()
		<-s.ctx.Done()
		return n, context.Cause(s.ctx)
	}
	return n, nil
}

// stallsInError announces the body of an error and does not send it.
func stallsInError(_ *storage, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "100")
	w.WriteHeader(http.StatusForbidden)
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// drips sends the blob in pieces, with a pause before each.
func drips(pieces int, pause time.Duration) step {
	return func(s *storage, w http.ResponseWriter, r *http.Request) {
		blob, _ := s.stored()
		_ = http.NewResponseController(w).Flush()
		for piece := range slices.Chunk(blob, len(blob)/pieces+1) {
			select {
			case <-time.After(pause): // simulated
			case <-r.Context().Done():
				return
			}
			_, _ = w.Write(piece)
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// Time is simulated here, so these tests wait as long as users would.
func TestStalls(t *testing.T) {
	t.Parallel()
	const idle = 30 * time.Second
	tests := map[string]struct {
		steps []step
		fails bool
		took  time.Duration // at least, and a minute more at most
		log   []string
	}{
		"in the middle":      {[]step{stall(mib)}, false, idle, []string{"", `bytes=1048576- "e"`}},
		"before a byte":      {[]step{stall(0)}, false, idle, []string{"", ""}},
		"before the answer":  {[]step{mute}, false, headTimeout, []string{"", ""}},
		"in an error's body": {[]step{stallsInError}, false, errorTimeout, []string{"", ""}},
		"after the last":     {[]step{stall(blobSize)}, false, 0, []string{""}},
		"for ever":           {[]step{stall(9), stall(9), stall(9), stall(9)}, true, 3 * idle, []string{"", `bytes=9- "e"`, `bytes=18- "e"`}},
		"mute for ever":      {[]step{mute, mute, mute, mute}, true, 3 * headTimeout, []string{"", "", ""}},
		"slow but steady":    {[]step{drips(20, idle-time.Second)}, false, 20 * (idle - time.Second), []string{""}},
		"too slow":           {[]step{drips(100, idle+time.Second)}, false, idle, []string{"", ""}},
	}
	for name, tt := range tests {
		for _, http2 := range []bool{false, true} {
			t.Run(name+map[bool]string{true: "/http2"}[http2], func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					protocols := new(http.Protocols)
					protocols.SetHTTP1(!http2)
					protocols.SetUnencryptedHTTP2(http2)
					network := newPipes()
					s := &storage{t: t, blob: firstBlob, etag: `"e"`, steps: tt.steps}
					srv := http.Server{Handler: s, Protocols: protocols} //nolint:gosec // no time-out that could help the client
					go func() { _ = srv.Serve(network) }()
					defer func() { _ = srv.Close() }()
					transport := &http.Transport{DialContext: network.Dial, Protocols: protocols}
					defer transport.CloseIdleConnections()

					start := time.Now()
					blob, err := stream(t.Context(), Options{Client: &http.Client{Transport: transport}, Policy: httpx.Policy{MaxTries: 3}}, at("http://h/"), discard{})
					if took := time.Since(start); took < tt.took || took > tt.took+time.Minute {
						t.Errorf("took %v, want %v", took, tt.took)
					}
					if got := s.requests(); !slices.Equal(got, tt.log) {
						t.Errorf("requests %q, want %q", got, tt.log)
					}
					if _, stalled := errors.AsType[*httpx.StallError](err); stalled != tt.fails || !stalled && err != nil {
						t.Errorf("got %v", err)
					}
					if err == nil && blob.Size != blobSize {
						t.Errorf("%d bytes of %d", blob.Size, blobSize)
					}
				})
			})
		}
	}
}

func TestStreamCancelled(t *testing.T) {
	t.Parallel()
	tests := map[string]step{"in the answer": mute, "in the body": stall(100), "in a pause": status(503, "")}
	for name, first := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := newPipes()
				s := &storage{t: t, blob: firstBlob, steps: []step{first}}
				srv := http.Server{Handler: s} //nolint:gosec // no time-out that could help the client
				go func() { _ = srv.Serve(network) }()
				defer func() { _ = srv.Close() }()
				transport := &http.Transport{DialContext: network.Dial}
				defer transport.CloseIdleConnections()

				ctx, cancel := context.WithCancelCause(t.Context())
				cause := errors.New("the job was cancelled")
				start := time.Now()
				time.AfterFunc(time.Second, func() { cancel(cause) })
				_, err := stream(ctx, Options{Client: &http.Client{Transport: transport}}, at("http://h/"), discard{})
				if !errors.Is(err, cause) || time.Since(start) != time.Second || len(s.requests()) != 1 {
					t.Errorf("%d requests in %v, %v; want the cause at once", len(s.requests()), time.Since(start), err)
				}
			})
		})
	}
}

// A URL, which lives for a minute, is not requested before a connection is free to use
// it.
func TestURLsAreAskedForInTime(t *testing.T) {
	t.Parallel()
	for name, oneStream := range map[string]bool{"parts": false, "one stream": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := newPipes()
				var asked time.Time
				srv := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // as above
					if time.Since(asked) > time.Minute {
						w.WriteHeader(http.StatusForbidden)
						return
					}
					w.Header().Set("ETag", `"e"`)
					http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(firstBlob))
				})}
				go func() { _ = srv.Serve(network) }()
				defer func() { _ = srv.Close() }()
				transport := &http.Transport{DialContext: network.Dial}
				defer transport.CloseIdleConnections()

				connections := NewConnections(1)
				if err := connections.slots.acquire(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(10*time.Minute, func() { connections.slots.release() })
				o := Options{
					Client: &http.Client{Transport: transport}, Policy: httpx.Policy{MaxTries: 1},
					Connections: connections, OneStream: oneStream,
				}
				info, err := readAll(t, o, func(context.Context) (*url.URL, error) {
					asked = time.Now()
					return url.Parse("http://h/")
				}, firstBlob)
				if err != nil || !info.Whole {
					t.Errorf("%+v, %v", info, err)
				}
			})
		})
	}
}
