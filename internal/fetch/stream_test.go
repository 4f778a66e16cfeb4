package fetch

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/testdir"
)

const mib = 1 << 20

// The situations have no pauses.
var situations = map[string]struct {
	etag  string // `"e"` where empty, none where "-"
	tries int    // 3 where 0
	steps []step
	want  string   // part of the error; empty for success
	log   []string // the requests, when they matter
}{
	"whole": {log: []string{""}},

	// Connections that break.
	"cut once":                 {steps: []step{cut(2 * mib)}, log: []string{"", `bytes=2097152- "e"`}},
	"cut, weak etag":           {etag: `W/"e"`, steps: []step{cut(2 * mib)}, log: []string{"", `bytes=2097152-`}},
	"cut, no etag":             {etag: "-", steps: []step{cut(2 * mib)}, log: []string{"", `bytes=2097152-`}},
	"cut at every MiB":         {steps: []step{cut(mib), cut(mib), cut(mib)}},
	"cut before the last byte": {steps: []step{cut(blobSize - 1)}, log: []string{"", fmt.Sprintf(`bytes=%d- "e"`, blobSize-1)}},
	"cut after the last byte":  {steps: []step{cut(blobSize)}, log: []string{""}},
	"dropped":                  {steps: []step{drop, drop}, log: []string{"", "", ""}},
	"dropped for ever":         {steps: []step{drop, drop, drop, drop}, want: "after 3 tries: Get "},
	"cut at nothing, for ever": {steps: slices.Repeat([]step{cut(0)}, 4), want: "after 3 tries: the connection broke off after 0 of 3158073 bytes"},
	"cut at little, for ever": {
		steps: slices.Repeat([]step{cut(9)}, 4), want: "after 3 tries: the connection broke off after 27 of 3158073 bytes",
		log: []string{"", `bytes=9- "e"`, `bytes=18- "e"`},
	},
	"progress renews the tries":  {steps: []step{cut(9), cut(9), cut(mib), cut(9)}},
	"little by little is enough": {steps: slices.Repeat([]step{cut(mib / 2)}, 6)},
	"announces more than it has": {steps: []step{announces(blobSize)}, log: []string{"", `bytes=10- "e"`}},
	"announces less than it has": {steps: []step{announces(20), whole}, want: "its size was 20 and is now 3158073", log: []string{"", `bytes=10- "e"`, `bytes=10- "e"`}},
	"ends early every time":      {steps: slices.Repeat([]step{announces(blobSize)}, 3), want: "after 3 tries"},
	"chunked":                    {etag: "-", steps: []step{chunked(blobSize)}, log: []string{""}},
	"chunked, cut":               {steps: []step{chunked(mib)}, log: []string{"", `bytes=1048576- "e"`}},
	"chunked, the total unknown": {steps: []step{chunked(mib), answersPart("bytes 1048576-1048585/*")}, log: []string{"", `bytes=1048576- "e"`, ""}},

	// Answers without a blob.
	"expired URL":            {steps: []step{azure(403, "AuthenticationFailed")}, log: []string{"", ""}},
	"expired URL at S3":      {steps: []step{azure(400, "ExpiredToken")}, log: []string{"", ""}},
	"expired for ever":       {steps: slices.Repeat([]step{azure(403, "AuthenticationFailed")}, 3), want: `after 3 tries: the storage answered 403 Forbidden ("AuthenticationFailed") to `},
	"expired midway":         {steps: []step{cut(2 * mib), status(403, "")}, log: []string{"", `bytes=2097152- "e"`, `bytes=2097152- "e"`}},
	"another kind each time": {steps: []step{status(503, ""), cut(0), status(500, "")}, want: "500 Internal Server Error"},
	"the first time is told": {steps: []step{status(503, ""), cut(0), status(500, "")}, want: "the first time: the storage answered 503 Service Unavailable"},
	"busy":                   {steps: []step{status(503, "x"), status(429, "")}},
	"not implemented":        {steps: []step{status(501, "x")}, want: "501 Not Implemented", log: []string{""}},
	"a bad request is final": {steps: []step{azure(400, "InvalidAuthenticationInfo")}, want: `400 Bad Request ("InvalidAuthenticationInfo")`, log: []string{""}},
	"hostile code":           {steps: []step{azure(400, "\n::error::"+strings.Repeat("x", 99))}, want: `400 Bad Request to `},
	"no content":             {steps: []step{status(204, "")}, want: "204 No Content", log: []string{""}},
	"412 to nothing":         {steps: []step{status(412, "")}, want: "412 Precondition Failed", log: []string{""}},

	// Storages without ranges, and storages that answer with other ranges.
	"no ranges":                {steps: []step{cut(2 * mib), noRange(whole)}, log: []string{"", `bytes=2097152- "e"`}},
	"no ranges, cut for ever":  {steps: slices.Repeat([]step{noRange(cut(2 * mib)), noRange(cut(mib))}, 4), want: "after 3 tries: the connection broke off after 1048576"},
	"another part":             {steps: []step{cut(mib), answersPart("bytes 0-9/3158073")}, log: []string{"", `bytes=1048576- "e"`, `bytes=1048576- "e"`}},
	"another part, twice":      {tries: 4, steps: []step{cut(mib), answersPart("bytes 0-9/3158073"), answersPart("")}, log: []string{"", `bytes=1048576- "e"`, `bytes=1048576- "e"`, ""}},
	"parts for ever":           {steps: slices.Repeat([]step{answersPart("bytes 5-9/10")}, 3), want: `after 3 tries: the storage was asked for the bytes from 0 on and sent Content-Range "bytes 5-9/10"`},
	"a middle part only":       {steps: []step{cut(mib), answersPart("bytes 1048576-1048585/3158073")}},
	"a part that ends early":   {steps: []step{cut(mib), rest(false)}, log: []string{"", `bytes=1048576- "e"`, `bytes=1048586- "e"`}},
	"two lengths of a part":    {steps: []step{cut(mib), rest(true)}, log: []string{"", `bytes=1048576- "e"`, `bytes=1048576- "e"`}},
	"more than the part":       {steps: []step{cut(blobSize - 5), partOf("bytes 3158068-3158072/3158073", 10)}, want: "the storage sent more than the 3158073 bytes it announced"},
	"the whole as a part":      {steps: []step{partOf("bytes 0-3158072/3158073", blobSize)}, log: []string{""}},
	"not satisfiable, changed": {steps: []step{cut(mib), status(416, "")}, log: []string{"", `bytes=1048576- "e"`, ""}},
	"not satisfiable for ever": {steps: []step{cut(mib), status(416, ""), cut(mib), status(416, ""), cut(mib), status(416, "")}, want: "the blob changed while it was fetched: the storage answered 416"},

	// Blobs that change.
	"replaced midway":       {steps: []step{cut(mib), replaced(mib)}, log: []string{"", `bytes=1048576- "e"`, ""}},
	"replaced, no etag":     {etag: "-", steps: []step{cut(mib), replaced(2 * mib)}, want: "its size was 3158073 and is now 2097152", log: []string{"", `bytes=1048576-`, `bytes=1048576-`}},
	"a shorter 200 once":    {steps: []step{cut(2 * mib), noRange(short(mib)), noRange(whole)}, log: []string{"", `bytes=2097152- "e"`, `bytes=2097152- "e"`}},
	"a shorter 200":         {steps: []step{cut(2 * mib), noRange(short(mib)), noRange(short(mib))}, want: "its size was 3158073 and is now 1048576"},
	"a 200 of another blob": {steps: []step{cut(2 * mib), noRange(replaced(mib))}, log: []string{"", `bytes=2097152- "e"`}},
	"another with each 200": {
		steps: []step{cut(2 * mib), noRange(cutShort(100, replaced(mib+1))), noRange(cutShort(100, replaced(mib+2))), noRange(cutShort(100, replaced(mib+3)))},
		tries: 9, want: "the blob changed while it was fetched: each answer has another ETag",
	},
	"progress in a new blob":   {tries: 2, steps: []step{cut(2 * mib), noRange(cutShort(mib, replaced(3*mib))), cut(mib)}, log: []string{"", `bytes=2097152- "e"`, `bytes=1048576- "new-2"`, `bytes=2097152- "new-2"`}},
	"the same, after a 412":    {tries: 2, steps: []step{cut(2 * mib), replaced(3 * mib), cut(mib)}, log: []string{"", `bytes=2097152- "e"`, "", `bytes=1048576- "new-2"`}},
	"another ETag in a 206":    {steps: []step{cut(mib), status(412, ""), tagged(`"f"`, partOf("bytes 0-3158072/3158073", blobSize))}, log: []string{"", `bytes=1048576- "e"`, ""}},
	"replaced, If-Match unmet": {steps: []step{cut(mib), retagged(`"x"`)}, log: []string{"", `bytes=1048576- "e"`, ""}},
	"the etag turns weak":      {steps: []step{cut(mib), retagged(`W/"e"`)}, log: []string{"", `bytes=1048576- "e"`}},
	"replaced again and again": {
		steps: []step{cut(mib), replaced(3 * mib), cut(mib), replaced(2 * mib), cut(mib), replaced(3 * mib)},
		want:  "the blob changed while it was fetched: the storage answered 412",
	},

	// Redirects.
	"redirected":           {steps: []step{cut(mib), redirect("/b?sig=SECRET")}, log: []string{"", `bytes=1048576- "e"`, `bytes=1048576- "e"`}},
	"redirected for ever":  {steps: slices.Repeat([]step{redirect("/b?sig=SECRET")}, 9), want: "more than 5 redirects", log: make([]string, 6)},
	"redirected to no URL": {steps: []step{redirect("/%zz?sig=SECRET")}, want: "(a URL that cannot be parsed)"},
}

