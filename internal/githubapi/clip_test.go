package githubapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// wanted are the names of members that are kept in the tests.
var wanted = members{0: {""}, 1: {"a", "b", "c"}, 2: {"ü"}}

// Members that are not decoded are dropped, wherever they are, but what they hold has to be
// JSON all the same.
func TestClipMembers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in, kept string
		fault    error
	}{
		{`{}`, `{}`, nil},
		{`{"x":1}`, `{}`, nil},
		{`{"x":1,"a":2}`, `{"a":2}`, nil},
		{`{"a":1,"x":2}`, `{"a":1}`, nil},
		{`{"x":1,"y":2,"a":3,"x":4,"y":5,"b":6,"x":7,"y":8}`, `{"a":3,"b":6}`, nil},
		{` { "a" : [ { "x" : 1 , "b" : 2 } , { "x" : 3 } , [ ] , "," , 4 ] , "x" : 5 } `, `{"a":[{"b":2},{},[],",",4]}`, nil},
		{`{"a":",","x":1}`, `{"a":","}`, nil},
		{`{"x":{"a":[{"b":1}]},"a":{"x":{},"b":{"x":[]}}}`, `{"a":{"b":{}}}`, nil},
		{`{"a":1,"a":2}`, `{"a":1,"a":2}`, nil},
		{`{"\u0061":1,"A":2,"":3,"ü":4,"a ":5}`, `{"\u0061":1,"":3,"ü":4}`, nil},
		{`{"x":"\"}","b":"\"}"}`, `{"b":"\"}"}`, nil},
		{`[{"x":1},{"x":1}]`, `[{},{}]`, nil},
		{`{"x":[1}`, `{`, errNotJSON},
		{`{"x":[1]`, `{`, io.ErrUnexpectedEOF},
		{`{"x":[1]]`, `{`, errNotJSON},
		{`{"x":1,}`, `{`, errNotJSON},
		{`{"x":01}`, `{`, errNotJSON},
		{`{"x":-}`, `{`, errNotJSON},
		{`{"x":1e`, `{`, io.ErrUnexpectedEOF},
		{`{"x":nul`, `{`, io.ErrUnexpectedEOF},
		{`{"x":nil}`, `{`, errNotJSON},
		{`{"x":"` + "\x1f" + `"}`, `{`, errNotJSON},
		{`{"x":"\u00fg"}`, `{`, errNotJSON},
		{`{"x":"\u00f`, `{`, io.ErrUnexpectedEOF},
		{`{"a":1}{}`, `{"a":1}`, errNotJSON},
		{"{\"a\":1}\n\x00", `{"a":1}`, errNotJSON},
		{"{\x00", `{`, errNotJSON},
		{`<html>{"x":1}`, `<html>{"x":1}`, nil},
		{"307337aa\n", "307337aa\n", nil},
		{"", "", nil},
	} {
		for _, blanks := range []int{0, 64<<10 - 1, 64<<10 - 2, 64<<10 - len(tt.in)} {
			if kept, fault := checkRepeats(t, tt.in, blanks); kept != tt.kept || !errors.Is(fault, tt.fault) {
				t.Errorf("%s after %d blanks: kept %s, %v; want %s, %v", tt.in, blanks, kept, fault, tt.kept, tt.fault)
			}
		}
	}
}

// A stranger's title is cut while it arrives, wherever the reads end, and what is left is
// the same JSON.
func TestClipTexts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string // of a string in JSON, as it is sent
		cut  bool
	}{
		"empty": {"", false}, "short": {`a\"b\\`, false}, "at the edge": {strings.Repeat("x", maxRaw), false},
		"long": {strings.Repeat("x", maxRaw+1), true}, "a quote at the edge": {strings.Repeat("x", maxRaw-1) + `\"yyy`, true},
		"a backslash at the edge": {strings.Repeat("x", maxRaw-1) + `\\`, false}, "escapes": {strings.Repeat(`\u00fc`, maxRaw), true},
		"a character at the edge": {strings.Repeat("x", maxRaw-1) + "üyyy", true}, "pairs": {"x" + strings.Repeat(`\ud83d\ude00`, maxRaw), true},
		"very long": {strings.Repeat("xü", 100_000), true}, "no characters": {strings.Repeat("\x80", 100_000), true},
	} {
		in := `{"a":"` + tt.text + `","x":"` + tt.text + `","b":[7,"` + tt.text + `"],"c":"}"}`
		for pieces, r := range map[string]io.Reader{
			"whole": strings.NewReader(in), "halves": iotest.HalfReader(strings.NewReader(in)), "bytes": iotest.OneByteReader(strings.NewReader(in)),
			"the end with the rest": iotest.DataErrReader(strings.NewReader(in)),
		} {
			c := clip{names: wanted}
			if fault, err := c.read(r); fault != nil || err != nil {
				t.Fatal(name, pieces, fault, err)
			}
			if all := strings.Replace(in, `"x":"`+tt.text+`",`, "", 1); tt.cut != (string(c.kept) != all) || len(c.kept) > 2*maxRaw+100 {
				t.Errorf("%s, %s: %d bytes became %d", name, pieces, len(in), len(c.kept))
			}
			var got struct {
				A, C string
				B    []any
			}
			var want string
			_ = json.Unmarshal([]byte(`"`+tt.text+`"`), &want)
			if err := json.Unmarshal(c.kept, &got); err != nil || got.C != "}" || len(got.B) != 2 || !tt.cut && got.A != want || !strings.HasPrefix(want, strings.TrimRight(got.A, "\uFFFD")) {
				t.Errorf("%s, %s: %v, %.40q", name, pieces, err, got.A)
			}
		}
	}
}

