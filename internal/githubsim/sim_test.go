package githubsim

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// reply is the head of an answer.
type reply struct {
	StatusCode int
	Header     http.Header
}

// ask sends a request, and returns the answer, nil if there is none, and its body or error.
// headers are pairs.
func ask(t *testing.T, method, url string, headers ...string) (*reply, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return nil, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	head := &reply{res.StatusCode, res.Header}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return head, err.Error()
	}
	return head, string(body)
}

func setUp(t *testing.T, opt Options) (*Sim, *Run) {
	t.Helper()
	s := New(opt)
	t.Cleanup(s.Close)
	s.AddToken("tok", "o/r", Read)
	r := s.AddRepo("o/r")
	return s, r.AddRun(Run{Workflow: r.AddWorkflow("CI", ".github/workflows/ci.yml")})
}

func TestPagesLinkToEachOther(t *testing.T) {
	t.Parallel()
	s, run := setUp(t, Options{})
	for i := range 65 {
		run.AddArtifact(Artifact{Name: fmt.Sprint("a", i%2)})
	}
	for _, tt := range []struct {
		query string
		items int
		rels  string
	}{
		{"", 30, "next last"}, {"?page=2", 30, "prev next last first"}, {"?page=3", 5, "prev first"}, {"?page=9", 0, "prev first"},
		{"?per_page=100", 65, ""}, {"?per_page=1000", 65, ""}, {"?name=a0&per_page=20", 20, "next last"}, {"?name=none", 0, ""},
	} {
		res, body := ask(t, http.MethodGet, s.APIURL+"/repos/o/r/actions/artifacts"+tt.query, "Authorization", "Bearer tok")
		var list struct{ Artifacts []any }
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			t.Fatal(err)
		}
		var rels []string
		for link := range strings.SplitSeq(res.Header.Get("Link"), ", ") {
			if _, rel, ok := strings.Cut(link, `rel="`); ok {
				rels = append(rels, strings.TrimSuffix(rel, `"`))
			}
		}
		if len(list.Artifacts) != tt.items || strings.Join(rels, " ") != tt.rels {
			t.Errorf("%q: %d items, links %q; want %d, %q", tt.query, len(list.Artifacts), rels, tt.items, tt.rels)
		}
	}
}

func TestConditionalRequestsAreFree(t *testing.T) {
	t.Parallel()
	s, run := setUp(t, Options{})
	url := fmt.Sprintf("%s/repos/o/r/actions/runs/%d", s.APIURL, run.ID)
	first, _ := ask(t, http.MethodGet, url, "Authorization", "Bearer tok")
	again, body := ask(t, http.MethodGet, url, "Authorization", "Bearer tok", "If-None-Match", first.Header.Get("ETag"))
	third, _ := ask(t, http.MethodGet, url, "Authorization", "Bearer tok")
	if again.StatusCode != http.StatusNotModified || body != "" || third.Header.Get("X-Ratelimit-Used") != "2" {
		t.Errorf("%d %q, %s used", again.StatusCode, body, third.Header.Get("X-Ratelimit-Used"))
	}
}

// The texts of runs and artifacts are kept, and so are compressed lists: what changes is in
// the next answer all the same.
func TestChangesShowAtOnce(t *testing.T) {
	t.Parallel()
	s, old := setUp(t, Options{Gzip: true})
	run := old.repo.AddRun(Run{Workflow: old.Workflow, Status: "in_progress"})
	a := run.AddArtifact(Artifact{Name: "a"})
	old.AddArtifact(Artifact{Name: "b"})
	for _, step := range []struct {
		what string
		do   func()
		has  []string // runs and artifacts hold one of these each, and did not before
	}{
		{"nothing", func() {}, []string{`"status":"in_progress"`, `"expired":false`}},
		{"the run ends", func() { s.Finish(run, "failure") }, []string{`"conclusion":"failure"`, ""}},
		{"a second attempt", func() { run.AddArtifact(Artifact{Name: "a"}) }, []string{`"run_attempt":2`, `"total_count":3`}},
		{"an artifact expires", func() { s.Expire(a, true) }, []string{"", `"expired":true`}},
		{"a run is deleted", func() { old.repo.DeleteRun(old.ID) }, []string{`"total_count":1`, `"total_count":2`}},
	} {
		lists := func() (texts [2]string) {
			for i, list := range []string{"runs", "artifacts"} {
				_, texts[i] = ask(t, http.MethodGet, s.APIURL+"/repos/o/r/actions/"+list, "Authorization", "Bearer tok")
			}
			return texts
		}
		before := lists()
		step.do()
		for i, text := range lists() {
			if want := step.has[i]; !strings.Contains(text, want) || want != "" && step.what != "nothing" && strings.Contains(before[i], want) {
				t.Errorf("%s: %s, and before %s; want %s", step.what, text, before[i], want)
			}
		}
	}
}

