package transfer

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/testdir"
	"github.com/artifetch/artifetch/internal/unpack"
)

// sink is a stage for tests: a directory.
type sink struct{ root *os.Root }

func newSink(t *testing.T) sink {
	t.Helper()
	root, err := os.OpenRoot(testdir.InMemory(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return sink{root}
}

func (s sink) Create(name string) (*os.File, error) {
	return s.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
}
func (s sink) Move(from, to string) error  { return s.root.Rename(from, to) }
func (s sink) Remove(name string) error    { return s.root.Remove(name) }
func (s sink) RemoveAll(name string) error { return s.root.RemoveAll(name) }

func (s sink) Mkdir(name string) (*os.Root, error) {
	if err := s.root.Mkdir(name, 0o700); err != nil {
		return nil, err
	}
	return s.root.OpenRoot(name)
}

// newTestAttempt returns an attempt with a sink of its own, a budget of 2 files and 10
// bytes for all attempts, and much disk space.
func newTestAttempt(t *testing.T, e *Engine) *attempt {
	t.Helper()
	stage := Stage{Sink: newSink(t), Quota: spool.NewQuota("/out", func() (int64, error) { return 1 << 20, nil })}
	return e.newAttempt(stage, Item{}, false)
}

// An attempt that is abandoned takes back what it has counted; other attempts keep theirs.
func TestAbandon(t *testing.T) {
	t.Parallel()
	e := New(Options{MaxFiles: 2, MaxSize: 10})
	var progress int64
	e.progress = func(n int64) { progress += n }
	for n := range 3 {
		a := newTestAttempt(t, e)
		root, err := a.stage.Sink.Mkdir(a.dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(root.Close(), a.budget.Take(2, 10), a.disk.Reserve(10)); err != nil {
			t.Errorf("attempt %d: %v", n, err)
		}
		if n < 2 { // the last one fails before anything arrives
			a.fetchOptions().Progress(7)
		}
		if err := a.abandon(); err != nil || progress != 0 {
			t.Errorf("attempt %d: progress %d, %v", n, progress, err)
		}
		if _, err := a.stage.Sink.Mkdir(a.dir); err != nil {
			t.Errorf("its tree is still there: %v", err)
		}
	}
}

// A tar that was expanded gives its disk space back.
func TestExpandGivesRoomBack(t *testing.T) {
	t.Parallel()
	a := newTestAttempt(t, New(Options{MaxFiles: 2, MaxSize: 10, ExpandTars: true}))
	root, err := a.stage.Sink.Mkdir(a.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	for _, name := range []string{"a", "bc"} {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(name)), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write([]byte(name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), root.WriteFile("x.tar", text.Bytes(), 0o600), a.disk.Reserve(int64(text.Len()))); err != nil {
		t.Fatal(err)
	}
	if err := a.expand(t.Context(), root, nil); err != nil || a.disk.Reserved() != 3 {
		t.Errorf("%d bytes are promised, %v", a.disk.Reserved(), err)
	}
}

// An error that was found is not hidden by a download that fails later.
func TestOutcome(t *testing.T) {
	t.Parallel()
	cut, changed, noRanges := &fetch.TruncatedError{Err: io.EOF}, &fetch.ChangedError{}, &fetch.RangeError{}
	refused, limit, room, digest := &unpack.RefusedError{}, &unpack.LimitError{}, &fetch.WriteError{Err: &spool.QuotaError{}}, &DigestError{}
	other := errors.New("other")
	name := &nameError{other}
	for i, tt := range []struct{ err, download, want error }{
		{nil, nil, nil},
		{nil, cut, cut},
		{other, nil, other},
		{other, cut, cut},
		{refused, nil, refused},
		{refused, cut, refused},
		{limit, cut, limit},
		{room, cut, room},
		{digest, cut, digest},
		{name, cut, name},
		{refused, changed, changed},
		{refused, noRanges, noRanges},
	} {
		if got := outcome(tt.err, tt.download); !errors.Is(got, tt.want) {
			t.Errorf("%d: got %v, want %v", i, got, tt.want)
		}
	}
}
