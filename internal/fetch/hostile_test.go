package fetch

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the storage has no other digest
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

// answers is an answer with these headers, in pairs, and the first n bytes of
// the blob, which may be more or fewer than the headers say.
func answers(status, n int, headers ...string) hook {
	return func(_ int, w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
		for i := 0; i < len(headers); i += 2 {
			w.Header()[headers[i]] = []string{headers[i+1]}
		}
		w.WriteHeader(status)
		_ = http.NewResponseController(w).Flush() // no length of net/http's own
		_, _ = w.Write(largeBlob()[:n])
	}
}

// Whatever sizes a storage claims, the result is an error or the right blob, after few
// requests.
func TestHostileSizes(t *testing.T) {
	t.Parallel()
	const small = 1000
	blob := largeBlob()[:small]
	overflow := strconv.FormatUint(math.MaxUint64, 10)
	for name, tt := range map[string]struct {
		first, rest hook   // rest is of all further answers; nil serves them
		want        string // part of the error; "" is the right blob
	}{
		"the largest total":               {first: answers(206, small, "Content-Range", fmt.Sprintf("bytes 0-4194303/%d", math.MaxInt64))},
		"a total that overflows":          {first: answers(206, small, "Content-Range", "bytes 0-4194303/"+overflow)},
		"an end that overflows":           {first: answers(206, small, "Content-Range", "bytes 0-"+overflow+"/"+overflow)},
		"the largest end":                 {first: answers(206, small, "Content-Range", fmt.Sprintf("bytes 0-%d/*", math.MaxInt64))},
		"1 PiB, and nothing of it":        {first: answers(206, 0, "Content-Range", fmt.Sprintf("bytes 0-%d/%d", firstPart-1, maxBlob)), rest: says(500), want: "500"},
		"1 PiB, and then what there is":   {first: answers(206, 10, "Content-Range", fmt.Sprintf("bytes 0-%d/%d", firstPart-1, maxBlob)), want: "the blob changed while it was fetched"},
		"a negative total":                {first: answers(206, small, "Content-Range", "bytes 0-999/-1000")},
		"a negative start":                {first: answers(206, small, "Content-Range", "bytes -1-999/1000")},
		"an end before the start":         {first: answers(206, small, "Content-Range", "bytes 9-0/1000")},
		"an end behind the total":         {first: answers(206, small, "Content-Range", "bytes 0-1000/1000")},
		"an end before the total":         {first: answers(206, small-1, "Content-Range", "bytes 0-998/1000")},
		"more than was asked for":         {first: answers(206, firstPart+1, "Content-Range", fmt.Sprintf("bytes 0-%d/%d", firstPart, firstPart*2))},
		"less than was asked for":         {first: answers(206, 100, "Content-Range", fmt.Sprintf("bytes 0-99/%d", firstPart*2))},
		"a later start":                   {first: answers(206, small-1, "Content-Range", "bytes 1-999/1000")},
		"a total of zero":                 {first: answers(206, 0, "Content-Range", "bytes 0-0/0")},
		"no range":                        {first: answers(206, small)},
		"of nothing":                      {first: answers(206, 0, "Content-Range", "bytes */1000")},
		"another unit":                    {first: answers(206, small, "Content-Range", "lines 0-999/1000")},
		"several ranges":                  {first: answers(206, small, "Content-Type", "multipart/byteranges; boundary=x")},
		"several ranges, for ever":        {first: answers(206, small, "Content-Type", "multipart/byteranges; boundary=x"), rest: answers(206, small, "Content-Type", "multipart/byteranges; boundary=x"), want: "an answer without Content-Range"},
		"a middle, for ever":              {first: answers(206, 10, "Content-Range", "bytes 5-14/1000"), rest: answers(206, 10, "Content-Range", "bytes 5-14/1000"), want: "sent Content-Range"},
		"416 of nothing":                  {first: answers(416, 0, "Content-Range", "bytes */0")},
		"416 of the largest":              {first: answers(416, 0, "Content-Range", fmt.Sprintf("bytes */%d", math.MaxInt64))},
		"416 of less than nothing":        {first: answers(416, 0, "Content-Range", "bytes */-1")},
		"416 for ever":                    {first: says(416), rest: says(416), want: "416"},
		"a surplus in the only part":      {first: answers(206, small+1, "Content-Range", "bytes 0-999/1000"), want: "sent more than the 1000 bytes"},
		"a large surplus":                 {first: answers(206, firstPart, "Content-Range", "bytes 0-999/1000"), want: "sent more than the 1000 bytes"},
		"too few in the only part":        {first: answers(206, small-1, "Content-Range", "bytes 0-999/1000")},
		"too few in it, for ever":         {first: answers(206, 1, "Content-Range", "bytes 0-999/1000"), rest: answers(206, 0, "Content-Range", "bytes 1-999/1000"), want: "broke off after 1 of 1000"},
		"the whole, of the largest size":  {first: answers(200, 0, "Content-Length", fmt.Sprint(math.MaxInt64)), want: "more than any blob can have"},
		"the whole, of 1 PiB":             {first: answers(200, 0, "Content-Length", fmt.Sprint(int64(maxBlob))), want: "its size was"},
		"an ETag of 100 KiB":              {first: answers(206, 10, "Content-Range", "bytes 0-999/1000", "Etag", `"`+strings.Repeat("x", 100<<10)+`"`), want: "its ETag was"},
		"a type that is none":             {first: answers(206, small-1, "Content-Range", "bytes 0-999/1000", "Content-Type", ";;;=\xff", "Content-Disposition", "\xff")},
		"no content":                      {first: says(204), want: "204"},
		"another success":                 {first: says(299), want: "299"},
		"not modified":                    {first: says(304), want: "304"},
		"a status of none":                {first: says(999)},
		"the whole after a part":          {first: answers(206, 10, "Content-Range", "bytes 0-999/1000"), rest: answers(200, small), want: "an answer without Content-Range"},
		"the whole after a part, shorter": {first: answers(206, 10, "Content-Range", "bytes 0-999/1000"), rest: answers(200, 5, "Content-Length", "5"), want: "an answer without Content-Range"},
	} {
		for _, way := range []string{"parts", "one stream", "on demand"} {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := &ranged{script: script{blob: blob}}
					s.hook = func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
						switch {
						case n == 0:
							tt.first(n, w, r, serve)
						case tt.rest != nil:
							tt.rest(n, w, r, serve)
						default:
							serve(w)
						}
					}
					o, locate := s.start(t)
					o.OneStream, o.OnDemand = way == "one stream", way == "on demand"
					info, err := readInOrder(t, o, locate)
					if n := len(s.requests()); n > 20 {
						t.Errorf("%d requests", n)
					}
					if err == nil && (info.Size != small || info.Whole && info.SHA256 != sumOf(blob)) {
						t.Errorf("a wrong blob was accepted: %+v", info)
					}
					if way != "parts" { // errors are others there
						return
					}
					if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
						t.Errorf("got %v, want %q", err, tt.want)
					}
				})
			})
		}
	}
}