func TestStorage(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s, run := setUp(t, Options{Now: func() time.Time { return now }})
	a := run.AddArtifact(Artifact{Name: "a", Blob: Bytes([]byte("0123456789"))})
	res, _ := ask(t, http.MethodGet, fmt.Sprintf("%s/repos/o/r/actions/artifacts/%d/zip", s.APIURL, a.ID), "Authorization", "Bearer tok")
	url := res.Header.Get("Location")
	whole, _ := ask(t, http.MethodGet, url)
	etag := whole.Header.Get("ETag")
	for name, tt := range map[string]struct {
		method, url string
		headers     []string
		status      int
		body        string
	}{
		"whole":         {"GET", url, nil, 200, "0123456789"},
		"head":          {"HEAD", url, nil, 200, ""},
		"range":         {"GET", url, []string{"Range", "bytes=2-4"}, 206, "234"},
		"open range":    {"GET", url, []string{"Range", "bytes=7-"}, 206, "789"},
		"suffix":        {"GET", url, []string{"Range", "bytes=-2"}, 206, "89"},
		"past the end":  {"GET", url, []string{"Range", "bytes=8-99"}, 206, "89"},
		"bad range":     {"GET", url, []string{"Range", "bytes=10-"}, 416, "InvalidRange"},
		"match":         {"GET", url, []string{"If-Match", etag, "Range", "bytes=0-0"}, 206, "0"},
		"no match":      {"GET", url, []string{"If-Match", `"x"`}, 412, "ConditionNotMet"},
		"a token":       {"GET", url, []string{"Authorization", "Bearer tok"}, 400, "InvalidAuthenticationInfo"},
		"bad signature": {"GET", strings.Replace(url, "sig=", "sig=0", 1), nil, 403, "AuthenticationFailed"},
		"no signature":  {"GET", s.StorageURL + "/x", nil, 403, "AuthenticationFailed"},
		"put":           {"PUT", url, nil, 405, "UnsupportedHttpVerb"},
	} {
		res, body := ask(t, tt.method, tt.url, tt.headers...)
		if res.StatusCode != tt.status || !strings.Contains(body, tt.body) || tt.status == 206 && body != tt.body {
			t.Errorf("%s: %d %q", name, res.StatusCode, body)
		}
	}
	now = now.Add(2 * time.Minute)
	if res, _ := ask(t, http.MethodGet, url); res.StatusCode != http.StatusForbidden {
		t.Errorf("an expired URL: %d", res.StatusCode)
	}
}

// Redirects take their time, too.
func TestFirstByteOfRedirects(t *testing.T) {
	t.Parallel()
	const delay = 20 * time.Millisecond
	s, run := setUp(t, Options{})
	a := run.AddArtifact(Artifact{Name: "a", Blob: Zip()})
	s.Fault(Fault{Host: API, FirstByte: delay})
	start := time.Now()
	res, _ := ask(t, http.MethodGet, fmt.Sprintf("%s/repos/o/r/actions/artifacts/%d/zip", s.APIURL, a.ID), "Authorization", "Bearer tok")
	if took := time.Since(start); res.StatusCode != http.StatusFound || took < delay {
		t.Errorf("%d after %s", res.StatusCode, took)
	}
}

