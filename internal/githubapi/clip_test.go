package githubapi

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// A stranger's commit message is cut while it arrives, wherever the reads end,
// and what is left is the same JSON.
func TestClip(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string // of a string in JSON, as it is sent
		cut  bool
	}{
		"empty": {"", false}, "short": {`a\"b\\`, false}, "at the edge": {strings.Repeat("x", maxRaw), false},
		"long": {strings.Repeat("x", maxRaw+1), true}, "a quote at the edge": {strings.Repeat("x", maxRaw-1) + `\"yyy`, true},
		"a backslash at the edge": {strings.Repeat("x", maxRaw-1) + `\\`, false}, "escapes": {strings.Repeat(`\u00fc`, maxRaw), true},
		"a character at the edge": {strings.Repeat("x", maxRaw-1) + "üyyy", true}, "pairs": {"x" + strings.Repeat(`\ud83d\ude00`, maxRaw), true},
	} {
		for _, size := range []int{1, 2, 3, 7, 4096, 1 << 20} {
			var c clip
			in := `{"a":"` + tt.text + `","b":[7,"` + tt.text + `"],"c":"}"}`
			for rest := in; rest != ""; {
				n := min(size, len(rest))
				if _, err := c.Write([]byte(rest[:n])); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if tt.cut != (c.kept.String() != in) || c.kept.Len() > 2*maxRaw+100 {
				t.Errorf("%s: %d bytes became %d", name, len(in), c.kept.Len())
			}
			var got struct {
				A, C string
				B    []any
			}
			var want string
			_ = json.Unmarshal([]byte(`"`+tt.text+`"`), &want)
			if err := json.Unmarshal(c.kept.Bytes(), &got); err != nil || got.C != "}" || len(got.B) != 2 || !tt.cut && got.A != want || !strings.HasPrefix(want, strings.TrimRight(got.A, "\uFFFD")) {
				t.Errorf("%s, %d bytes at a time: %v, %.40q", name, size, err, got.A)
			}
		}
	}
}

// FuzzClip compares what is kept, written in two pieces, with what is kept byte by byte.
func FuzzClip(f *testing.F) {
	long := strings.Repeat("x", maxRaw)
	for _, text := range []string{
		`{"a":"b\"c\\","d":["\u00fc",{}],"e":7}`, `"` + long + `","b"`, `"` + long + `y","b"`, `"\` + long + `\"y"`, `["` + long[1:] + `ü"]`, `}"]`, `"\`,
	} {
		f.Add([]byte(text), uint16(len(text)/2))
	}
	f.Fuzz(func(t *testing.T, text []byte, at uint16) {
		var slow, c clip
		var want []byte
		for _, b := range text {
			if !slow.inString {
				slow.depth += strings.Count("{[", string(b)) - strings.Count("}]", string(b))
			}
			if slow.keeps(b) {
				want = append(want, b)
			}
		}
		cut := min(int(at), len(text))
		for _, piece := range [][]byte{text[:cut], text[cut:]} {
			if _, err := c.Write(piece); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(c.kept.Bytes(), want) || c.open() != slow.open() {
			t.Errorf("%d of %d bytes kept, want %d; open: %t, want %t", c.kept.Len(), len(text), len(want), c.open(), slow.open())
		}
	})
}
