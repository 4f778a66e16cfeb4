package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/testdir"
)

// simulated is an artifact of a simulated GitHub.
type simulated struct {
	*githubsim.Sim
	artifact  *githubsim.Artifact
	transport *httpx.Transport
	late      atomic.Int64 // what the clock is ahead, in nanoseconds
}

func newSimulated(t *testing.T, faults ...githubsim.Fault) *simulated {
	t.Helper()
	s := &simulated{}
	s.Sim = githubsim.New(githubsim.Options{Now: func() time.Time { return time.Now().Add(time.Duration(s.late.Load())) }})
	t.Cleanup(s.Close)
	s.AddToken("ghp_x", "octo/app", githubsim.Read)
	repo := s.AddRepo("octo/app")
	run := repo.AddRun(githubsim.Run{Workflow: repo.AddWorkflow("CI", ".github/workflows/ci.yml")})
	s.artifact = run.AddArtifact(githubsim.Artifact{Name: "dist", Blob: githubsim.Bytes(firstBlob), Digest: fmt.Sprintf("sha256:%x", sumOf(firstBlob))})
	transport, err := httpx.NewTransport(httpx.TransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	s.transport = transport
	for _, f := range faults {
		f.Host = githubsim.Storage
		s.Fault(f)
	}
	return s
}

// locate asks for a signed URL as the API client does.
func (s *simulated) locate(ctx context.Context) (*url.URL, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/repos/octo/app/actions/artifacts/%d/zip", s.APIURL, s.artifact.ID), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer ghp_x")
	res, err := s.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return res.Location()
}

func TestStreamFromGitHub(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		faults   []githubsim.Fault
		requests int // to the storage; 0: any number
		bytes    int64
		fails    bool
	}{
		"whole":                 {nil, 1, blobSize, false},
		"cut":                   {[]githubsim.Fault{{Cut: mib}}, 2, blobSize, false},
		"cut three times":       {[]githubsim.Fault{{Cut: mib, Times: 3}}, 4, blobSize, false},
		"cut to pieces":         {[]githubsim.Fault{{Cut: 250_000, Times: 12}}, 13, blobSize, false},
		"cut and no ranges":     {[]githubsim.Fault{{Cut: mib}, {IgnoreRange: true}}, 2, blobSize + mib, false},
		"dropped":               {[]githubsim.Fault{{Drop: true, Times: 2}}, 3, blobSize, false},
		"dropped for ever":      {[]githubsim.Fault{{Drop: true, Times: -1}}, 6, 0, true},
		"expired":               {[]githubsim.Fault{{Expire: true}}, 2, 0, false},
		"cut, then expired":     {[]githubsim.Fault{{Cut: mib}, {Expire: true}}, 3, 0, false},
		"expired for ever":      {[]githubsim.Fault{{Expire: true, Times: -1}}, 6, 0, true},
		"busy":                  {[]githubsim.Fault{{Status: 503, Times: 2}}, 3, blobSize, false},
		"corrupt is not for us": {[]githubsim.Fault{{Corrupt: 9}}, 1, blobSize, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSimulated(t, tt.faults...)
			f, err := os.Create(filepath.Join(testdir.InMemory(t), "spool"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			o := Options{
				Client: &http.Client{Transport: s.transport},
				Policy: httpx.Policy{Sleep: func(context.Context, time.Duration) error { return nil }},
			}
			blob, err := stream(t.Context(), o, s.locate, f)
			if (err != nil) != tt.fails {
				t.Fatalf("got %v", err)
			}
			if n := s.Count(githubsim.Storage); tt.requests != 0 && n != tt.requests {
				t.Errorf("%d requests to the storage, want %d", n, tt.requests)
			}
			if tt.fails {
				return
			}
			got, err := os.ReadFile(f.Name())
			if err != nil {
				t.Fatal(err)
			}
			if blob.SHA256 != sha256.Sum256(got) || bytes.Equal(got, firstBlob) == (name == "corrupt is not for us") {
				t.Error("the file, the blob and the digest do not go together")
			}
			if sent := s.sent(); tt.bytes != 0 && sent != tt.bytes {
				t.Errorf("the storage sent %d bytes, want %d", sent, tt.bytes)
			}
			if name, _ := FileName(blob.ContentDisposition); blob.ContentType != "application/zip" || name != "dist.zip" {
				t.Errorf("type %q, disposition %q", blob.ContentType, blob.ContentDisposition)
			}
		})
	}
}

// sent returns how many bytes of the blob the storage sent.
func (s *simulated) sent() int64 {
	var n int64
	for _, r := range s.Log() {
		if r.Host == githubsim.Storage && r.Status < 300 {
			n += r.Bytes
		}
	}
	return n
}

// A signed URL lives for a minute by the storage's clock. It is asked for anew once it is refused.
func TestStreamWhenURLsExpire(t *testing.T) {
	t.Parallel()
	s := newSimulated(t, githubsim.Fault{Cut: 1000})
	o := Options{Client: &http.Client{Transport: s.transport}, Policy: httpx.Policy{Sleep: func(context.Context, time.Duration) error {
		s.late.Add(int64(time.Hour))
		return nil
	}}}
	blob, err := stream(t.Context(), o, s.locate, discard{})
	if err != nil || blob.SHA256 != sumOf(firstBlob) || blob.Requests != 3 {
		t.Errorf("%d requests, %v; want a third one, after a 403", blob.Requests, err)
	}

	// The URL has expired when it is used first.
	locate := func(ctx context.Context) (*url.URL, error) {
		u, err := s.locate(ctx)
		s.late.Add(int64(2 * time.Minute))
		return u, err
	}
	_, err = stream(t.Context(), o, locate, discard{})
	if storage, ok := errors.AsType[*StorageError](err); !ok || storage.Status != http.StatusForbidden || storage.Code != "AuthenticationFailed" {
		t.Errorf("got %v, want the storage's 403", err)
	}
}

func TestStreamReplacedOnGitHub(t *testing.T) {
	t.Parallel()
	s := newSimulated(t, githubsim.Fault{Cut: 1000})
	o := Options{Client: &http.Client{Transport: s.transport}, Policy: httpx.Policy{Sleep: func(context.Context, time.Duration) error {
		if s.Count(githubsim.Storage) == 1 {
			s.ReplaceBlob(s.artifact, githubsim.Bytes(secondBlob))
		}
		return nil
	}}}
	blob, err := stream(t.Context(), o, s.locate, discard{})
	if err != nil || blob.SHA256 != sumOf(secondBlob) || blob.Requests != 3 {
		t.Errorf("%d requests, %v; want the whole second blob after a 412", blob.Requests, err)
	}
}
