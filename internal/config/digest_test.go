package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/config"
)

func TestExpectDigest(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("ab12", 16), strings.Repeat("0", 64)
	type list = []config.ExpectedDigest
	const (
		empty  = "expect-digest is empty: what it is set to has no value, and nothing would be checked; accepted: SHA-256 digests"
		digits = "is not a SHA-256 digest, which has 64 hexadecimal digits"
	)
	for name, tt := range map[string]struct {
		value string
		want  list
		fails string
	}{
		"the default":                   {value: "*"},
		"as upload-artifact gives it":   {value: a, want: list{{SHA256: a}}},
		"as GitHub's API gives it":      {value: "sha256:" + a, want: list{{SHA256: a}}},
		"capitals":                      {value: "SHA256:" + strings.ToUpper(a), want: list{{SHA256: a}}},
		"blank lines":                   {value: "\n " + a + " \r\n\n\t" + b, want: list{{SHA256: a}, {SHA256: b}}},
		"the same twice":                {value: a + "\n" + a, want: list{{SHA256: a}, {SHA256: a}}},
		"of an artifact":                {value: a + "  dist", want: list{{SHA256: a, Artifact: "dist"}}},
		"of a binary file":              {value: a + " *dist", want: list{{SHA256: a, Artifact: "dist"}}},
		"of a starred name":             {value: a + "  *dist", want: list{{SHA256: a, Artifact: "*dist"}}},
		"one blank, a tab":              {value: a + " dist\nsha256:" + b + "\tlogs", want: list{{SHA256: a, Artifact: "dist"}, {SHA256: b, Artifact: "logs"}}},
		"a name with blanks and commas": {value: a + "  my dist, x  y", want: list{{SHA256: a, Artifact: "my dist, x  y"}}},

		"empty":             {value: "", fails: empty},
		"blank":             {value: " \n\t\n", fails: empty},
		"a name alone":      {value: "  dist", fails: `expect-digest: "dist" ` + digits},
		"no digits":         {value: "sha256:", fails: digits},
		"no digits, named":  {value: "sha256:  dist", fails: digits},
		"63 digits":         {value: a[1:], fails: digits},
		"65 digits":         {value: a + "0", fails: digits},
		"no hexadecimals":   {value: "g" + a[1:], fails: digits},
		"of SHA-1":          {value: a[:40], fails: digits},
		"of SHA-512":        {value: "sha512:" + a + a, fails: `is a digest of the unknown algorithm "sha512"`},
		"of another kind":   {value: "md5:" + a, fails: `is a digest of the unknown algorithm "md5"`},
		"in Base64":         {value: "sha256-" + a[:43] + "=", fails: digits},
		"with commas":       {value: a + "," + b, fails: digits},
		"as BSD prints it":  {value: "SHA256 (dist) = " + a, fails: digits},
		"an escaped name":   {value: `\` + a + `  a\\b`, fails: digits},
		"a star for a name": {value: a + " *", fails: "ends where the name of an artifact should be"},
		"a control":         {value: a + "  a\x1bb", fails: "holds a control character"},
		"one of two":        {value: a + "\nx", fails: `expect-digest: "x" ` + digits},
		"the default, too":  {value: "*\n" + a, fails: `expect-digest: "*" ` + digits},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := config.FromEnv(with(inputs{"expect-digest": tt.value}).lookup)
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("%v, want %q", err, tt.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, cfg.ExpectDigests); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
	e := job()
	e["GITHUB_TOKEN"] = "a-token"
	if _, err := fromArgs(config.Fetch, []string{"--expect-digest", "", "--repository", "o/r"}, e.lookup, nil); err == nil || !strings.Contains(err.Error(), "--"+empty) {
		t.Errorf("an empty flag: %v", err)
	}
	cfg, err := fromArgs(config.Fetch, []string{"--expect-digest", a, "--expect-digest=" + b + "  dist", "--repository", "o/r"}, e.lookup, nil)
	if d := cmp.Diff(list{{SHA256: a}, {SHA256: b, Artifact: "dist"}}, cfg.ExpectDigests); err != nil || d != "" {
		t.Errorf("%v, two flags (-want +got)\n%s", err, d)
	}
}