// readInOrder reads a blob from front to back, and compares it with what a
// ranged storage serves.
func readInOrder(t *testing.T, o Options, locate Locate) (Info, error) {
	t.Helper()
	b, err := Open(t.Context(), o, locate, (&compared{blob: largeBlob()}).create)
	if err != nil {
		return Info{}, err
	}
	defer b.Close()
	p := make([]byte, 64<<10)
	for off := int64(0); off < min(b.Size(), firstPart); off += int64(len(p)) {
		n, err := b.ReadAt(p, off)
		if err != nil && !errors.Is(err, io.EOF) {
			return Info{}, err
		}
		if !bytes.Equal(p[:n], largeBlob()[off:off+int64(n)]) {
			t.Errorf("other bytes came at %d", off)
		}
	}
	return b.Wait()
}

// The storage's MD5 is compared if it is of the whole blob, and if the caller has no
// better digest.
func TestMD5(t *testing.T) {
	t.Parallel()
	encode := func(sum [md5.Size]byte) string { return base64.StdEncoding.EncodeToString(sum[:]) }
	right, wrong := encode(md5.Sum(largeBlob()[:blobSize])), encode(md5.Sum([]byte("x")))
	const content, whole = "Content-Md5", "X-Ms-Blob-Content-Md5"
	for name, tt := range map[string]struct {
		header, value   string
		none, oneStream bool // none: it is not asked for
		checked, fails  bool
	}{
		"right":                       {header: whole, value: right, checked: true},
		"wrong":                       {header: whole, value: wrong, fails: true},
		"not asked for":               {header: whole, value: wrong, none: true},
		"of a part":                   {header: content, value: wrong},
		"right, one stream":           {header: content, value: right, oneStream: true, checked: true},
		"wrong, one stream":           {header: content, value: wrong, oneStream: true, fails: true},
		"no MD5":                      {header: whole, value: "AAAA"},
		"no base64":                   {header: whole, value: "*"},
		"nothing":                     {header: whole},
		"not asked for, one stream":   {header: content, value: wrong, oneStream: true, none: true},
		"other headers in one stream": {header: whole, value: wrong, oneStream: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &ranged{script: script{blob: largeBlob()[:blobSize]}}
				s.hook = func(n int, w http.ResponseWriter, _ *http.Request, serve func(http.ResponseWriter)) {
					w.Header().Set(tt.header, tt.value)
					if n == 0 {
						w = &cutter{ResponseWriter: w, left: mib} // the next answer has only the rest
					}
					serve(w)
				}
				o, locate := s.start(t)
				o.MD5, o.OneStream = !tt.none, tt.oneStream
				info, err := readInOrder(t, o, locate)
				if _, differs := errors.AsType[*MD5Error](err); differs != tt.fails || err != nil && !differs || info.MD5Checked != tt.checked {
					t.Errorf("%+v, %v", info, err)
				}
			})
		})
	}
}

// A body that ends with its connection is accepted if the caller can prove that it is
// whole.
func TestOpenEnded(t *testing.T) {
	t.Parallel()
	_, srv := newStorage(t, false, "", untilClose)
	o := Options{Client: srv.Client(), OpenEnded: true}
	b, err := Open(t.Context(), o, at(srv.URL), new(kept).create)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if info, err := b.Wait(); err != nil || !info.OpenEnded || info.Size != blobSize/2 || info.SHA256 != sha256.Sum256(firstBlob[:blobSize/2]) {
		t.Errorf("%+v, %v", info, err)
	}
	// A body that broke off is resumed with an answer that has a length.
	_, srv = newStorage(t, false, `"e"`, breaksOff)
	o.Client = srv.Client()
	b, err = Open(t.Context(), o, at(srv.URL), new(kept).create)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if info, err := b.Wait(); err != nil || info.OpenEnded || info.SHA256 != sumOf(firstBlob) {
		t.Errorf("%+v, %v", info, err)
	}
}
