package artifact

import (
	"fmt"
	"regexp"
	"testing"
	"time"
)

func TestMatches(t *testing.T) {
	t.Parallel()
	tests := []struct {
		sel  Selector
		yes  []string
		nope []string
	}{
		{Selector{}, []string{"a", "anything at all"}, nil},
		{Selector{Names: []string{"a", "b*"}}, []string{"a", "b*"}, []string{"A", "b", "bc", ""}},
		{Selector{Patterns: []string{"a*", "b?"}}, []string{"a", "abc", "bx"}, []string{"b", "xa", "A"}},
		{Selector{Patterns: []string{"{linux,macos}-[0-9]"}}, []string{"linux-1", "macos-9"}, []string{"linux-x", "windows-1"}},
		{Selector{Patterns: []string{"!*-debug"}}, []string{"a", "debug"}, []string{"a-debug"}},
		{Selector{Patterns: []string{"!a-debug", "a-*"}}, []string{"a-release"}, []string{"a-debug", "b"}},
		{Selector{Patterns: []string{"**"}}, []string{"a", ".b"}, nil},
		{Selector{Regexp: regexp.MustCompile(`-v\d+$`)}, []string{"x-v1"}, []string{"x-v1-rc", "v1"}},
	}
	for _, tt := range tests {
		wanted := tt.sel.Matcher()
		for _, n := range tt.yes {
			if !wanted(n) {
				t.Errorf("%+v: %q should match", tt.sel, n)
			}
		}
		for _, n := range tt.nope {
			if wanted(n) {
				t.Errorf("%+v: %q should not match", tt.sel, n)
			}
		}
	}
}

func TestIdle(t *testing.T) {
	t.Parallel()
	items := []Item{{Artifact: Artifact{Name: "linux-1"}}, {Artifact: Artifact{Name: "macos-1"}}}
	for want, patterns := range map[string][]string{
		"[]":              {"linux-*", "{macos,windows}-*", "!x"},
		"[windows-* mac]": {"windows-*", "*-1", "mac"},
	} {
		if got := fmt.Sprint(Selector{Patterns: patterns}.Idle(items)); got != want {
			t.Errorf("%q: got %s, want %s", patterns, got, want)
		}
	}
}

func TestPick(t *testing.T) {
	t.Parallel()
	at := func(id int64, name string, minute int) Artifact {
		return Artifact{ID: id, Name: name, CreatedAt: time.Date(2026, 1, 1, 12, minute, 0, 0, time.UTC)}
	}
	old := at(5, "old", 0)
	old.Expired = true
	all := []Artifact{at(1, "a", 1), at(2, "a", 2), at(3, "b", 3), old, at(9, "a", 0), {ID: 4, Name: "b"}}
	gone := map[int64]bool{2: true, 3: true}
	tests := map[string]struct {
		sel      Selector
		gone     map[int64]bool
		want     string // ids of Artifacts, Superseded and Expired; Missing; Others
		complete bool
	}{
		"all":                          {Selector{}, nil, "[3 2] [1 9 4] [5] [] []", true},
		"one name":                     {Selector{Names: []string{"a"}}, nil, "[2] [1 9] [] [] [b old b]", true},
		"one name, the newest gone":    {Selector{Names: []string{"a"}}, gone, "[1] [9] [2] [] [b old b]", true},
		"one name, expired":            {Selector{Names: []string{"old"}}, nil, "[] [] [5] [old] [b a a a b]", false},
		"two names, one of them gone":  {Selector{Names: []string{"a", "old"}}, nil, "[2] [1 9] [5] [old] [b b]", false},
		"a name that is not there":     {Selector{Names: []string{"c"}}, nil, "[] [] [] [c] [b a a a old b]", false},
		"pattern":                      {Selector{Patterns: []string{"?"}}, gone, "[1 4] [9] [3 2] [] [old]", true},
		"pattern that matches nothing": {Selector{Patterns: []string{"x*"}}, nil, "[] [] [] [] [b a a a old b]", false},
		"expression":                   {Selector{Regexp: regexp.MustCompile("l")}, nil, "[] [] [5] [] [b a a a b]", false},
	}
	ids := func(list []Artifact) []int64 {
		var ids []int64
		for _, a := range list {
			ids = append(ids, a.ID)
		}
		return ids
	}
	for name, tt := range tests {
		picker := tt.sel.Picker(tt.gone)
		p := picker.Pick(all)
		got := fmt.Sprint(ids(p.Artifacts), ids(p.Superseded), ids(p.Expired), p.Missing, p.Others)
		if got != tt.want || p.Complete() != tt.complete {
			t.Errorf("%s: picked %s, complete %v; want %s, %v", name, got, p.Complete(), tt.want, tt.complete)
		}
		if n := len(p.Artifacts) + len(p.Superseded) + len(p.Expired) + len(p.Others); n != len(all) {
			t.Errorf("%s: %d of %d artifacts are told", name, n, len(all))
		}
		for _, a := range all {
			one := picker.Pick([]Artifact{a})
			if counts := picker.Judge(a) == Eligible; counts != (len(one.Artifacts) == 1) {
				t.Errorf("%s: artifact %d counts in a list: %v, in a run: %v", name, a.ID, counts, !counts)
			}
		}
	}
}
