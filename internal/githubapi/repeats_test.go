package githubapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// filler makes an object long enough to be remembered.
var filler = strings.Repeat("x", minRepeat)

// again returns an object with a value that comes again and again, and is kept at times.
func again(value string) string {
	o := `{"x":"` + filler + `","a":` + value + `}`
	return `{"x":` + o + `,"x":` + o + `,"a":` + o + `,"a":` + o + `,"x":{"a":` + o + `},"b":[{"c":` + o + `},{"x":` + o + `}],"c":` + o + `}`
}

// reading returns what a clip keeps of an answer.
func reading(t *testing.T, in io.Reader, seen *repeats) (string, error) {
	t.Helper()
	c := clip{names: wanted, repeats: seen}
	fault, err := c.read(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(c.kept), fault
}

// after returns a text after so many blanks, which shift the end of the first read.
func after(blanks int, text string) io.Reader {
	return io.MultiReader(strings.NewReader(strings.Repeat(" ", blanks)), strings.NewReader(text))
}

// checkRepeats checks that what is kept of a text, and its fault, are the same with and
// without remembering.
func checkRepeats(t *testing.T, text string, blanks int) (string, error) {
	t.Helper()
	kept, fault := reading(t, after(blanks, text), nil)
	remembered, with := reading(t, after(blanks, text), newRepeats())
	if kept != remembered || !errors.Is(with, fault) {
		t.Fatalf("%.200q after %d blanks: kept %.200q, %v; want %.200q, %v", text, blanks, remembered, with, kept, fault)
	}
	return kept, fault
}

// An object that comes again is treated as it was before, unless it is kept now, has another
// end, or is too deep.
func TestRepeats(t *testing.T) {
	t.Parallel()
	object := func(members string) string { return `{"x":"` + filler + `"` + members + `}` }
	o, long := object(`,"a":1`), object(`,"a":"`+strings.Repeat("y", 8<<10)+`"`)
	kept, dropped := `"a":`+o+`,"a":`+o, `"x":`+o+`,"x":`+o
	lists := func(depth int, text string) string {
		return strings.Repeat("[", depth) + text + strings.Repeat("]", depth)
	}
	deep := object(`,"a":` + lists(5000, ""))
	var forks strings.Builder
	for i := range 3 * len(repeats{}.slots) {
		o := fmt.Sprintf(`{"a":"%d%s","x":%s}`, i, filler, long)
		forks.WriteString(`,{"a":` + o + `,"x":` + o + `,"b":` + o + `,"c":` + o + `}`)
	}
	for name, text := range map[string]string{
		"kept":                    `{` + kept + `,"b":` + o + `,"c":` + o + `}`,
		"dropped, then kept":      `{` + dropped + `,"a":` + o + `,"b":` + o + `}`,
		"kept, then dropped":      `{` + kept + `,"x":` + o + `,"b":2}`,
		"nothing kept":            `{"a":` + object("") + `,"b":` + object("") + `,"c":` + object("") + `}`,
		"other members":           `{` + kept + `,"b":` + object(`,"a":2`) + `,"c":` + object(`,"a":2`) + `,"b":` + object(`,"a":2`) + `,"c":` + o + `}`,
		"the same and more":       `{` + kept + `,"b":` + object(`,"a":1,"b":2`) + `}`,
		"the same within":         `{` + kept + `,"b":` + object(`,"a":`+o) + `,"b":` + object(`,"a":`+o) + `,"b":` + object(`,"a":`+o) + `}`,
		"in lists":                `{"a":[` + o + `,` + o + `,` + o + `],` + kept + `,"b":[` + o + `,` + o + `]}`,
		"blanks":                  `{` + kept + ` , "b" : ` + o + ` , "c" : ` + o + ` } `,
		"cut":                     `{` + kept + `,"b":` + o[:len(o)-1],
		"cut after it":            `{` + kept + `,"b":` + o,
		"no JSON after it":        `{` + kept + `,"b":` + o + `:}`,
		"no JSON":                 `{` + kept + `,"b":` + object(`,"a":01`) + `}`,
		"a list as its end":       `{` + kept + `,"b":` + o[:len(o)-1] + `]}`,
		"larger than remembered":  again(`[` + strings.Repeat(`"`+filler+`",`, maxRepeat/minRepeat) + `1]`),
		"long texts":              again(`"` + strings.Repeat("y", 8<<10) + `"`),
		"many":                    `{"a":[{}` + forks.String() + `]}`,
		"within itself":           again(again(again("1"))),
		"as deep as possible":     `{"a":` + deep + `,"a":` + deep + `,"a":` + deep + `}`,
		"too deep again":          `{"a":` + deep + `,"a":` + deep + `,"b":` + lists(4999, `{"c":`+deep+`}`) + `}`,
		"as deep, then less deep": `{"b":` + lists(4000, `{"c":`+deep+`,"c":`+deep+`}`) + `,"a":` + deep + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, blanks := range []int{0, 64<<10 - 1, 64<<10 - len(text)/2, 64<<10 - len(text) + 1} {
				_, fault := checkRepeats(t, text, max(blanks, 0))
				if valid := json.Valid([]byte(text)); valid != (fault == nil) {
					t.Errorf("%v, but valid is %t", fault, valid)
				}
			}
			whole, fault := reading(t, strings.NewReader(text), newRepeats())
			for pieces, in := range map[string]io.Reader{
				"halves": iotest.HalfReader(strings.NewReader(text)), "bytes": iotest.OneByteReader(strings.NewReader(text)),
				"the end with the rest": iotest.DataErrReader(strings.NewReader(text)),
			} {
				if got, err := reading(t, in, newRepeats()); got != whole || !errors.Is(err, fault) {
					t.Errorf("in %s: kept %.200q, %v; want %.200q, %v", pieces, got, err, whole, fault)
				}
			}
		})
	}
}

// What is remembered of an answer is bounded, however many objects it has.
func TestRepeatsAreBounded(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString(`{"a":[0`)
	for i := range 4 * len(repeats{}.slots) {
		o := fmt.Sprintf(`{"x":"%d%s","y":"%s"}`, i, filler, strings.Repeat("z", i*1000%(2*maxRepeat)))
		text.WriteString(`,{"x":` + o + `,"y":` + o + `}`)
	}
	text.WriteString(`]}`)
	seen, remembered := newRepeats(), 0
	if _, fault := reading(t, strings.NewReader(text.String()), seen); fault != nil {
		t.Fatal(fault)
	}
	for _, r := range seen.slots {
		if r.raw == nil {
			continue
		}
		remembered++
		if !json.Valid(r.raw) || cap(r.raw) > 2*maxRepeat {
			t.Errorf("%d bytes are remembered as %.80q", cap(r.raw), r.raw)
		}
	}
	if remembered < len(seen.slots)/2 {
		t.Errorf("%d objects are remembered", remembered)
	}
}
