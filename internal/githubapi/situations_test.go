package githubapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/search"
)

const fine Kind = -1

func TestSituations(t *testing.T) {
	t.Parallel()
	const html = "<html><title>Sign in\n to proxy</title></html>"
	tests := map[string]struct {
		do    func(context.Context, *Client) error
		steps []step
		kind  Kind
		slept string // rounded to seconds where it is a limit's; "~" is the policy's own
		text  string
	}{
		// What passes.
		"408 then fine":                 {getOne, []step{says(408, ""), good}, fine, "~", ""},
		"408 in HTML then fine":         {getOne, []step{says(408, html), good}, fine, "~", ""},
		"502 then fine":                 {getOne, []step{says(502, html), good}, fine, "~", ""},
		"503 with Retry-After":          {getOne, []step{says(503, "", "Retry-After", "9"), good}, fine, "9s", ""},
		"503 for too long":              {getOne, []step{says(503, "", "Retry-After", "900")}, ServerError, "", "503"},
		"501 is final":                  {getOne, []step{says(501, "")}, ServerError, "", "501"},
		"reset then fine":               {getOne, []step{drops, good}, fine, "~", ""},
		"body cut then fine":            {getOne, []step{cuts, good}, fine, "~", ""},
		"list cut then fine":            {listAll, []step{cuts, says(200, `{"artifacts":[]}`)}, fine, "~", ""},
		"JSON cut, then fine":           {getOne, []step{says(200, `{"id":7,"na`), good}, fine, "~", ""},
		"JSON cut in a list, then fine": {listAll, []step{says(200, `{"artifacts":[{"id":7}`), says(200, `{"artifacts":[]}`)}, fine, "~", ""},
		"JSON cut for ever":             {getOne, []step{says(200, `{`), says(200, `{`), says(200, `{`), says(200, `{`)}, Network, "~ ~ ~", "after 4 tries: unexpected EOF"},
		"nothing, then fine":            {getOne, []step{says(200, ""), good}, fine, "~", ""},
		"cut for ever":                  {getOne, []step{cuts, cuts, cuts, cuts}, Network, "~ ~ ~", "after 4 tries: unexpected EOF"},
		"download, 502 then fine":       {getURL, []step{says(502, ""), says(302, "", "Location", "https://s/x")}, fine, "~", ""},
		"delete, 502 then 404":          {remove, []step{says(502, ""), says(404, `{}`)}, fine, "~", ""},
		"delete, reset then 404":        {remove, []step{drops, says(404, `{}`)}, fine, "~", ""},
		"delete, limit then 404":        {remove, []step{says(429, "", "Retry-After", "1"), says(404, `{}`)}, NotFound, "1s", ""},
		"delete, 404":                   {remove, []step{says(404, `{"message":"Not Found"}`)}, NotFound, "", "Not Found"},
		"delete":                        {remove, []step{noted}, fine, "", ""},
		"delete, a page instead":        {remove, []step{says(200, html, "Content-Type", "text/html")}, UnexpectedAnswer, "", "Sign in to proxy"},
		"primary, 60 s":                 {getOne, []step{limited(time.Minute), good}, fine, "1m1s", ""},
		"primary, 2 min":                {getOne, []step{limited(2 * time.Minute), good}, fine, "2m1s", ""},
		"primary, 10 min":               {getOne, []step{limited(10 * time.Minute)}, PrimaryLimit, "", "until 2026-05-01 12:10:00 UTC"},
		"primary, reset is past":        {getOne, []step{limited(-time.Hour), good}, fine, "1s", ""},
		"primary, no reset":             {getOne, []step{says(403, `{}`, "X-RateLimit-Remaining", "0"), good}, fine, "1m0s", ""},
		"primary, absurd reset":         {getOne, []step{says(429, `{}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "9223372036854775807")}, PrimaryLimit, "", "until 9999"},
		"primary, by its text":          {getOne, []step{says(403, `{"message":"API rate limit exceeded for 1.2.3.4"}`), good}, fine, "1m0s", ""},
		"secondary":                     {getOne, []step{says(403, `{}`, "Retry-After", "7"), good}, fine, "7s", ""},
		"secondary goes before primary": {getOne, []step{says(403, `{}`, "Retry-After", "7", "X-RateLimit-Remaining", "0"), good}, fine, "7s", ""},
		"secondary, a date":             {getOne, []step{says(429, `{}`, "Retry-After", "Fri, 01 May 2026 12:00:30 GMT", "Date", "Fri, 01 May 2026 12:00:00 GMT"), good}, fine, "30s", ""},
		"secondary, by its text":        {getOne, []step{says(403, `{"message":"You have exceeded a secondary rate limit."}`), good}, fine, "1m0s", ""},
		"secondary, again without time": {getOne, []step{says(429, ""), says(429, ""), good}, fine, "1m0s 2m0s", ""},
		"secondary, 3 min":              {getOne, []step{says(429, "", "Retry-After", "180"), good}, fine, "3m0s", ""},
		"secondary, an hour":            {getOne, []step{says(429, "", "Retry-After", "3600")}, SecondaryLimit, "", "a pause of 1h0m0s"},
		"secondary, absurd":             {getOne, []step{says(429, "", "Retry-After", "9223372036854775807")}, SecondaryLimit, "", ""},
		"secondary with a page":         {getOne, []step{says(429, html), good}, fine, "1m0s", ""},
		"delete, limit, done":           {remove, []step{limited(time.Second), noted}, fine, "2s", ""},
		"403 is no limit":               {getOne, []step{says(403, `{"message":"Resource protected by organization SAML enforcement."}`)}, NoPermission, "", "SAML"},
		"redirected":                    {getOne, []step{says(301, "", "Location", "/repositories/1/a"), good}, fine, "", ""},
		"redirected by 302":             {getOne, []step{says(302, "", "Location", "/repositories/1/a"), good}, fine, "", ""},
		"redirected by 307":             {getOne, []step{says(307, "", "Location", "/repositories/1/a"), good}, fine, "", ""},
		"redirected too often":          {getOne, []step{says(301, "", "Location", "/1"), says(301, "", "Location", "/2"), says(301, "", "Location", "/3"), says(301, "", "Location", "/4")}, UnexpectedAnswer, "", "redirects to http://127.0.0.1"},
		"download redirected":           {getURL, []step{says(301, "", "Location", "/repositories/1/a"), says(302, "", "Location", "https://s/x")}, fine, "", ""},
		"download, 302 within the host": {getURL, []step{says(302, "", "Location", "/storage/x")}, fine, "", ""},
		"delete redirected by 301":      {remove, []step{says(301, "", "Location", "/repositories/1/a")}, UnexpectedAnswer, "", "301"},
		"delete redirected by 302":      {remove, []step{says(302, "", "Location", "/repositories/1/a")}, UnexpectedAnswer, "", "302"},
		"delete redirected by 307":      {remove, []step{says(307, "", "Location", "/repositories/1/a"), noted}, fine, "", ""},
		"redirected to another host":    {getOne, []step{says(301, "", "Location", "http://elsewhere.invalid/x?token=abc")}, UnexpectedAnswer, "", "http://elsewhere.invalid/x?token=REDACTED"},
		"redirected to another scheme":  {getOne, []step{says(301, "", "Location", "https://127.0.0.1/x")}, UnexpectedAnswer, "", "redirects to"},
		"redirected with a password": {getOne, []step{func(w http.ResponseWriter, r *http.Request) {
			says(301, "", "Location", "http://user:s3cret@"+r.Host+"/repositories/1/a")(w, r)
		}}, UnexpectedAnswer, "", "redirects to http://127.0.0.1"},
		"download, malformed Location":   {getURL, []step{says(302, "", "Location", "https://s/%zz?sig=s3cret")}, UnexpectedAnswer, "", "redirect has no valid target"},
		"download, no Location":          {getURL, []step{says(302, "")}, UnexpectedAnswer, "", "redirect has no valid target"},
		"download, the bytes themselves": {getURL, []step{says(200, strings.Repeat("PK", 1<<20))}, UnexpectedAnswer, "", "not redirect to the storage"},
		"download, expired":              {getURL, []step{says(410, `{"message":"Artifact has expired"}`)}, Gone, "", "Artifact has expired"},
		"get, expired":                   {getOne, []step{says(410, `{"message":"Artifact has expired"}`)}, Gone, "", "artifact 7"},

		// Answers that GitHub does not give.
		"a page":                    {getOne, []step{says(200, html, "Content-Type", "text/html")}, UnexpectedAnswer, "", "not JSON but text/html: Sign in to proxy"},
		"a page that says 404":      {getOne, []step{says(404, html, "Content-Type", "text/html")}, UnexpectedAnswer, "", "404 Not Found: the answer is not JSON"},
		"a page that says 401":      {getOne, []step{says(401, html)}, UnexpectedAnswer, "", "401"},
		"nothing":                   {getOne, []step{says(200, ""), says(200, ""), says(200, ""), says(200, "")}, UnexpectedAnswer, "~ ~ ~", "the answer is empty"},
		"nothing for a list":        {listAll, []step{says(200, ""), says(200, ""), says(200, ""), says(200, "")}, UnexpectedAnswer, "~ ~ ~", "the answer is empty"},
		"another's JSON":            {getOne, []step{says(200, `{"status":"ok"}`)}, UnexpectedAnswer, "", "JSON, but not GitHub's"},
		"another's JSON for a list": {listAll, []step{says(200, `{"status":"ok"}`)}, UnexpectedAnswer, "", "JSON, but not GitHub's"},
		"null for a list":           {listAll, []step{says(200, `{"artifacts":null}`)}, UnexpectedAnswer, "", "JSON, but not GitHub's"},
		"an item without id":        {listAll, []step{says(200, `{"artifacts":[{"name":"a"}]}`)}, UnexpectedAnswer, "", "JSON, but not GitHub's"},
		"wrong types":               {getOne, []step{says(200, `{"id":"7"}`)}, UnexpectedAnswer, "", "JSON, but not GitHub's"},
		"202":                       {getOne, []step{says(202, `{"id":7}`)}, UnexpectedAnswer, "", "202"},
		"404 without a body":        {getOne, []step{says(404, "")}, NotFound, "", "404 Not Found"},
		"too large":                 {getOne, []step{says(200, `{"id":[`+strings.Repeat("7,", maxKept/2)+"7]}")}, UnexpectedAnswer, "", "more than 8 MiB"},
		"no JSON, and too large":    {getOne, []step{says(200, strings.Repeat("x", maxKept+1))}, UnexpectedAnswer, "", "more than 8 MiB"},
		"a large member not read":   {getOne, []step{says(200, `{"x":[`+strings.Repeat("7,", maxKept/2)+`7],"id":7}`)}, fine, "", ""},
		"too large by its length":   {getOne, []step{says(200, "", "Content-Length", fmt.Sprint(maxAnswer+1))}, UnexpectedAnswer, "", "more than 64 MiB"},
		"a long text in it":         {getOne, []step{says(200, `{"x":"`+strings.Repeat("x", 2*maxKept)+`","id":7}`)}, fine, "", ""},
		"422 with details":          {listAll, []step{says(422, `{"message":"Validation Failed","errors":[{"field":"name","code":"invalid"},"too bad"]}`)}, InvalidRequest, "", "Validation Failed; name: invalid; too bad"},
		"pages in circles": {listAll, []step{
			says(200, `{"artifacts":[{"id":1}]}`, "Link", `<http://x/?page=2>; rel="next"`),
			says(200, `{"artifacts":[{"id":1}]}`, "Link", `<http://x/?page=2>; rel="next"`),
		}, UnexpectedAnswer, "", "page 2 links to page 2"},

		// Answers that quote what they were asked with.
		"401 quotes the token":  {getOne, []step{says(401, `{"message":"Bearer `+secret+` is bad"}`)}, BadToken, "", "Bearer *** is bad"},
		"a page quotes it":      {getOne, []step{says(200, "Authorization: Bearer "+secret, "Content-Type", "text/plain")}, UnexpectedAnswer, "", "Bearer ***"},
		"at the message's edge": {getOne, []step{says(403, `{"message":"`+strings.Repeat("x", 490)+secret+`"}`)}, NoPermission, "", "***"},
		"Location quotes it":    {getOne, []step{says(301, "", "Location", "http://elsewhere.invalid/"+secret)}, UnexpectedAnswer, "", "***"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, tt.steps...)
			err := tt.do(t.Context(), s.client)
			e, typed := errors.AsType[*Error](err)
			switch {
			case tt.kind == fine && err != nil:
				t.Fatalf("failed: %v", err)
			case tt.kind != fine && (!typed || e.Kind != tt.kind):
				t.Fatalf("got %v; want kind %v", err, tt.kind)
			case tt.kind != fine && !strings.Contains(err.Error(), tt.text):
				t.Errorf("got %q; want %q in it", err, tt.text)
			}
			if typed && strings.Contains(e.Subject, "artifact ") != (e.Artifact == 7) {
				t.Errorf("%v: Artifact is %d", err, e.Artifact)
			}
			if errors.Is(err, artifact.ErrNotFound) != (tt.kind == NotFound) {
				t.Errorf("%v: wrong about ErrNotFound", err)
			}
			if len(s.seen) != len(tt.steps) || s.client.Requests() != len(tt.steps) {
				t.Errorf("%d requests, %d counted; want %d", len(s.seen), s.client.Requests(), len(tt.steps))
			}
			if got := pauses(s.slept); got != tt.slept {
				t.Errorf("slept %q, want %q", got, tt.slept)
			}
			for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e)} {
				if strings.Contains(text, secret[:12]) || strings.Contains(text, "s3cret") {
					t.Errorf("a secret shows: %s", text)
				}
			}
		})
	}
}

