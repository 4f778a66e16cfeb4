package fetch

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFileName(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // "no: " is before what no file can be called
		`attachment; filename="a b.txt"`:                            "a b.txt",
		`attachment; filename=plain.bin`:                            "plain.bin",
		`attachment; filename="x"; filename*=UTF-8''na%C3%AFve.txt`: "naïve.txt",
		`attachment; filename*=utf-8''a.txt; filename="b.txt"`:      "a.txt",
		`attachment; filename*=UTF-8'de'a.txt`:                      "a.txt",
		`attachment; filename*=EBCDIC''a.txt; filename="b.txt"`:     "b.txt",
		`ATTACHMENT; FileName="a.txt"`:                              "a.txt",
		`attachment; filename="../../etc/passwd"`:                   "passwd",
		`attachment; filename="/etc/passwd"`:                        "passwd",
		`attachment; filename="..\\..\\boot.ini"`:                   "boot.ini",
		`attachment; filename="C:\\dir\\boot.ini"`:                  "boot.ini",
		`attachment; filename="C:boot.ini"`:                         "boot.ini",
		`attachment; filename="1:2"`:                                "1:2",
		`attachment; filename="C:.."`:                               "",
		`attachment; filename*=UTF-8''..%2F..%2Fx`:                  "x",
		`attachment; filename*=UTF-8''%2e%2e`:                       "",
		`attachment; filename=".."`:                                 "",
		`attachment; filename="dir/"`:                               "",
		`attachment; filename=""`:                                   "",
		`attachment; filename*=UTF-8''a%0Ab`:                        "no: a\nb",
		`attachment; filename*=UTF-8''a%00b`:                        "no: a\x00b",
		`attachment; filename*=UTF-8''a%C2%85b`:                     "no: a\u0085b",
		`attachment; filename*=UTF-8''a%FFb`:                        "no: a\xffb",
		`attachment; filename="` + strings.Repeat("x", 255) + `"`:   strings.Repeat("x", 255),
		`attachment; filename="` + strings.Repeat("x", 256) + `"`:   "no: " + strings.Repeat("x", 256),
		`attachment`:                         "",
		``:                                   "",
		`;;;`:                                "",
		`attachment; filename=a; filename=b`: "",
		`inline; filename=".hidden"`:         ".hidden",
		`attachment; filename="dist.zip"; filename*=UTF-8''dist.zip;`: "dist.zip",

		// Servers send these, although they break the grammar.
		`attachment; filename=my app (1).jar`:                            "my app (1).jar",
		`attachment; filename=app@1[2].jar; size=1`:                      "app@1[2].jar",
		`attachment; filename=日本.jar`:                                    "日本.jar",
		`attachment; filename=my%20app.zip; filename*=utf-8''my app.zip`: "my app.zip",
		`attachment; filename*=UTF-8''100%.jar`:                          "100%.jar",
		`attachment; filename*=ISO-8859-1''caf%e9.jar`:                   "café.jar",
		`attachment; filename*=iso-8859-1'fr'%2e%2e%2fcaf%e9.jar`:        "café.jar",
		`attachment; filename*=UTF-8''`:                                  "",
		`attachment; filename*=x y; filename=a b.jar`:                    "a b.jar",
		`attachment; filename*=EBCDIC''a; filename=a b.jar`:              "a b.jar",
		"attachment; filename=\"caf\xe9.jar\"":                           "café.jar",
		"attachment; filename=caf\xe9 \xff.jar":                          "café ÿ.jar",
		"attachment; filename=\"a\x85b\"":                                "no: a\u0085b",
		`attachment; filename="app.jar"; foo`:                            "app.jar",
		`attachment; filename="a;b.jar"; foo`:                            "a;b.jar",
		`attachment; filename="app.jar`:                                  "app.jar",
		`attachment; filename=../a b/../c d`:                             "c d",
		`attachment; filename=a b; filename=a b`:                         "a b",
		`attachment; filename=a b; filename=c d`:                         "",
		`filename="app.jar"`:                                             "app.jar",
		`attachment; filename`:                                           "",
		`attachment; filename=`:                                          "",
		`=; =;`:                                                          "",
	}
	for in, want := range tests {
		bad, isBad := strings.CutPrefix(want, "no: ")
		if isBad {
			want = bad
		}
		if got, ok := FileName(in); got != want || ok != (want != "" && !isBad) {
			t.Errorf("FileName(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
}

func TestParseContentRange(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"bytes 0-9/10": "0 9 10", "bytes 5-9/*": "5 9 -1", "bytes 1125899906842623-1125899906842623/1125899906842624": "1125899906842623 1125899906842623 1125899906842624", "bytes 0-9/1125899906842625": "", "bytes 1125899906842624-1125899906842624/*": "", "bytes 0-9223372036854775807/*": "", "bytes 9223372036854775806-9223372036854775806/9223372036854775807": "",
		"bytes 0-9/9": "", "bytes 9-0/10": "", "bytes */10": "", "bytes -1-9/10": "", "bytes 0-9": "", "items 0-9/10": "",
		"bytes +0-9/10": "", "bytes 0-99999999999999999999/*": "", "": "", "bytes 0-9/10 ": "", "bytes 0-9/-1": "", "bytes 0-9/**": "",
	}
	for in, want := range tests {
		first, last, total, ok := parseContentRange(in)
		got := fmt.Sprint(first, last, total)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzFileName(f *testing.F) {
	for _, seed := range []string{
		`attachment; filename="../a"; filename*=UTF-8''%2e%2e`, `attachment; filename="C:\\a"`,
		`x; filename*0="a/"; filename*1="..";`, `x; filename*=utf-8''%ff%00`, `x; filename==?utf-8?q?a=2Fb?=`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		name, ok := FileName(header)
		bad := name == "" || len(name) > 255 || !utf8.ValidString(name) || strings.ContainsAny(name, "\x00\n\r\x7f")
		if ok && bad || strings.ContainsAny(name, `/\`) || name == "." || name == ".." {
			t.Errorf("%q gave %q", header, name)
		}
	})
}

func FuzzParseContentRange(f *testing.F) {
	for _, seed := range []string{"bytes 0-9/10", "bytes 5-9/*", "bytes */10", "bytes 09-9/010", "bytes 0-9223372036854775807/*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		first, last, total, ok := parseContentRange(header)
		if !ok {
			return
		}
		if first < 0 || last < first || total >= 0 && last >= total || total < -1 {
			t.Fatalf("%q: accepted %d-%d/%d", header, first, last, total)
		}
		size := "*"
		if total >= 0 {
			size = fmt.Sprint(total)
		}
		again := fmt.Sprintf("bytes %d-%d/%s", first, last, size)
		if f2, l2, t2, ok := parseContentRange(again); !ok || f2 != first || l2 != last || t2 != total {
			t.Errorf("%q reads as %q, and that as %d-%d/%d", header, again, f2, l2, t2)
		}
	})
}
