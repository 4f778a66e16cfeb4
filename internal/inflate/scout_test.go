package inflate

import (
	"bytes"
	"compress/flate"
	"math/rand/v2"
	"slices"
	"testing"
)

// searchIn lets a Scout look at a part of a stream, and zeros behind it: a block that ends within
// the last bytes of a Scout's data is decoded in one way, and not in another.
func (s *Scout) searchIn(src []byte, from, until int64) {
	const zeros = 64
	n := copy(s.input[:len(s.input)-zeros], src[from:])
	s.data = s.input[:n+zeros]
	clear(s.data[n:])
	s.from, s.until = from, until
	s.ended.Store(false)
	s.search()
}

// scoutWays compares what Scouts find in a stream in all ways, from several bytes on, with
// what they find without assembly. It returns how often they find a block.
func scoutWays(t *testing.T, src []byte) (found int) {
	t.Helper()
	want, got := borrow(t), borrow(t)
	for from := int64(0); from < int64(len(src)); from += max(int64(len(src))/2, 1000) {
		want.d.way = portable
		want.searchIn(src, from, int64(len(src)))
		if want.start >= 0 {
			found++
		}
		for _, got.d.way = range []way{best, packed} {
			got.searchIn(src, from, int64(len(src)))
			if !got.equal(want) {
				t.Errorf("way %d, from byte %d: %d steps, bits %d to %d; without assembly %d steps, bits %d to %d",
					got.d.way, from, got.n, got.start, got.end, want.n, want.start, want.end)
			}
		}
	}
	return found
}

// borrow returns a Scout for the time of a test.
func borrow(t *testing.T) *Scout {
	t.Helper()
	s := unused.Get().(*Scout) //nolint:forcetypeassert // nothing else is in it
	t.Cleanup(func() {
		s.d.way = best
		unused.Put(s)
	})
	return s
}

// equal reports whether two Scouts found the same.
func (s *Scout) equal(other *Scout) bool {
	if s.start < 0 || other.start < 0 {
		return s.start == other.start
	}
	return s.start == other.start && s.end == other.end && s.last == other.last &&
		slices.Equal(s.steps[:s.n], other.steps[:other.n]) && bytes.Equal(s.found(), other.found())
}

// found returns the literals of all steps.
func (s *Scout) found() []byte {
	n := uint32(0)
	for _, st := range s.steps[:s.n] {
		n += st.literals
	}
	return s.literals[:n]
}

func TestScoutWays(t *testing.T) {
	t.Parallel()
	data, src := large()
	for _, tt := range []struct {
		name  string
		src   []byte
		finds bool
	}{
		{"data like that of the benchmarks", src, true},
		{"fast", deflate(t, 1, data[:512<<10]), true},
		{"only literals", deflate(t, flate.HuffmanOnly, text(512<<10)), true},
		{"as many steps as there is room for", manySteps(maxSteps - 2), true},
		{"too many steps", manySteps(maxSteps - 1), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if found := scoutWays(t, tt.src); found > 0 != tt.finds {
				t.Errorf("it found a block %d times", found)
			}
		})
	}
}

// A Scout gives up where much looks like a header and is none.
func TestScoutGivesUp(t *testing.T) {
	t.Parallel()
	s := borrow(t)
	for _, tt := range []struct {
		name  string
		src   []byte
		least int
		most  int
	}{
		{"noise", noise(2 * searched), 0, mostGuesses * 3 / 4},
		{"zeros", make([]byte, 2*searched), 0, mostGuesses * 3 / 4},
		{"text", text(2 * searched), 0, mostGuesses * 3 / 4},
		{"two bytes", bytes.Repeat([]byte{0x10, 0x90}, searched), mostGuesses, mostGuesses + candidateBits},
	} {
		if s.searchIn(tt.src, 0, int64(len(tt.src))); s.guesses < tt.least || s.guesses > tt.most {
			t.Errorf("%s: it read %d headers", tt.name, s.guesses)
		}
	}
}

// codeBlocks returns a stream of blocks whose codes no compressor would choose, after a stored
// block that lets all distances lead to somewhere.
func codeBlocks(r *rand.Rand) []byte {
	var w bitWriter
	w.stored(40_000)
	for range 2 + r.IntN(8) {
		lit, dist := randomCode(r, 257+r.IntN(maxLit-256)), randomCode(r, 2+r.IntN(deflateFormat.maxDist-1))
		if lit[256] == 0 {
			other := slices.IndexFunc(lit, func(n uint8) bool { return n > 0 })
			lit[256], lit[other] = lit[other], 0
		}
		w.header(0, lit, dist)
		w.symbols(r, lit, dist, 1000+r.IntN(3000))
		w.symbol(lit, 256)
	}
	w.bits(1, 3)
	w.done()
	w.bits(0xffff<<16, 32)
	return w.done()
}

// FuzzScout compares the ways to decode such streams, sound or not.
func FuzzScout(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, uint32(0))
		f.Add(seed, uint32(400_000+seed*1000))
	}
	f.Fuzz(func(t *testing.T, seed uint64, flip uint32) {
		src := codeBlocks(rand.New(rand.NewPCG(seed, 6)))
		if at := int(flip / 8); flip > 0 && at < len(src) {
			src[at] ^= 1 << (flip % 8)
		}
		if found := scoutWays(t, src); found == 0 && flip == 0 {
			t.Error("it found no block")
		}
	})
}
