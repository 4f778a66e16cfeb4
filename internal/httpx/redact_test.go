package httpx

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"https://h/a/b": "https://h/a/b",
		"https://user:pw@h/a?sig=SECRET&se=2026#x":     "https://h/a?se=REDACTED&sig=REDACTED",
		"https://h/a?page=2&per_page=100&name=dist":    "https://h/a?name=dist&page=2&per_page=100",
		"https://h/a?X-Amz-Signature=SECRET&sig=&name": "https://h/a?X-Amz-Signature=REDACTED&name=&sig=REDACTED",
		"https://h/%zz?sig=SECRET":                     "(a URL that cannot be parsed)",
	}
	for in, want := range tests {
		if got := Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRedactError(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		want string
	}{
		"url.Error": {&url.Error{Op: "Get", URL: "https://h/a?sig=SECRET", Err: io.EOF}, `Get "https://h/a?sig=REDACTED": EOF`},
		"wrapped":   {fmt.Errorf("x: %w", &url.Error{Op: "Get", URL: "https://u:SECRET@h/a", Err: io.EOF}), `x: Get "https://h/a": EOF`},
		"nested": {
			&url.Error{Op: "Get", URL: "https://h/a?page=1", Err: fmt.Errorf("to https://h/b?sig=SECRET, %w", io.EOF)},
			`Get "https://h/a?page=1": to https://h/b?sig=REDACTED EOF`,
		},
		"relative redirect": {fmt.Errorf(`bad Location "/a\"b?sig=SECRET": %w`, io.EOF), `bad Location "/a%22b?sig=REDACTED": EOF`},
		"broken redirect":   {fmt.Errorf(`bad Location "/%%zz?sig=SECRET": %w`, io.EOF), `bad Location "(a URL that cannot be parsed)": EOF`},
		"no URL":            {fmt.Errorf(`the name "x": %w`, io.EOF), `the name "x": EOF`},
	}
	for name, tt := range tests {
		got := RedactError(tt.err)
		if got.Error() != tt.want || !errors.Is(got, io.EOF) {
			t.Errorf("%s: %v\nwant %s", name, got, tt.want)
		}
	}
	if RedactError(nil) != nil {
		t.Error("nil became an error")
	}
}

// A user and a password are never shown, however the URL is spelt, whether or not it can
// be parsed, and even in a text that is no URL.
func TestRedactUserInfo(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"https://user:s3cret@h/a", "HTTPS://user:s3cret@h/a", "hTTp://user:s3cret@h", "https://s3cret@h/a", "https://user:s3cret@[::1]:80/a",
		"https://user:s3cret@[::1/a", "https://user:s3c/ret@h", "https://user:s3c%2Fret@h", "https://user:s3c@ret@h", "https://user:s3cret@h/%zz", "https://user:%zzs3cret@h",
		"https://user:s3cret@h:port/", "https://user:s3cret word@h/", "//user:s3cret@h/a", "//s3cret@h/a", "user:s3cret@h", "user:s3cret@h:80/a", "https:user:s3cret@h",
		"https:///user:s3cret@h", "https:/user:s3cret@h", "socks5://user:s3cret@h", "ftp://user:s3cret@h/a", "https://h/https://user:s3cret@h2", "https://h/a?to=https://user:s3cret@h2",
		"https://h/a#user:s3cret@h", "user%3As3cret@h", "https%3A%2F%2Fuser:s3cret@h", "http://user:s3cret@h\x00/", "https://user:s3cret@h/\x7f",
	} {
		if got := Redact(raw); leaks(got) {
			t.Errorf("Redact(%q) = %q", raw, got)
		}
		_, parse := url.Parse(raw)
		for _, err := range []error{
			&url.Error{Op: "Get", URL: raw, Err: io.EOF}, fmt.Errorf("failed to parse Location header %q: %w", raw, io.EOF), parse,
			fmt.Errorf("proxy: %w", parse), fmt.Errorf("failed to parse Location header %q: %v", raw, parse), //nolint:errorlint // as net/http does
		} {
			if err == nil || strings.Contains(err.Error(), "%!") {
				continue
			}
			if got := RedactError(err).Error(); leaks(got) {
				t.Errorf("%q shows in %q", raw, got)
			}
		}
	}
	for _, text := range []string{
		"dial tcp: lookup user:s3cret@h: no such host", "to HTTPS://user:s3cret@h/a, which", "Proxy socks5://user:s3cret@h:1", `invalid value "user:s3cret@h:80"`,
		"to //user:s3cret@h/a",
	} {
		if got := RedactError(errors.New(text)).Error(); leaks(got) {
			t.Errorf("%q became %q", text, got)
		}
	}
	// What is no secret stays.
	for _, text := range []string{
		`the name "dist@v1"`, `open "C:\\x": no such file`, "dial tcp [::1]:443: connect: connection refused", `branch "a:b"`, "mail to octo@example.com",
		`read tcp 127.0.0.1:1->127.0.0.1:2: connection reset by peer`,
	} {
		if got := RedactError(errors.New(text)).Error(); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func leaks(text string) bool {
	return strings.Contains(text, "s3c") || strings.Contains(text, "cret") || strings.Contains(text, "ret@")
}
