package inflate

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// followed compares follow, in all ways, with copying byte by byte.
func followed(t *testing.T, seed uint64) {
	t.Helper()
	for _, w := range []way{best, portable} {
		followedBy(t, w, seed)
	}
}

// followedBy does so with random steps, in one way.
func followedBy(t *testing.T, w way, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 5))
	// Mostly small numbers, and ends of what is copied at once.
	number := func(least, most int) int {
		switch r.IntN(4) {
		case 0:
			return least + r.IntN(most-least+1)
		case 1:
			return min(max(few+r.IntN(3)-1, least), most)
		default:
			return min(least+r.IntN(40), most)
		}
	}
	s := unused.Get().(*Scout) //nolint:forcetypeassert // nothing else is in it
	defer unused.Put(s)
	s.n, s.kept = 0, 0
	var want []byte
	bad := false
	for s.n < 1000 && !bad && len(want) < 3*outputSize {
		literals := number(0, 300)
		if r.IntN(500) == 0 {
			literals = number(0, 100_000)
		}
		if s.kept+literals > maxLiterals {
			break
		}
		for range literals {
			s.literals[s.kept] = byte(r.Uint32())
			want = append(want, s.literals[s.kept])
			s.kept++
		}
		st := step{literals: uint32(literals)}
		if r.IntN(20) > 0 {
			length, distance := number(3, 258), number(1, 32768)
			if distance > len(want) && r.IntN(50) > 0 {
				distance = max(len(want), 1)
			}
			if bad = distance > len(want); !bad {
				want = repeat(want, length, distance)
			}
			st.length, st.distance = uint16(length), uint16(distance)
		}
		s.steps[s.n] = st
		s.n++
	}
	d := Decoder{way: w}
	var b bytes.Buffer
	d.begin(&b, bytes.NewReader(nil), int64(len(want)), &deflateFormat)
	err := d.follow(s)
	if bad {
		if !errors.Is(err, ErrCorrupt) {
			t.Fatalf("way %d: %v for a distance to before the beginning", w, err)
		}
		return
	}
	if err = errors.Join(err, d.flush()); err != nil || !bytes.Equal(b.Bytes(), want) {
		t.Fatalf("way %d: %v, %d bytes of %d, or others", w, err, b.Len(), len(want))
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		followed(t, seed)
	}
}

func FuzzFollow(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(followed)
}
