package fetch

import (
	"strings"
	"testing"
)

func TestErrorCode(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthenticationFailed</Code><Message>x</Message></Error>": "AuthenticationFailed",
		"<?xml version=\"1.0\"?>\n<Error>\n  <Code>SlowDown</Code>\n</Error>":                                                        "SlowDown",
		"<Error><Code>first</Code><Code>second</Code></Error>":                                                                       "first",
		"<Error><Code>broken o":                                "",
		"<Error><Code>::error::x</Code></Error>":               "",
		"<Code>" + strings.Repeat("long", 20) + "</Code>":      "",
		"<html><body>Access denied by the proxy</body></html>": "",
		`{"Code": "json"}`:                                     "",
		"":                                                     "",
	} {
		if got := errorCode([]byte(body)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}