// pruned returns a decoded value without what clip drops or cuts.
func pruned(v any) any {
	switch v := v.(type) {
	case string:
		return v[:min(len(v), maxRaw/6)]
	case []any:
		for i := range v {
			v[i] = pruned(v[i])
		}
	case map[string]any:
		for name := range v {
			if v[name] = pruned(v[name]); !wanted.has([]byte(name)) {
				delete(v, name)
			}
		}
	}
	return v
}

// FuzzClip compares what is kept of a text after so many blanks, which shift the end of the
// first read through it, with what encoding/json makes of it. It does so as well for a text
// in which this one comes again and again.
func FuzzClip(f *testing.F) {
	long := strings.Repeat("x", maxRaw)
	for _, text := range []string{
		`{"a":"b\"c\\","d":["\u00fc",{}],"e":7}`, `["` + long + `","b"]`, `{"x":"` + long + `y","b":1}`, `"\` + long + `\"y"`, `["` + long[1:] + `ü"]`, `}"]`, `"\`,
		`{"x":{"a":-0.5e+10,"b":[true,false,null]},"c":[{"x":1,"y":2}]}`, `{"a":[1}`, `{"a":01}`, `{"x":[1,2`, `{"\u0061":"\ud83d\ude00\ud83d"}`, "[\"\xff\xc3\"]",
		again(again("1")), again(`[` + again(`{"b":2}`) + `,` + again(`{"b":3}`) + `]`),
	} {
		f.Add([]byte(text), uint16(64<<10-len(text)/2))
	}
	f.Fuzz(func(t *testing.T, text []byte, blanks uint16) {
		if text = bytes.TrimLeft(text, " \t\r\n"); len(text) == 0 || strings.IndexByte(`{["`, text[0]) < 0 {
			return
		}
		checkClip(t, text, int(blanks))
		checkClip(t, []byte(again(string(text))), int(blanks))
	})
}

// checkClip compares what is kept of a text with what encoding/json makes of it.
func checkClip(t *testing.T, text []byte, blanks int) {
	t.Helper()
	kept, fault := checkRepeats(t, string(text), blanks)
	d := json.NewDecoder(bytes.NewReader(text))
	var want, got any
	first := d.Decode(&want)
	switch valid := json.Valid(text); {
	case valid != (fault == nil):
		t.Fatalf("%q: %v", text, fault)
	case !valid:
		if cut := errors.Is(first, io.ErrUnexpectedEOF); cut != errors.Is(fault, io.ErrUnexpectedEOF) {
			t.Fatalf("%q: %v, want %v", text, fault, first)
		}
		return
	case first != nil: // a number that is too large for a float64
		return
	}
	if err := json.Unmarshal([]byte(kept), &got); err != nil {
		t.Fatalf("%q: kept %q: %v", text, kept, err)
	}
	if diff := cmp.Diff(pruned(want), pruned(got)); diff != "" {
		t.Errorf("%q: %s", text, diff)
	}
}

// The names that are kept are those of all fields, also of lists and of what may be null.
func TestMembersOf(t *testing.T) {
	t.Parallel()
	var got, want []string
	for name := range strings.FieldsSeq(allMembers) {
		if name != "items" {
			want = append(want, name)
		}
	}
	for _, names := range membersOf(reflect.TypeFor[struct {
		runs      runPage
		artifacts artifactPage
	}]()) {
		got = append(got, names...)
	}
	got = slices.DeleteFunc(got, func(name string) bool { return name == "workflow_runs" || name == "artifacts" })
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" {
		t.Error(diff)
	}
}

// The options of a field's tag are no part of its name.
func TestMembersWithOptions(t *testing.T) {
	t.Parallel()
	got := membersOf(reflect.TypeFor[struct {
		ID int64 `json:"id,omitzero"`
	}]())
	if !got.has([]byte("id")) || got.has([]byte("id,omitzero")) {
		t.Errorf("kept are %q", got)
	}
}
