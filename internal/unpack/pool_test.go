package unpack

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/artifetch/artifetch/internal/testdir"
)

// windowed compresses for a window of this many bytes, a power of two. The encoder has a
// smaller one, which takes less time; the frame's header declares what the decoder gets.
func windowed(t testing.TB, body []byte, window int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true), zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	// In two writes, so that the encoder does not know the size in advance.
	for _, half := range [][]byte{body[:len(body)/2], body[len(body)/2:]} {
		if _, err := w.Write(half); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	frame := b.Bytes()
	const descriptor = 5 // the window's, after the magic number and the frame's own; see RFC 8878, section 3.1.1.1.2
	frame[descriptor] = byte(bits.TrailingZeros(uint(window))-10) << 3
	var h zstd.Header
	if err := h.Decode(frame); err != nil || h.SingleSegment || h.WindowSize != uint64(window) {
		t.Fatalf("a window of %d bytes: %+v, %v", window, h, err)
	}
	return frame
}

// Memory for a window that is too large is not taken, and the message says what to do.
func TestZstdWindow(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("0123456789abcdef"), 10<<16) // 10 MiB
	tests := map[string]struct {
		window int
		entry  string // or empty: it is taken
		tar    string
	}{
		"8 MiB":  {8 << 20, "", ""},
		"16 MiB": {16 << 20, "zstd needs 16 MiB of memory to decompress it, more than the 8 MiB there are", ""},
		"32 MiB": {32 << 20, "zstd needs 32 MiB", ""},
		"64 MiB": {64 << 20, "zstd needs 64 MiB", "zstd needs 64 MiB of memory to decompress it, more than the 32 MiB there are"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entry := lie{name: "f", body: string(body), raw: windowed(t, body, tt.window), method: methodZstd}
			err := extract(t, of(entry).bytes(), filepath.Join(t.TempDir(), "dest"), NewBudget(0, 0))
			checkRefused(t, err, tt.entry)
			archive := append(tarOf(t, "a"), make([]byte, 512)...)
			_, _, err = expand(t, map[string][]byte{"x.tar.zst": windowed(t, append(archive, make([]byte, maxTrailer-4096)...), tt.window)}, nil, NewBudget(0, 0))
			checkRefused(t, err, tt.tar)
		})
	}
}

