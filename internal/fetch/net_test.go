package fetch

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// The storage of TestNetworkThatIsNotClean, for each connection.
const (
	rate    = 60 << 20 // bytes per second
	latency = 20 * time.Millisecond
)

// counting counts the requests that a client has under way: from the request until its
// answer's body is closed. A server's handler learns only later that a body was closed early.
type counting struct {
	http.RoundTripper
	mu        sync.Mutex
	now, most int
	since     int // the most since the first error, or since the first request if there is none
	failed    bool
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.now++
	c.most, c.since = max(c.most, c.now), max(c.since, c.now)
	c.mu.Unlock()
	done := sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now--
	})
	res, err := c.RoundTripper.RoundTrip(r)
	if err != nil {
		done()
		return nil, err
	}
	c.mu.Lock()
	if res.StatusCode >= http.StatusBadRequest && !c.failed {
		c.failed, c.since = true, 0
	}
	c.mu.Unlock()
	res.Body = closing{res.Body, done}
	return res, nil
}

// closing is a body that calls a function when it is closed.
type closing struct {
	io.ReadCloser
	closed func()
}

func (c closing) Close() error {
	c.closed()
	return c.ReadCloser.Close()
}

// reading is a reader as extraction is one: from front to back, and it releases what it
// has read.
func reading(t *testing.T, o Options, locate Locate, blob []byte) (Info, error) {
	t.Helper()
	b, err := Open(t.Context(), o, locate, (&compared{blob: blob}).create)
	if err != nil {
		return Info{}, err
	}
	defer b.Close()
	p := make([]byte, 64<<10)
	for off := int64(0); off < b.Size(); off += int64(len(p)) {
		n, err := b.ReadAt(p, off)
		if err != nil && err != io.EOF { //nolint:errorlint // ReadAt returns it as it is
			return Info{}, err
		}
		if string(p[:n]) != string(blob[off:off+int64(n)]) {
			t.Fatalf("other bytes at %d", off)
		}
		b.Release(off + int64(n))
	}
	return b.Wait()
}

// unclean is a storage with faults in simulated time, and its log.
type unclean struct {
	*simulated
	counting
	o    Options
	blob []byte
}

// newUnclean returns a storage with a blob of size bytes. All answers have rate and
// latency, and the faults replace some of them.
func newUnclean(t *testing.T, sim *simulated, size int, faults ...githubsim.Fault) *unclean {
	t.Helper()
	u := &unclean{simulated: sim, blob: manyBytes(size)}
	u.ReplaceBlob(u.artifact, githubsim.Bytes(u.blob))
	for _, f := range append(faults, githubsim.Fault{Times: -1}) {
		f.Host = githubsim.Storage
		if f.BytesPerSecond == 0 {
			f.BytesPerSecond = rate
		}
		if f.FirstByte == 0 {
			f.FirstByte = latency
		}
		u.Fault(f)
	}
	u.o = inBubble(t, u.StorageHandler())
	u.RoundTripper, u.o.Client.Transport = u.o.Client.Transport, &u.counting
	return u
}

// mostBytes is the size of the largest blob of tests that always run.
const mostBytes = 64 << 20

// manyBytes returns bytes that differ from block to block. No test changes them.
func manyBytes(size int) []byte {
	if size > mostBytes {
		return makeBytes(size)
	}
	return many()[:size:size]
}

// many are the bytes of all blobs, so that they are made, and digested, once.
var many = sync.OnceValue(func() []byte { return makeBytes(mostBytes) })

func makeBytes(size int) []byte {
	b := make([]byte, 0, size+largeSize)
	for i := 0; len(b) < size; i++ {
		b = append(b, largeBlob()[i%1000:]...)
	}
	return b[:size:size]
}

// asked returns the ranges that the storage was asked for.
func (u *unclean) asked() []string {
	var list []string
	for _, r := range u.Log() {
		if r.Host == githubsim.Storage {
			list = append(list, strings.TrimPrefix(r.Header.Get("Range"), "bytes="))
		}
	}
	return list
}

