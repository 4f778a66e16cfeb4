package transfer

import (
	"fmt"
	"testing"

	"github.com/artifetch/artifetch/internal/unpack"
)

func TestFormatOf(t *testing.T) {
	t.Parallel()
	const archive, rawFile, page = "archive", "file", "page"
	const pk, empty, html = "PK\x03\x04\x14", "PK\x05\x06\x00", "<!DOCTYPE html>"
	named := func(name string) string { return fmt.Sprintf(`attachment; filename="%s"`, name) }
	for _, tt := range []struct {
		contentType, disposition, head string
		proved, unproved               string
		name                           string
	}{
		{"application/zip", named("dist.zip"), pk, archive, archive, "dist.zip"},
		{"application/zip", "", "", archive, archive, ""},
		{"application/zip", named("app.jar"), pk, archive, archive, "app.jar"},
		{"Application/ZIP; charset=binary", "", html, archive, archive, ""},
		{"application/zip; x", "", pk, archive, archive, ""},
		{"application/x-zip-compressed", "", "", archive, archive, ""},
		{"application/zip-compressed", "", "", archive, archive, ""},
		{"zip", "", "", archive, archive, ""},

		{"application/octet-stream", "", pk, archive, archive, ""},
		{"application/octet-stream", "", empty, archive, archive, ""},
		{"binary/octet-stream", named("Dist.ZIP"), pk, archive, archive, "Dist.ZIP"},
		{"", "attachment", pk, archive, archive, ""},
		{"", named(".."), pk, archive, archive, ""},
		{"application/x-odd", "", pk, archive, archive, ""},
		{"; ;", "", pk, archive, archive, ""},
		{"text/plain", "", empty, archive, archive, ""},

		{"application/octet-stream", named("app.jar"), pk, rawFile, rawFile, "app.jar"},
		{"application/java-archive", named("app.jar"), pk, rawFile, rawFile, "app.jar"},
		{"", named("a.zip.jar"), pk, rawFile, rawFile, "a.zip.jar"},
		{"application/octet-stream", `attachment; filename*=UTF-8''caf%C3%A9.whl`, pk, rawFile, rawFile, "café.whl"},
		{"application/octet-stream", `attachment; filename*=UTF-8''a%0Ab.jar`, pk, rawFile, rawFile, ""},
		{"application/octet-stream", `attachment; filename*=UTF-8''a%0Ab.zip`, pk, archive, archive, ""},
		{"application/octet-stream", `attachment; filename*=UTF-8''a%0Ab.html`, html, rawFile, page, ""},
		{"application/octet-stream", `attachment; filename=app (1).jar`, pk, rawFile, rawFile, "app (1).jar"},
		{"application/octet-stream", named("zip"), pk, rawFile, rawFile, "zip"},
		{"application/octet-stream", named("dist.zip"), html, rawFile, rawFile, "dist.zip"},
		{"text/html", named("report.html"), html, rawFile, rawFile, "report.html"},
		{"text/html", named("../report.html"), html, rawFile, rawFile, "report.html"},
		{"text/plain", named("empty"), "", rawFile, rawFile, "empty"},

		{"text/html", "", html, rawFile, page, ""},
		{"text/html; charset=utf-8", "inline", html, rawFile, page, ""},
		{"application/json", "", `{"message":"no"}`, rawFile, page, ""},
		{"text/plain", "", "", rawFile, page, ""},
		{"application/octet-stream", "", "", rawFile, page, ""},
		{"application/octet-stream", "", "PK", rawFile, page, ""},
		{"application/octet-stream", named(".."), "x", rawFile, page, ""},
		{"", "", "hello", rawFile, page, ""},
		{"image/png", "", "\x89PNG", rawFile, page, ""},
	} {
		for digest, want := range map[DigestState]string{
			DigestVerified: tt.proved, DigestUnchecked: tt.proved, DigestAbsent: tt.unproved, DigestMismatch: tt.unproved, DigestUnknown: tt.unproved,
		} {
			format, name, ok := formatOf(unpack.Formats, tt.contentType, tt.disposition, []byte(tt.head), digest)
			got := rawFile
			switch {
			case !ok:
				got = page
			case format != nil:
				got = archive
			}
			if got != want || name != tt.name {
				t.Errorf("%q, %q, %q, %v: %s %q, want %s %q", tt.contentType, tt.disposition, tt.head, digest, got, name, want, tt.name)
			}
		}
	}
}

func TestBeginning(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]string{"": "", "<p>": "<p>", "a\xe6\x97": "a", "日本": "日本", "\x89PNG\r\n": "", "\xff\xfe": "", "PK\x03\x04\xff": "PK\x03\x04"} {
		if got := beginning([]byte(head)); got != want {
			t.Errorf("%q: %q, want %q", head, got, want)
		}
	}
}
