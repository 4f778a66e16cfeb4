package unpack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"

	"github.com/artifetch/artifetch/internal/testdir"
)

// broken is a reader that fails at one byte, and returns the bytes before it.
type broken struct {
	data []byte
	at   int64
	err  error
}

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if off <= b.at && b.at < off+int64(len(p)) {
		return copy(p, b.data[off:b.at]), b.err
	}
	return bytes.NewReader(b.data).ReadAt(p, off)
}

// causes are errors that a reader may fail with; the end of a connection is among them.
var causes = []error{
	io.ErrUnexpectedEOF,
	errors.New("disk on fire"),
	&net.OpError{Op: "read", Net: "tcp", Err: io.EOF},
	fmt.Errorf("the download failed: %w", fmt.Errorf("after 7 bytes: %w", io.ErrUnexpectedEOF)),
	context.Canceled,
	nil, // few bytes and no error, which breaks the contract of io.ReaderAt
}

func checkReadError(t *testing.T, at int, cause, err error) {
	t.Helper()
	if cause == nil {
		cause = io.ErrUnexpectedEOF
	}
	_, refused := errors.AsType[*RefusedError](err)
	if _, ok := errors.AsType[*ReadError](err); refused || !ok || !errors.Is(err, cause) {
		t.Fatalf("byte %d fails with %v: got %v", at, cause, err)
	}
}

// offsets returns all offsets of a short archive, and some of a long one.
func offsets(size int) (list []int) {
	for at := 0; at < size; at += 1 + size/150 {
		list = append(list, at)
	}
	return list
}

// When the reader fails, the error is not about the archive, whatever the reader's error
// is and wherever it fails.
func TestReaderFails(t *testing.T) {
	t.Parallel()
	large := make([]byte, unitBytes+64<<10)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range large {
		large[i] = byte(r.IntN(64))
	}
	archives := map[string]liar{
		"stored":          of(file("a"), dir("d/"), file("d/b")),
		"deflated":        of(with(file("a"), func(e *lie) { e.deflate = true }), link("l", "a")),
		"zstd":            of(with(file("a"), func(e *lie) { e.method, e.raw = methodZstd, zstded(e.body) })),
		"zip64":           {entries: []lie{file("a"), file("b")}, zip64: true},
		"zip64, prefix":   {entries: []lie{file("a")}, zip64: true, beside: true, prefix: program, unadjusted: true},
		"bzip2":           sole(func(e *lie) { e.method, e.raw = methodBzip2, []byte(bzipped) }),
		"LZMA":            sole(func(e *lie) { e.method, e.raw = methodLZMA, lzmaed(e.body) }),
		"Deflate64":       sole(func(e *lie) { e.method, e.raw = methodDeflate64, deflated(e.body) }),
		"twice":           of(file("a"), file("b"), file("a")),
		"another order":   {entries: []lie{file("a"), file("b"), file("c")}, backwards: true},
		"stored, large":   of(lie{name: "a", body: string(large)}),
		"deflated, large": of(lie{name: "a", body: string(large), deflate: true}),
		"zstd, large":     of(lie{name: "a", body: string(large), raw: windowed(t, large, 1<<20), method: methodZstd}),
	}
	for name, z := range archives {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, pool, dir := z.bytes(), NewPool(1), testdir.InMemory(t)
			for i, at := range offsets(len(data)) {
				for _, cause := range []error{io.EOF, causes[i%len(causes)]} {
					r := broken{data, int64(at), cause}
					checkReadError(t, at, cause, inRoot(t, dir, func(root *os.Root) error {
						a, err := Zip.Open(r, int64(len(data)), Options{})
						if err == nil {
							_, err = a.Extract(t.Context(), root, ExtractOptions{Pool: pool})
						}
						return err
					}))
					a, err := Zip.Open(r, int64(len(data)), Options{})
					if err == nil {
						err = a.Verify(t.Context(), ExtractOptions{Pool: pool})
					}
					checkReadError(t, at, cause, err)
				}
			}
		})
	}
}

// inRoot calls do with an empty directory below dir, and removes it.
func inRoot(t *testing.T, dir string, do func(*os.Root) error) error {
	t.Helper()
	dir, err := os.MkdirTemp(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	result := do(root)
	if err := errors.Join(root.Close(), os.RemoveAll(dir)); err != nil {
		t.Fatal(err)
	}
	return result
}

func TestTarReaderFails(t *testing.T) {
	t.Parallel()
	body := tarOf(t, "a", "d/b", "l -> a", "h => a")
	large := append(tarOf(t, "a"), make([]byte, 300<<10)...)
	for name, data := range map[string][]byte{
		"x.tar": body, "x.tar.gz": gz(body), "x.tgz": gz(body), "x.tar.zst": zst(body),
		"large.tar": large, "large.tar.gz": gz(large),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, dir := NewPool(1), testdir.InMemory(t)
			for i, at := range offsets(len(data)) {
				for _, cause := range []error{io.EOF, causes[i%len(causes)]} {
					checkReadError(t, at, cause, inRoot(t, dir, func(root *os.Root) error {
						x := newExpander(root, TarOptions{Budget: NewBudget(0, 0), Room: func(int64) error { return nil }, Pool: pool})
						err := x.add(t.Context(), "x", &tarStream{io.NewSectionReader(input{broken{data, int64(at), cause}}, 0, int64(len(data)))})
						return errors.Join(err, x.dirs.close())
					}))
				}
			}
		})
	}
}

// changing is a reader of another archive once the first was opened.
type changing struct {
	io.ReaderAt
	then  io.ReaderAt
	again *bool
}

func (c changing) ReadAt(p []byte, off int64) (int, error) {
	if *c.again {
		return c.then.ReadAt(p, off)
	}
	return c.ReaderAt.ReadAt(p, off)
}

// A directory that has changed when it is read again is an error, whatever it holds.
func TestDirectoryChanges(t *testing.T) {
	t.Parallel()
	flips := []byte{1, 0x80, 0xff}
	for _, backwards := range []bool{false, true} {
		z := liar{entries: []lie{file("a"), file("d/b"), link("l", "a"), file("c")}, backwards: backwards}
		data := z.bytes()
		end := len(data) - endSize
		start := end - 4*headerSize - len("ad/blc")
		pool, dir := NewPool(1), testdir.InMemory(t)
		for at := start; at < end; at++ {
			for i, flip := range flips {
				other := bytes.Clone(data)
				other[at] ^= flip
				again := false
				a, err := Zip.Open(changing{bytes.NewReader(data), bytes.NewReader(other), &again}, int64(len(data)), Options{})
				if err != nil {
					t.Fatal(err)
				}
				again = true
				a.CaseCollisions(3) // it must not panic, neither must what follows
				err = a.Verify(t.Context(), ExtractOptions{Pool: pool})
				if i == at%len(flips) { // writing is what takes time
					err = inRoot(t, dir, func(root *os.Root) error {
						_, err := a.Extract(t.Context(), root, ExtractOptions{Pool: pool})
						return err
					})
				}
				_, refused := errors.AsType[*RefusedError](err)
				_, failed := errors.AsType[*ReadError](err)
				_, exists := errors.AsType[*os.PathError](err)
				if err != nil && !refused && !failed && !exists {
					if _, through := errors.AsType[*throughError](err); !through {
						t.Errorf("byte %d: %v", at-start, err)
					}
				}
			}
		}
	}
}