func TestStream(t *testing.T) {
	t.Parallel()
	for name := range situations {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/http2=%v", name, http2), func(t *testing.T) {
				t.Parallel()
				testSituation(t, name, http2)
			})
		}
	}
}

func testSituation(t *testing.T, name string, http2 bool) {
	t.Helper()
	tt := situations[name]
	s, srv := newStorage(t, http2, strings.TrimPrefix(cmp.Or(tt.etag, `"e"`), "-"), tt.steps...)
	f, err := os.Create(filepath.Join(testdir.InMemory(t), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var counted int64
	o := Options{
		Client:   srv.Client(),
		Policy:   httpx.Policy{MaxTries: cmp.Or(tt.tries, 3), Sleep: func(context.Context, time.Duration) error { return nil }},
		Progress: func(n int64) { counted += n },
	}
	got, err := stream(t.Context(), o, at(srv.URL+"/blob?sig=SECRET"), f)
	if tt.log != nil {
		if diff := gocmp.Diff(tt.log, s.requests()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	}
	if tt.want != "" {
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "\n") {
			t.Fatalf("got %v, want %s", err, tt.want)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	blob, _ := s.stored()
	spooled, err := os.ReadFile(f.Name())
	if err != nil || !bytes.Equal(spooled, blob) {
		t.Fatalf("the file differs from the blob: %d and %d bytes, %v", len(spooled), len(blob), err)
	}
	if got.SHA256 != sumOf(blob) || got.Size != int64(len(blob)) || counted != got.Size || got.Fetched != got.Size {
		t.Errorf("size %d, counted %d, or the digest is wrong", got.Size, counted)
	}
	if !strings.HasPrefix(name, "redirected") && got.Requests != len(s.requests()) {
		t.Errorf("%d requests of %d", got.Requests, len(s.requests()))
	}
}

// Over HTTP/1 a body can end with the connection, which looks like a cut.
func TestStreamWithoutAnyLength(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]step{"HTTP/1.1": untilClose, "1.0": claims("1.0"), "2.0": claims("2.0"), "9.9": claims("9.9")} {
		s, srv := newStorage(t, false, "", step)
		_, err := stream(t.Context(), Options{Client: srv.Client()}, at(srv.URL), discard{})
		if length, ok := errors.AsType[*LengthError](err); !ok || length.Want != -1 || len(s.requests()) != 1 {
			t.Errorf("%s: %d requests, %v; want a LengthError at once", name, len(s.requests()), err)
		}
	}
}

func TestStreamAsksForAFreshURL(t *testing.T) {
	t.Parallel()
	_, srv := newStorage(t, false, `"e"`, status(403, ""))
	var waited []time.Duration
	o := Options{Client: srv.Client(), Policy: httpx.Policy{Sleep: func(_ context.Context, d time.Duration) error { waited = append(waited, d); return nil }}}
	asked := 0
	_, err := stream(t.Context(), o, func(context.Context) (*url.URL, error) {
		asked++
		// User and password must not become an Authorization header.
		return url.Parse(fmt.Sprintf("%s/%d", strings.Replace(srv.URL, "//", "//user:pw@", 1), asked))
	}, discard{})
	if err != nil || asked != 2 {
		t.Errorf("asked %d times, %v; want 2", asked, err)
	}
	if len(waited) != 1 || waited[0] < 7*time.Second {
		t.Errorf("waited %v, want the 7 s of Retry-After", waited)
	}
}

func TestStreamLocateFails(t *testing.T) {
	t.Parallel()
	_, srv := newStorage(t, false, `"e"`, status(404, ""))
	o := Options{Client: srv.Client(), Policy: httpx.Policy{Sleep: func(context.Context, time.Duration) error { return nil }}}
	gone := errors.New("the artifact has expired")
	asked := 0
	locate := func(context.Context) (*url.URL, error) {
		if asked++; asked > 1 {
			return nil, gone
		}
		return url.Parse(srv.URL)
	}
	_, err := stream(t.Context(), o, locate, discard{})
	if !errors.Is(err, gone) || !strings.Contains(err.Error(), "404 Not Found") {
		t.Errorf("got %v, want both the error of Locate and why it was asked again", err)
	}
	if _, err = stream(t.Context(), o, locate, discard{}); err != gone { //nolint:errorlint // it must be the error itself
		t.Errorf("got %v, want Locate's error as it is", err)
	}
}

func TestStreamWriteFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		target   discard
		steps    []step
		want     error
		requests int
	}{
		"disk full":          {discard{write: &os.PathError{Op: "write", Path: "spool", Err: syscall.ENOSPC}}, nil, syscall.ENOSPC, 1},
		"network disk":       {discard{write: syscall.ETIMEDOUT}, nil, syscall.ETIMEDOUT, 1},
		"cannot start over":  {discard{truncate: syscall.EIO}, []step{cut(mib), noRange(whole)}, syscall.EIO, 2},
		"no start over, 412": {discard{truncate: syscall.EIO}, []step{cut(mib), status(412, "")}, syscall.EIO, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, srv := newStorage(t, false, `"e"`, tt.steps...)
			o := Options{Client: srv.Client(), Policy: httpx.Policy{Sleep: func(context.Context, time.Duration) error { return nil }}}
			_, err := stream(t.Context(), o, at(srv.URL), tt.target)
			if _, ok := errors.AsType[*WriteError](err); !ok || !errors.Is(err, tt.want) || len(s.requests()) != tt.requests {
				t.Errorf("%d requests, %v; want the disk's error after %d", len(s.requests()), err, tt.requests)
			}
		})
	}
}