// pauses formats pauses. Those below a second, or with a fraction of one, are the
// policy's random ones: it writes "~" for them.
func pauses(ds []time.Duration) string {
	var s []string
	for _, d := range ds {
		if d%time.Second != 0 {
			s = append(s, "~")
		} else {
			s = append(s, d.String())
		}
	}
	return strings.Join(s, " ")
}

// After a limit that was not waited for, the next request is sent all the same. go-github
// alone would refuse it, with another error.
func TestNoMemoryOfLimits(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]step{
		"primary":   limited(time.Hour),
		"secondary": says(403, `{"documentation_url":"https://docs.github.com/x#secondary-rate-limits"}`, "Retry-After", "3600"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, first, good)
			if err := getOne(t.Context(), s.client); err == nil {
				t.Error("a limit of an hour was no error")
			}
			if err := getOne(t.Context(), s.client); err != nil {
				t.Errorf("after the limit: %v", err)
			}
		})
	}
}

// While one request waits for a limit to end, others wait too instead of
// being sent.
func TestLimitHoldsAllBack(t *testing.T) {
	t.Parallel()
	s := newStage(t, good)
	until := s.now.Add(time.Minute)
	s.client.shared.gate.shut(until)
	s.client.shared.gate.shut(s.now.Add(time.Second)) // a shorter one changes nothing
	if err := getOne(t.Context(), s.client); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]time.Duration{time.Minute}, s.slept); diff != "" {
		t.Errorf("slept (-want +got):\n%s", diff)
	}
	if !s.client.shared.gate.until.IsZero() {
		t.Error("the gate is still shut")
	}
}

