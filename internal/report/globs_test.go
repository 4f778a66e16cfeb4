package report

import "testing"

// A glob is shown as a step can use it, and on one line whatever it holds.
func TestQuotedGlob(t *testing.T) {
	t.Parallel()
	for g, want := range map[string]string{
		"**/*.so":         `"**/*.so"`,
		`a\[1\].txt`:      `'a\[1\].txt'`,
		`it's\[1\]`:       `"it's\\[1\\]"`,
		"a\\[\n]":         `"a\\[\n]"`,
		"a\\[\u202e]":     `"a\\[\u202e]"`,
		"a\\[\xff]":       `"a\\[\xff]"`,
		`日本\[1\]/page.js`: `'日本\[1\]/page.js'`,
	} {
		if got := quotedGlob(g); got != want {
			t.Errorf("%q: %s, want %s", g, got, want)
		}
	}
}