func checkRefused(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	if refused, ok := errors.AsType[*RefusedError](err); !ok || !strings.Contains(refused.Reason, want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Idle decoders of zstd take no memory in addition to that of the windows.
func TestReserveDropsIdle(t *testing.T) {
	t.Parallel()
	p := NewPool(1)
	z, err := p.zstd(t.Context(), bufio.NewReader(strings.NewReader(string(zstded("x")))), maxEntryWindow)
	if err == nil {
		err = z.Close()
	}
	if err != nil || len(p.idle) != 1 {
		t.Fatalf("%d idle, %v", len(p.idle), err)
	}
	m, err := p.reserve(t.Context(), bzip2Memory)
	if err != nil || len(p.idle) != 0 {
		t.Fatalf("%d idle, %v", len(p.idle), err)
	}
	if err := m.Close(); err != nil || !p.windows.TryAcquire(maxTarWindow) {
		t.Errorf("memory was not given back: %v", err)
	}
}

// A tar whose dictionary is too large is refused with advice, not as a damaged one.
func TestTarXZDictionary(t *testing.T) {
	t.Parallel()
	_, _, err := expand(t, map[string][]byte{"x.tar.xz": []byte(xzedLarge)}, nil, NewBudget(0, 0))
	checkRefused(t, err, "xz needs more than 64 MiB of memory")
}

// Whatever a decompressor says about damage is a refusal, and it gives its memory back.
func TestDamage(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 4000 {
		fmt.Fprint(&b, i*7919%1013, " some text that compresses ")
	}
	body := b.String()
	for name, tt := range map[string]lie{
		"zstd":      {method: methodZstd, body: body, raw: zstded(body)},
		"LZMA":      {method: methodLZMA, body: body, raw: lzmaed(body)},
		"Deflate64": {method: methodDeflate64, body: body, raw: deflated(body)},
		"XZ":        {method: methodXZ, body: file("a").body, raw: []byte(xzed)},
		"bzip2":     {method: methodBzip2, body: file("a").body, raw: []byte(bzipped)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := NewPool(1)
			tt.name = "f"
			raw := tt.raw
			for i := 4; i < len(raw); i += 1 + len(raw)/2000*5 {
				tt.raw = bytes.Clone(raw)
				tt.raw[i] ^= 1 << (i % 8)
				data := of(tt).bytes()
				a, err := Zip.Open(bytes.NewReader(data), int64(len(data)), Options{})
				if err != nil {
					t.Fatal(err)
				}
				e := only(t, a)
				dec, err := d.get(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				s := source{r: (&frontier{}).begin(input{bytes.NewReader(data)}, 0)}
				err = errors.Join(s.find(e), dec.copy(t.Context(), io.Discard, e, &s))
				if _, refused := errors.AsType[*RefusedError](err); err != nil && !refused { // a flipped bit may be one that does not count
					t.Errorf("byte %d: %v", i, err)
				}
				d.put(dec)
			}
			if !d.windows.TryAcquire(maxTarWindow) {
				t.Error("memory was not given back")
			}
		})
	}
}

// All zstd of a pool takes as much memory as the largest window, however many streams share it.
// Not parallel: what others allocate would count.
func TestZstdMemory(t *testing.T) {
	text := func(size int) []byte { return bytes.Repeat([]byte("0123456789abcdef"), size/16) }
	small, large := windowed(t, text(9<<20), maxEntryWindow), windowed(t, text(34<<20), maxTarWindow)
	pool := NewPool(64)
	if got := cap(pool.free); got != maxPool {
		t.Errorf("%d decoders", got)
	}
	before := heap()
	for range 3 {
		for _, data := range [][]byte{small, large} {
			done := make(chan error)
			for range 8 {
				go func() {
					d, err := pool.get(t.Context())
					if err != nil {
						done <- err
						return
					}
					defer pool.put(d)
					r, err := zstdFormat.open(t.Context(), d.pool, bufio.NewReader(bytes.NewReader(data)))
					if err == nil {
						_, err = io.Copy(io.Discard, r)
						err = errors.Join(err, r.Close())
					}
					done <- err
				}()
			}
			for range 8 {
				if err := <-done; err != nil {
					t.Fatal(err)
				}
			}
			if got := heap() - before; got > 48<<20 {
				t.Errorf("it holds %d MiB", got>>20)
			}
		}
	}
	runtime.KeepAlive(pool)
}

// heap returns how much memory is in use, in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A wait for memory ends with the context.
func TestZstdWaitStops(t *testing.T) {
	t.Parallel()
	pool := NewPool(2)
	if err := pool.windows.Acquire(t.Context(), maxTarWindow); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("cancelled")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	dir := testdir.InMemory(t)
	if err := os.WriteFile(filepath.Join(dir, "x.tar.zst"), zst(tarOf(t, "a")), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := ExpandTars(ctx, root, TarOptions{Pool: pool}); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

// Half of a pool's decoders work on large entries, side by side.
func TestLargeEntries(t *testing.T) {
	t.Parallel()
	var z liar
	for i := range 20 {
		z.entries = append(z.entries, lie{name: fmt.Sprint(i), body: strings.Repeat("x", unitBytes+1)})
	}
	data := z.bytes()
	a, err := Zip.Open(bytes.NewReader(data), int64(len(data)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	now, most := 0, 0
	two := make(chan struct{}) // closed once two are under way
	err = a.index.contents(&frontier{}).eachContent(t.Context(), NewPool(4), func(context.Context, *Entry, content) error {
		mu.Lock()
		now++
		if most = max(most, now); now == 2 {
			select {
			case <-two:
			default:
				close(two)
			}
		}
		mu.Unlock()
		<-two
		for range 100 {
			runtime.Gosched() // for others that should not begin
		}
		mu.Lock()
		defer mu.Unlock()
		now--
		return nil
	})
	if err != nil || most != 2 {
		t.Errorf("%d at a time, %v", most, err)
	}
}

// What a tiny archive takes is far less than what a large one may take.
// Not parallel: what others allocate would count.
func TestTinyArchiveMemory(t *testing.T) {
	for name, tt := range map[string]struct {
		entry lie
		most  uint64
	}{
		"a file": {file("a"), 64 << 10},
		"a tar":  {lie{name: "x.tar", body: string(tarOf(t, "a", "d/b"))}, 256 << 10},
	} {
		data := of(tt.entry, file("d/c")).bytes()
		var before, after runtime.MemStats
		err := inRoot(t, testdir.InMemory(t), func(root *os.Root) error {
			runtime.ReadMemStats(&before)
			defer runtime.ReadMemStats(&after)
			return extractAll(t.Context(), root, data, NewPool(2))
		})
		if took := after.TotalAlloc - before.TotalAlloc; err != nil || took > tt.most {
			t.Errorf("%s: it took %d bytes: %v", name, took, err)
		}
	}
}

// extractAll extracts an archive and expands its tars.
func extractAll(ctx context.Context, root *os.Root, data []byte, pool *Pool) error {
	a, err := Zip.Open(bytes.NewReader(data), int64(len(data)), Options{})
	if err != nil {
		return err
	}
	if _, err := a.Extract(ctx, root, ExtractOptions{Pool: pool}); err != nil {
		return err
	}
	_, err = ExpandTars(ctx, root, TarOptions{Pool: pool})
	return err
}
