package unpack

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/artifetch/artifetch/internal/inflate"
)

// arriving is a reader that lacks some bytes, which have not arrived yet. It fails if the
// archive reads bytes that it has released.
type arriving struct {
	released
	there atomic.Int64 // bytes before this offset
	ahead atomic.Int64 // how many reads were of other bytes than those that follow the last one
	next  atomic.Int64
}

func (r *arriving) Has(off, n int64) bool { return off+n <= r.there.Load() }

func (r *arriving) ReadAt(p []byte, off int64) (int, error) {
	if r.next.Swap(off+int64(len(p))) != off {
		r.ahead.Add(1)
	}
	return r.released.ReadAt(p, off)
}

// numbers returns text that deflates to a third, and not the same for each seed.
func numbers(seed uint64, size int) string {
	r := rand.New(rand.NewPCG(seed, 7))
	var b strings.Builder
	for b.Len() < size {
		b.WriteString("0123456789"[r.IntN(10):])
		b.WriteString(" value=\n"[:1+r.IntN(8)])
	}
	return b.String()[:size]
}

// While a core is idle, scouts read a large entry ahead, but nothing that has not arrived.
func TestScouts(t *testing.T) {
	t.Parallel()
	body := numbers(1, 12<<20)
	z := liar{entries: []lie{{name: "large", body: body, deflate: true}}}
	data := z.bytes()
	if len(data) < worthScouts {
		t.Fatalf("only %d bytes", len(data))
	}
	for _, tt := range []struct {
		name   string
		there  int
		scouts int
		ahead  bool
	}{
		{"all is there", len(data), 2, true},
		{"nothing is there", 0, 2, false},
		{"no core is idle", len(data), 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &arriving{released: released{ReaderAt: bytes.NewReader(data), t: t}}
			a, root := opened(t, r, int64(len(data)))
			r.there.Store(int64(tt.there))
			r.ahead.Store(0)
			pool := NewPool(1)
			pool.scouts = inflate.NewScouts(tt.scouts, func(int) bool { return true })
			if _, err := a.Extract(t.Context(), root, ExtractOptions{Pool: pool}); err != nil {
				t.Fatal(err)
			}
			got, err := root.ReadFile("large")
			if err != nil || string(got) != body {
				t.Errorf("%v, or other bytes", err)
			}
			// The directory and the local header are not where the data is.
			if read := r.ahead.Load() > 3; read != tt.ahead {
				t.Errorf("%d reads elsewhere", r.ahead.Load())
			}
		})
	}
}

// With scouts the same archives are refused, in the same words.
func TestScoutsRefuse(t *testing.T) {
	t.Parallel()
	body := numbers(2, 12<<20)
	sound := liar{entries: []lie{{name: "large", body: body, deflate: true}}}
	damaged := sound.bytes()
	damaged[len(damaged)/2] ^= 4
	wrong := liar{entries: []lie{{name: "large", body: body, deflate: true, crc: 1}}}
	for name, data := range map[string][]byte{"damaged": damaged, "CRC-32": wrong.bytes()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var messages []string
			for scouts := range 3 {
				a, root := opened(t, bytes.NewReader(data), int64(len(data)))
				pool := NewPool(1)
				pool.scouts = inflate.NewScouts(scouts, func(int) bool { return true })
				_, err := a.Extract(t.Context(), root, ExtractOptions{Pool: pool})
				if err == nil {
					t.Fatal("accepted")
				}
				messages = append(messages, err.Error())
			}
			if messages[0] != messages[1] || messages[0] != messages[2] {
				t.Errorf("%q", messages)
			}
		})
	}
}

// A pool has scouts for cores that no decoder uses.
func TestIdleCores(t *testing.T) {
	t.Parallel()
	p := NewPool(4)
	for _, tt := range []struct {
		decoders, scouts, cores int
		want                    bool
	}{
		{1, 0, 1, false}, {1, 0, 2, true}, {1, 1, 2, false}, {2, 0, 2, false}, {2, 1, 4, true}, {3, 1, 4, false}, {4, 0, 2, false},
	} {
		for range tt.decoders {
			<-p.free
		}
		if got := p.hasCore(tt.scouts, tt.cores); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
		for range tt.decoders {
			p.free <- &decoder{}
		}
	}
}
