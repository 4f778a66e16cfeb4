package artifact

import (
	"regexp"
	"testing"
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
		for _, n := range tt.yes {
			if !tt.sel.Matches(n) {
				t.Errorf("%+v: %q should match", tt.sel, n)
			}
		}
		for _, n := range tt.nope {
			if tt.sel.Matches(n) {
				t.Errorf("%+v: %q should not match", tt.sel, n)
			}
		}
	}
}