// After answers that say that the storage is busy, a download gets its connections back.
func TestBusyIsNotForGood(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault  githubsim.Fault
		within int // requests
		atOnce int // requests under way at a time since the fault, at least
	}{
		"one 503":                  {githubsim.Fault{Status: 503, Skip: 3}, 70, 8},
		"one 429":                  {githubsim.Fault{Status: 429, Skip: 3}, 70, 8},
		"one 500":                  {githubsim.Fault{Status: 500, Skip: 3}, 70, 8},
		"one is broken":            {githubsim.Fault{Drop: true, Skip: 3}, 70, 8},
		"the first 503":            {githubsim.Fault{Status: 503}, 70, 8},
		"every third, Retry-After": {githubsim.Fault{Status: 503, Every: 3, Times: -1, Skip: 2, Header: http.Header{"Retry-After": {"1"}}}, 100, 4},
		"every third":              {githubsim.Fault{Status: 503, Every: 3, Times: -1, Skip: 2}, 100, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := newSimulated(t)
			url := sim.signed(t)
			synctest.Test(t, func(t *testing.T) {
				u := newUnclean(t, sim, 64<<20, tt.fault)
				u.o.Ahead = 8 << 20
				info, err := reading(t, u.o, url, u.blob)
				if err != nil || info.SHA256 != sumOf(u.blob) {
					t.Fatalf("%+v, %v", info, err)
				}
				t.Logf("%d requests, %d at a time since", info.Requests, u.since)
				if info.Requests > tt.within || u.since < tt.atOnce {
					t.Errorf("%d requests, %d at a time since; want at most %d, at least %d", info.Requests, u.since, tt.within, tt.atOnce)
				}
			})
		})
	}
}

// signed returns a URL of the artifact.
func (s *simulated) signed(t *testing.T) Locate {
	t.Helper()
	u, err := s.locate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return at(u.String())
}

// twice returns the bytes that lie in several of the ranges that were answered.
func (u *unclean) twice(t *testing.T) (bytes int64) {
	t.Helper()
	var seen spans
	for _, r := range u.Log() {
		if r.Status != http.StatusPartialContent {
			continue
		}
		var s span
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &s.start, &s.end); err != nil {
			t.Fatal(err)
		}
		s.end++
		bytes += s.end - s.start - (spans{s}).without(seen).size()
		seen = append(seen, (spans{s}).without(seen)...)
	}
	return bytes
}

// A range that one connection does not bring, while others are fast, is requested on
// another one.
func TestHedges(t *testing.T) {
	t.Parallel()
	const size = 24 << 20
	for name, fault := range map[string]githubsim.Fault{
		"a stall":                   {Stall: 300 << 10},
		"a stall of 10 s":           {Stall: 300 << 10, Resume: 10 * time.Second},
		"1 MB/s":                    {BytesPerSecond: 1_000_000},
		"200 kB/s":                  {BytesPerSecond: 200_000},
		"5 s to the first byte":     {FirstByte: 5 * time.Second},
		"a stall near a part's end": {Stall: 1<<20 - 1000},
	} {
		for way, tt := range map[string]struct {
			skip int
			do   func(*testing.T, Options, Locate, []byte) (Info, error)
		}{
			"read while it arrives": {5, reading},
			"kept": {12, func(t *testing.T, o Options, locate Locate, blob []byte) (Info, error) {
				t.Helper()
				o.Ahead = 0
				return fetchAll(t, o, locate, blob)
			}},
		} {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				sim := newSimulated(t)
				url := sim.signed(t)
				synctest.Test(t, func(t *testing.T) {
					fault := fault
					fault.Skip = tt.skip
					u := newUnclean(t, sim, size, fault)
					u.o.Ahead = 8 << 20
					var progress int64
					u.o.Progress = func(n int64) { progress += n }
					info, err := tt.do(t, u.o, url, u.blob)
					if err != nil || info.SHA256 != sumOf(u.blob) || progress != size {
						t.Fatalf("%+v, %v, %d bytes counted", info, err, progress)
					}
					if n := u.twice(t); n == 0 || n > largestPart {
						t.Errorf("%d bytes were requested twice: %q", n, u.asked())
					}
					if info.Fetched > size+2<<20 {
						t.Errorf("%d of %d bytes arrived", info.Fetched, size)
					}
				})
			})
		}
	}
}