// A host that is far away takes a round trip for the connection, one for TLS, and one for
// each request.
func TestDistance(t *testing.T) {
	t.Parallel()
	const trip = 10 * time.Millisecond
	s := New(Options{TLS: true, APIRoundTrip: trip})
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA())
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	for _, least := range []time.Duration{3 * trip, trip} {
		start := time.Now()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.APIURL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if took := time.Since(start); took < least || res.ProtoMajor != 2 {
			t.Errorf("took %s, want at least %s, by %s", took, least, res.Proto)
		}
	}
	if n := s.Connections(API); n != 1 || s.Connections(Storage) != 0 || s.Resumed(API) != 0 {
		t.Errorf("%d connections", n)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s, run := setUp(t, Options{})
	a := run.AddArtifact(Artifact{Name: "a", Blob: Bytes([]byte("0123456789"))})
	for name, tt := range map[string]struct {
		f      Fault
		status int
		body   string
	}{
		"status":      {Fault{Status: 503, Body: "busy"}, 503, "busy"},
		"cut":         {Fault{Cut: 3}, 200, "unexpected EOF"},
		"corrupt":     {Fault{Corrupt: 1}, 200, "1123456789"},
		"stall":       {Fault{Stall: 3, Resume: time.Millisecond}, 200, "0123456789"},
		"ignored":     {Fault{IgnoreRange: true}, 200, "0123456789"},
		"expired":     {Fault{Expire: true}, 403, "AuthenticationFailed"},
		"primary":     {Fault{PrimaryLimit: time.Minute}, 403, "API rate limit exceeded"},
		"secondary":   {Fault{SecondaryLimit: time.Minute}, 403, "secondary rate limit"},
		"another one": {Fault{Path: "/nowhere", Status: 500}, 206, "0"},
	} {
		url := s.signedURL(a.key())
		tt.f.Host = Storage
		s.Fault(tt.f)
		headers := []string{"Range", "bytes=0-0"}
		if tt.f.Cut > 0 || tt.f.Corrupt > 0 || tt.f.Stall > 0 {
			headers = nil
		}
		res, body := ask(t, http.MethodGet, url, headers...)
		if res.StatusCode != tt.status || !strings.Contains(body, tt.body) {
			t.Errorf("%s: %d %q", name, res.StatusCode, body)
		}
		if res, body := ask(t, http.MethodGet, url); res.StatusCode != http.StatusOK || body != "0123456789" {
			t.Errorf("after %s: %d %q", name, res.StatusCode, body)
		}
	}
	s.Fault(Fault{Host: Storage, Mute: true})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.signedURL(a.key()), nil)
	if res, err := http.DefaultClient.Do(req); !errors.Is(err, context.DeadlineExceeded) { //nolint:bodyclose // there is no answer
		t.Errorf("a mute storage answered %v, %v", res, err)
	}
	s.Fault(Fault{Host: Storage, Drop: true, Skip: 1, Times: 2})
	url := s.signedURL(a.key())
	for i, want := range []bool{true, false, false, true} {
		// A POST is not sent again by net/http itself.
		if res, _ := ask(t, http.MethodPost, url); (res != nil) != want {
			t.Errorf("request %d: answered %v", i, res != nil)
		}
	}
	s.Fault(Fault{Host: Storage, Status: 503, Skip: 1, Every: 3, Times: 2})
	for i, want := range []int{200, 503, 200, 200, 503, 200, 200, 200} {
		if res, _ := ask(t, http.MethodGet, url); res.StatusCode != want {
			t.Errorf("request %d: %d, want %d", i, res.StatusCode, want)
		}
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	s, run := setUp(t, Options{})
	s.AddPrivateRepo("o/private")
	s.AddToken("none", "o/r", None)
	a := run.AddArtifact(Artifact{Name: "a"})
	one := fmt.Sprintf("/repos/o/r/actions/artifacts/%d", a.ID)
	for _, tt := range []struct {
		method, path, token string
		status              int
	}{
		{"GET", one, "", 200}, {"GET", one + "/zip", "", 401}, {"GET", one, "wrong", 401}, {"GET", one, "none", 403}, {"GET", one, "tok", 200},
		{"DELETE", one, "tok", 403}, {"GET", one + "/tar", "tok", 404}, {"GET", "/repos/o/private", "tok", 404}, {"GET", "/repos/o/none", "tok", 404},
		{"GET", "/repos/O/R/actions/runs", "tok", 200}, {"GET", "/nowhere", "tok", 404},
	} {
		var headers []string
		if tt.token != "" {
			headers = []string{"Authorization", "Bearer " + tt.token}
		}
		if res, body := ask(t, tt.method, s.APIURL+tt.path, headers...); res.StatusCode != tt.status {
			t.Errorf("%s %s as %q: %d %s", tt.method, tt.path, tt.token, res.StatusCode, body)
		}
	}
	if log := s.Log(); len(log) != 11 || s.Count(API) != 11 || s.Count(Storage) != 0 || log[4].Bytes == 0 {
		t.Errorf("the log has %d requests", len(log))
	}
}

func TestBigZipIsAZip(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ count, size int }{{250, 5000}, {66_000, 10}, {4_500, 2_000_000}} { // the latter two are zip64
		b := BigZip(tt.count, tt.size, 7)
		z, err := zip.NewReader(b, b.Size())
		if err != nil || len(z.File) != tt.count {
			t.Fatal(err)
		}
		for _, i := range []int{0, 1, tt.count - 1} {
			r, err := z.File[i].Open()
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(r); err != nil || len(body) != tt.size {
				t.Errorf("file %d of %d: %d bytes, %v", i, tt.count, len(body), err)
			}
		}
	}
	b := BigZip(250, 5000, 7)
	all := make([]byte, b.Size())
	if _, err := b.ReadAt(all, 0); err != nil {
		t.Fatal(err)
	}
	part := make([]byte, 3333)
	if _, err := b.ReadAt(part, 4321); err != nil || !bytes.Equal(part, all[4321:4321+3333]) {
		t.Errorf("a part differs from the whole: %v", err)
	}
	if n, err := b.ReadAt(part, b.Size()-10); n != 10 || !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %d, %v", n, err)
	}
}
