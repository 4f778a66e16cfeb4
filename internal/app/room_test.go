package app

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// shareOf is a share of a disk with so many bytes free.
func shareOf(free int64) *roomShare {
	return &roomShare{of: &room{free: func() (int64, error) { return free, nil }, where: "/out"}}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	a := shareOf(100)
	b := &roomShare{of: a.of}
	for i, step := range []struct {
		do    func() error
		fails string
		taken int64
	}{
		{func() error { return a.of.check(100) }, "", 0},
		{func() error { return a.of.check(101) }, "/out needs 101 B or more, but its disk has only 100 B free", 0},
		{func() error { return a.take(60) }, "", 60},
		{func() error { return b.take(41) }, "/out needs 101 B or more", 60},
		{func() error { return b.take(math.MaxInt64) }, "needs 8.0 EiB or more", 60},
		{func() error { return b.take(40) }, "", 100},
		{func() error { return a.take(0) }, "", 100},
		{func() error { return a.take(-50) }, "", 100}, // a hostile size
		{func() error { return a.take(1) }, "needs 101 B", 100},
		{func() error { a.undo(); return nil }, "", 40},
		{func() error { b.give(10); return b.take(70) }, "", 100},
		{func() error { b.undo(); a.undo(); return nil }, "", 0},
	} {
		err := step.do()
		_, isRoom := errors.AsType[*roomError](err)
		if (err != nil) != (step.fails != "") || err != nil && (!isRoom || !strings.Contains(err.Error(), step.fails)) {
			t.Errorf("%d: got %v, want %q", i, err, step.fails)
		}
		if a.of.taken != step.taken {
			t.Errorf("%d: %d bytes are taken, want %d", i, a.of.taken, step.taken)
		}
	}
	failing := errors.New("no statfs")
	if err := (&room{free: func() (int64, error) { return 0, failing }}).take(0); !errors.Is(err, failing) {
		t.Errorf("got %v", err)
	}
}

// The room is that of all artifacts together, whatever they are, and is asked
// for before it is used.
func TestRoomOfTheDisk(t *testing.T) {
	t.Parallel()
	raw := func(name string, size int) githubsim.Artifact {
		return githubsim.Artifact{Name: name, Blob: githubsim.Bytes(make([]byte, size)), ContentType: "text/plain"}
	}
	zip := func(name string, size int) githubsim.Artifact {
		return githubsim.Artifact{Name: name, Blob: files("f", strings.Repeat("x", size))}
	}
	var text bytes.Buffer
	tw := tar.NewWriter(&text)
	if err := errors.Join(tw.WriteHeader(&tar.Header{Name: "f", Mode: 0o644, Size: 10_000, Typeflag: tar.TypeReg}), write(tw, 10_000), tw.Close()); err != nil {
		t.Fatal(err)
	}
	tarred := githubsim.Artifact{Name: "a", Blob: files("x.tar", text.String())}
	noRanges := githubsim.Fault{Host: githubsim.Storage, Times: -1, IgnoreRange: true}
	const mem = spoolMemory
	for name, tt := range map[string]struct {
		artifacts []githubsim.Artifact
		in        map[string]string
		fault     githubsim.Fault
		free      int64
		fails     bool
	}{
		"enough":                   {[]githubsim.Artifact{zip("a", 10_000), zip("b", 10_000)}, in(), githubsim.Fault{}, 20_000, false},
		"not for both":             {[]githubsim.Artifact{zip("a", 10_000), zip("b", 10_000)}, in(), githubsim.Fault{}, 19_999, true},
		"not for what is wanted":   {[]githubsim.Artifact{zip("a", 10_000)}, in("files", "f"), githubsim.Fault{}, 9_999, true},
		"raw":                      {[]githubsim.Artifact{raw("a", 10_000), raw("b", 10_000)}, in(), githubsim.Fault{}, 20_000, false},
		"not for both, raw":        {[]githubsim.Artifact{raw("a", 10_000), raw("b", 10_000)}, in("files", "*"), githubsim.Fault{}, 19_999, true},
		"raw, and an archive":      {[]githubsim.Artifact{raw("a", 10_000), zip("b", 10_000)}, in("files", "*"), githubsim.Fault{}, 19_999, true},
		"a tar, and what it holds": {[]githubsim.Artifact{tarred}, in("unpack", "true"), githubsim.Fault{}, int64(text.Len()) + 10_000, false},
		"not for what it holds":    {[]githubsim.Artifact{tarred}, in("unpack", "true"), githubsim.Fault{}, int64(text.Len()) + 9_999, true},
		"of unknown size":          {[]githubsim.Artifact{raw("a", mem+3*blockSize)}, in("files", "*"), noRanges, mem + 3*blockSize, false},
		"of unknown size, not for": {[]githubsim.Artifact{raw("a", mem+3*blockSize)}, in("files", "*"), noRanges, mem + 3*blockSize - 1, true},
		"of unknown size, growing": {[]githubsim.Artifact{raw("a", mem+3*blockSize)}, in("files", "*"), noRanges, 2 * blockSize, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := runWorld(t, tt.artifacts...)
			if tt.fault.Host != "" {
				w.Fault(tt.fault)
			}
			w.free = func() (int64, error) { return tt.free, nil }
			tt.in["INPUT_RUN-ID"] = "1"
			got := w.step(t.Context(), t, tt.in)
			if fails := got.code != 0; fails != tt.fails || fails && (!strings.Contains(got.log, "but its disk has only") || !strings.Contains(got.log, "Free disk space on the runner") || len(got.files) > 0) {
				t.Errorf("code %d, %d files\n%s", got.code, len(got.files), got.log)
			}
		})
	}
}

