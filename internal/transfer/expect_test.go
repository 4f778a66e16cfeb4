package transfer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/artifact"
)

// Items and expected digests pass if and only if each item can be given a digest of its
// own, with none left over.
func TestExpectedMatchOneToOne(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	passed := 0
	for range 20_000 {
		e := &Engine{expected: make([]Expected, r.IntN(4)+1)}
		for i := range e.expected {
			e.expected[i] = Expected{SHA256: digits(r.IntN(3)), Artifact: []string{"", "a", "b"}[r.IntN(3)]}
		}
		items := make([]Item, r.IntN(4)+1)
		for i := range items {
			items[i].Artifact.Name, items[i].sum = []string{"a", "b"}[r.IntN(2)], digits(r.IntN(3))
		}
		e.opt.Expect = e.expected
		want := len(items) == len(e.expected) && matchable(items, e.expected)
		if err := errors.Join(e.foresee(items), e.matchExpected(items)); (err == nil) != want {
			t.Fatalf("%v and %v: %v, want a match: %v", names(items), e.expected, err, want)
		}
		if err := e.foresee(items); err != nil && want {
			t.Fatalf("%v and %v: %v, although they match", names(items), e.expected, err)
		}
		if want {
			passed++
		}
	}
	if passed < 100 {
		t.Errorf("only %d of the examples match", passed)
	}
}

func digits(n int) string { return strings.Repeat(fmt.Sprint(n), 64) }

func names(items []Item) (list []string) {
	for _, item := range items {
		list = append(list, item.Artifact.Name+"="+item.sum[:1])
	}
	return list
}

// matchable tries every way to give each item a digest.
func matchable(items []Item, left []Expected) bool {
	if len(items) == 0 {
		return true
	}
	for i, x := range left {
		if x.fits(items[0].Artifact.Name) && x.SHA256 == items[0].sum && matchable(items[1:], slices.Delete(slices.Clone(left), i, i+1)) {
			return true
		}
	}
	return false
}

// A digest with a name is left to other jobs only if no chosen artifact has that name, and
// one of theirs has it.
func TestOwnExpected(t *testing.T) {
	t.Parallel()
	of := func(names ...string) (list []artifact.Item) {
		for _, name := range names {
			list = append(list, artifact.Item{Artifact: artifact.Artifact{Name: name}})
		}
		return list
	}
	free, a, b, c := Expected{SHA256: "0"}, Expected{"0", "a"}, Expected{"0", "b"}, Expected{"0", "c"}
	for name, tt := range map[string]struct {
		chosen, all []artifact.Item
		want        []Expected
	}{
		"all are chosen":     {of("a", "b"), of("a", "b"), []Expected{free, a, b, c}},
		"one is another's":   {of("a"), of("a", "b"), []Expected{free, a, c}},
		"both have the name": {of("a", "b"), of("b", "a", "b"), []Expected{free, a, b, c}},
		"none is chosen":     {of(), of("a", "b"), []Expected{free, c}},
		"one without a name": {of("a"), of("a", ""), []Expected{free, a, b, c}},
		"nothing is known":   {of(), of(), []Expected{free, a, b, c}},
	} {
		if got := ownExpected([]Expected{free, a, b, c}, tt.chosen, tt.all); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// Messages name ten things at most.
func TestExpectErrorsAreShort(t *testing.T) {
	t.Parallel()
	count, unlike := &CountError{Artifacts: 1, Digests: 2000}, &ExpectError{}
	for i := range 2000 {
		x := Expected{SHA256: digits(i % 10), Artifact: strings.Repeat("x", 1000)}
		count.Spare, unlike.Unmet = append(count.Spare, x), append(unlike.Unmet, x)
		unlike.Got = append(unlike.Got, Received{Artifact: artifact.Artifact{ID: int64(i), Name: x.Artifact}, SHA256: x.SHA256})
	}
	for _, err := range []error{count, unlike} {
		if text := err.Error(); len(text) > 4<<10 || strings.Count(text, " and 1,990 more") == 0 {
			t.Errorf("%d bytes: %s", len(text), text)
		}
	}
}
