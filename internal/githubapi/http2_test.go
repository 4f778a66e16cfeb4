package githubapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/httpx"
)

// frontClient is a client of a Front before the simulator, whose pauses are
// noted and not waited for.
func (f *fixture) frontClient(t *testing.T, opt githubsim.FrontOptions) (*githubsim.Front, *Client) {
	t.Helper()
	front := f.Front(opt)
	t.Cleanup(front.Close)
	u, err := url.Parse(front.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := httpx.NewTransport(httpx.TransportOptions{ExtraCA: front.CA})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := New(Options{BaseURL: u, Transport: transport, Auth: Auth{Token: "tok"}, Policy: httpx.Policy{
		Sleep: func(_ context.Context, d time.Duration) error { f.pauses = append(f.pauses, d); return nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
	return front, c
}

// A request is tried again after every temporary fault, whatever its error says.
func TestPassingWireFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]githubsim.WireFault{
		"GOAWAY":                     githubsim.GoAway,
		"GOAWAY with an error":       githubsim.GoAwayError,
		"GOAWAY and closed":          githubsim.GoAwayClose,
		"RST INTERNAL_ERROR":         githubsim.ResetInternal,
		"RST PROTOCOL_ERROR":         githubsim.ProtocolReset,
		"REFUSED_STREAM":             githubsim.RefusedStream,
		"closed after the handshake": githubsim.CloseAfterHandshake,
		"a damaged TLS record":       githubsim.BadRecord,
		"an alert internal_error":    githubsim.AlertInternalError,
		"a malformed head":           githubsim.MalformedHead,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, githubsim.Options{}, Auth{})
			front, c := f.frontClient(t, githubsim.FrontOptions{Faults: []githubsim.WireFault{fault}})
			ctx, written := withWritten(t.Context())
			if _, err := c.Run(ctx, app, f.run.ID); err != nil {
				t.Errorf("after one such fault: %v (%d connections, %d requests)", err, front.Connections(), front.Requests())
			}
			if !countsAlike(c, front, written) {
				t.Errorf("%d requests counted, %d arrived", c.Requests(), front.Requests())
			}
		})
	}
}

// withWritten returns a context whose requests are told of on the channel, each once the
// client has counted it.
func withWritten(ctx context.Context) (context.Context, <-chan struct{}) {
	written := make(chan struct{}, 1000)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written <- struct{}{} }}), written
}

// countsAlike reports whether the client counts what arrived. net/http may tell of a
// request a moment after its answer; what it wrote into a broken connection never arrives.
func countsAlike(c *Client, front *githubsim.Front, written <-chan struct{}) bool {
	for range front.Requests() {
		<-written
	}
	return c.Requests() == front.Requests() || front.Connections() > front.Requests()
}

// net/http repeats requests that a server says it has not processed, after GOAWAY without
// end. These repetitions are bounded, counted and reported.
func TestEndlessWireFaults(t *testing.T) {
	t.Parallel()
	const tries, each = 6, 3
	for name, tt := range map[string]struct {
		fault    githubsim.WireFault
		requests int // at most
	}{
		"GOAWAY":               {githubsim.GoAway, tries * each},
		"GOAWAY with an error": {githubsim.GoAwayError, tries * each},
		"RST INTERNAL_ERROR":   {githubsim.ResetInternal, tries},
		"closed at once":       {githubsim.CloseAfterHandshake, 0},
		"alert":                {githubsim.AlertInternalError, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, githubsim.Options{}, Auth{})
			front, c := f.frontClient(t, githubsim.FrontOptions{Always: tt.fault})
			ctx, written := withWritten(t.Context())
			_, err := c.Run(ctx, app, f.run.ID)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != Network || e.Tries != tries || len(f.pauses) != tries-1 {
				t.Errorf("%v, %d pauses; want %d tries", err, len(f.pauses), tries)
			}
			if front.Requests() > tt.requests {
				t.Errorf("%d requests arrived, want at most %d", front.Requests(), tt.requests)
			}
			if tt.requests > 0 && !countsAlike(c, front, written) {
				t.Errorf("%d requests counted, %d arrived", c.Requests(), front.Requests())
			}
		})
	}
}

// A deletion that net/http repeated may have been carried out the first time.
func TestDeleteRepeatedByNetHTTP(t *testing.T) {
	t.Parallel()
	f := newFixture(t, githubsim.Options{}, Auth{})
	a := f.run.AddArtifact(githubsim.Artifact{Name: "dist"})
	front, c := f.frontClient(t, githubsim.FrontOptions{Faults: []githubsim.WireFault{githubsim.ProtocolReset}})
	if err := f.client.Delete(t.Context(), app, a.ID); !isKind(err, BadToken) && err != nil {
		t.Fatal(err)
	}
	f.Fault(githubsim.Fault{Method: http.MethodDelete, Status: http.StatusNotFound, Body: `{"message":"Not Found"}`})
	if err := c.Delete(t.Context(), app, a.ID); err != nil || front.Requests() != 2 {
		t.Errorf("%v after %d requests, want the 404 to mean that it is done", err, front.Requests())
	}
}

func isKind(err error, k Kind) bool {
	e, ok := asError(err)
	return ok && e.Kind == k
}

// A server that keeps a connection alive and never answers is given up in the
// time that the documentation names, whatever keeps it alive.
func TestAnswersThatNeverCome(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]githubsim.WireFault{
		"no head": githubsim.NoHead, "SETTINGS": githubsim.SettingsFlood, "PING": githubsim.PingFlood, "GOAWAY": githubsim.GoAway,
		"interim answers": githubsim.DripHead, "a dripping body": githubsim.DripBody, "REFUSED_STREAM": githubsim.RefusedStream,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				page := strings.Repeat(" ", 1000) + `{"id":7,"name":"dist"}`
				c := inBubble(t, githubsim.FrontOptions{Always: fault, Tick: time.Second}, says(200, page))
				start := time.Now()
				err := getOne(t.Context(), c)
				if !isKind(err, Network) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(start); took > callBudget {
					t.Errorf("took %s, want at most %s: %v", took, callBudget, err)
				}
			})
		})
	}
}

// inBubble returns a client of a Front, for use in a bubble of synctest.
func inBubble(t *testing.T, opt githubsim.FrontOptions, handler step) *Client {
	t.Helper()
	network := githubsim.NewPipe()
	opt.Listener = network
	front := githubsim.NewFront(http.HandlerFunc(handler), opt)
	t.Cleanup(front.Close)
	transport, err := httpx.NewTransport(httpx.TransportOptions{ExtraCA: front.CA})
	if err != nil {
		t.Fatal(err)
	}
	transport.DialContext = network.DialContext
	t.Cleanup(transport.CloseIdleConnections)
	c, err := New(Options{BaseURL: &url.URL{Scheme: "https", Host: "127.0.0.1"}, Transport: transport, Auth: Auth{Token: "tok"}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A request without an answer is sent again.
func TestOneAnswerThatNeverComes(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]githubsim.WireFault{
		"no head": githubsim.NoHead, "interim answers": githubsim.DripHead, "a dripping body": githubsim.DripBody,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				page := strings.Repeat(" ", 1000) + `{"id":7,"name":"dist"}`
				c := inBubble(t, githubsim.FrontOptions{Faults: []githubsim.WireFault{fault}, Tick: time.Second}, says(200, page))
				start := time.Now()
				if err := getOne(t.Context(), c); err != nil || c.Requests() != 2 {
					t.Errorf("%v after %d requests", err, c.Requests())
				}
				if took := time.Since(start); took > tryTimeout+time.Second {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}
