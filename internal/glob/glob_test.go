package glob

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		globs   string // separated by spaces
		yes, no string
	}{
		{"dist", "dist dist/a dist/d/b", "a/dist dists dis"},
		{"dist/", "dist/a dist/d/b dist/", "dist a/dist dists"},
		{"./dist/**", "dist/a dist/d/b", "a/dist/b"},
		{".//dist/./x", "dist/x dist/x/y", "dist/y"},
		{"./ ", "a a/b", ""},
		{"**/node_modules", "node_modules/x a/node_modules/x/y a/node_modules", "node_modulesx/y"},
		{"*.so", "a.so .so", "d/a.so a.so/x"},
		{"*", "a .a", "a/b"},
		{"**", "a a/b/c", ""},
		{"**/*.so", "a.so d/a.so d/e/a.so", "a.sox d/a.so/x"},
		{"**.so", "a.so d/a.so d/e/a.so", "a.sox"},
		{"***.so", "a.so d/a.so", "a.sox"},
		{"a**", "a ab a/b ab/c/d", "ba b/a"},
		{"a**z", "az abz a/z ab/c/yz", "azx b/az a/b"},
		{"a/b**c**d/e", "a/bcd/e a/b/c/d/e a/bxcxd/e/f a/b1/2/3c4/5d/e", "a/bd/e"},
		{"dist/*/", "dist/a/b dist/a/b/c dist/a/", "dist dist/a dista/a"},
		{"*/", "a/ a/b a/b/c a/b/", "a"},
		{"[!a]/ **/x/ a**/", "b/c a/x/y x/y a/b/c", "a b x"},
		{"!*/", "a", "a/b a/"},
		{"{lib,dist}/ doc{,s}/", "lib/a dist/a doc/a docs/a", "lib dist doc docs"},
		{"!debug *", "a", "debug debug/x a/b"},
		{"!debug", "a a/b", "debug debug/x"},
		{"!**/*.map", "a.js d/a.js", "a.map d/a.map"},
		{"a?c", "abc aéc", "ac a/c abbc"},
		{"[!a] lib[^d]", "b c libs", "a b/c libs/x libd /"},
		{"a[b-d]e", "abe ace ade", "aee a/e a-e"},
		{"a[!b]e a[^c]f", "ace abf", "abe a/e acf a/f"},
		{`[a-] [-x] [\]y] [a\-c]z`, "a - x ] y az cz -z", "b bx bz"},
		{`[a\-c]z`, "az -z cz", "bz"},
		{`[x!^*?{,}]`, "x ! ^ * ? { , }", "a"},
		{`a[*]b a[?]b \{x\} c\[d \@(1) t(x) a\|b \#a \!a x# {a\,b,c\}} \!\(x) !\!z`, "a*b a?b {x} c[d @(1) t(x) a|b #a !a x# a,b c} !(x)", "axb x cd !z"},
		{"dist{,/lib}/*", "dist/a dist/lib/a", "dist/d/a lib/a"},
		{"{.,a}", "a a/b b", ""},
		{"./{.,a}/ !b/.", "a a/b c/d", "b b/c"},
		{"{linux,macos}-[0-9]", "linux-1 macos-9", "windows-1 linux-x"},
		{"results-{1..3}", "results-1 results-3", "results-0 results-4 results-1..3"},
		{"r-{08..11}", "r-08 r-09 r-10 r-11", "r-8 r-12"},
		{"r-{9..11}", "r-9 r-10", "r-09"},
		{"r-{0..9..3}", "r-0 r-3 r-9", "r-1"},
		{"r-{10..1..3}", "r-10 r-7 r-4 r-1", "r-2 r-8"},
		{"r{-1..1}", "r-1 r0 r1", "r-2"},
		{"{a..c}{A..B}", "aA cB", "dA aC"},
		{"{c..a}", "a b c", "d"},
		{"x{,-debug}", "x x-debug", "x-"},
		{"{a,{b,c}d}e", "ae bde cde", "be ade"},
		{"{a/b,c}/*.txt", "a/b/x.txt c/x.txt", "a/x.txt"},
		{"{**/,}*.py", "a.py d/a.py", "a.pyc"},
		{"{dist,docs}", "dist/a docs/b", "src/a"},
		{"{x}", "x", "{x}"},
		{"v1.{2..3}.x", "v1.2.x v1.3.x", "v1.4.x"},
		{"日本*", "日本語", "本"},
	} {
		globs := strings.Fields(tt.globs)
		for _, g := range globs {
			if err := Check(g); err != nil {
				t.Errorf("%q is refused: it %v", g, err)
			}
		}
		s := New(globs)
		for _, name := range strings.Fields(tt.yes) {
			if !s.Match(name) {
				t.Errorf("%q does not match %q", globs, name)
			}
		}
		for _, name := range strings.Fields(tt.no) {
			if s.Match(name) {
				t.Errorf("%q matches %q", globs, name)
			}
		}
	}
	if !new(Set).Match("x") || !New(nil).Match("x") {
		t.Error("an empty list does not match everything")
	}
}