// A date is read by the clock of the server that sent it.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	ours := time.Now()
	at := func(d time.Duration) string { return ours.Add(d).UTC().Format(http.TimeFormat) }
	for name, tt := range map[string]struct {
		value, date string
		want        time.Duration
	}{
		"none":                   {"", "", 0},
		"seconds":                {"7", "", 7 * time.Second},
		"more than is waited":    {"3600", "", maxRetryAfter},
		"by a clock an hour off": {at(time.Hour + 9*time.Second), at(time.Hour), 9 * time.Second},
		"and by one that lags":   {at(9*time.Second - time.Hour), at(-time.Hour), 9 * time.Second},
	} {
		if got := retryAfter(http.Header{"Retry-After": {tt.value}, "Date": {tt.date}}); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	req := func(u string) *http.Request {
		return httptest.NewRequestWithContext(t.Context(), http.MethodGet, u, nil)
	}
	next := req("https://user:pw@b/")
	next.Header.Set("Authorization", "x")
	next.Header.Set("Referer", "https://a/?sig=SECRET")
	if err := checkRedirect(next, []*http.Request{req("http://a/")}); err != nil || len(next.Header) != 0 || next.URL.User != nil {
		t.Errorf("http to https: %v, %v, %v", err, next.Header, next.URL)
	}
	if err := checkRedirect(req("http://c/"), []*http.Request{req("http://a/"), req("https://b/")}); err == nil {
		t.Error("https to http was followed")
	}
}