func write(w io.Writer, n int) error {
	_, err := w.Write(make([]byte, n))
	return err
}

// The disk is asked once, before anything is written.
func TestRoomAsksOnce(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	w := runWorld(t, githubsim.Artifact{Name: "a", Blob: files("f", "x")}, githubsim.Artifact{Name: "b", Blob: files("f", "x")})
	w.free = func() (int64, error) { asked.Add(1); return 1 << 20, nil }
	if got := w.step(t.Context(), t, in("run-id", "1")); got.code != 0 || asked.Load() != 1 {
		t.Errorf("code %d, asked %d times\n%s", got.code, asked.Load(), got.log)
	}
}

// A spool holds the room of its file, and no more.
func TestSpoolRoom(t *testing.T) {
	t.Parallel()
	s, _ := newSpool(t, 1)
	part := make([]byte, blockSize)
	step := func(what string, err error, want int64) {
		t.Helper()
		if got := s.room.total(); err != nil || got != want {
			t.Errorf("%s: %d bytes, %v; want %d", what, got, err, want)
		}
	}
	write := func(number int64) error {
		_, err := s.WriteAt(part, number*blockSize)
		return err
	}
	step("in memory", write(0), 0)
	step("in the file", write(1), blockSize)
	step("written again", write(1), blockSize)
	step("reserved", s.reserve(5*blockSize), 5*blockSize)
	step("within that", errors.Join(write(2), write(3)), 5*blockSize)
	step("kept", s.keep("kept", 6*blockSize), 6*blockSize)
	step("closed", s.close(), 6*blockSize)

	s, _ = newSpool(t, 0)
	step("another", errors.Join(write(0), write(1), write(2), write(3)), 4*blockSize)
	s.Discard(0, 2*blockSize)
	if want := map[bool]int64{false: 2 * blockSize, true: 4 * blockSize}[s.solid]; s.room.total() != want {
		t.Errorf("after a part was discarded: %d bytes, want %d", s.room.total(), want)
	}
	step("thrown away", s.close(), 0)

	s, _ = newSpool(t, 0)
	s.room = shareOf(2*blockSize - 1)
	if err := errors.Join(write(0), write(1)); err == nil {
		t.Error("it wrote more than there is room for")
	}
	step("refused", s.close(), 0)
}