// Where all connections are slow, none is replaced by another.
func TestSlowLinkIsNotHedged(t *testing.T) {
	t.Parallel()
	for _, bytesPerSecond := range []int{20_000, 500_000, 10_000_000} {
		t.Run(fmt.Sprint(bytesPerSecond), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &ranged{script: script{blob: manyBytes(20 << 20), etag: `"e"`, hook: slowly(&link{rate: bytesPerSecond}, 0)}}
				o := inBubble(t, s)
				o.Ahead = 8 << 20
				info, err := reading(t, o, at("http://h/"), s.blob)
				if err != nil || info.SHA256 != sumOf(s.blob) {
					t.Fatalf("%+v, %v", info, err)
				}
				t.Logf("%d requests, %d bytes more", info.Requests, s.sent.Load()-info.Size)
				if sent := s.sent.Load(); sent > info.Size+info.Size/32 {
					t.Errorf("%d of %d bytes were sent: %q", sent, info.Size, s.requests())
				}
			})
		})
	}
}

// The first request has no others to compare it with. It is sent a second time once its
// answer takes longer than answers do elsewhere, and at most two blobs at a time do that.
func TestFirstAnswerIsLate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first    time.Duration // to the first byte of the first request
		all      bool          // of all requests
		requests []string
	}{
		"late":          {5 * time.Second, false, []string{"0-4194303", "0-4194303"}},
		"not very late": {400 * time.Millisecond, false, []string{"0-4194303"}},
		"all are":       {5 * time.Second, true, []string{"0-4194303", "0-4194303"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := newSimulated(t)
			url := sim.signed(t)
			synctest.Test(t, func(t *testing.T) {
				fault := githubsim.Fault{FirstByte: tt.first}
				if tt.all {
					fault.Times = -1
				}
				u := newUnclean(t, sim, 1<<20, fault)
				info, err := reading(t, u.o, url, u.blob)
				if err != nil || info.SHA256 != sumOf(u.blob) || info.Fetched != info.Size || info.Requests != len(tt.requests) {
					t.Fatalf("%+v, %v", info, err)
				}
				if got := u.asked(); !slices.Equal(got, tt.requests) {
					t.Errorf("requests %q, want %q", got, tt.requests)
				}
			})
		})
	}
}

// Once it is known that the network is slow, each of many small blobs takes one request.
func TestSlowAnswersOfManyBlobs(t *testing.T) {
	t.Parallel()
	sim := newSimulated(t)
	url := sim.signed(t)
	synctest.Test(t, func(t *testing.T) {
		u := newUnclean(t, sim, 1000, githubsim.Fault{Times: -1, FirstByte: 700 * time.Millisecond})
		u.o.Connections = NewConnections(16)
		const blobs = 20
		for range blobs {
			if info, err := reading(t, u.o, url, u.blob); err != nil || info.SHA256 != sumOf(u.blob) {
				t.Fatalf("%+v, %v", info, err)
			}
		}
		if n := len(u.asked()); n > blobs+fewTries {
			t.Errorf("%d requests for %d blobs", n, blobs)
		}
	})
}

// A part that the storage always refuses ends the download, however well the storage serves
// other parts.
func TestOnePartIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused := 0
		s := &ranged{script: script{blob: manyBytes(64 << 20), etag: `"e"`}}
		s.hook = func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
			if strings.HasPrefix(r.Header.Get("Range"), "bytes=4194304-") {
				refused++ // one request at a time has this range
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			slowly(&link{rate: 5_000_000}, 0)(n, w, r, serve)
		}
		_, err := fetchAll(t, inBubble(t, s), at("http://h/"), s.blob)
		if !sameKind(err, &StorageError{}) || refused <= 6 || refused > 6*(1+mostForgiven) {
			t.Errorf("%d requests for it, %v", refused, err)
		}
	})
}