func TestListsToTheEnd(t *testing.T) {
	t.Parallel()
	next := func(n int) string {
		return fmt.Sprintf(`<http://x/?page=%d>; rel="next", <http://x/?page=9>; rel="last"`, n)
	}
	s := newStage(t,
		says(200, `{"total_count":4,"artifacts":[{"id":1,"name":"a"},{"id":2,"name":"a"}]}`, "Link", next(2)),
		says(200, `{"total_count":4,"artifacts":[{"id":3,"name":"b"}]}`, "Link", next(3)),
		says(200, `{"total_count":4,"artifacts":[{"id":4,"name":"a","digest":null,"workflow_run":null},{"id":5,"name":"a","workflow_run":{}}]}`),
	)
	all, err := allArtifacts(t.Context(), s.client, search.ArtifactQuery{Name: "a", PerPage: 500})
	var ids []int64
	for _, a := range all {
		ids = append(ids, a.ID)
	}
	if diff := cmp.Diff([]int64{1, 2, 3, 4, 5}, ids); err != nil || diff != "" || all[3].Run != nil || all[4].Run != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	want := "GET /repos/octo/app/actions/artifacts?name=a"
	if diff := cmp.Diff([]string{want + "&per_page=100", want + "&page=2&per_page=100", want + "&page=3&per_page=100"}, s.seen); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestErrorInTheMiddleOfAList(t *testing.T) {
	t.Parallel()
	s := newStage(t, says(200, `{"workflow_runs":[{"id":1,"head_repository":null,"actor":null,"conclusion":null,"path":"a.yml@main"}]}`, "Link", `<http://x/?page=2>; rel="next"`), says(410, `{}`))
	runs, err := allRuns(t.Context(), s.client, search.RunQuery{})
	want := []artifact.Run{{ID: 1, Repo: app, WorkflowPath: "a.yml", HeadRepoDeleted: true}}
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Gone || !cmp.Equal(want, runs) || runs[0].Origin() != artifact.OriginFork {
		t.Errorf("%v, %v", runs, err)
	}
}

func TestStalledBody(t *testing.T) {
	t.Parallel()
	stalls := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "500")
		_, _ = io.WriteString(w, "{")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	s := newStage(t, stalls, good)
	s.client.api.gh.Client().Transport.(*transport).idle = 20 * time.Millisecond
	if err := getOne(t.Context(), s.client); err != nil || len(s.slept) != 1 {
		t.Errorf("%v, slept %v", err, s.slept)
	}
}