func TestSetCost(t *testing.T) {
	t.Parallel()
	if n := New([]string{"{1..9}", "a", "{1..9}*", "!{a,b}?"}).Cost(); n != 11 {
		t.Error(n)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for glob, want := range map[string]string{
		"[z-a]":                       "has the range z-a, which is empty",
		"x[a-c9-0]":                   "has the range 9-0",
		`[\]-\[]`:                     "has the range ]-[",
		"[":                           `has a [ without a ]; write \[`,
		"[a":                          `has a [ without a ]`,
		`[a\`:                         `has a [ without a ]`,
		"[a-":                         `has a [ without a ]`,
		"[]":                          `has a class that begins with ]`,
		"[]a]":                        `has a class that begins with ]`,
		"[!]":                         `has a class that begins with ]`,
		"[^]a]":                       `has a class that begins with ]`,
		"a[[]":                        `has a [ within a class`,
		"data-[[:digit:]]":            "has the POSIX class [:digit:]; write 0-9 within the brackets",
		"[^[:alpha:]_]":               "has the POSIX class [:alpha:]; write A-Za-z within",
		"[[:punct:]]":                 "has a POSIX class, which is not understood",
		"[[=a=]]":                     "has a POSIX class",
		"[[.-.]]":                     "has a POSIX class",
		"[a/b]":                       "has a slash in a class",
		`[\d]`:                        `has \d in a class`,
		"{a,b":                        `has a { without a }; write \{`,
		"{":                           `has a { without a }`,
		"{a{b}":                       `has a { without a }`,
		"a}":                          `has a } without a {; write \}`,
		"{}":                          "has braces with nothing between them",
		"{1..x}":                      "has the braces {1..x}, which are neither a list nor a range",
		"{a..F}":                      "neither a list nor a range",
		"{..}":                        "neither a list nor a range",
		"{1...3}":                     "neither a list nor a range",
		"{v1..v3}":                    "neither a list nor a range",
		"{1..3,x}":                    "has the range 1..3 in a list; write {1..3} there",
		"{x,1..3}":                    "has the range 1..3 in a list",
		"!(debug)":                    "is an extended glob; write a line of its own that begins with !",
		"a-@(x|y)":                    "is an extended glob; write {a,b}",
		"a?(x)":                       "is an extended glob; write {a,b,}",
		"*(x)":                        "is an extended glob",
		"+(x|y)":                      "is an extended glob",
		"{a,+(x)}":                    "is an extended glob",
		`dist\lib`:                    "has a backslash before a character that needs none; write / between directories",
		`a\`:                          `ends in a backslash; write / between directories, and \\ for`,
		`a\/b`:                        "has a backslash before",
		`dist\*.dll`:                  `has \*; write / between directories, and [*] for the character itself`,
		`dist\**\x`:                   `has \*; write /`,
		`lib\.git`:                    "has a backslash before a character that needs none; write / between",
		`lib\_a`:                      "has a backslash before a character that needs none",
		`node\@a`:                     "has a backslash before a character that needs none",
		`a\@b`:                        "has a backslash before a character that needs none",
		`a\!b`:                        "has a backslash before a character that needs none",
		`dist\[ab].so`:                `has a ] without a [; write \]`,
		"a]":                          `has a ] without a [`,
		`a\?`:                         `has \?; write / between directories, and [?]`,
		"x(a|b)":                      `has a |; write {a,b} for a or b, and \| for the character itself`,
		"a|b":                         "has a |",
		"{a|b,c}":                     "has a |",
		"# reports":                   `begins with #, and there are no comments; write \# for the character itself`,
		"!a":                          `begins with !`,
		"/dist":                       "begins with a slash",
		"//dist":                      "begins with a slash",
		"{/dist,docs}":                "has an alternative that begins with a slash",
		"{a,}/b":                      "has an alternative that begins with a slash",
		"../x":                        `holds the component ".."`,
		"a/../b":                      `holds the component ".."`,
		"a/..":                        `holds the component ".."`,
		"a\xff":                       "is not UTF-8",
		"":                            "is empty",
		"{1..1001}":                   "stands for more than 1000 alternatives",
		"{1..999999999}":              "stands for more than 1000 alternatives",
		"{-999999999..999999999}":     "stands for more than 1000 alternatives",
		strings.Repeat("{a,b}", 10):   "stands for more than 1000 alternatives",
		strings.Repeat("{a,b}", 800):  "stands for more than 1000 alternatives",
		strings.Repeat("a**", 11):     "stands for more than 1000 alternatives",
		strings.Repeat("x/a**b/", 10): "stands for more than 1000 alternatives",
		strings.Repeat("{", 4096):     "nests braces more than 10 deep",
		strings.Repeat("{a,", 11) + strings.Repeat("}", 11): "nests braces more than 10 deep",
		strings.Repeat("a", 4097):                           "is longer than 4096 bytes",
	} {
		for _, g := range []string{glob, "!" + glob} {
			if g == "!a" || g == "!!(debug)" {
				continue
			}
			if err := Check(g); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%.40q: got %v, want %q", g, err, want)
			}
		}
		if glob != "" && glob[0] != '!' && New([]string{glob}).Match(glob) {
			t.Errorf("%.40q is refused, and matches itself", glob)
		}
	}
	for _, glob := range []string{"{1..1000}", strings.Repeat("{a,b}", 9), strings.Repeat("a", 4096), strings.Repeat("{a,", 10) + strings.Repeat("}", 10)} {
		if err := Check(glob); err != nil {
			t.Errorf("%.40q: %v", glob, err)
		}
	}
}

func TestCheckAll(t *testing.T) {
	t.Parallel()
	many := make([]string, 10_000)
	for i := range many {
		many[i] = "!lib/{debug,release}/" + strings.Repeat("x", 40)
	}
	if err := CheckAll(many); err != nil {
		t.Error(err)
	}
	for i := range many {
		many[i] = "{1..1000}" + strings.Repeat("x", 40)
	}
	if err := CheckAll(many); err == nil || !strings.Contains(err.Error(), "more than 16 MiB") {
		t.Errorf("got %v", err)
	}
}
