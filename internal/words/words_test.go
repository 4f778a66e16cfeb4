package words

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCount(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 files", 1: "1 file", 2: "2 files", 12345: "12,345 files", -1: "-1 files"} {
		if got := Count(n, "file"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestVerbs(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 files are, were", 1: "1 file is, was", 2000: "2,000 files are, were"} {
		if got := Are(n, "file") + strings.TrimPrefix(Were(n, "file"), Count(n, "file")); strings.ReplaceAll(got, " w", ", w") != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{math.MinInt64: "0 B", 0: "0 B", 999: "999 B", 24 << 20: "24 MiB", math.MaxInt64: "8.0 EiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestEnumerate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		items []string
		want  string
	}{{nil, ""}, {[]string{"a"}, "a"}, {[]string{"a", "b"}, "a or b"}, {[]string{"a", "b", "c"}, "a, b or c"}} {
		if got := Enumerate(tt.items, "or"); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.items, got, tt.want)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		first []string
		total int
		want  string
	}{
		{nil, 0, ""},
		{[]string{"a"}, 1, "a"},
		{[]string{"a", "b"}, 2, "a, b"},
		{[]string{"a", "b"}, 3, "a, b and 1 more"},
		{[]string{"a"}, 5001, "a and 5,000 more"},
	} {
		if got := List(tt.first, tt.total, ", "); got != tt.want {
			t.Errorf("%q of %d: %q, want %q", tt.first, tt.total, got, tt.want)
		}
	}
}

func TestQuoted(t *testing.T) {
	t.Parallel()
	for want, names := range map[string][]string{" and 4 more": nil, `"a" and 3 more`: {"a"}, `"a", "\n", "c", "d"`: {"a", "\n", "c", "d"}} {
		if got := Quoted(names, 4); got != want {
			t.Errorf("%q: %s, want %s", names, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		s    string
		most int
		want string
	}{
		{"abc", 3, "abc"}, {"abcdef", 5, "ab…"}, {"", 0, ""}, {"aüüü", 6, "aü…"}, {"aüüü", 5, "a…"}, {"日本語", 8, "日…"}, {"日本語", 9, "日本語"},
	} {
		if got := Cut(tt.s, tt.most); got != tt.want || !utf8.ValidString(got) {
			t.Errorf("Cut(%q, %d) is %q, want %q", tt.s, tt.most, got, tt.want)
		}
	}
}

func TestCutFits(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "a", "abcdef", "äöü€𝄞", "\xff\xfe\xfd\xfc"} {
		for most := range len(s) + 2 {
			got := Cut(s, most)
			if len(s) <= most && got != s || len(got) > max(most, len(CutMark)) || utf8.ValidString(s) && !utf8.ValidString(got) {
				t.Errorf("%q to %d: %q", s, most, got)
			}
		}
	}
}