// To HTTP/2, which api.github.com speaks, a broken connection is a stream
// that was reset.
func TestStreamReset(t *testing.T) {
	t.Parallel()
	n := 0
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 1 {
			panic(http.ErrAbortHandler)
		}
		if r.ProtoMajor != 2 {
			t.Errorf("spoke %s", r.Proto)
		}
		good(w, r)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	u, _ := url.Parse(srv.URL)
	c, err := New(Options{BaseURL: u, Transport: srv.Client().Transport, Policy: httpx.Policy{Sleep: func(context.Context, time.Duration) error { return nil }}})
	if err != nil {
		t.Fatal(err)
	}
	if err := getOne(t.Context(), c); err != nil || n != 2 {
		t.Errorf("%v after %d requests", err, n)
	}
}

func TestContextEndsAWait(t *testing.T) {
	t.Parallel()
	why := errors.New("the job was cancelled")
	ctx, cancel := context.WithCancelCause(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(limited(time.Minute)))
	t.Cleanup(srv.Close)
	u, _ := url.Parse(srv.URL)
	var told []time.Duration
	c, err := New(Options{
		BaseURL: u, Auth: Auth{Token: secret}, Transport: http.DefaultTransport,
		Policy: httpx.Policy{Notify: func(_ error, wait time.Duration) { told = append(told, wait); cancel(why) }},
		Now:    func() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	err = getOne(ctx, c) // sleeps with a real timer, which the context ends
	if _, typed := errors.AsType[*Error](err); typed || !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
	if len(told) != 1 || told[0] < time.Minute {
		t.Errorf("told of %v", told)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	s := newStage(t, good, says(200, `{"workflow_runs":[]}`))
	if err := s.client.Repository(t.Context(), artifact.Repo{Owner: "..", Name: "a/b?c#d"}); err != nil {
		t.Error(err)
	}
	if _, err := allRuns(t.Context(), s.client, search.RunQuery{Workflow: "..", Branch: "a&b"}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"GET /repos/%2E%2E/a%2Fb%3Fc%23d", "GET /repos/octo/app/actions/workflows/%2E%2E/runs?branch=a%26b&per_page=100"}, s.seen); diff != "" {
		t.Error(diff)
	}
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	u := &url.URL{Scheme: "https", Host: "api.github.com"}
	for name, o := range map[string]Options{
		"no URL":          {Transport: http.DefaultTransport},
		"no scheme":       {BaseURL: &url.URL{Host: "h"}, Transport: http.DefaultTransport},
		"no transport":    {BaseURL: u},
		"App, no repos":   {BaseURL: u, Transport: http.DefaultTransport, Auth: Auth{App: &App{ID: "7", PrivateKey: privateKey()}}},
		"App without key": {BaseURL: u, Transport: http.DefaultTransport, Auth: Auth{App: &App{ID: "7", Repos: []artifact.Repo{app}}}},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: passed", name)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(403, `{"message":"x"}`, "0", "1", "5")
	f.Add(429, "", "", "", "Fri, 01 May 2026 12:00:30 GMT")
	f.Add(302, "<title>", "9", "-1", "-5")
	f.Add(200, `{"artifacts":[{"id":1}]}`, "", "99999999999999999999", "1e400")
	f.Fuzz(func(t *testing.T, status int, body, remaining, reset, after string) {
		h := http.Header{"X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {reset}, "Retry-After": {after}, "Location": {body}, "Date": {reset}, "Content-Type": {after}}
		u := &url.URL{Scheme: "https", Host: "api.github.com", Path: "/"}
		x := &exchange{call: call{op: "fuzz", want: 200}, forge: gitHub, credential: secret, answer: &answer{status: status, header: h, body: []byte(body), url: u}}
		x.answer.limit = gitHubLimit(x.answer)
		e, ok := asError(x.refused())
		if !ok || len(e.Message) > 700 || strings.Contains(e.Error(), secret) {
			t.Errorf("%d bytes: %v", len(e.Message), e)
		}
		if next := x.renamed(http.MethodGet); next != nil && origin(next) != origin(u) {
			t.Errorf("followed to %s", next)
		}
		tr := &transport{maxLimitWait: 2 * time.Minute, now: time.Now}
		if x.answer.limit != nil {
			for nth := range 80 {
				if wait, worth := tr.limitWait(x.answer, nth); worth && (wait < 0 || wait > maxSecondaryWait) {
					t.Errorf("waits %v", wait)
				}
			}
		}
		_ = x.decode(new(artifactPage)) // must not panic
	})
}
